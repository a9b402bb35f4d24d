"""What all endpoints share: the gallery, threads, and what is kept in memory."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import ImgsearchError
from imgsearch.storage.filters import Filters
from imgsearch.web.answers import Answers
from imgsearch.web.duplicate_search import DuplicateSearch
from imgsearch.web.exports import Exports
from imgsearch.web.galleries import Galleries
from imgsearch.web.generation import Generation, KeptLists
from imgsearch.web.reveal import Revealing
from imgsearch.web.thumbnail_files import ThumbnailFiles, default_folder
from imgsearch.web.thumbnails import Thumbnails
from imgsearch.web.uploads import Uploads
from imgsearch.web.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from starlette.requests import Request

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.gallery.overview import Overview
    from imgsearch.storage.timelines import Order, Timeline

LOG: Final = logging.getLogger(__name__)
TIMELINES: Final = 16
SMALLER_LISTS: Final = 64
PAUSE: Final = 0.3
"""Seconds without a request after which the first page is taken for drawn."""
MOST_DELAY: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What a person chose about a server.

    Attributes:
        thumbnails: folder of the cache; None for the platform's.
        links: folder in which folders of links may be made, or None.
        idle_work: whether to make thumbnails while nobody asks for anything.
        local: whether only this machine can reach the server.
    """

    thumbnails: Path | None = None
    links: Path | None = None
    idle_work: bool = True
    local: bool = True


class Service:
    """What all endpoints share; made and used in the server's own thread."""

    def __init__(
        self, open_gallery: Callable[[str | None], Gallery], options: ServiceOptions
    ) -> None:
        self.options = options
        self.workers = Workers()
        self.galleries = Galleries(open_gallery)
        self.gallery = self.galleries.browsing
        self.generation = Generation(self.gallery, self.workers.looking)
        self.timelines = KeptLists(self.generation, self.workers.looking, most=TIMELINES)
        self.lists = KeptLists(self.generation, self.workers.looking, most=SMALLER_LISTS)
        # One that is only made to be looked at may take seconds, and is asked for once a page.
        self.maps = KeptLists(self.generation, self.workers.looking, most=1, slows=False)
        files = ThumbnailFiles(options.thumbnails or default_folder())
        self.thumbnails = Thumbnails(self.gallery, files, self.workers)
        self.uploads = Uploads()
        self.receiving = asyncio.Semaphore(2)
        self.answers = Answers(self.uploads)
        self.exports = Exports()
        self.duplicates = DuplicateSearch(lambda: open_gallery(None))
        self.revealing = Revealing(sys.platform, shutil.which) if options.local else None
        self._asked = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin what is done without being asked."""
        self.keep(self._get_ready())
        if self.options.idle_work:
            self.keep(self.thumbnails.make_all(self.timeline, self._idle_seconds))

    def close(self) -> None:
        """End everything."""
        for task in tuple(self._tasks):
            task.cancel()
        self.duplicates.close()
        self.workers.close()
        self.galleries.close()

    async def overview(self) -> tuple[str, Overview]:
        """Return the generation, and what is in the gallery.

        Raises:
            NoGalleryError: there is no gallery.
        """
        return await self.lists.get("overview", self.gallery.overview)

    async def timeline(self, where: Filters, order: Order = "taken") -> tuple[str, Timeline]:
        """Return the generation, and all contents that pass the filters, in order.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a folder that is not in the gallery, or a format that does not exist.
        """
        return await self.timelines.get(
            (where, order), lambda: self.gallery.timeline(where, order=order)
        )

    def asked(self) -> None:
        """Note that somebody asks for something."""
        self._asked = time.monotonic()

    def _idle_seconds(self) -> float:
        crews = (self.workers.asking, self.workers.looking, self.workers.drawing)
        return time.monotonic() - self._asked if all(crew.idle for crew in crews) else 0.0

    def keep(self, work: Coroutine[None, None, None]) -> None:
        """Have work go on beside the requests, until it ends or the server does."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _get_ready(self) -> None:
        """Load what the first page and the first question need while the browser opens."""
        with suppress(ImgsearchError):
            await self.timeline(Filters())
            await self.overview()
        # What loads a network holds Python's lock at times, and the page that opens would wait.
        begun = time.monotonic()
        while (  # noqa: ASYNC110 - idle is what does not happen
            self._idle_seconds() < PAUSE and time.monotonic() - begun < MOST_DELAY
        ):
            await asyncio.sleep(PAUSE / 2)
        try:
            _, gallery = await self.workers.looking.run(self.galleries.asking, None)
            await self.workers.asking.run(gallery.ready)
        except ImgsearchError as error:
            LOG.warning("questions cannot be answered: %s", error)


def service_of(request: Request) -> Service:
    """Return what the endpoints share."""
    service: Service = request.app.state.service
    return service

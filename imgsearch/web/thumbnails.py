"""Thumbnails as they are asked for, and while nobody asks."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from imgsearch.errors import ImgsearchError, NotThereError, UnreadableImageError
from imgsearch.images import thumbnails
from imgsearch.storage.filters import Filters
from imgsearch.web.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.storage.timelines import Timeline
    from imgsearch.web.thumbnail_files import ThumbnailFiles
    from imgsearch.web.workers import Crew, Workers

SIDES: Final = (256, 512)
EFFORT: Final = 2
IDLE_SECONDS: Final = 2.0
FAILED_SECONDS: Final = 30.0
_MOST_FAILURES: Final = 10_000
_BLOCK: Final = 500
REST: Final = 30.0


class Thumbnails:
    """Gives thumbnails from the cache, or makes them, each once however many ask."""

    def __init__(self, gallery: Gallery, files: ThumbnailFiles, workers: Workers) -> None:
        self._gallery = gallery
        self._files = files
        self._workers = workers
        self._making: dict[tuple[str, int], asyncio.Task[bytes]] = {}
        self._failed: dict[str, tuple[float, UnreadableImageError]] = {}

    async def get(self, content: str, side: int) -> bytes:
        """Return a thumbnail, WebP.

        Args:
            content: SHA-256, 64 hexadecimal digits.
            side: one of `SIDES`.

        Raises:
            ImgsearchError: the gallery holds no such content, or no file with it is there.
            RefusalError: too many wait.
        """
        known = await self._workers.reading.run(self._look, content, side)
        if known is not None:
            return known
        try:
            return await self._made(content, side)
        except NotThereError:
            # Of a drive that is not plugged in, another size is better than nothing.
            for other in SIDES:
                known = await self._workers.reading.run(self._files.read, content, other)
                if known is not None:
                    return known
            raise

    async def _made(self, content: str, side: int) -> bytes:
        """Make a thumbnail, once for all that ask; what failed a moment ago fails at once."""
        when, error = self._failed.get(content, (0.0, None))
        if error is not None and time.monotonic() - when < FAILED_SECONDS:
            raise error
        key = (content, side)
        if key not in self._making:
            making = self._make(content, side, self._workers.drawing)
            self._making[key] = asyncio.ensure_future(making)
            self._making[key].add_done_callback(lambda _: self._making.pop(key, None))
        # Whoever scrolls on must not take it from others who wait.
        return await asyncio.shield(self._making[key])

    def colour(self, content: str) -> str | None:
        """Return the mean colour of a content, "#rrggbb", where it is known."""
        found = self._files.colour(content)
        return None if found is None else f"#{found:06x}"

    async def _make(self, content: str, side: int, crew: Crew) -> bytes:
        try:
            return await crew.run(self._draw, content, side)
        except UnreadableImageError as error:
            if len(self._failed) >= _MOST_FAILURES:
                self._failed.clear()
            self._failed[content] = (time.monotonic(), error)
            raise

    def _look(self, content: str, side: int) -> bytes | None:
        self._gallery.file_of(content)  # refuses what the gallery does not hold, cached or not
        return self._files.read(content, side)

    def _draw(self, content: str, side: int) -> bytes:
        pixels = self._gallery.image(content, longest=side)
        data = thumbnails.encode(pixels, effort=EFFORT)
        self._files.write(content, side, data, mean_colour(pixels))
        return data

    async def make_all(
        self,
        timeline: Callable[[Filters], Awaitable[tuple[str, Timeline]]],
        idle: Callable[[], float],
    ) -> None:
        """Make the thumbnails that are not there, newest contents first, while nobody asks.

        Args:
            timeline: returns the gallery's generation and all of its contents.
            idle: returns for how many seconds nobody has asked for anything.
        """
        done = ""
        while True:
            await _until_idle(idle)
            with suppress(ImgsearchError, RefusalError):
                generation, everything = await timeline(Filters())
                if generation != done:
                    await self._make_of(everything.ids.tolist(), idle)
                    done = generation
            await asyncio.sleep(REST)

    async def _make_of(self, ids: list[int], idle: Callable[[], float]) -> None:
        for start in range(0, len(ids), _BLOCK):
            block = await self._workers.looking.run(
                self._gallery.files_of, ids[start : start + _BLOCK]
            )
            there = [file.content for file in block if file is not None and not file.offline]
            for content in await self._workers.reading.run(self._lacking, there):
                await _until_idle(idle)
                if self._files.is_full:
                    return
                started = time.monotonic()
                # One that cannot be made now is made, or refused, once somebody asks for it.
                with suppress(ImgsearchError, RefusalError, OSError, MemoryError):
                    await self._make(content, SIDES[0], self._workers.idling)
                # Half of one thread's time: this may go on for hours.
                await asyncio.sleep(time.monotonic() - started)

    def _lacking(self, contents: list[str]) -> list[str]:
        return [content for content in contents if not self._files.has(content, SIDES[0])]


def mean_colour(pixels: NDArray[np.uint8]) -> int:
    """Return an image's mean colour as 0xRRGGBB."""
    red, green, blue = pixels.reshape(-1, 3).mean(axis=0).round().astype(int).tolist()
    return int(red << 16 | green << 8 | blue)


async def _until_idle(idle: Callable[[], float]) -> None:
    while (left := IDLE_SECONDS - idle()) > 0:  # noqa: ASYNC110 - idle is what does not happen
        await asyncio.sleep(left)

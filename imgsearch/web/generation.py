"""What is kept of the gallery's long lists, for as long as it does not change."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.web.workers import Crew

T = TypeVar("T")
LEAST_PAUSE: Final = 1.0
REST: Final = 10.0
"""How many times as long as making the longest list took, lists stay as they are."""


class Generation:
    """A text that changes after the gallery has, though not as often as `index` commits."""

    def __init__(self, gallery: Gallery, crew: Crew) -> None:
        self._gallery = gallery
        self._crew = crew
        self._run = secrets.token_hex(4)
        self._state = ""
        self._looked = -1e9
        self._looking = asyncio.Lock()
        self.pause = LEAST_PAUSE

    async def current(self) -> str:
        """Return the text, looked up again after a pause.

        Raises:
            NoGalleryError: there is no gallery.
        """
        async with self._looking:
            now = time.monotonic()
            if now - self._looked >= self.pause:
                self._state = await self._crew.run(self._gallery.state)
                self._looked = now
            return f"{self._run}-{self._state}"


class KeptLists:
    """Keeps what was read of the gallery, the latest used, until the generation changes."""

    def __init__(
        self, generation: Generation, crew: Crew, *, most: int, slows: bool = True
    ) -> None:
        """Keep nothing yet.

        Args:
            generation: of the gallery.
            crew: what reads.
            most: how many are kept.
            slows: whether the generation is looked up less often where reading takes long.
        """
        self._generation = generation
        self._crew = crew
        self._most = most
        self._slows = slows
        self._kept: OrderedDict[Hashable, tuple[str, asyncio.Task[Any]]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], T]) -> tuple[str, T]:
        """Return the generation and what is kept of it under a key, else what is made now.

        Several that ask at once wait for one call.

        Args:
            key: what tells it from others.
            make: called in another thread.
        """
        generation = await self._generation.current()
        known, task = self._kept.get(key, ("", None))
        if task is None or known != generation or (task.done() and _failed(task)):
            task = asyncio.ensure_future(self._make(make))
            self._kept[key] = (generation, task)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        # Whoever goes away must not take it from the others.
        return generation, await asyncio.shield(task)

    async def _make(self, make: Callable[[], T]) -> T:
        started = time.monotonic()
        made = await self._crew.run(make)
        took = time.monotonic() - started
        if self._slows:
            self._generation.pause = max(LEAST_PAUSE, self._generation.pause, REST * took)
        return made


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is not None

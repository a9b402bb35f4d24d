"""Threads for what would hold up the server: each kind of work has its own, and a bounded queue.

Questions never wait for thumbnails, which other threads draw. What nobody asked for is left to a
thread that the system serves last.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from imgsearch.web.refusals import busy

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
POLITE: Final = 5
"""How much lower than the others' the priority of drawing threads is, as `nice` counts.

Not more, for they hold Python's lock at times, and whoever waits for it would wait long with them.
"""


@dataclass
class Crew:
    """Some threads with a queue in front of them.

    Attributes:
        name: of the threads.
        threads: how many.
        queue: how many calls may wait or run; more are refused.
        polite: whether the system is to serve these threads after others.
    """

    name: str
    threads: int
    queue: int
    polite: bool = False
    _waiting: int = 0
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the pool; its threads start as they are needed."""
        self._pool = ThreadPoolExecutor(
            self.threads, f"imgsearch-{self.name}", _be_polite if self.polite else None
        )

    @property
    def idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self._waiting

    async def run(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:  # noqa: ANN401 - the function's own
        """Call a function in one of the threads; for the server's thread alone.

        Raises:
            RefusalError: too many calls wait.
        """
        if self._waiting >= self.queue:
            raise busy()
        self._waiting += 1
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._pool, lambda: function(*arguments, **options))
        call.add_done_callback(self._done)
        return await call

    def _done(self, call: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not call.cancelled():
            call.exception()  # whoever waited for it may have gone

    def close(self) -> None:
        """Forget what waits, and do not wait for what runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Workers:
    """All crews of a server.

    Attributes:
        asking: decode, embed and search.
        looking: read the gallery's database.
        reading: read small files.
        drawing: make thumbnails and renderings that somebody waits for.
        idling: makes thumbnails that nobody waits for.
    """

    asking: Crew = field(default_factory=lambda: Crew("asking", 2, 64))
    looking: Crew = field(default_factory=lambda: Crew("looking", 3, 256))
    reading: Crew = field(default_factory=lambda: Crew("reading", 4, 512))
    drawing: Crew = field(
        default_factory=lambda: Crew("drawing", max(2, (os.cpu_count() or 2) - 1), 256)
    )
    idling: Crew = field(default_factory=lambda: Crew("idling", 1, 4, polite=True))

    def close(self) -> None:
        """Stop all crews."""
        for crew in (self.asking, self.looking, self.reading, self.drawing, self.idling):
            crew.close()


def _be_polite() -> None:
    # On Linux a thread has a priority of its own; elsewhere the call means the process or fails.
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITE)

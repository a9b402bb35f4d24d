"""Judging many pairs on all processors.

To judge a pair is a few hundred short steps in Python, which threads of one process would take in
turns. So each thread has a process of its own and sends it pairs, with the renderings of their
images: it needs no database, and gives what a `Judge` here would.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

from imgsearch import fresh_python

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from imgsearch.duplicates.judge import Judge, Judged

    Pair = tuple[int, int]
    Rendering = Callable[[int], bytes | None]

# Pairs that are judged within a second or two: not worth the start of a process.
FEW: Final = 300
# Pairs of a batch, many lest each process look at every image; batches under way for each process.
BATCH: Final = 128
AHEAD: Final = 2
_CHILD: Final = "imgsearch.duplicates.judging_child"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a process is asked.

    Attributes:
        pairs: numbers that stand for images, of the one below and the one above.
        renderings: of these images, as they are stored; some may be lacking.
    """

    pairs: Sequence[Pair]
    renderings: dict[int, bytes]


def judge_each(
    pairs: Sequence[Pair],
    judge: Judge,
    *,
    rendering: Rendering,
    processes: int | None = None,
    few: int = FEW,
) -> Generator[Judged]:
    """Yield what is said of each pair, in their order, as `Judge.judge` says it.

    Args:
        pairs: numbers that stand for images.
        judge: judges here where there are few pairs, and where no process can be had.
        rendering: as `Judge` takes it.
        processes: how many; None for one for each processor.
        few: pairs up to which it is done here.
    """
    count = (os.cpu_count() or 1) if processes is None else processes
    if len(pairs) <= few or count < 2:  # noqa: PLR2004 - one would do what this one can
        for one, other in pairs:
            yield judge.judge(one, other)
        return
    with _Processes(count) as crew:
        waiting: deque[tuple[Batch, Future[list[Judged] | None]]] = deque()
        for batch in _batches(pairs, rendering):
            waiting.append((batch, crew.submit(batch)))
            if len(waiting) >= AHEAD * count:
                yield from _answer(*waiting.popleft(), judge)
        while waiting:
            yield from _answer(*waiting.popleft(), judge)


def _batches(pairs: Sequence[Pair], rendering: Rendering) -> Iterator[Batch]:
    for start in range(0, len(pairs), BATCH):
        some = pairs[start : start + BATCH]
        read = {
            number: rendering(number) for number in {number for pair in some for number in pair}
        }
        yield Batch(some, {number: data for number, data in read.items() if data is not None})


def _answer(batch: Batch, future: Future[list[Judged] | None], judge: Judge) -> list[Judged]:
    answer = future.result()
    return [judge.judge(*pair) for pair in batch.pairs] if answer is None else answer


class _Processes:
    """Threads, each with a process that judges."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, "judging", initializer=self._begin)
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._started: list[subprocess.Popen[bytes]] = []
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._ended = True
        for process in self._started:
            process.kill()  # so that no thread waits for an answer any more
        self._pool.shutdown(cancel_futures=True)
        for process in self._started:
            fresh_python.end(process)

    def submit(self, batch: Batch) -> Future[list[Judged] | None]:
        """Send a batch to a process that is free; None comes of it where there is none."""
        return self._pool.submit(self._judged, batch)

    def _begin(self) -> None:
        self._mine.process = None
        with suppress(*fresh_python.GONE):
            with self._lock:
                if self._ended:
                    return
                process = fresh_python.start(_CHILD)
                self._started.append(process)
            fresh_python.receive(process)
            self._mine.process = process

    def _judged(self, batch: Batch) -> list[Judged] | None:
        process = self._mine.process
        if process is None:
            return None
        try:
            fresh_python.send(process, batch)
            return cast("list[Judged]", fresh_python.receive(process))
        except fresh_python.GONE:
            self._mine.process = None
            return None

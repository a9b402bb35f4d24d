"""Threads that read and decode files, each of which gets only so much time for one file.

A thread cannot be stopped: not in native code, and in Python's not without the risk that it holds a
lock, such as one of the import system's. So a file that has taken a third of its time is begun anew
in a process, which gets the whole of it and can be ended; its thread is given up and replaced.
Whatever else is of that format goes to a process from then on, so that few threads are given up;
they are daemons, and end with the program at the latest. What is decoded under the interpreter's
lock goes to a process from the start: no clock would run meanwhile.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, Protocol, Self, TypeVar

from imgsearch.errors import UnreadableImageError
from imgsearch.images import formats, loading, memory
from imgsearch.images.decoding_process import DecodingProcess, too_long

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.images.loading import LoadedImage
    from imgsearch.recipe import Resize

T = TypeVar("T")
SHARE: Final = 3
"""A thread gets one part of so many of the time that a process gets."""
LAST_SECONDS: Final = 3.0
"""For what threads decode when their work is not wanted any more."""
GIVEN_UP: Final = "imgsearch-given-up"
"""Name of a thread whose work is not waited for any more."""


class Decoder(Protocol):
    """What decodes a file's bytes as `loading.load` does."""

    def load(
        self, data: bytes, *, size: int, resize: Resize, decoder: int, fingerprint: bool = False
    ) -> LoadedImage:
        """Return pixels and metadata, and the fingerprint if it is asked for."""
        ...


class Task(Generic[T]):
    """Work on one file, and how far it has come."""

    def __init__(self, work: Callable[[Decoder], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.in_process = False
        self.format = ""
        self.seconds = math.inf
        self.began: float | None = None
        self.thread: threading.Thread | None = None


class DecodingThreads(Generic[T]):
    """A pool of threads; the end of its `with` block waits for none that hangs."""

    def __init__(
        self, count: int, *, seconds: float | None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Start no thread yet.

        Args:
            count: of threads.
            seconds: that decoding one file may take; None for any.
            stop: asked while a task takes long; True lets nobody wait for it.
        """
        self._count = count
        self._seconds = seconds
        self._stop = stop
        self._look_again = 1.0 if seconds is None else min(1.0, max(0.01, seconds / SHARE))
        self._tasks: queue.SimpleQueue[Task[T] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[DecodingProcess] = set()
        self._slow: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(queue.Empty):
            while True:
                self._tasks.get_nowait()
        for _thread in self._threads:
            self._tasks.put(None)
        for process in list(self._processes):
            process.end()
        patience = None
        if self._seconds is not None:
            patience = time.monotonic() + min(LAST_SECONDS, self._seconds / SHARE)
        for thread in self._threads:
            thread.join(None if patience is None else max(0.0, patience - time.monotonic()))
            if thread.is_alive():
                _give_up(thread)

    def submit(self, work: Callable[[Decoder], T]) -> Task[T]:
        """Queue work, which may be begun twice: first in a thread, then with a process."""
        task = Task(work)
        self._tasks.put(task)
        if len(self._threads) < self._count:
            self._start()
        return task

    def result(self, task: Task[T]) -> T | None:
        """Wait for what comes of a task, and see to it that something does; None after a stop.

        Raises:
            Exception: whatever the work raised.
        """
        while True:
            left = self._left(task)
            with suppress(TimeoutError):
                return task.future.result(min(math.inf if left is None else left, self._look_again))
            if task.future.done():
                return task.future.result()
            if self._stop():
                return None
            if left is not None and left <= 0:
                self._begin_anew(task)

    def _left(self, task: Task[T]) -> float | None:
        """Return the seconds that a task has left in its thread; None for any number."""
        if self._seconds is None:
            return None
        began, thread = task.began, task.thread
        if task.in_process or began is None or thread is None:
            return math.inf
        admitted = memory.SHARED.admitted_at(thread.ident or 0)
        return max(0.0, task.seconds - (time.monotonic() - max(began, admitted)))

    def _begin_anew(self, task: Task[T]) -> None:
        with self._lock:
            thread = task.thread
            if thread is None or task.began is None:
                return  # it has just come to its end
            task.thread = None
            task.in_process = True
            self._slow.add(task.format)
            self._threads.remove(thread)
            _give_up(thread)
        self._start(task)

    def _start(self, first: Task[T] | None = None) -> None:
        process = DecodingProcess()
        self._processes.add(process)
        thread = threading.Thread(
            target=self._work, args=(first, process), name="imgsearch-decode", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, task: Task[T] | None, process: DecodingProcess) -> None:
        thread = threading.current_thread()
        task = task or self._tasks.get()
        while task is not None:
            task.thread = thread
            self._finish(task, _TimedDecoder(task, process, self._seconds, self._slow))
            if thread not in self._threads:
                break
            task = self._tasks.get()
        self._processes.discard(process)
        process.end()

    def _finish(self, task: Task[T], decoder: _TimedDecoder) -> None:
        try:
            result = task.work(decoder)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            self._settle(task, error=error)
        else:
            self._settle(task, result=result)

    def _settle(
        self, task: Task[T], *, result: T | None = None, error: BaseException | None = None
    ) -> None:
        with self._lock:
            if task.thread is not threading.current_thread():
                return  # given up
            task.began = None
        if error is not None:
            task.future.set_exception(error)
        else:
            task.future.set_result(result)  # type: ignore[arg-type]  # None may be one


class _TimedDecoder:
    """Decodes in its thread while that is known to end, else in a process."""

    def __init__(
        self,
        task: Task[T],
        process: DecodingProcess,
        seconds: float | None,
        slow: set[str],
    ) -> None:
        self._task = task
        self._process = process
        self._seconds = seconds
        self._slow = slow

    def load(
        self, data: bytes, *, size: int, resize: Resize, decoder: int, fingerprint: bool = False
    ) -> LoadedImage:
        """Return pixels and metadata.

        Raises:
            UnreadableImageError: the bytes cannot be decoded, or not in time.
            Exception: a fault of imgsearch's own.
        """
        row = formats.identify(data)
        seconds = self._seconds
        if row is not None and seconds is not None:
            elsewhere = not formats.is_registered(row)
            apart = self._task.in_process or row.holds_lock or row.name in self._slow
            if apart and elsewhere:
                try:
                    return self._process.load(
                        data,
                        size=size,
                        resize=resize,
                        decoder=decoder,
                        fingerprint=fingerprint,
                        seconds=seconds,
                    )
                except OSError:
                    elsewhere = False  # no process can be started here
            if self._task.in_process:
                raise UnreadableImageError(too_long(self._task.seconds))
            self._task.seconds = seconds / SHARE if elsewhere else seconds
            self._task.format = row.name
            self._task.began = time.monotonic()
        return loading.load(
            data, size=size, resize=resize, decoder=decoder, fingerprint=fingerprint
        )


def some_given_up() -> bool:
    """Tell whether there is a thread that still does what nobody waits for."""
    return any(thread.name == GIVEN_UP for thread in threading.enumerate())


def _give_up(thread: threading.Thread) -> None:
    """Wait for a thread no more."""
    thread.name = GIVEN_UP
    memory.SHARED.free(thread.ident or 0)

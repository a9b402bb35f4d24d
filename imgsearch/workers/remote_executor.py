"""The executor whose work is done on other machines; this one hands out, and gathers in order."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.addresses import Address
from imgsearch.errors import WorkersError
from imgsearch.indexing.executor import KnowsSizes
from imgsearch.networks.source import RunsElsewhere
from imgsearch.workers.crew import AT_ONCE, Crew, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from imgsearch.indexing.executor import EmbeddedFile, EmbeddingJob, FileWork
    from imgsearch.workers.protocol import Machines

FILES: Final = 64
"""Files of a share, for each processor of its worker."""
MOST_FILES: Final = 256
AHEAD: Final = 2
"""Shares that may be done, or under way, before the first of them is, for each that a worker can
have under way: this bounds memory here, as files come in order."""
ASK_AGAIN: Final = 0.2
"""Seconds after which it is asked whether to stop."""
ALL_SECONDS: Final = 60.0
"""How long all machines are waited for, if one is ready."""
MOST_SECONDS: Final = 600.0
"""How long the first machine is waited for."""


class RemoteExecutor:
    """Embeds files with workers on other machines, which see them under the same paths."""

    def __init__(
        self, connect: Callable[[], Machines], *, name: str, processors: int | None = None
    ) -> None:
        """Connect to nothing yet.

        Args:
            connect: to the machines, at the beginning of a run.
            name: of the machines, for messages.
            processors: of each worker; None for one worker on each machine, with all of them.
        """
        self._connect = connect
        self._name = name
        self._processors = processors
        self._crew: Crew | None = None

    @contextmanager
    def workers(
        self, job: EmbeddingJob, folders: Sequence[Path], *, stop: Callable[[], bool]
    ) -> Iterator[None]:
        """Have workers for a job as long as the block runs.

        Args:
            job: what is the same for all files; what it knows does not matter yet.
            folders: that every worker has to see.
            stop: asked often; once it is True, workers that are not ready are not waited for.

        Raises:
            RecipeMismatchError: a worker is of another version, or has other weights or decoders.
            WorkersError: the machines cannot be reached, or a worker cannot do it.
        """
        order = _orders(job)
        with closing(self._connect()) as machines:
            places = [_something_in(folder) for folder in folders]
            crew = Crew(machines, order, places=places, processors=self._processors)
            try:
                self._assemble(crew, stop)
                self._crew = crew
                yield
            finally:
                self._crew = None
                crew.dismiss()

    def _assemble(self, crew: Crew, stop: Callable[[], bool]) -> None:
        """Wait for a worker on every machine, or for some of them long enough.

        Raises:
            WorkersError: there is none after the longest time.
        """
        began = time.monotonic()
        while not (crew.is_complete or stop()):
            waited = time.monotonic() - began
            if crew.ready and waited > ALL_SECONDS:
                return
            if waited > MOST_SECONDS:
                raise WorkersError(
                    f"{self._name}: no worker began within {MOST_SECONDS / 60:.0f} minutes; are "
                    "all processors taken by others?"
                )
            crew.tend()
            crew.look(seconds=ASK_AGAIN)

    def embed(
        self,
        job: EmbeddingJob,
        chunks: Iterable[Sequence[FileWork]],
        *,
        stop: Callable[[], bool],
    ) -> Generator[Sequence[EmbeddedFile]]:
        """Yield what came of every file, in the order of the work; used within `workers`.

        A share whose worker was lost is done again by another one.

        Raises:
            WorkersError: the machines are gone, a worker cannot see the files, or too many were
                lost over the same files.
            ImgsearchError: whatever the network raised on a worker.
        """
        crew = self._crew
        assert crew is not None  # noqa: S101 - the caller is within `workers`
        files = chain.from_iterable(chunks)
        window: deque[Share] = deque()
        halted = False
        while True:
            if not halted and stop():
                halted = True
                crew.halt()
            if not halted:
                crew.tend()
                _hand_out(crew, files, window, job)
            if not window or (halted and not crew.is_at_work):
                break
            crew.look(seconds=ASK_AGAIN)
            yield from _gathered(window, crew)
        for share in window:  # of a run that was stopped
            if share.done is not None:
                yield share.done.files


def _something_in(folder: Path) -> Path:
    """Return what a folder holds first: where a drive is not mounted, the folder may be there."""
    if not isinstance(folder, Address):
        with suppress(OSError), os.scandir(folder) as entries:
            return next((Path(entry.path) for entry in entries), folder)
    return folder


def _orders(job: EmbeddingJob) -> Callable[[int], EmbeddingJob]:
    """Return what makes the job of a worker with so many processors.

    The runtime is the one that is chosen here, so that all machines compute the same.
    """
    here = job.load()
    unknowing = replace(job, known=frozenset())

    def order(processors: int) -> EmbeddingJob:
        source = job.source
        if isinstance(source, RunsElsewhere):
            source = source.elsewhere(here, threads=processors)
        return replace(unknowing, source=source, jobs=job.jobs or processors)

    return order


def _hand_out(
    crew: Crew, files: Iterator[FileWork], window: deque[Share], job: EmbeddingJob
) -> None:
    """Give shares to whoever is free: those again that were lost, then new ones."""
    most = AHEAD * AT_ONCE * len(crew.ready)
    while (member := crew.free()) is not None:
        if crew.lost:
            crew.give(member, crew.lost.popleft())
            continue
        if len(window) >= most:
            return
        taken = list(islice(files, min(MOST_FILES, FILES * member.processors)))
        if not taken:
            return
        share = Share(taken, _known(job, taken))
        window.append(share)
        crew.give(member, share)


def _known(job: EmbeddingJob, files: Sequence[FileWork]) -> frozenset[str]:
    """Return the hashes that some of the files may have and that need no embedding."""
    if not isinstance(job.known, KnowsSizes):
        return frozenset()
    return job.known.of_sizes({file.pending.size for file in files})


def _gathered(window: deque[Share], crew: Crew) -> Iterator[Sequence[EmbeddedFile]]:
    """Yield what is done at the front of the window, and take it out.

    Raises:
        WorkersError: a worker sees none of its files.
        ImgsearchError: what ended a worker's work, after what it had done is yielded.
    """
    while window and (done := window[0].done) is not None:
        share = window[0]
        if done.unseen:
            there = next((file.path for file in share.files if file.path.exists()), None)
            if there is not None:
                raise WorkersError(
                    f"{there}: a worker sees neither it nor the {len(share.files) - 1} files after "
                    "it; every machine has to see the folders under the same paths, as on a shared "
                    "file system"
                )
            share.sure, share.done = True, None
            crew.lost.append(share)
            return
        window.popleft()
        yield done.files
        if done.problem is not None:
            raise done.problem

"""Executors from outside, as another program would write them."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from imgsearch.indexing.local_executor import LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from imgsearch.indexing.executor import EmbeddedFile, EmbeddingJob, FileWork

T = TypeVar("T")


def embed_chunk(job: EmbeddingJob, chunk: Sequence[FileWork]) -> list[EmbeddedFile]:
    """Return what came of one chunk: the whole of a worker."""
    return [file for files in LocalExecutor().embed(job, [chunk]) for file in files]


class ProcessExecutor:
    """Another process, which shares nothing with this one but the disk."""

    def embed(
        self, job: EmbeddingJob, chunks: Iterable[Sequence[FileWork]], *, stop: Callable[[], bool]
    ) -> Generator[Sequence[EmbeddedFile]]:
        """Yield what came of every chunk."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            for chunk in chunks:
                yield pool.submit(embed_chunk, job, chunk).result()
                if stop():
                    return


@dataclass
class PicklingExecutor:
    """This process, but everything that goes in or comes out is a copy made by pickling.

    Attributes:
        ahead: all chunks are embedded before the first is given back, as a cluster would.
        sizes: how many files each chunk had.
    """

    ahead: bool = False
    sizes: list[int] = field(default_factory=list)

    def embed(
        self, job: EmbeddingJob, chunks: Iterable[Sequence[FileWork]], *, stop: Callable[[], bool]
    ) -> Generator[Sequence[EmbeddedFile]]:
        """Yield what came of every chunk."""

        def results() -> Generator[list[EmbeddedFile]]:
            for chunk in chunks:
                self.sizes.append(len(chunk))
                yield pickled(embed_chunk(pickled(job), pickled(chunk)))
                if stop():
                    return

        yield from list(results()) if self.ahead else results()


def pickled(value: T) -> T:
    """Return a copy of a value that was made by pickling it."""
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - its own
    return copy

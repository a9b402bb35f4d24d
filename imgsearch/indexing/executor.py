"""What turns files into embeddings: chunks of work in, embedded files out, in order.

`LocalExecutor` does it with threads of this process. Another executor may use other processes or
other machines, for everything that it is given or gives back is picklable. An executor writes
nothing: `Committer` is the only writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from imgsearch import paths
from imgsearch.indexing.report import SECONDS_PER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.images.fingerprints import Fingerprint
    from imgsearch.images.metadata import Metadata
    from imgsearch.indexing.report import IndexOptions
    from imgsearch.networks.source import EmbedderSource, EmbedsImages
    from imgsearch.recipe import Recipe
    from imgsearch.storage.scan_comparison import PendingFile


@dataclass(frozen=True, slots=True)
class FileWork:
    """A file to read, hash, decode and embed.

    Attributes:
        root: stored absolute path of its root.
        pending: what the scan found and the gallery knew.
    """

    root: bytes
    pending: PendingFile

    @property
    def path(self) -> Path:
        """Absolute path of the file."""
        return paths.join(self.root, self.pending.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingJob:
    """What is the same for all files of a run.

    Attributes:
        recipe: the rules of the embeddings.
        source: loads the network.
        known: hashes of contents that have an embedding under the recipe, as 64 hexadecimal
            digits; asked from several threads.
        batch_size: images that go through the network at once.
        jobs: decoding threads; None for one per processor.
        seconds_per_file: that decoding one file may take; None for any.
    """

    recipe: Recipe
    source: EmbedderSource
    known: Container[str]
    batch_size: int = 32
    jobs: int | None = None
    seconds_per_file: float | None = SECONDS_PER_FILE

    @classmethod
    def of(
        cls,
        options: IndexOptions,
        recipe: Recipe,
        source: EmbedderSource,
        *,
        known: Container[str] = frozenset(),
    ) -> EmbeddingJob:
        """Return the job of a run with these options."""
        return cls(
            recipe=recipe,
            source=source,
            known=known,
            batch_size=options.batch_size,
            jobs=options.jobs,
            seconds_per_file=options.seconds_per_file,
        )

    def load(self) -> EmbedsImages:
        """Return what makes embeddings under the recipe."""
        return self.source.load(self.recipe)


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """What came of one file.

    Attributes:
        work: what was asked for.
        hash: SHA-256 of the content, 64 hexadecimal digits; "" if it could not be read.
        bytes: size of the content.
        metadata: of the image; None without an embedding.
        embedding: `(dim,)`, finite; None if the content is known or occurred before in the run,
            or if there is a reason.
        reason: why the file could not be read, decoded or embedded, or None.
        fingerprint: of the image, where there is an embedding. An executor that gives none leaves
            it to the end of the run, which reads the file once more.
    """

    work: FileWork
    hash: str = ""
    bytes: int = 0
    metadata: Metadata | None = None
    embedding: NDArray[np.float32] | None = None
    reason: str | None = None
    fingerprint: Fingerprint | None = None


class Executor(Protocol):
    """What turns files into embeddings."""

    def embed(
        self,
        job: EmbeddingJob,
        chunks: Iterable[Sequence[FileWork]],
        *,
        stop: Callable[[], bool],
    ) -> Generator[Sequence[EmbeddedFile]]:
        """Yield what came of every file, in the order of the work.

        Each sequence that is yielded is committed, in one transaction, before the next is asked
        for: from then on `job.known` has its contents, and no crash loses them. An executor that
        works ahead of the commits may embed a content twice; only the first embedding is kept.
        The generator is closed if the run ends early.

        Args:
            job: what is the same for all files.
            chunks: the files; may only be drawn from in the thread that runs the generator.
            stop: asked as often as possible, in that thread; once it is True no further file is
                begun, and those that were are yielded.

        Raises:
            Exception: whatever the network raised, after all that was done before is yielded.
        """
        ...


@runtime_checkable
class HasWorkers(Protocol):
    """An `Executor` that needs others, who may be lacking or unfit: that is told beforehand."""

    def workers(
        self, job: EmbeddingJob, folders: Sequence[Path], *, stop: Callable[[], bool]
    ) -> AbstractContextManager[None]:
        """Have workers for a job as long as the block runs, in which `embed` is called or not.

        Args:
            job: what is the same for all files; nothing is known yet.
            folders: absolute paths and addresses that every worker has to see.
            stop: asked often; True ends the waiting for workers.
        """
        ...


@runtime_checkable
class KnowsSizes(Protocol):
    """Known hashes that can be asked for ahead, by the size of contents."""

    def of_sizes(self, sizes: Collection[int]) -> frozenset[str]:
        """Return the known hashes of all contents that have so many bytes."""
        ...

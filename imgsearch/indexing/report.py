"""The values that a run of `index` takes and gives: options, progress, report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.recipe import Recipe

Stage = Literal["scan", "read"]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How a run goes about its work.

    Attributes:
        exclude: glob patterns of what is left out. They replace those remembered with the
            folders named; an empty pattern alone clears them.
        follow_symlinks: follow symbolic links, remembered likewise; None keeps what is
            remembered, which is False for a new folder.
        batch_size: images that go through the backbone at once.
        jobs: decoding threads; None for one per processor.
        dry_run: only scan and count; nothing is read or written.
        index: "auto", "exact" or a FAISS factory string for an inverted file, remembered with the
            gallery; None keeps what is remembered.
        memory: bytes that the index may take, remembered likewise.
    """

    exclude: tuple[str, ...] = ()
    follow_symlinks: bool | None = None
    batch_size: int = 32
    jobs: int | None = None
    dry_run: bool = False
    index: str | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            UsageError: names the option and the number.
        """
        if self.batch_size < 1:
            raise UsageError(f"batch size: {self.batch_size} is not a number of images above 0")
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs: {self.jobs} is not a number of threads above 0")
        if self.memory is not None and self.memory < 1:
            raise UsageError(f"memory: {self.memory} is not a number of bytes above 0")


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run has come.

    Attributes:
        stage: what it is doing.
        done: files found so far while scanning, files dealt with while reading.
        total: files to deal with, or None while that is not known.
        images_per_second: embeddings computed, over the time since reading began.
    """

    stage: Stage
    done: int
    total: int | None
    images_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that could not be decoded, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did.

    Attributes:
        recipe: under which embeddings were made; None for a dry run that resolved none.
        new: files at paths that the gallery did not know, copies included.
        changed: files whose bytes are others than before.
        moved: files found at another path than before.
        unchanged: files with the same bytes as before.
        missing: files that are gone from folders that are there; they were removed.
        offline: files in folders that are absent; they were kept.
        unreadable_files: files in the scanned folders that cannot be decoded.
        embedded: embeddings computed.
        seconds: from start to end.
        interrupted: whether the run was stopped before it was through.
        dry_run: whether nothing was written.
        first: whether this run made the gallery.
        offline_roots: the absent folders.
        unlisted: folders that could not be listed, with the operating system's reason.
        hints: lines of advice for the person who ran it.
    """

    recipe: Recipe | None
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    missing: int = 0
    offline: int = 0
    unreadable_files: tuple[UnreadableFile, ...] = ()
    embedded: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    dry_run: bool = False
    first: bool = False
    offline_roots: tuple[Path, ...] = ()
    unlisted: tuple[UnreadableFile, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def unreadable(self) -> int:
        """How many files in the scanned folders cannot be decoded."""
        return len(self.unreadable_files)

    @property
    def images_per_second(self) -> float:
        """Embeddings computed per second of the whole run."""
        return self.embedded / self.seconds if self.seconds else 0.0

"""The values that a run of `index` takes and returns: options, progress, report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.indexing.shards import Shard
    from imgsearch.recipe import Recipe
    from imgsearch.storage.roots import MergedPath

Stage = Literal["scan", "read", "fingerprint", "regions"]
STAGE_TITLES: Final[dict[Stage, str]] = {
    "scan": "Scanning",
    "read": "Indexing",
    "fingerprint": "Fingerprinting",
    "regions": "Looking at parts",
}
SECONDS_PER_FILE: Final = 30.0
MOST_SECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """Options of a run.

    Attributes:
        exclude: glob patterns of what is left out. They are stored with the folders named, and
            replace those stored before; an empty pattern alone clears them.
        follow_symlinks: whether to follow symbolic links, stored likewise; None keeps what is
            stored, which is False for a new folder.
        batch_size: images that go through the backbone at once.
        jobs: decoding threads; None for one per processor.
        dry_run: only scan and count; nothing is read or written.
        rehash: read every file again, even one whose size, times and inode are as they were.
        any_name: also take files of other suffixes, and without one, that begin like an image.
        index: "auto", "exact" or a FAISS factory string for inverted lists, stored with the
            gallery; None keeps what is stored.
        memory: bytes that the index may take, stored likewise.
        seconds_per_file: that decoding one file may take before it is given up; None for any.
        shard: the share of the files that the gallery holds, stored likewise: the same for ever,
            or all of them from now on.
        regions: whether parts of pictures are made to be searched, now and by every later run;
            False drops them. None keeps it as it is.
        regions_like: folder of a gallery whose layout and projection these parts take, so that
            `merge` can join both; it has parts of 300 pictures or more under the same recipe. Turns
            `regions` on.
    """

    exclude: tuple[str, ...] = ()
    follow_symlinks: bool | None = None
    batch_size: int = 32
    jobs: int | None = None
    dry_run: bool = False
    any_name: bool = False
    index: str | None = None
    memory: int | None = None
    rehash: bool = False
    seconds_per_file: float | None = SECONDS_PER_FILE
    shard: Shard | None = None
    regions: bool | None = None
    regions_like: Path | None = None

    def __post_init__(self) -> None:
        """Refuse numbers below 1.

        Raises:
            UsageError: names the option and the number.
        """
        if self.regions is False and self.regions_like is not None:
            raise UsageError(
                f"regions like {self.regions_like}: parts are dropped at the same time"
            )
        if self.batch_size < 1:
            raise UsageError(f"batch size: {self.batch_size} is not a number of images above 0")
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs: {self.jobs} is not a number of threads above 0")
        if self.memory is not None and self.memory < 1:
            raise UsageError(f"memory: {self.memory} is not a number of bytes above 0")
        if self.seconds_per_file is not None and not 0 < self.seconds_per_file <= MOST_SECONDS:
            raise UsageError(
                f"seconds per file: {self.seconds_per_file:g} is not a number above 0 and up to "
                f"{MOST_SECONDS:,}"
            )


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run has come.

    Attributes:
        stage: scanning folders, reading and embedding files, or making fingerprints or regions
            that are lacking.
        done: files found so far while scanning; files committed so far while reading; contents
            done so far while making fingerprints or regions.
        total: files to read, or contents; None while that is not known.
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
        recipe: the recipe of the embeddings; None for a dry run that resolved none.
        new: files at paths that the gallery did not know, copies included.
        changed: files whose content is not what it was.
        moved: files found at another path than before.
        unchanged: files with the same content as before.
        missing: files that are gone from roots that are online; they were removed.
        offline: files in roots that are absent; they were kept.
        unreadable_files: files in the scanned folders that could not be read, decoded or embedded.
        newly_unreadable: those of them that the gallery did not hold before the run with the same
            reason.
        embedded: embeddings computed.
        seconds: wall-clock time of the run.
        interrupted: whether the run was stopped before its end.
        dry_run: whether nothing was written.
        first: whether this run made the gallery.
        offline_roots: the absent roots.
        unlisted: folders that could not be listed, with the operating system's reason.
        aliases: names that were left out, as they lead to files that have other names: through
            symbolic links or second mounts. Hard links are not among them.
        merged: paths that lead to a known root, or into one, by another way; each with the path
            under which the gallery knows it.
        not_read: kinds of pictures, drawings and films that were passed over, and how many files of
            each, the most frequent first.
        hints: lines of advice for the user.
        regions: pictures whose parts were made to be searched.
    """

    recipe: Recipe | None
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    missing: int = 0
    offline: int = 0
    unreadable_files: tuple[UnreadableFile, ...] = ()
    newly_unreadable: tuple[UnreadableFile, ...] = ()
    embedded: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    dry_run: bool = False
    first: bool = False
    offline_roots: tuple[Path, ...] = ()
    unlisted: tuple[UnreadableFile, ...] = ()
    aliases: int = 0
    merged: tuple[MergedPath, ...] = ()
    not_read: tuple[tuple[str, int], ...] = ()
    hints: tuple[str, ...] = ()
    regions: int = 0

    def with_regions(self, images: int, *, stopped: bool) -> IndexReport:
        """Return the report of the same run after regions of so many pictures were made."""
        return replace(self, regions=images, interrupted=self.interrupted or stopped)

    @property
    def unreadable(self) -> int:
        """How many files are in `unreadable_files`."""
        return len(self.unreadable_files)

    @property
    def images_per_second(self) -> float:
        """Embeddings computed per second of the whole run."""
        return self.embedded / self.seconds if self.seconds else 0.0

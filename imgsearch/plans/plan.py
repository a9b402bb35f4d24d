"""The values of a plan: which files of a gallery are kept, which are to go, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.groups import Kind

if TYPE_CHECKING:
    from pathlib import Path

# Not an edit, which somebody made on purpose, nor another exposure; `similar` never.
DEFAULT_KINDS: Final = (Kind.IDENTICAL, Kind.PIXELS, Kind.COPY)


class KeepRule(StrEnum):
    """What makes one file of a group the one to keep."""

    LARGEST = "largest"
    BEST_FORMAT = "best-format"
    PREFERRED = "preferred"
    MOST_METADATA = "most-metadata"
    PROTECTED = "protected"
    OLDEST = "oldest"
    NEWEST = "newest"
    SHORTEST_PATH = "shortest-path"


DEFAULT_RULES: Final = (
    KeepRule.LARGEST,
    KeepRule.BEST_FORMAT,
    KeepRule.PREFERRED,
    KeepRule.MOST_METADATA,
    KeepRule.PROTECTED,
    KeepRule.OLDEST,
    KeepRule.SHORTEST_PATH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file as it was when the plan was made, by which it is known again.

    Attributes:
        path: absolute path.
        root: the photo folder that it belongs to.
        content: SHA-256 of its bytes, 64 hexadecimal digits.
        bytes: its size.
        mtime_ns: modification time in nanoseconds.
        device: number of its device; None if not known.
        inode: its number on that device; None if not known.
    """

    path: Path
    root: Path
    content: str
    bytes: int
    mtime_ns: int
    device: int | None = None
    inode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chose for a group, in place of rules.

    Attributes:
        keeper: absolute path of the file to keep.
        going: absolute paths of those that may go; the others stay.
    """

    keeper: Path
    going: frozenset[Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemoval:
    """A file that is to go.

    Attributes:
        file: which.
        kind: how it is the same as the keeper.
        certainty: the calibrated probability that the kind is right.
        changes: what was done to the one to arrive at the other, in words.
        reason: why this one goes and the keeper stays.
        only_here: metadata that it has and the keeper lacks, such as "taken 2019-05-01T12:00:00".
    """

    file: PlannedFile
    kind: Kind
    certainty: float
    changes: tuple[str, ...] = ()
    reason: str
    only_here: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFile:
    """A file of a group that stays besides the keeper, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGroup:
    """What becomes of a group.

    Attributes:
        keeper: stays.
        reason: why it is the keeper.
        removals: files that are to go, each the same as the keeper itself.
        left: files that stay all the same.
    """

    keeper: PlannedFile
    reason: str
    removals: tuple[PlannedRemoval, ...]
    left: tuple[LeftFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which files of a gallery are to go; nothing happens until it is applied.

    Attributes:
        gallery: the gallery's folder.
        gallery_id: its random id.
        recipe: identifier of the recipe whose embeddings named the candidates.
        made: when, in UTC, "2026-05-01T12:00:00+00:00".
        keep: the rules by which keepers were chosen, the weightiest first.
        prefer: folders whose files are kept rather than others, the most preferred first.
        protect: folders whose files are never touched.
        kinds: of sameness that a file may be removed for.
        groups: those in which a file is to go.
        left: files of other groups, all of which stay, and why.
    """

    gallery: Path
    gallery_id: str
    recipe: str | None
    made: str
    keep: tuple[KeepRule, ...]
    prefer: tuple[Path, ...] = ()
    protect: tuple[Path, ...] = ()
    kinds: tuple[Kind, ...] = DEFAULT_KINDS
    groups: tuple[PlannedGroup, ...]
    left: tuple[LeftFile, ...] = ()

    @property
    def files(self) -> int:
        """How many files are to go."""
        return sum(len(group.removals) for group in self.groups)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(item.file.bytes for group in self.groups for item in group.removals)

    @property
    def certainty(self) -> float:
        """That of the least certain removal; 1 where nothing goes."""
        certainties = (item.certainty for group in self.groups for item in group.removals)
        return min(certainties, default=1.0)

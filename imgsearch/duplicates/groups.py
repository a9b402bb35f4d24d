"""The values that a search for duplicates gives: groups of files, their keeper, the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.search.matches import GalleryFile

# Score from which on a match of a query may be the same as the picture asked about.
SAME_FROM: Final = 0.4


class Kind(StrEnum):
    """How two files are the same, the surest kind first."""

    IDENTICAL = "identical"
    PIXELS = "pixels"
    COPY = "copy"
    EDIT = "edit"
    BURST = "burst"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a file is the same as the keeper of its group.

    Attributes:
        kind: of sameness.
        certainty: the calibrated probability that the kind is right, at most 1.
        changes: what was done to the keeper to arrive at the file, in words: "mirrored",
            "cropped to 71 %", "grey".
        transform: a, b, c, d, e, f with x' = ax + by + c and y' = dx + ey + f, which take a place
            in the file to its place in the keeper, both in pixels of the upright image; None where
            the two were not laid over each other.
    """

    kind: Kind
    certainty: float
    changes: tuple[str, ...] = ()
    transform: tuple[float, float, float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of a group besides its keeper.

    Attributes:
        file: the file, without its duplicates, which are members of their own.
        evidence: why it is the same as the keeper itself.
        other_names: hard links to it, other spellings of it, symlinks: the same file on disk.
    """

    file: GalleryFile
    evidence: Evidence
    other_names: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A file that belongs to one of a group without being the same: a RAW beside its JPEG.

    Attributes:
        path: of the companion.
        of: the file of the group that it belongs to.
        reason: in words, such as "RAW of the same name".
    """

    path: Path
    of: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files that are the same; every member matches the keeper itself.

    Attributes:
        keeper: the file to keep.
        keeper_names: other names of it, as `Member.other_names`.
        members: the others, surest first, then by path.
        companions: what belongs to any of them.
    """

    keeper: GalleryFile
    keeper_names: tuple[Path, ...] = ()
    members: tuple[Member, ...]
    companions: tuple[Companion, ...] = ()

    @property
    def certainty(self) -> float:
        """That of the least certain member."""
        return min(member.evidence.certainty for member in self.members)

    @property
    def kind(self) -> Kind:
        """The weakest of the members' kinds."""
        order = list(Kind)
        return max((member.evidence.kind for member in self.members), key=order.index)

"""One file that is put elsewhere, as a journal knows it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Link = Literal["hard", "reflink", "symlink"]
WayName = Literal["trash", "folder", "system trash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file that is put elsewhere, and all names that are used on the way.

    Attributes:
        number: of the step in its journal, from 1.
        way: where it goes.
        path: where it was.
        root: the photo folder that it belongs to.
        content: SHA-256 of its bytes, 64 hexadecimal digits.
        bytes: its size.
        keeper: the file that it is the same as.
        target: where it is put; None in the trash of a system that does not tell.
        info: the file in the trash that tells its old place, or None.
        information: what that file says.
        temporary: what a copy is called until it is complete, where it must be copied, or None.
        link: what takes its place, or None.
        link_temporary: what the link is called until the place is free, or None.
    """

    number: int
    way: WayName
    path: Path
    root: Path
    content: str
    bytes: int
    keeper: Path
    target: Path | None = None
    info: Path | None = None
    information: str | None = None
    temporary: Path | None = None
    link: Link | None = None
    link_temporary: Path | None = None


@dataclass(slots=True)
class StepState:
    """What became of a step.

    Attributes:
        step: as it was begun.
        outcome: "begun" while it is not known.
        made: device and inode of the link that takes its place, or None.
        undoing: whether it was begun to be taken back.
        temporaries: what copies were called on the way back.
    """

    step: Step
    outcome: Literal["begun", "done", "failed", "undone"] = "begun"
    made: tuple[int, int] | None = None
    undoing: bool = False
    temporaries: list[Path] = field(default_factory=list)

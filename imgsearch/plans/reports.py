"""What is said after a plan was carried out, or taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.plans.step_values import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that was left as it is, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What became of a plan's files.

    Attributes:
        removed: files that were put elsewhere, or, by a dry run, would be.
        before: how many had gone already, by an earlier call that was interrupted.
        refused: files that were left as they are.
        bytes: of the removed files.
        where: they went, in words.
        link: what took their places, or None.
        journal: what `undo` reads; None if nothing was done.
        interrupted: whether it was stopped before the last file.
        dry_run: whether nothing was done.
    """

    removed: tuple[Path, ...]
    before: int = 0
    refused: tuple[Refusal, ...] = ()
    bytes: int = 0
    where: str
    link: Link | None = None
    journal: Path | None = None
    interrupted: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What was put back.

    Attributes:
        journal: what was taken back.
        restored: files that are in their places again, or, by a dry run, would be put there.
        in_place: how many were there already.
        refused: files that are not, and why.
        dry_run: whether nothing was done.
    """

    journal: Path
    restored: tuple[Path, ...]
    in_place: int = 0
    refused: tuple[Refusal, ...] = ()
    dry_run: bool = False

"""Carry a plan out, or say what would be done; and take it back."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from imgsearch.errors import PlanRefusedError
from imgsearch.plans import plan_file, steps
from imgsearch.plans.journal import Journal, is_about, journals
from imgsearch.plans.looking import holds
from imgsearch.plans.reports import ApplyReport, Refusal, UndoReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from imgsearch.plans.plan import Plan, PlannedFile
    from imgsearch.plans.step_values import Link, Step, StepState
    from imgsearch.plans.ways import Way

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Application:
    """A plan that is being carried out.

    Attributes:
        plan: what is to be done.
        way: where files go.
        link: what takes their places, or None.
        pairs: each file that is to go with its keeper, without those that have gone already.
        before: how many have.
    """

    plan: Plan
    way: Way
    link: Link | None
    pairs: tuple[tuple[PlannedFile, PlannedFile], ...]
    before: int = 0

    def report(self, *, dry_run: bool) -> ApplyReport:
        """Return what would be done."""
        return ApplyReport(
            removed=tuple(file.path for file, _ in self.pairs),
            before=self.before,
            bytes=sum(file.bytes for file, _ in self.pairs),
            where=str(self.way),
            link=self.link,
            dry_run=dry_run,
        )

    def carry_out(
        self,
        journal: Journal,
        *,
        progress: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> ApplyReport:
        """Put the files elsewhere, one after the other.

        One that is not what it was is left.

        Args:
            journal: open for this plan.
            progress: told how many files were looked at, and of how many.
            stop: asked before each file; True ends it there.

        Raises:
            PlanRefusedError: the first file's place takes no links of that kind.
            OSError: the disk is full, or can't be written; what was done is in the journal.
        """
        removed: list[PlannedFile] = []
        refused: list[Refusal] = []
        interrupted = False
        for number, (file, keeper) in enumerate(self.pairs, start=1):
            interrupted = stop is not None and stop()
            if interrupted:
                break
            try:
                step = self.way.step(journal.next_number, file, keeper, link=self.link)
                steps.carry_out(step, keeper, journal)
            except PlanRefusedError as error:
                if isinstance(error, steps.LinksRefusedError) and not removed:
                    raise  # it would be said of every file
                refused.append(Refusal(path=file.path, reason=str(error)))
            except OSError as error:
                if error.errno in _NO_SPACE:
                    raise
                refused.append(Refusal(path=file.path, reason=_said(error)))
            else:
                removed.append(file)
            if progress is not None:
                progress(number, len(self.pairs))
        return replace(
            self.report(dry_run=False),
            removed=tuple(file.path for file in removed),
            refused=tuple(refused),
            bytes=sum(file.bytes for file in removed),
            journal=journal.path,
            interrupted=interrupted,
        )


def settle(plan: Plan, gallery: Path) -> list[Step]:
    """Take back the step of a plan at which an earlier call was interrupted, to make it anew.

    Returns:
        The steps that were taken back.
    """
    found = _journal_of(plan, gallery)
    if found is None:
        return []
    settled = []
    with Journal.open(found.path) as journal:
        for state in journal.open_states:
            if state.outcome == "begun":
                steps.take_back(state, journal)
                journal.failed(state, "interrupted")
                settled.append(state.step)
    return settled


def gone_before(plan: Plan, gallery: Path) -> frozenset[Path]:
    """Return the files of a plan that an earlier call has put elsewhere."""
    journal = _journal_of(plan, gallery)
    states = [] if journal is None else journal.open_states
    return frozenset(state.step.path for state in states if steps.is_gone(state))


def begin(plan: Plan, gallery: Path) -> Journal:
    """Return the journal of a plan: a new one, or that of a call that was interrupted."""
    found = _journal_of(plan, gallery)
    if found is not None:
        return Journal.open(found.path)
    digest = plan_file.digest_of(plan)
    return Journal.create(gallery, gallery_id=plan.gallery_id, plan=digest)


def _journal_of(plan: Plan, gallery: Path) -> Journal | None:
    """Return the journal of a plan that was begun and not taken back."""
    digest = plan_file.digest_of(plan)
    found = (Journal.read(path) for path in journals(gallery) if is_about(path, digest))
    return next((journal for journal in found if journal.open_states), None)


def last_journal(gallery: Path) -> Path | None:
    """Return the newest journal of a gallery in which something was done, else the newest."""
    found = journals(gallery)
    for path in found:
        states = Journal.read(path).states.values()
        if any(state.outcome != "failed" for state in states):
            return path
    return found[0] if found else None


def take_back(
    journal: Journal,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UndoReport:
    """Put back every file of a journal that is not in its place, the last one first.

    Args:
        journal: open.
        dry_run: only say which.
        progress: told how many files were looked at, and of how many.
    """
    restored: list[Path] = []
    refused: list[Refusal] = []
    in_place = 0
    states: Sequence[StepState] = journal.open_states
    for number, state in enumerate(states, start=1):
        path = state.step.path
        try:
            moved = steps.to_be_moved(state) if dry_run else steps.take_back(state, journal)
            if not dry_run:
                journal.undone(state)
        except PlanRefusedError as error:
            refused.append(Refusal(path=path, reason=str(error)))
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise
            refused.append(Refusal(path=path, reason=_said(error)))
        else:
            in_place += not moved
            restored += [path] if moved else []
        if progress is not None:
            progress(number, len(states))
    return UndoReport(
        journal=journal.path,
        restored=tuple(restored),
        in_place=in_place,
        refused=tuple(refused),
        dry_run=dry_run,
    )


def put_back(journal: Journal, *, surely: Collection[StepState]) -> list[tuple[Path, Path, str]]:
    """Return the files of a journal that are in their places again.

    Args:
        journal: just taken back.
        surely: steps that were taken back just now; the files of others are read again.

    Returns:
        Of each its root, its path, and its content's hash.
    """
    known = {state.step.number for state in surely}
    return [
        (state.step.root, state.step.path, state.step.content)
        for state in journal.states.values()
        if state.outcome == "undone"
        and (
            state.step.number in known
            or holds(state.step.path, content=state.step.content, size=state.step.bytes)
        )
    ]


def _said(error: OSError) -> str:
    what = (error.strerror or str(error)).lower()
    return what if error.filename is None else f"{error.filename}: {what}"

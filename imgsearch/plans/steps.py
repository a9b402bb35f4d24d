"""One step: a file is put elsewhere, or back. Whatever interrupts it, nothing is lost.

At every moment the file's bytes are at its old place, at its new one, or at both, and the journal
names both. `take_back` finds out which by looking, so it can be called after any interruption, and
as often as one likes.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from imgsearch.errors import PlanRefusedError
from imgsearch.plans import file_acts, system_trash
from imgsearch.plans.looking import holds, see
from imgsearch.plans.places import Places
from imgsearch.plans.ways import hidden_name, is_hidden_name

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.plans.journal import Journal
    from imgsearch.plans.looking import Seen
    from imgsearch.plans.plan import PlannedFile
    from imgsearch.plans.step_values import Step, StepState

_CHUNK = 1 << 20
# What file systems answer that have no links of the kind that is asked for.
_NO_SUCH_LINKS = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL}
)


class LinksRefusedError(PlanRefusedError):
    """A file system makes no links of the kind that is asked for; nothing was done."""


def carry_out(step: Step, keeper: PlannedFile, journal: Journal) -> None:
    """Put a file elsewhere, once it and its keeper were looked at again.

    Raises:
        PlanRefusedError: one of them is not what it was; nothing was done.
        OSError: the system refused; what had been done was taken back.
    """
    kept = see(keeper.path, content=keeper.content, size=keeper.bytes)
    file = see(step.path, content=step.content, size=step.bytes)
    places = Places()
    if file.is_same_file(kept) or places.of(step.path) == places.of(keeper.path):
        raise PlanRefusedError(f"{step.path}: the same file as its keeper {keeper.path}")
    state = journal.begin(step)
    try:
        _act(step, file, kept, journal=journal)
    except BaseException as error:
        take_back(state, journal)
        journal.failed(state, str(error) or type(error).__name__)
        raise
    journal.done(state)


def _act(step: Step, file: Seen, kept: Seen, *, journal: Journal) -> None:
    if step.link is not None and step.link_temporary is not None:
        _make_link(step, step.link_temporary, file, journal)
    if step.info is not None and step.target is not None:
        file_acts.make_folder(step.target.parent, 0o700)
        file_acts.make_folder(step.info.parent, 0o700)
        file_acts.create(step.info, (step.information or "").encode("ascii"))
        file_acts.sync_folder(step.info.parent)
    elif step.target is not None:
        file_acts.make_folder(step.target.parent)
    kept.still_there()
    file.still_there()
    if step.target is None:
        system_trash.send(step.path)
    else:
        _move(step, step.target, file)
    if step.link_temporary is not None:
        file_acts.rename(step.link_temporary, step.path)
        file_acts.sync_folder(step.path.parent)


def _make_link(step: Step, temporary: Path, file: Seen, journal: Journal) -> None:
    try:
        if step.link == "symlink":
            file_acts.symbolic_link(step.keeper, temporary)
        elif step.link == "hard":
            file_acts.hard_link(step.keeper, temporary)
        else:
            file_acts.reflink(step.keeper, temporary)
            shutil.copystat(file.path, temporary)
    except OSError as error:
        if error.errno not in _NO_SUCH_LINKS:
            raise
        raise LinksRefusedError(
            f"--link {step.link}: the file system of {step.path.parent} makes no such links; use "
            "another --link, or none"
        ) from error
    journal.made(journal.states[step.number], temporary.lstat())


def _move(step: Step, target: Path, file: Seen) -> None:
    try:
        file_acts.rename(step.path, target)
    except OSError as error:
        if error.errno != errno.EXDEV or step.temporary is None:
            raise
        _copy(file, step.temporary, target)
        file.still_there()
        file_acts.remove(step.path)
    else:
        moved = target.lstat()
        if not os.path.samestat(moved, file.status):
            # Another file had taken its name between the look and the act.
            file_acts.rename(target, step.path)
            raise PlanRefusedError(f"{step.path}: changed while it was looked at")
        file_acts.sync_folder(target.parent)
    file_acts.sync_folder(step.path.parent)


def _copy(file: Seen, temporary: Path, target: Path) -> None:
    """Copy a file to another device: complete, verified and on the disk before it has its name."""
    descriptor = file_acts.open_new(temporary)
    try:
        with file.path.open("rb") as original:
            while block := original.read(_CHUNK):
                file_acts.write(descriptor, block)
        shutil.copystat(file.path, temporary)
        os.fsync(descriptor)
    except OSError as error:
        error.filename = error.filename or str(target)
        raise
    finally:
        os.close(descriptor)
    if not holds(temporary, content=file.content, size=file.status.st_size):
        raise PlanRefusedError(f"{target}: the copy does not hold what was copied")
    file_acts.rename(temporary, target)
    file_acts.sync_folder(target.parent)


def is_gone(state: StepState) -> bool:
    """Whether a file is not in its place, or a link to its keeper is."""
    return _what_is_here(state) in {"nothing", "the link"}


def to_be_moved(state: StepState) -> bool:
    """Look whether a file has to be moved to be where it was.

    Raises:
        PlanRefusedError: something else is there now, or the file is not where it was put.
    """
    step, here = state.step, _what_is_here(state)
    if step.target is None:
        if here == "the file":
            return False
        raise PlanRefusedError(f"{step.path}: in the system's trash: put it back from there")
    if not os.path.lexists(step.target):
        if here == "the file":
            return False
        raise PlanRefusedError(
            f"{step.path}: can't be put back: it is not at {step.target} any more"
        )
    if not holds(step.target, content=step.content, size=step.bytes):
        raise PlanRefusedError(
            f"{step.path}: not put back: {step.target} holds other bytes than it did"
        )
    if here == "another file":
        raise PlanRefusedError(
            f"{step.path}: not put back: something else is there; the file is at {step.target}"
        )
    return here != "the file"


def take_back(state: StepState, journal: Journal) -> bool:
    """Put a file back where it was, as far as it is not there.

    Returns:
        Whether it had to be moved.

    Raises:
        PlanRefusedError: as of `to_be_moved`.
        OSError: the system refused.
    """
    step = state.step
    for name in (step.link_temporary, step.temporary, *state.temporaries):
        if name is not None and is_hidden_name(name):
            _drop(name)
    moving = to_be_moved(state)
    if step.target is None:
        return False
    if moving:
        if os.path.lexists(step.path):
            file_acts.remove(step.path)  # the link to the keeper
        _move_back(state, step.target, journal)
    elif os.path.lexists(step.target) and (
        state.outcome == "begun" or state.undoing or step.path.samefile(step.target)
    ):
        # Both at once: interrupted between giving it one name and taking the other away.
        file_acts.remove(step.target)
        file_acts.sync_folder(step.target.parent)
    if not os.path.lexists(step.target):
        _drop_information(step)
    return moving


def _what_is_here(state: StepState) -> Literal["nothing", "the link", "the file", "another file"]:
    step = state.step
    if not os.path.lexists(step.path):
        return "nothing"
    status = step.path.lstat()
    if step.link == "symlink":
        if step.path.is_symlink() and step.path.readlink() == step.keeper:
            return "the link"
    elif step.link is not None and (status.st_dev, status.st_ino) == state.made:
        return "the link"
    if holds(step.path, content=step.content, size=step.bytes):
        return "the file"
    return "another file"


def _move_back(state: StepState, target: Path, journal: Journal) -> None:
    step = state.step
    file_acts.make_folder(step.path.parent)
    try:
        file_acts.rename(target, step.path)
        file_acts.sync_folder(step.path.parent)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = hidden_name(step.path.parent)
        journal.undoing(state, temporary)
        file = see(target, content=step.content, size=step.bytes)
        _copy(file, temporary, step.path)
        file.still_there()
        file_acts.remove(target)
    file_acts.sync_folder(target.parent)


def _drop(name: Path) -> None:
    with suppress(FileNotFoundError):
        file_acts.remove(name)


def _drop_information(step: Step) -> None:
    """Remove what told a file's old place in the trash, if it is about this file."""
    if step.info is None or not step.info.is_file():
        return
    if step.info.read_bytes() in {b"", (step.information or "").encode("ascii")}:
        file_acts.remove(step.info)
        file_acts.sync_folder(step.info.parent)

"""Whether a plan fits the gallery and the files, before anything is done."""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.duplicates.groups import Kind
from imgsearch.errors import PlanRefusedError
from imgsearch.plans.looking import see
from imgsearch.plans.places import Places
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.plans.plan import Plan, PlannedFile
    from imgsearch.storage.database import Store

_NAMED: Final = 5


def pairs_to_remove(
    plan: Plan, gone: frozenset[Path]
) -> tuple[tuple[PlannedFile, PlannedFile], ...]:
    """Return each file that is to go and its keeper, without those that have gone.

    Raises:
        PlanRefusedError: the plan contradicts itself.
    """
    pairs = [
        (item.file, group.keeper)
        for group in plan.groups
        for item in group.removals
        if item.file.path not in gone
    ]
    keepers = {keeper.path for _, keeper in pairs}
    going = Counter(file.path for file, _ in pairs)
    problems = [f"{path}: kept and removed at once" for path in going if path in keepers]
    problems += [f"{path}: removed twice" for path, times in going.items() if times > 1]
    problems += [
        f"{item.file.path}: of kind {item.kind}, which is never removed"
        for group in plan.groups
        for item in group.removals
        if item.kind == Kind.SIMILAR or item.kind not in plan.kinds
    ]
    refuse(problems, "the plan contradicts itself")
    return tuple(pairs)


def check_gallery(
    plan: Plan, store: Store, pairs: Sequence[tuple[PlannedFile, PlannedFile]]
) -> None:
    """Make sure that a plan is of this gallery, and that its files are as they were in it.

    Raises:
        PlanRefusedError: it is of another one, or names files that it does not hold so.
    """
    if store.setting("gallery") != plan.gallery_id:
        raise PlanRefusedError(
            f"the plan is of another gallery, which lay in {plan.gallery}; nothing was done"
        )
    roots = {root.path: (root.id, root.online) for root in store.roots()}
    problems = []
    for file in _each(pairs):
        root_id, online = roots.get(file.root, (None, False))
        below = paths.relative_to(file.path, file.root)
        if root_id is None or not below:
            problems.append(f"{file.path}: not in a folder of the gallery")
        elif not online:
            problems.append(f"{file.path}: offline: {file.root} is not there")
        elif store.content_hash_at(root_id, below) != file.content:
            problems.append(f"{file.path}: the gallery does not hold it as the plan does")
    refuse(problems, "the plan does not fit the gallery; make it again")


def check_files(plan: Plan, pairs: Sequence[tuple[PlannedFile, PlannedFile]]) -> None:
    """Make sure that files are as they were when a plan was made, and may be moved.

    Where size and time are what they were, a file is read only right before it goes.

    Raises:
        PlanRefusedError: some are not.
    """
    places = Places()
    problems = [_changed(file) for file in _each(pairs)]
    for file, keeper in pairs:
        protecting = places.first_above(file.path, plan.protect)
        if protecting is not None:
            problems.append(f"{file.path}: protected: it lies in {protecting}")
        elif not places.is_direct(file.path, file.root):
            problems.append(f"{file.path}: reached through a symbolic link, or by another spelling")
        elif _is_one(file, keeper, places):
            problems.append(f"{file.path}: the same file as its keeper {keeper.path}")
    folders = {file.path.parent for file, _ in pairs}
    problems += [
        f"{folder}: files cannot be moved out of it: permission denied"
        for folder in sorted(folders)
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK)
    ]
    refuse([text for text in problems if text], "files are not what they were; make it again")


def refuse(problems: Iterable[str], what: str) -> None:
    """Refuse a plan that has problems.

    Raises:
        PlanRefusedError: names the first few.
    """
    # A name with a line break must not look like a line of the message.
    lines = [printable(text) for text in dict.fromkeys(problems)]
    if not lines:
        return
    more = [f"and {len(lines) - _NAMED:,} more"] if len(lines) > _NAMED else []
    raise PlanRefusedError("\n".join([f"nothing was done: {what}", *lines[:_NAMED], *more]))


def _each(pairs: Iterable[tuple[PlannedFile, PlannedFile]]) -> list[PlannedFile]:
    return list(dict.fromkeys(file for pair in pairs for file in pair))


def _changed(file: PlannedFile) -> str:
    """Return what is wrong with a file, or nothing."""
    try:
        status = file.path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return f"{file.path}: no regular file any more"
        if (status.st_size, status.st_mtime_ns) != (file.bytes, file.mtime_ns):
            see(file.path, content=file.content, size=file.bytes)
    except PlanRefusedError as error:
        return str(error)
    except FileNotFoundError:
        return f"{file.path}: not there any more"
    except OSError as error:
        return f"{file.path}: {(error.strerror or str(error)).lower()}"
    return ""


def _is_one(file: PlannedFile, keeper: PlannedFile, places: Places) -> bool:
    """Whether two names lead to one file, whatever the file system tells of it."""
    if places.of(file.path) == places.of(keeper.path):
        return True
    one, other = paths.identity(file.path), paths.identity(keeper.path)
    return one is not None and one == other

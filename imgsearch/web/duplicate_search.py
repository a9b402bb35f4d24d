"""The search for duplicates, which may take minutes: started by a request, read by others."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.duplicates.groups import Kind
from imgsearch.errors import ImgsearchError
from imgsearch.files import free_name
from imgsearch.plans.plan import Choice
from imgsearch.plans.plan_file import write_plan
from imgsearch.web.refusals import RefusalError, not_found, refusal_of, usage
from imgsearch.web.workers import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from imgsearch.duplicates.groups import Group
    from imgsearch.gallery.gallery import Gallery

State = Literal["none", "running", "ready", "failed"]

# "similar" is what the search page is for.
LOG: Final = logging.getLogger(__name__)
SAME: Final = tuple(kind for kind in Kind if kind is not Kind.SIMILAR)
PLANS: Final = "plans"
_ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Found:
    """How far the search has come.

    Attributes:
        state: of the search.
        progress: from 0 to 1.
        groups: what the last search that came to its end found, by id.
        reason: why the last one failed, or "".
    """

    state: State
    progress: float
    groups: Mapping[str, Group]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided for a group.

    Attributes:
        group: its id.
        keep: paths of files that stay.
        drop: paths of files that may go.
    """

    group: str
    keep: frozenset[str]
    drop: frozenset[str]


class DuplicateSearch:
    """Looks for duplicates in a thread of its own, over a connection of its own."""

    def __init__(self, open_gallery: Callable[[], Gallery]) -> None:
        self._open = open_gallery
        self._crew = Crew("duplicates", 1, 1, polite=True)
        self.found = Found("none", 0.0, {})

    async def run(self, kinds: Sequence[Kind]) -> None:
        """Look for groups, unless that is being done; `found` has them in the end."""
        if self.found.state == "running":
            return
        self.found = Found("running", 0.0, self.found.groups)
        try:
            groups = await self._crew.run(self._search, kinds)
        except Exception as error:
            self.found = Found("failed", 0.0, self.found.groups, str(error) or type(error).__name__)
            if not isinstance(error, ImgsearchError | OSError | MemoryError):
                LOG.warning(
                    "duplicates: unexpected %s: %s; this is a bug in imgsearch, "
                    "--debug shows the traceback",
                    type(error).__name__,
                    error,
                )
                LOG.debug("the traceback:", exc_info=error)
            return
        self.found = Found("ready", 1.0, {group_id(group): group for group in groups})

    def close(self) -> None:
        """Forget the search that waits."""
        self._crew.close()

    def _search(self, kinds: Sequence[Kind]) -> list[Group]:
        with self._open() as gallery:
            return gallery.duplicates(kinds=kinds, progress=self._at)

    def _at(self, done: int, total: int) -> None:
        # From the search's own thread: one value takes the place of another.
        self.found = Found("running", done / max(total, 1), self.found.groups)


def group_id(group: Group) -> str:
    """Return what names a group: the same for the same files."""
    files = [group.keeper, *(member.file for member in group.members)]
    named = "\0".join(f"{file.content}:{file.path!r}" for file in files)
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:_ID_DIGITS]


def save_plan(
    gallery: Gallery, found: Found, decisions: Sequence[Decision], *, shown: Callable[[Path], str]
) -> Path:
    """Write a plan of what a person decided, and return its file; nothing else happens.

    Args:
        gallery: whose groups they are.
        found: the groups.
        decisions: one for each group in which a file may go.
        shown: returns a path as answers have it.

    Raises:
        RefusalError: a group or a file that was not found, or nothing to drop.
        ImgsearchError: as `Gallery.plan`.
        OSError: the plan cannot be written.
    """
    choices: dict[Path, Choice] = {}
    groups = []
    for decision in decisions:
        group = found.groups.get(decision.group)
        if group is None:
            raise not_found(f"groups: none of id {decision.group!r}; look for duplicates again")
        if group in groups:
            raise usage(f"groups: {decision.group!r} is given twice")
        groups.append(group)
        choices[group.keeper.path] = _choice(group, decision, shown)
    try:
        plan = gallery.plan(groups, kinds=[kind.value for kind in SAME], choices=choices)
    except ImgsearchError as error:
        raise refusal_of(error) from None
    if not plan.groups:
        why = plan.left[0].reason if plan.left else "no file is to go"
        raise usage(f"groups: nothing is left to plan: {why}")
    folder = gallery.path / PLANS
    folder.mkdir(mode=0o700, exist_ok=True)
    path = free_name(folder, f"{plan.made.replace(':', '').replace('+0000', 'Z')}.json")
    write_plan(plan, path)
    return path


def _choice(group: Group, decision: Decision, shown: Callable[[Path], str]) -> Choice:
    files = [group.keeper, *(member.file for member in group.members)]
    named = {shown(file.path): file.path for file in files}
    for path in decision.keep | decision.drop:
        if path not in named:
            raise usage(f"groups: {path!r} is no file of group {decision.group}")
    if decision.keep & decision.drop:
        raise usage(f"groups: a file of group {decision.group} is to be kept and to be dropped")
    staying = [path for path in named if path not in decision.drop]
    if not staying:
        raise usage(f"groups: every file of group {decision.group} would go; keep one")
    keeper = next((path for path in named if path in decision.keep), staying[0])
    return Choice(keeper=named[keeper], going=frozenset(named[path] for path in decision.drop))


def checked_kinds(names: Sequence[str]) -> tuple[Kind, ...]:
    """Return kinds of sameness by their names; all but "similar" where none is named.

    Raises:
        RefusalError: a name that is none.
    """
    try:
        return tuple(dict.fromkeys(map(Kind, names))) or SAME
    except ValueError:
        raise RefusalError(
            400, "usage", f"kinds: choose from {', '.join(kind.value for kind in Kind)}"
        ) from None

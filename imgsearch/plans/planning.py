"""From groups of duplicates to a plan: which file stays, which may go, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imgsearch.plans import rules
from imgsearch.plans.entries import Entry, between, planned, same_file, status_of
from imgsearch.plans.places import Places
from imgsearch.plans.plan import LeftFile, Plan, PlannedGroup, PlannedRemoval

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.duplicates.groups import Evidence, Group, Kind
    from imgsearch.plans.plan import Choice, KeepRule
    from imgsearch.search.matches import GalleryFile

CHOSEN: Final = "chosen by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides between the files of a group.

    Attributes:
        keep: rules, the weightiest first.
        prefer: folders for the rule `PREFERRED`, absolute.
        protect: folders whose files stay, absolute.
        kinds: of sameness that a file may go for.
        split_companions: a file may go although another one belongs to it.
    """

    keep: tuple[KeepRule, ...]
    prefer: tuple[Path, ...] = ()
    protect: tuple[Path, ...] = ()
    kinds: tuple[Kind, ...]
    split_companions: bool = False


@dataclass(slots=True)
class Planner:
    """Plans one group after the other; no file is kept for one and removed for another."""

    terms: Terms
    groups: list[PlannedGroup] = field(default_factory=list)
    left: list[LeftFile] = field(default_factory=list)
    _places: Places = field(default_factory=Places)
    _kept: set[Path] = field(default_factory=set)
    _gone: set[Path] = field(default_factory=set)

    def plan(self, gallery: Path, *, gallery_id: str, recipe: str | None, made: str) -> Plan:
        """Return what was planned, for the gallery in a folder."""
        return Plan(
            gallery=gallery,
            gallery_id=gallery_id,
            recipe=recipe,
            made=made,
            keep=self.terms.keep,
            prefer=self.terms.prefer,
            protect=self.terms.protect,
            kinds=self.terms.kinds,
            groups=tuple(self.groups),
            left=tuple(self.left),
        )

    def add(self, group: Group, choice: Choice | None = None) -> None:
        """Plan a group, by the rules or by what a person chose."""
        entries = self._entries(group)
        able = [entry for entry in entries if entry.status is not None]
        able = [entry for entry in able if entry.path not in self._gone]
        if not able:
            self.left += [LeftFile(path=e.path, reason=e.obstacle or "") for e in entries]
            return
        keeper = min(able, key=self._rank)
        if choice is not None:
            entries = [e for e in entries if e.path == choice.keeper or e.path in choice.going]
            chosen = next((entry for entry in able if entry.path == choice.keeper), None)
            if chosen is None:
                missing = f"{choice.keeper}, which was chosen to be kept, is not there"
                self.left += [LeftFile(path=e.path, reason=missing) for e in entries]
                return
            keeper = chosen
        removals, left = [], []
        for entry in sorted(entries, key=lambda entry: entry.path):
            if entry is keeper:
                continue
            reason = entry.obstacle or self._conflict(entry, keeper)
            if reason is None:
                why = CHOSEN if choice is not None else self._why(keeper, entry)
                removals.append(self._removal(entry, keeper, why))
            else:
                left.append(LeftFile(path=entry.path, reason=reason))
        if not removals:
            self.left += left
            return
        self._kept.add(keeper.path)
        self._gone.update(item.file.path for item in removals)
        self.groups.append(
            PlannedGroup(
                keeper=planned(keeper),
                reason=self._why_kept(keeper, able) if choice is None else CHOSEN,
                removals=tuple(removals),
                left=tuple(left),
            )
        )

    def _entries(self, group: Group) -> list[Entry]:
        belonging: dict[Path, str] = {}
        for companion in group.companions:
            belonging.setdefault(companion.of, f"{companion.path} ({companion.reason})")
        first = self._entry(group.keeper, None, group.keeper_names, belonging)
        return [first] + [
            self._entry(member.file, member.evidence, member.other_names, belonging)
            for member in group.members
        ]

    def _entry(
        self,
        file: GalleryFile,
        evidence: Evidence | None,
        other_names: Iterable[Path],
        belonging: dict[Path, str],
    ) -> Entry:
        status, missing = status_of(file)
        protecting = self._places.first_above(file.path, self.terms.protect)
        obstacle = missing
        if missing is None:
            obstacle = self._obstacle(file, protecting, tuple(other_names), belonging)
        return Entry(
            file=file,
            evidence=evidence,
            status=status,
            obstacle=obstacle,
            protected=protecting is not None,
            accompanied=file.path in belonging,
        )

    def _obstacle(
        self,
        file: GalleryFile,
        protecting: Path | None,
        other_names: tuple[Path, ...],
        belonging: dict[Path, str],
    ) -> str | None:
        """Return why a file that is there must stay, whatever else there is of it."""
        if protecting is not None:
            return f"protected: it lies in {protecting}"
        if not self._places.is_direct(file.path, file.root):
            return "it is reached through a symbolic link, or by another spelling"
        if other_names:
            return f"it has another name, {other_names[0]}: removing one would free nothing"
        if file.path in belonging and not self.terms.split_companions:
            return f"{belonging[file.path]} belongs to it; --split-companions would part them"
        return None

    def _conflict(self, entry: Entry, keeper: Entry) -> str | None:
        """Return why a file that might go must stay beside this keeper."""
        if entry.path in self._kept:
            return "it is the keeper of another group"
        if entry.path in self._gone:
            return "it goes as the duplicate of another group's keeper"
        if same_file(entry, keeper) or self._places.of(entry.path) == self._places.of(keeper.path):
            return "it is the keeper itself under another name"
        evidence = between(entry, keeper)
        if evidence is None:
            return f"it was compared with another file of the group and not with {keeper.path}"
        if evidence.kind not in self.terms.kinds:
            return f"its kind is {evidence.kind}, which was not asked for"
        return None

    def _removal(self, entry: Entry, keeper: Entry, why: str) -> PlannedRemoval:
        evidence = between(entry, keeper)
        if evidence is None:
            raise AssertionError(entry.path)  # `_conflict` has seen to it
        return PlannedRemoval(
            file=planned(entry),
            kind=evidence.kind,
            certainty=evidence.certainty,
            changes=evidence.changes,
            reason=f"the keeper is {why}",
            only_here=rules.only_here(entry.file, keeper.file),
        )

    def _why_kept(self, keeper: Entry, able: list[Entry]) -> str:
        others = [entry for entry in able if entry is not keeper]
        return self._why(keeper, min(others, key=self._rank))

    def _why(self, keeper: Entry, other: Entry) -> str:
        kept, candidate = self._candidate(keeper), self._candidate(other)
        if rules.key(self.terms.keep, kept) != rules.key(self.terms.keep, candidate):
            return rules.why(self.terms.keep, kept, candidate)
        for holds, reason in (
            (keeper.protected and not other.protected, "protected"),
            (keeper.accompanied and not other.accompanied, "the one with a companion"),
            (keeper.evidence is None, "what the others were compared with"),
        ):
            if holds:
                return f"as good by every rule, and {reason}"
        return "as good by every rule, and first by path"

    def _candidate(self, entry: Entry) -> rules.Candidate:
        if entry.status is None:
            raise AssertionError(entry.path)  # only files that are there are compared
        return rules.Candidate(
            entry.file,
            entry.status.st_mtime_ns,
            rules.preference(entry.path, self.terms.prefer),
            entry.protected,
        )

    def _rank(self, entry: Entry) -> tuple[object, ...]:
        return (
            *rules.key(self.terms.keep, self._candidate(entry)),
            not entry.protected,
            not entry.accompanied,
            entry.evidence is not None,
            entry.path,
        )

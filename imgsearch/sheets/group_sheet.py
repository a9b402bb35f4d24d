"""Groups of duplicates as one HTML page, their pictures side by side."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.groups import Kind
from imgsearch.paths import from_home
from imgsearch.quantities import byte_size, share
from imgsearch.sheets.facts import facts, link_to
from imgsearch.sheets.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.duplicates.groups import Group, Member
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.plans.plan import Plan
    from imgsearch.search.matches import GalleryFile
    from imgsearch.sheets.facts import Fact
    from imgsearch.sheets.pictures import Picture

MEANINGS: Final = (
    (Kind.IDENTICAL, "the same bytes"),
    (Kind.PIXELS, "other bytes, the same picture once decoded"),
    (Kind.COPY, "the same shot in another size, quality, format or depth"),
    (Kind.EDIT, "the same shot changed: cropped, turned, recoloured, written on"),
    (Kind.BURST, "another exposure of the same scene, moments apart"),
    (Kind.SIMILAR, "looks alike"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One of the files that hold a picture."""

    name: str
    folder: str
    elsewhere: bool
    identical: bool
    offline: bool
    goes: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A picture of a group: that of the keeper, or one that is the same."""

    keeper: bool
    picture: Picture | None
    name: str
    link: str | None
    kind: str
    certainty: str
    changes: str
    files: tuple[_File, ...]
    facts: list[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A group as it is shown."""

    title: str
    kind: str
    certainty: str
    size: str
    sides: tuple[_Side, ...]
    companions: str


class GroupSheet(Sheet):
    """Collects groups, as many as there is room for, and writes them as one page."""

    template = "groups"

    def __init__(self, gallery: Gallery, *, plan: Plan | None = None) -> None:
        """Start a page.

        Args:
            gallery: that holds the groups' files.
            plan: what is to become of them, if that is to be shown.
        """
        super().__init__(gallery)
        self._fates = {} if plan is None else _fates(plan)
        self._shown: list[_Shown] = []
        self._left_out = 0
        self._files = 0
        self._bytes = 0

    def add(self, group: Group) -> None:
        """Add a group; files with the same bytes share a picture."""
        self._files += len(group.members)
        self._bytes += sum(member.file.bytes for member in group.members)
        by_content: dict[str, list[Member]] = {}
        for member in group.members:
            by_content.setdefault(member.file.content, []).append(member)
        copies = by_content.pop(group.keeper.content, [])
        if 1 + len(by_content) > self.pictures.room:
            self.pictures.room = 0  # those that follow are not shown in its stead
            self._left_out += 1
            return
        sides = [self._side(group, copies)]
        sides += [self._side(group, members) for members in by_content.values()]
        self._shown.append(
            _Shown(
                title=group.keeper.path.name,
                kind=group.kind,
                certainty=share(group.certainty),
                size=byte_size(sum(member.file.bytes for member in group.members)),
                sides=tuple(sides),
                companions=", ".join(f"{c.path.name} ({c.reason})" for c in group.companions),
            )
        )

    def _values(self) -> dict[str, object]:
        return {
            "groups": self._shown,
            "left_out": self._left_out,
            "count": len(self._shown) + self._left_out,
            "files": self._files,
            "size": byte_size(self._bytes),
            "kinds": MEANINGS,
        }

    def _file(self, file: GalleryFile, other_names: Iterable[Path], keeper: GalleryFile) -> _File:
        goes, fate = self._fates.get(file.path, (False, ""))
        names = [f"also called {name}" for name in other_names]
        return _File(
            name=file.path.name,
            folder=os.fspath(from_home(file.path.parent)),
            elsewhere=file.path.parent != keeper.path.parent,
            identical=file.content == keeper.content and file.path != keeper.path,
            offline=file.offline,
            goes=goes,
            notes=tuple([fate, *names] if fate else names),
        )

    def _side(self, group: Group, members: Sequence[Member]) -> _Side:
        """Return the keeper's picture, or that of members with the same bytes."""
        keeper = group.keeper
        kept = not members or members[0].file.content == keeper.content
        first = keeper if kept else members[0].file
        evidence = None if kept else members[0].evidence
        files = [self._file(member.file, member.other_names, keeper) for member in members]
        if kept:
            files.insert(0, self._file(keeper, group.keeper_names, keeper))
        return _Side(
            keeper=kept,
            picture=self.pictures.of_file(first),
            name=first.path.name,
            link=link_to(first.path),
            kind="" if evidence is None else evidence.kind,
            certainty="" if evidence is None else share(evidence.certainty),
            changes="" if evidence is None else ", ".join(evidence.changes),
            files=tuple(files),
            facts=facts(first, None if kept else keeper),
        )


def _fates(plan: Plan) -> dict[Path, tuple[bool, str]]:
    """Return of each file of a plan whether it goes, and what is said about that."""
    left = [*plan.left, *(one for group in plan.groups for one in group.left)]
    fates = {one.path: (False, f"stays: {one.reason}") for one in left}
    for group in plan.groups:
        fates[group.keeper.path] = (False, f"stays: {group.reason}")
        for item in group.removals:
            only = f"; only it has: {', '.join(item.only_here)}" if item.only_here else ""
            fates[item.file.path] = (True, f"goes: {item.reason}{only}")
    return fates

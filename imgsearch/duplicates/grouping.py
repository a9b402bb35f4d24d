"""From pairs of contents that are the same to groups of files, without chaining.

The files are taken in the order of a rank. The first becomes a keeper, and everything that is the
same as the keeper itself, and in no group yet, its member; then the next, and so on. So a member
is never there because it is like another member, and the groups depend on what is given and not on
its order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from imgsearch import paths
from imgsearch.duplicates.groups import Evidence, Group, Kind, Member
from imgsearch.search.held_files import each_file
from imgsearch.search.same_file import names_by_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from imgsearch.search.matches import GalleryFile

    Rank = Callable[[GalleryFile], Any]

IDENTICAL: Final = Evidence(kind=Kind.IDENTICAL, certainty=1.0)
# Of a file that belongs to two keepers, the one by a stronger kind of sameness has it.
_PASSES: Final = (
    (Kind.IDENTICAL, Kind.PIXELS, Kind.COPY, Kind.EDIT),
    (Kind.BURST,),
    (Kind.SIMILAR,),
)


def default_rank(file: GalleryFile) -> tuple[Any, ...]:
    """Return a key by which the file to keep comes first.

    It has the most pixels, then the most bytes, then was taken first, then comes first by path.
    """
    return (
        file.offline,
        -file.width * file.height,
        -file.bytes,
        file.taken is None,
        file.taken or "",
        paths.encode(file.path),
    )


def regroup(
    files: Iterable[GalleryFile],
    evidence: Mapping[tuple[str, str], Evidence],
    *,
    rank: Rank = default_rank,
) -> list[Group]:
    """Group files around the keepers that a rank puts first.

    Args:
        files: each content once, with its other files as its duplicates.
        evidence: why a content is the same as another, by the hashes of the one to keep and of the
            other.
        rank: a sort key; of files that are the same the one with the least is kept. Equal ones are
            told apart by path.

    Returns:
        The surest groups first, then by the keeper's path. A file is in one group at most.
    """
    held = {file.content: _Held.of(file, rank) for file in files}
    ordered = sorted(held.values(), key=lambda one: one.key)
    found = _matched(ordered, evidence)
    taken = {content for members in found.values() for content in members}
    groups = [
        _group(keeper, held, found.get(keeper.content, {}))
        for keeper in ordered
        if keeper.content not in taken
    ]
    whole = [group for group in groups if group is not None]
    return sorted(whole, key=lambda group: (-group.certainty, paths.encode(group.keeper.path)))


def order_of(files: Iterable[GalleryFile], rank: Rank) -> list[str]:
    """Return the hashes of contents in the order in which they become keepers."""
    held = [_Held.of(file, rank) for file in files]
    return [one.content for one in sorted(held, key=lambda one: one.key)]


class _Held:
    """A content and the files on disk that hold it, the best first."""

    def __init__(self, names: list[list[GalleryFile]], rank: Rank) -> None:
        def key(file: GalleryFile) -> tuple[Any, bytes]:
            return rank(file), paths.encode(file.path)

        self.files = sorted((sorted(same, key=key) for same in names), key=lambda n: key(n[0]))
        self.content = self.files[0][0].content
        self.key = key(self.files[0][0])

    @classmethod
    def of(cls, file: GalleryFile, rank: Rank) -> _Held:
        return cls(names_by_file(list(each_file(file))), rank)


def _matched(
    ordered: Sequence[_Held], evidence: Mapping[tuple[str, str], Evidence]
) -> dict[str, dict[str, Evidence]]:
    """Return the members of each keeper, by their hashes."""
    known: dict[str, list[str]] = defaultdict(list)
    for one, other in evidence:
        known[one].append(other)
    place = {one.content: number for number, one in enumerate(ordered)}
    taken: set[str] = set()
    found: dict[str, dict[str, Evidence]] = defaultdict(dict)
    for kinds in _PASSES:
        for keeper in ordered:
            if keeper.content in taken:
                continue
            for member in sorted(known[keeper.content]):
                why = evidence[keeper.content, member]
                later = place.get(member, -1) > place[keeper.content]
                if later and why.kind in kinds and member not in taken and member not in found:
                    found[keeper.content][member] = why
                    taken.add(member)
    return found


def _group(
    keeper: _Held, held: Mapping[str, _Held], members: Mapping[str, Evidence]
) -> Group | None:
    """Return a keeper's group, or None if it is alone."""
    (kept, *names), *copies = keeper.files
    every = [_member(same, IDENTICAL) for same in copies]
    for content, why in members.items():
        every += [_member(same, why) for same in held[content].files]
    if not every:
        return None
    order = list(Kind)
    every.sort(
        key=lambda member: (
            order.index(member.evidence.kind),
            -member.evidence.certainty,
            paths.encode(member.file.path),
        )
    )
    return Group(
        keeper=replace(kept, duplicates=()),
        keeper_names=tuple(file.path for file in names),
        members=tuple(every),
    )


def _member(same: Sequence[GalleryFile], why: Evidence) -> Member:
    first, *names = same
    return Member(
        file=replace(first, duplicates=()),
        evidence=why,
        other_names=tuple(file.path for file in names),
    )

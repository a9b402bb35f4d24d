"""Finding the groups of a gallery: candidates, their evidence, groups."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.duplicates.candidates import candidate_pairs
from imgsearch.duplicates.companions import Companions, are_companions
from imgsearch.duplicates.grouping import default_rank, order_of, regroup
from imgsearch.duplicates.groups import Evidence, Kind
from imgsearch.duplicates.judge import Judge
from imgsearch.duplicates.kinds import evidence_of
from imgsearch.duplicates.pixels import PixelDigests
from imgsearch.search.held_files import HeldFiles
from imgsearch.storage.filters import Filters
from imgsearch.storage.passing import allowed_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.search.matches import GalleryFile
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import Content

SAME: tuple[Kind, ...] = (Kind.IDENTICAL, Kind.PIXELS, Kind.COPY, Kind.EDIT, Kind.BURST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What duplicates are asked for.

    Attributes:
        where: what the files must be.
        kinds: of sameness.
        precision: the least share of right ones among the pairs that are called the same.
        rank: a sort key; of files that are the same the one with the least is kept.
    """

    where: Filters = field(default_factory=Filters)
    kinds: frozenset[Kind] = frozenset(SAME)
    precision: float = 0.99
    rank: Rank = default_rank


class Finder:
    """Finds what is the same in one gallery."""

    def __init__(
        self,
        embeddings: Embeddings,
        space: SearchSpace,
        calibration: Calibration,
        *,
        read: Callable[[str], bytes],
        wanted: Wanted,
    ) -> None:
        """Prepare to look.

        Args:
            embeddings: in the snapshot in which the space was opened.
            space: where embeddings are searched.
            calibration: what scores mean.
            read: from a content's hash to its bytes; raises `UnreadableImageError`.
            wanted: what is asked for.
        """
        self._embeddings = embeddings
        self._space = space
        self._calibration = calibration
        self._wanted = wanted
        self._judge = Judge(self._rendering)
        self._pixels = PixelDigests(read, self._rendering)
        self._contents: dict[int, Content] = {}
        self._held: dict[int, GalleryFile] = {}
        self._ids: dict[str, int] = {}
        self._evidence: dict[tuple[str, str], Evidence] = {}
        self._judged: set[tuple[int, int]] = set()
        self._distinct = {(verdict.one, verdict.other) for verdict in embeddings.store.verdicts()}

    def groups(self, *, progress: Callable[[int, int], None] | None = None) -> list[Group]:
        """Return the groups, the surest first.

        Args:
            progress: told how many pairs were judged, of how many.

        Raises:
            UsageError: a filter that names nothing of the gallery.
        """
        files = self._files()
        if set(self._wanted.kinds) != {Kind.IDENTICAL}:
            pairs = candidate_pairs(self._embeddings, self._space, self._known())
            for done, (one, other) in enumerate(pairs.tolist()):
                if progress is not None and not done % 100:
                    progress(done, len(pairs))
                self._look_at(one, other)
            self._complete(files)
        groups = regroup(files, self._chosen(), rank=self._wanted.rank)
        if Kind.IDENTICAL not in self._wanted.kinds:
            groups = list(_without_identical(groups))
        beside = Companions()
        return [replace(group, companions=beside.of(group)) for group in groups]

    def _files(self) -> list[GalleryFile]:
        store, where = self._embeddings.store, self._wanted.where
        allowed = allowed_ids(store, where)
        ids = store.content_ids_where("id NOT IN (SELECT id FROM orphan)", ())
        if allowed is not None:
            ids = np.intersect1d(ids, allowed)
        self._held = dict(HeldFiles.of(store, where).find(ids.tolist()))
        self._contents = store.contents(self._held)
        self._ids = {content.hash: content_id for content_id, content in self._contents.items()}
        return list(self._held.values())

    def _known(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(sorted(self._contents), np.int64)

    def _rendering(self, content_id: int) -> bytes | None:
        return self._embeddings.store.renderings([content_id]).get(content_id)

    def _look_at(self, one: int, other: int) -> None:
        """Judge a pair of contents, the smaller id first, and note the evidence."""
        if (one, other) in self._judged:
            return
        self._judged.add((one, other))
        first, second = self._contents[one], self._contents[other]
        names = first.hash, second.hash
        if (min(names), max(names)) in self._distinct:
            return
        if are_companions(self._held[one], self._held[other]):
            return
        laid = self._judge.lay(one, other)
        if laid is None:
            return
        found = evidence_of(
            first, second, laid, self._calibration, precision=self._wanted.precision
        )
        if found is None:
            return
        if found[0].kind == Kind.COPY and self._pixels.same(first, second):
            same = Evidence(
                kind=Kind.PIXELS, certainty=1.0, transform=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
            )
            found = (same, same)
        self._evidence[names] = found[0]
        self._evidence[names[::-1]] = found[1]

    def _complete(self, files: Sequence[GalleryFile]) -> None:
        """Judge each keeper with all that is the same as something that is the same as it."""
        for contents in self._connected():
            left = order_of([file for file in files if file.content in contents], self._wanted.rank)
            while len(left) > 1:
                keeper, *others = left
                for other in others:
                    self._look_at(*sorted((self._ids[keeper], self._ids[other])))
                left = [other for other in others if (keeper, other) not in self._evidence]

    def _connected(self) -> Iterable[set[str]]:
        """Yield the sets of more than two contents that evidence connects."""
        near: dict[str, set[str]] = defaultdict(set)
        for one, other in self._evidence:
            near[one].add(other)
        seen: set[str] = set()
        for start in sorted(near):
            if start in seen:
                continue
            found, waiting = {start}, [start]
            while waiting:
                more = near[waiting.pop()] - found
                found |= more
                waiting += more
            seen |= found
            if len(found) > 2:  # noqa: PLR2004 - a pair is complete
                yield found

    def _chosen(self) -> dict[tuple[str, str], Evidence]:
        return {pair: why for pair, why in self._evidence.items() if why.kind in self._wanted.kinds}


def _without_identical(groups: Iterable[Group]) -> Iterable[Group]:
    for group in groups:
        members = tuple(
            member for member in group.members if member.evidence.kind != Kind.IDENTICAL
        )
        if members:
            yield replace(group, members=members)

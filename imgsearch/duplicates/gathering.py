"""Gathering the evidence on pairs of contents, each judged once."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Final

from imgsearch.duplicates.companions import are_companions
from imgsearch.duplicates.grouping import order_of
from imgsearch.duplicates.groups import Evidence, Kind
from imgsearch.duplicates.judge import LOWEST, Judge
from imgsearch.duplicates.judging import judge_each
from imgsearch.duplicates.kinds import as_burst, evidence_of, may_be_same
from imgsearch.duplicates.parallax import SecondLook
from imgsearch.duplicates.pixels import PixelDigests

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.changes import Laid
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.judge import Judged
    from imgsearch.duplicates.kept_scores import KeptScores
    from imgsearch.search.matches import GalleryFile
    from imgsearch.storage.records import Content

    Progress = Callable[[int, int], None]

_ONE_EXPOSURE: Final = (Kind.COPY, Kind.EDIT)
_SAME_PIXELS = Evidence(kind=Kind.PIXELS, certainty=1.0, transform=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


class Gathering:
    """The evidence on some contents.

    Attributes:
        evidence: why a content is the same as another, by the hashes of the one to keep and of the
            other.
    """

    def __init__(
        self,
        contents: Mapping[int, Content],
        files: Mapping[int, GalleryFile],
        *,
        rendering: Callable[[int], bytes | None],
        read: Callable[[str], bytes],
        calibration: Calibration,
        precision: float,
        distinct: Collection[tuple[str, str]],
    ) -> None:
        """Say what there is.

        Args:
            contents: by id.
            files: that hold them, by id; what has none has no companions.
            rendering: from an id to a rendering as it is stored.
            read: from a content's hash to its bytes; raises `UnreadableImageError`.
            calibration: what scores mean.
            precision: the least certainty.
            distinct: pairs of hashes, the smaller first, of contents that are not the same.
        """
        self.evidence: dict[tuple[str, str], Evidence] = {}
        self._contents = contents
        self._files = files
        self._rendering = rendering
        self._judge = Judge(rendering)
        self._pixels = PixelDigests(read, rendering)
        self._originals = SecondLook(read)
        self._calibration = calibration
        self._precision = precision
        self._distinct = distinct
        self._judged: set[tuple[str, str]] = set()

    def gather(
        self,
        pairs: Sequence[tuple[int, int]],
        *,
        asked: int,
        kept: KeptScores,
        progress: Progress | None = None,
    ) -> None:
        """Judge pairs of contents, and note the evidence once all are judged.

        Args:
            pairs: by id.
            asked: contents whose like is looked for.
            kept: scores of pairs that need not be judged again; gets those of the others.
            progress: told how many pairs were judged, of how many.
        """
        wanted = {pair: below for pair in pairs if (below := self._to_judge(*pair)) is not None}
        scores = {
            pair: score
            for pair, below in wanted.items()
            if (score := kept.get(*self._names(*below))) is not None
        }
        new = [pair for pair in wanted if pair not in scores]
        judged = {}
        for pair, found in self._judge_each(new, wanted, done=len(scores), progress=progress):
            scores[pair] = LOWEST if found.laid is None else found.laid.score
            # Renderings that are lacking are made by the next `index`.
            if found.is_seen:
                kept.put(*self._names(*pair), scores[pair])
            if found.laid is not None:
                judged[pair] = found.laid
        likely = [score for score in scores.values() if score > LOWEST]
        self._calibration = self._calibration.among(likely, asked=asked)
        again = [
            pair
            for pair, score in scores.items()
            if score > LOWEST and pair not in judged and self._may_be_same(*pair, score)
        ]
        for pair, found in self._judge_each(again, wanted, done=len(wanted) - len(again)):
            if found.laid is not None:
                judged[pair] = found.laid
        for pair in wanted:
            if pair in judged:
                self._note(*pair, judged[pair])

    def _judge_each(
        self,
        pairs: Sequence[tuple[int, int]],
        below: Mapping[tuple[int, int], tuple[int, int]],
        *,
        done: int,
        progress: Progress | None = None,
    ) -> Iterator[tuple[tuple[int, int], Judged]]:
        """Yield pairs and what is said of them, the one that `below` says below."""
        ordered = [below[pair] for pair in pairs]
        with closing(judge_each(ordered, self._judge, rendering=self._rendering)) as judged:
            for number, found in enumerate(zip(pairs, judged, strict=True), start=done):
                if progress is not None and not number % 100:
                    progress(number, len(below))
                yield found

    def _names(self, one: int, other: int) -> tuple[str, str]:
        return self._contents[one].hash, self._contents[other].hash

    def _may_be_same(self, one: int, other: int, score: float) -> bool:
        first, second = self._contents[one], self._contents[other]
        return may_be_same(first, second, score, self._calibration, precision=self._precision)

    def look_at(self, one: int, other: int) -> None:
        """Judge a pair of contents, and note the evidence."""
        ordered = self._to_judge(one, other)
        laid = None if ordered is None else self._judge.lay(*ordered)
        if laid is not None:
            self._note(one, other, laid)

    def _to_judge(self, one: int, other: int) -> tuple[int, int] | None:
        """Return two contents, the one below first; None if they were judged, or need not be."""
        first, second = self._ordered(one, other)
        names = first.hash, second.hash
        if names in self._judged or names in self._distinct:
            return None
        self._judged.add(names)
        files = [self._files[number] for number in (one, other) if number in self._files]
        if len(files) > 1 and are_companions(*files):
            return None
        return first.id, second.id

    def _ordered(self, one: int, other: int) -> tuple[Content, Content]:
        """Return two contents by hash: ids tell what came first, and which lies below matters."""
        first, second = self._contents[one], self._contents[other]
        return (first, second) if first.hash <= second.hash else (second, first)

    def _note(self, one: int, other: int, laid: Laid) -> None:
        """Note the evidence, if there is any."""
        first, second = self._ordered(one, other)
        names = first.hash, second.hash
        found = evidence_of(first, second, laid, self._calibration, precision=self._precision)
        if found is None:
            return
        one_exposure = found[0].kind in _ONE_EXPOSURE
        if one_exposure and self._originals.is_another_exposure(first, second, laid):
            found = as_burst(first, second, laid, found)
            if found is None:
                return
        if found[0].kind == Kind.COPY and self._pixels.same(first, second):
            found = (_SAME_PIXELS, _SAME_PIXELS)
        self.evidence[names] = found[0]
        self.evidence[names[::-1]] = found[1]

    def note_alike(self, one: int, other: int, score: float) -> None:
        """Note that two contents of which nothing else is known look alike."""
        names = self._contents[one].hash, self._contents[other].hash
        if names not in self.evidence and (min(names), max(names)) not in self._distinct:
            why = Evidence(kind=Kind.SIMILAR, certainty=min(round(score, 6), 1.0))
            self.evidence[names] = self.evidence[names[::-1]] = why

    def complete(self, rank: Rank) -> None:
        """Judge each keeper with all that is the same as something that is the same as it."""
        ids = {self._contents[content_id].hash: content_id for content_id in self._files}
        for contents in list(self._connected()):
            left = order_of([self._files[ids[content]] for content in contents], rank)
            while len(left) > 1:
                keeper, *others = left
                for other in others:
                    self.look_at(ids[keeper], ids[other])
                left = [other for other in others if (keeper, other) not in self.evidence]

    def _connected(self) -> Iterator[set[str]]:
        """Yield the sets of more than two contents that evidence connects."""
        near: dict[str, set[str]] = defaultdict(set)
        for one, other in self.evidence:
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

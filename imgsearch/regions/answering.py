"""From a question about parts to ranked matches, each with the box that matched.

A picture's score is that of its whole, as plain search has it, or that of its best part less
`HANDICAP`, whichever is more. What plain search finds first is among the candidates, so that a
picture is never overlooked that it would find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.images.geometry import square_box, whole
from imgsearch.regions.layout import region_boxes, within_square
from imgsearch.regions.space import ROOM, region_ids
from imgsearch.search.held_files import HeldFiles
from imgsearch.search.ranking import SCORE_DECIMALS, ranked_contents, rounded
from imgsearch.search.sieve import FIRST_SHARE, Sieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.recipe import Resize
    from imgsearch.regions.space import RegionSpace
    from imgsearch.search.answering import Question
    from imgsearch.search.matches import Match, PixelBox
    from imgsearch.search.search_space import Space
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.protocol import VectorIndex

# Of many parts some resemble anything. With this handicap, pictures that are alike as wholes are
# found nearly as well as by plain search: benchmarks/results/regions.md.
HANDICAP: Final = 0.15
# A picture's parts are alike, and of several only the best counts.
_PARTS_EACH: Final = 8
_SPARE: Final = 16


@dataclass(frozen=True, slots=True)
class PartQuestion:
    """What is asked about parts.

    Attributes:
        question: about wholes.
        parts: unit vectors `(n, dim)` of what is looked for, in the space of regions; a region
            scores by the one that it is nearest to.
    """

    question: Question
    parts: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spaces:
    """Where wholes and parts are searched."""

    wholes: Space
    parts: RegionSpace


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Candidates: their ids, scores and best regions (-1: the whole), each (m,)."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    regions: NDArray[np.int64]


@dataclass(slots=True)
class _List:
    """An index, what it is asked for, and what it has named so far, the best first."""

    index: VectorIndex | Space
    vector: NDArray[np.float32]
    handicap: float
    ids: NDArray[np.int64]
    least: float = math.inf
    exhausted: bool = False


def answer(embeddings: Embeddings, spaces: Spaces, asked: PartQuestion) -> list[Match]:
    """Return the nearest matches, ordered by score and then by path, each with its box.

    Args:
        embeddings: in the snapshot in which the spaces were opened.
        spaces: where to search.
        asked: what for.

    Raises:
        UsageError: k is below 1, or a folder of the filter is not in the gallery.
    """
    if asked.question.k < 1:
        raise UsageError(f"k: {asked.question.k} is not a number of matches above 0")
    return _Search(embeddings, spaces, asked).run()


class _Search:
    """One question on its way to an answer."""

    def __init__(self, embeddings: Embeddings, spaces: Spaces, asked: PartQuestion) -> None:
        question = asked.question
        self._embeddings, self._spaces, self._asked = embeddings, spaces, asked
        self._sieve = Sieve(embeddings.store, question.where)
        self._files = HeldFiles.of(embeddings.store, question.where).without(question.left_out)
        nothing = np.empty(0, np.int64)
        self._wholes = _List(spaces.wholes, question.vector, 0.0, nothing)
        self._parts = [
            _List(spaces.parts.index, vector, HANDICAP, nothing) for vector in asked.parts
        ]

    def run(self) -> list[Match]:
        """Search ever wider until there is nothing that could be better."""
        question = self._asked.question
        wanted = question.k + len(question.excluded) + _SPARE
        width = wanted * (1 if self._sieve.is_open else FIRST_SHARE)
        allowed: NDArray[np.int64] | None = None
        while True:
            self._search(self._wholes, width, allowed)
            regions = None if allowed is None else region_ids(allowed).ravel()
            for each in self._parts:
                self._search(each, _PARTS_EACH * width, regions)
                each.ids = _first_of_each(each.ids // ROOM)
            every = [self._wholes, *self._parts]
            passing = [self._passing(each.ids, allowed) for each in every]
            scored = self._scored(np.unique(np.concatenate([part[:wanted] for part in passing])))
            ranked = ranked_contents(
                self._files, scored.ids, scored.scores, k=question.k, least=question.min_score
            )
            lists = list(zip(every, passing, strict=True))
            if all(each.exhausted and len(found) <= wanted for each, found in lists):
                break
            if all(self._is_enough(each, found, wanted) for each, found in lists) and (
                len(ranked) >= question.k or self._is_below(max(e.least for e, _ in lists))
            ):
                break
            if self._sieve.is_open or allowed is not None or min(map(len, passing)) >= wanted:
                wanted, width = 4 * wanted, 4 * width
            else:
                width, allowed = self._sieve.next_search(
                    len(self._wholes.ids),
                    len(passing[0]),
                    wanted,
                    among=len(self._spaces.wholes),
                )
        best = dict(zip(scored.ids.tolist(), scored.regions.tolist(), strict=True))
        boxes, resize = region_boxes(), self._embeddings.recipe.resize
        matches = []
        for rank, (score, held) in enumerate(ranked[: question.k], start=1):
            known = held.content
            region = best[known.id]
            part = boxes[0] if region < 0 else boxes[region]
            box = pixel_box((known.width, known.height), part, resize)
            matches.append(self._files.match(held, rank=rank, score=score, box=box))
        return matches

    def _search(self, one: _List, width: int, allowed: NDArray[np.int64] | None) -> None:
        """Ask an index for so many."""
        width = min(width, len(one.index) + 1)
        scores, ids = one.index.search(one.vector[np.newaxis], width, allowed=allowed)
        there = ids[0] >= 0
        one.ids = ids[0][there]
        one.exhausted = len(one.ids) < width
        one.least = float(scores[0][there][-1]) - one.handicap if there.any() else -math.inf

    def _passing(
        self, ids: NDArray[np.int64], allowed: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        near = ids if allowed is not None else ids[self._sieve.passing(ids)]
        return near[~np.isin(near, np.array(self._asked.question.excluded, np.int64))]

    def _is_enough(self, one: _List, passing: NDArray[np.int64], wanted: int) -> bool:
        """Whether what a list has not named cannot be among the first k."""
        fewest = min(wanted, self._asked.question.k + 1)
        return one.exhausted or len(passing) >= fewest or self._is_below(one.least)

    def _is_below(self, least: float) -> bool:
        question, margin = self._asked.question, 10.0 ** (1 - SCORE_DECIMALS)
        return question.min_score is not None and least < question.min_score - margin

    def _scored(self, near: NDArray[np.int64]) -> _Scored:
        """Return candidates by score, from whole vectors and from the rows of regions."""
        ids, rows = self._spaces.wholes.vectors(self._embeddings, near)
        scores = rounded((rows.astype(np.float64) * self._asked.question.vector).sum(axis=1))
        order = np.argsort(ids)
        ids, scores = ids[order], scores[order]
        regions = np.full(len(ids), -1)
        held, parts = self._spaces.parts.vectors(self._embeddings, ids)
        # (m, regions, dim) @ (dim, n) -> (m, regions, n)
        alike = parts @ self._asked.parts.T
        best = alike.max(axis=2).argmax(axis=1)
        here = np.arange(len(held))
        nearest = self._asked.parts[alike[here, best].argmax(axis=1)]
        products = (parts[here, best].astype(np.float64) * nearest).sum(axis=1)
        places = np.searchsorted(ids, held)
        theirs = rounded(products - HANDICAP)
        better = theirs > scores[places]
        scores[places[better]] = theirs[better]
        regions[places[better]] = best[better]
        order = np.argsort(-scores, kind="stable")
        return _Scored(ids[order], scores[order], regions[order])


def pixel_box(size: tuple[int, int], part: NDArray[np.float64], resize: Resize) -> PixelBox:
    """Return a part of what the network saw as x, y, width and height in pixels of the image.

    Args:
        size: width and height of the upright image.
        part: left, top, right and bottom in shares of the network's square.
        resize: how the image became the square.
    """
    seen = within_square(square_box(size, None, resize=resize), part)
    edges = [
        round(min(max(edge, low), high))
        for edge, low, high in zip(seen, (0, 0) * 2, whole(size)[2:] * 2, strict=True)
    ]
    left, top, right, bottom = edges
    return left, top, max(1, right - left), max(1, bottom - top)


def _first_of_each(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ids (m,) without repetition, in the order in which they first occur."""
    _, first = np.unique(ids, return_index=True)
    return ids[np.sort(first)]

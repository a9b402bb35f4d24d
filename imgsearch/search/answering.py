"""From a query vector to ranked matches: filters, ties, duplicates, paths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.search.held_files import HeldFiles
from imgsearch.search.query_expansion import expanded
from imgsearch.search.ranking import FEW_MORE, SCORE_DECIMALS, ranked_contents
from imgsearch.search.scoring import scored_each
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.ranking import Ranked
    from imgsearch.search.scoring import Scored
    from imgsearch.search.search_space import Space
    from imgsearch.search.sieve import Sieve
    from imgsearch.storage.embeddings import Embeddings


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a search space.

    Attributes:
        vector: unit query vector `(out,)` of the space.
        k: how many matches are wanted.
        where: what matches must be besides similar.
        min_score: the least score of a match.
        excluded: ids of contents that are left out.
        left_out: absolute paths of files that are left out; their contents match by what other
            files hold them.
        known: ids of contents that are candidates even if an approximate index overlooks them.
    """

    vector: NDArray[np.float32]
    k: int
    where: Filters
    min_score: float | None = None
    excluded: tuple[int, ...] = ()
    left_out: frozenset[Path] = frozenset()
    known: tuple[int, ...] = ()


def answer(embeddings: Embeddings, space: Space, question: Question) -> list[Match]:
    """Return the nearest matches of one question, as `answer_each` does."""
    return answer_each(embeddings, space, [question])[0]


def answer_each(
    embeddings: Embeddings, space: Space, questions: Sequence[Question]
) -> list[list[Match]]:
    """Return the nearest matches of each question, ordered by score and then by path.

    Contents that several files hold are one match; contents that no file holds any more are
    none. Equal scores are told apart by path alone, whatever order the index found them in, so
    the search is widened until nothing beyond its end can tie with the last match. An approximate
    index only names candidates, whose scores are computed exactly; it is asked for more until
    there are k matches, or the worst candidate's score is too small.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where to search.
        questions: what for; they differ neither in k nor in filters.

    Raises:
        UsageError: k is below 1, or a folder of the filter is not in the gallery.
    """
    return [
        [
            found.files.match(held, rank=rank, score=score)
            for rank, (score, held) in enumerate(ranked, start=1)
        ]
        for found, ranked in _ranked_each(embeddings, space, questions)
    ]


def _ranked_each(
    embeddings: Embeddings, space: Space, questions: Sequence[Question]
) -> Iterator[tuple[_Search, list[Ranked]]]:
    """Yield, for each question, what searched for it, and scores and contents, the best first."""
    first = questions[0]
    if first.k < 1:
        raise UsageError(f"k: {first.k} is not a number of matches above 0")
    space, sieve = space.narrowed(embeddings.store, first.where)
    files = HeldFiles.of(embeddings.store, first.where)
    searches = [_Search(space, question, sieve, files) for question in questions]
    width, allowed = max(search.width for search in searches), searches[0].allowed
    vectors = np.stack([question.vector for question in questions])
    scores, ids = space.search(vectors, width, allowed=allowed)
    if len(questions) > 1 and sieve.is_open:
        # Most of what the answers need, in two statements for all.
        some = ids[:, : first.k + FEW_MORE + 1]
        files.remember(np.unique(some[some >= 0]).tolist())
    for search, some, near in zip(searches, scores, ids, strict=True):
        search.take(some, near, width)
    together = scored_each(space, embeddings, vectors, [search.near for search in searches])
    for search, scored in zip(searches, together, strict=True):
        found = scored
        while not search.settles(found):
            search.search_on()
            (found,) = scored_each(space, embeddings, search.vectors, [search.near])
        yield search, search.ranked[: first.k]


class _Search:
    """One question on its way to an answer.

    Attributes:
        files: what holds the contents.
        vectors: that of the question alone, shape (1, out).
        width: how many the index is to be asked for.
        allowed: among which ids, None for all.
        near: ids of the candidates found last, in the index's order.
        ranked: scores and contents, the best first, k of them and maybe more, once it settles.
    """

    def __init__(self, space: Space, question: Question, sieve: Sieve, files: HeldFiles) -> None:
        self.files = files.without(question.left_out)
        self.vectors = question.vector[np.newaxis]
        self.near = np.empty(0, np.int64)
        self.ranked: list[Ranked] = []
        self._space = space
        self._question = question
        self._sieve = sieve
        self._excluded = frozenset(question.excluded)
        self._everything = len(space) + 1
        self._wanted = space.candidates(question.k)
        width, self.allowed = sieve.first_search(self._wanted, len(space))
        self.width = min(width + len(self._excluded), self._everything)
        self._found = self._passed = 0
        self._last_score = -math.inf
        self._exhausted = False

    def take(self, scores: NDArray[np.float32], ids: NDArray[np.int64], width: int) -> None:
        """Take what the index found, asked for so many: the candidates are `near`."""
        self.width = width
        there = ids >= 0
        scores, ids = scores[there], ids[there]
        is_all = self.allowed is not None or self._sieve.is_open
        near = ids if is_all else ids[self._sieve.passing(ids)]
        self._found, self._passed = len(ids), len(near)
        # More than everything there is only where a server has more than was published.
        self._exhausted = len(ids) < width or width >= self._everything
        if self._excluded:
            near = near[[item not in self._excluded for item in near.tolist()]]
        if self._space.is_exact:
            self._last_score = float(scores[-1]) if len(scores) else -math.inf
        else:
            # Beyond those, none scores more, as far as the index knows.
            self._exhausted = self._exhausted and len(near) <= self._wanted
            near = self._with_known(near[: self._wanted])
        self.near = near

    def settles(self, found: Scored) -> bool:
        """Rank the candidates; return whether no others can be among the answer."""
        question = self._question
        self.ranked = ranked_contents(self.files, *found, k=question.k, least=question.min_score)
        least = self._last_score
        if not self._space.is_exact:
            least = float(found.scores[-1]) if len(found.scores) else -math.inf
        return self._exhausted or self._is_settled(self.ranked, least)

    def search_on(self) -> None:
        """Ask the index for more candidates."""
        is_open = self._sieve.is_open
        if is_open or self._passed >= self._wanted:
            # There were enough, and too many of no file, or alike.
            self._wanted = min(4 * self._wanted, self._everything)
        width = self.width
        if is_open or self.allowed is not None:
            width = min(4 * width, self._everything)
        else:
            width, self.allowed = self._sieve.next_search(
                self._found, self._passed, self._wanted, among=len(self._space)
            )
            width = min(width + len(self._excluded), self._everything)
        scores, ids = self._space.search(self.vectors, width, allowed=self.allowed)
        self.take(scores[0], ids[0], width)

    def _with_known(self, near: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return ids with those that are candidates even if the index overlooks them."""
        others = set(self._question.known) - self._excluded - set(near.tolist())
        if not others:
            return near
        known = np.array(sorted(others), dtype=np.int64)
        return np.concatenate([near, known[self._sieve.passing(known)]])

    def _is_settled(self, ranked: Sequence[Ranked], last_score: float) -> bool:
        question = self._question
        # FAISS's float32 sums may differ from the final scores in the last digits.
        margin = 10.0 ** (1 - SCORE_DECIMALS)
        if question.min_score is not None and last_score < question.min_score - margin:
            return True
        if not self._space.is_exact:
            return len(ranked) >= question.k  # what lies beyond is not known to be any worse
        return len(ranked) >= question.k and last_score < ranked[question.k - 1][0] - margin


def expand(
    embeddings: Embeddings, space: Space, question: Question, *, expansion: Expansion
) -> Question:
    """Return the question with its vector moved towards its own first matches.

    Whatever the filters, the first matches in the whole gallery count, for they say what the
    question is about and not what its answer may be; contents that the question excludes do not.
    Scores of the answer are those with the moved vector.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where to search.
        question: what for.
        expansion: how many matches, and how they are weighed.
    """
    plain = replace(question, k=expansion.k, where=Filters(), min_score=None)
    ((_, ranked),) = _ranked_each(embeddings, space, [plain])
    scores = {held.content.id: score for score, held in ranked}
    vector = question.vector
    if scores:
        found, vectors = space.vectors(embeddings, np.array(sorted(scores), dtype=np.int64))
        vector = expanded(
            vector,
            vectors,
            np.array([scores[content_id] for content_id in found.tolist()]),
            alpha=expansion.alpha,
        )
    return replace(question, vector=vector)

"""From a query vector to ranked matches: filters, ties, duplicates, paths."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.search.held_files import HeldFiles
from imgsearch.search.matches import GalleryFile, Match
from imgsearch.search.query_expansion import expanded
from imgsearch.search.same_file import other_files
from imgsearch.storage.filters import Filters, allowed_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings


SCORE_DECIMALS: Final = 6


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


def answer(embeddings: Embeddings, space: SearchSpace, question: Question) -> list[Match]:
    """Return the nearest matches, ordered by score and then by path.

    Contents that several files hold are one match; contents that no file holds any more are
    none. Equal scores are told apart by path alone, whatever order the index found them in, so
    the search is widened until nothing beyond its end can tie with the last match. An approximate
    index only names candidates, whose scores are computed exactly; it is asked for more until
    there are k matches, or the worst candidate's score is too small.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where to search.
        question: what for.

    Raises:
        UsageError: k is below 1, or a folder of the filter is not in the gallery.
    """
    if question.k < 1:
        raise UsageError(f"k: {question.k} is not a number of matches above 0")
    files = HeldFiles.of(embeddings.store, question.where, left_out=question.left_out)
    allowed = allowed_ids(embeddings.store, question.where)
    excluded = np.array(question.excluded, dtype=np.int64) if question.excluded else None
    everything = len(space.index) + 1
    width = min(space.candidates(question.k), everything)
    while True:
        scores, ids = space.index.search(
            question.vector[np.newaxis], width, allowed=allowed, excluded=excluded
        )
        found = ids[0][ids[0] >= 0]
        exhausted = len(found) < width
        if not space.is_exact:
            found = np.union1d(found, _passing(question.known, allowed, excluded))
        by_id = _exact_scores(embeddings, space, question, found)
        least = float(scores[0][-1]) if space.is_exact else min(by_id.values(), default=-math.inf)
        ranked = _matches(files, question, by_id)
        if exhausted or _is_settled(ranked, question, least, exact=space.is_exact):
            return [
                replace(match, rank=rank, duplicates=other_files(match))
                for rank, match in enumerate(ranked[: question.k], start=1)
            ]
        width = min(4 * width, everything)


def expand(
    embeddings: Embeddings, space: SearchSpace, question: Question, *, expansion: Expansion
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
    scores = {
        embeddings.store.find_content(match.content, embeddings.stored.id)[0]: match.score
        for match in answer(embeddings, space, plain)
    }
    ids = [content_id for content_id in scores if content_id is not None]
    vector = question.vector
    blocks = list(embeddings.blocks(ids)) if ids else []
    if blocks:
        found = np.concatenate([identifiers for identifiers, _ in blocks])
        vector = expanded(
            vector,
            space.project(np.concatenate([embeddings for _, embeddings in blocks])),
            np.array([scores[content_id] for content_id in found.tolist()]),
            alpha=expansion.alpha,
        )
    return replace(question, vector=vector)


def _passing(
    ids: tuple[int, ...], allowed: NDArray[np.int64] | None, excluded: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    passing = np.array(ids, dtype=np.int64)
    if allowed is not None:
        passing = np.intersect1d(passing, allowed)
    return passing if excluded is None else np.setdiff1d(passing, excluded)


def _is_settled(
    ranked: Sequence[Match], question: Question, last_score: float, *, exact: bool
) -> bool:
    # FAISS's float32 sums may differ from the final scores in the last digits.
    margin = 10.0 ** (1 - SCORE_DECIMALS)
    if question.min_score is not None and last_score < question.min_score - margin:
        return True
    if not exact:
        return len(ranked) >= question.k  # what lies beyond is not known to be any worse
    return len(ranked) >= question.k and last_score < ranked[question.k - 1].score - margin


def _exact_scores(
    embeddings: Embeddings, space: SearchSpace, question: Question, found: NDArray[np.int64]
) -> dict[int, float]:
    ids, rows = space.vectors(embeddings, found)
    vectors = rows.astype(np.float64)
    # Row by row, so that a score's last digit does not depend on its neighbours, as BLAS's does.
    exact = np.round((vectors * question.vector).sum(axis=1), SCORE_DECIMALS)
    return dict(zip(ids.tolist(), np.clip(exact, -1, 1).tolist(), strict=True))


def _matches(files: HeldFiles, question: Question, by_id: dict[int, float]) -> list[Match]:
    if question.min_score is not None:
        by_id = {key: score for key, score in by_id.items() if score >= question.min_score}
    matches = [
        _match(file, by_id[content_id] + 0.0)  # -0.0 becomes 0.0
        for content_id, file in files.find(list(by_id))
    ]
    return sorted(matches, key=lambda match: (-match.score, paths.encode(match.path)))


def _match(file: GalleryFile, score: float) -> Match:
    facts = {field.name: getattr(file, field.name) for field in fields(file)}
    return Match(rank=0, score=score, **facts)

"""The formulas of the metrics, each from the ranks of the relevant items.

In all of them R is the number of relevant items of a query, r_1 < … < r_R are their ranks, counted
from 1 after the query itself and junk have been left out, and [·] is 1 where the condition holds
and 0 elsewhere. A query with R = 0 has no value: NaN. A metric's figure is the mean of its values
over the other queries.

Every function takes `Rankings` of q queries and returns the values of the queries, shape (q,),
float64. All but `average_precision_at_all` look at the ranks alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.metrics.average_precision import rectangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.rankings import Rankings

# Images of a scene in UKBench, and so the first answers that N-S looks at, the query among them.
_SCENE: Final = 4


def average_precision(rankings: Rankings) -> NDArray[np.float64]:
    """AP = (1 / R) Σ_j j / r_j.

    The mean of the precision at the rank of each relevant item, over the whole ranking: the area
    under the precision-recall curve as a staircase. Source: Manning, Raghavan and Schütze,
    "Introduction to Information Retrieval" (2008), section 8.4; trec_eval's "map".
    """
    return rectangular(rankings.ranks, rankings.offsets)


def trapezoid_average_precision(rankings: Rankings) -> NDArray[np.float64]:
    """AP by trapezoids = (1 / R) Σ_j (p_j + j / r_j) / 2; p_j = (j - 1) / (r_j - 1), 1 if r_j = 1.

    The area under the precision-recall curve when its points are joined by straight lines. Recall
    grows by 1 / R between rank r_j - 1, where j - 1 of r_j - 1 items are relevant, and rank r_j;
    before the first item the precision counts as 1. Never above the staircase, since p_j ≤ j / r_j,
    and below it where wrong items precede right ones. Source: the area under the curve of Philbin,
    Chum, Isard, Sivic and Zisserman, "Object retrieval with large vocabularies and fast spatial
    matching" (2007), used for Holidays (Jégou, Douze and Schmid 2008) and for ROxford and RParis
    (Radenović, Iscen, Tolias, Avrithis and Chum, "Revisiting Oxford and Paris", 2018).
    """
    ranks, places = rankings.ranks, _places(rankings)
    # 1 for 0 / 0: nothing has been wrong before the first item.
    before = np.divide(places - 1, ranks - 1, out=np.ones(len(ranks)), where=ranks > 1)
    return _per_relevant(rankings, (before + places / ranks) / 2)


def average_precision_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """AP@k = (1 / min(R, k)) Σ_j [r_j ≤ k] j / r_j.

    The denominator is the largest number of relevant items that k places can hold, so that a
    perfect ranking has 1. trec_eval's "map_cut" divides by R instead and stays below 1 where
    R > k. Source: the rectangular AP, cut; the denominator is that of the usual "mAP@k" of
    recommendation and landmark challenges (Weyand, Araujo, Cao and Sim, "Google Landmarks Dataset
    v2", 2020, mAP@100).
    """
    inside = rankings.ranks <= k
    sums = _sums(rankings, inside * (_places(rankings) / rankings.ranks))
    return _divide(sums, np.minimum(rankings.relevant_counts, k))


def precision_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """Precision@k = (1 / k) Σ_j [r_j ≤ k].

    The denominator is k, even where fewer than k items are relevant or ranked at all. Source:
    Manning, Raghavan and Schütze (2008), section 8.4.
    """
    return _where_relevant(rankings, _found(rankings, k) / k)


def recall_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """Recall@k = (1 / R) Σ_j [r_j ≤ k].

    The share of all relevant items that is found; not what metric-learning papers call R@k, which
    is the hit rate. Source: Manning, Raghavan and Schütze (2008), sections 8.3 and 8.4.
    """
    return _divide(_found(rankings, k), rankings.relevant_counts)


def hit_rate_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """Hit rate@k = [r_1 ≤ k].

    Whether anything right is among the first k; trec_eval's "success". Metric-learning papers call
    it recall@k. Source: Jégou, Douze and Schmid, "Product quantization for nearest neighbor search"
    (2011); Oh Song, Xiang, Jegelka and Savarese, "Deep metric learning via lifted structured
    feature embedding" (2016).
    """
    return _where_relevant(rankings, np.minimum(_found(rankings, k), 1))


def r_precision(rankings: Rankings) -> NDArray[np.float64]:
    """R-precision = (1 / R) Σ_j [r_j ≤ R].

    Precision and recall at once, at the rank where a perfect ranking ends. Source: Manning,
    Raghavan and Schütze (2008), section 8.4; Musgrave, Belongie and Lim, "A metric learning reality
    check" (2020).
    """
    return _per_relevant(rankings, rankings.ranks <= _own_count(rankings))


def average_precision_at_r(rankings: Rankings) -> NDArray[np.float64]:
    """MAP@R, of one query = (1 / R) Σ_j [r_j ≤ R] j / r_j.

    AP that ends where a perfect ranking ends; whatever is found later counts as not found. Source:
    Musgrave, Belongie and Lim, "A metric learning reality check" (2020).
    """
    inside = rankings.ranks <= _own_count(rankings)
    return _per_relevant(rankings, inside * (_places(rankings) / rankings.ranks))


def discounted_gain_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """NDCG@k = Σ_j [r_j ≤ k] / log2(r_j + 1), divided by the same of a perfect ranking.

    Gains are binary and the discount is log2(rank + 1), so rank 1 counts whole. A perfect ranking
    has Σ_i 1 / log2(i + 1), i from 1 to min(R, k). Source: Järvelin and Kekäläinen, "Cumulated
    gain-based evaluation of IR techniques" (2002), with the discount of Burges et al., "Learning
    to rank using gradient descent" (2005), which trec_eval's "ndcg_cut" has too; Järvelin and
    Kekäläinen's own leaves the first ranks undiscounted.
    """
    gains = _sums(rankings, (rankings.ranks <= k) / np.log2(rankings.ranks + 1.0))
    reachable = np.minimum(rankings.relevant_counts, k)
    longest = int(reachable.max(initial=0))
    ideal = np.append(0.0, np.cumsum(1 / np.log2(np.arange(longest) + 2.0)))
    return _divide(gains, ideal[reachable])


def reciprocal_rank(rankings: Rankings) -> NDArray[np.float64]:
    """MRR, of one query = 1 / r_1.

    The first relevant item is looked for in the whole ranking. Source: Voorhees, "The TREC-8
    question answering track report" (1999).
    """
    return _where_relevant(rankings, _sums(rankings, (_places(rankings) == 1) / rankings.ranks))


def scene_score(rankings: Rankings, k: int = _SCENE) -> NDArray[np.float64]:
    """N-S = 1 + Σ_j [r_j ≤ 3], from 1 to 4.

    How many of the first four answers show the query's scene. UKBench has four images of each,
    and the query, which is one of them, counts as the first answer that is right; here it is left
    out by its id, so 1 is added and the next three answers are looked at, also where a copy of the
    query would have come before it. N-S@k does the same for groups of k images: 1 + Σ_j
    [r_j ≤ k - 1]. A query with fewer than k - 1 relevant items cannot reach k. Source: Nistér and
    Stewénius, "Scalable recognition with a vocabulary tree" (2006).
    """
    return _where_relevant(rankings, 1 + _found(rankings, k - 1))


def revisited_precision_at(rankings: Rankings, k: int) -> NDArray[np.float64]:
    """mP@k, of one query = (1 / m) Σ_j [r_j ≤ m], m = min(k, r_R).

    Precision at k, or at the rank of the last relevant item where that comes earlier, so that a
    query with fewer than k relevant items can reach 1 by ranking all of them first. Unlike
    precision@k it may fall when the last relevant item moves down. Source: the mP@10 of Radenović,
    Iscen, Tolias, Avrithis and Chum, "Revisiting Oxford and Paris" (2018), with the cut of its
    evaluation protocol.
    """
    last = np.zeros(len(rankings), dtype=np.int64)
    np.maximum.at(last, _owners(rankings), rankings.ranks)
    cut = np.minimum(last, k)
    return _divide(_sums(rankings, rankings.ranks <= cut[_owners(rankings)]), cut)


def average_precision_at_all(rankings: Rankings) -> NDArray[np.float64]:
    """µAP = (1 / ΣR) Σ P(s), over the relevant pairs of all queries; P(s) precision of pairs ≥ s.

    All pairs of a query and an item, of all queries together, stand in one ranking by their score
    s, so scores must mean the same for every query, as they must when one threshold decides what
    is a copy. Pairs of equal score stand at one threshold, so their order does not matter (as in
    scikit-learn's `average_precision_score`). The wrong pairs of queries without relevant items
    count, as they do in the challenge, where most queries have no source. A query's value is its
    part of the sum, Q Σ_j P(s_j) / ΣR with Q queries that count: the mean of the values is µAP,
    and a value may exceed 1. An interval of this mean holds P as it was measured, so it is somewhat
    too narrow: by a tenth to a fifth in simulated copies. Source: Douze et
    al., "The 2021 Image Similarity Dataset and Challenge" (2021); Perronnin, Liu and
    Renders, "A family of contextual measures of similarity between distributions with application
    to image retrieval" (2009).

    Raises:
        UsageError: the rankings were made without `across_queries`.
    """
    if rankings.pair_precisions is None:
        raise UsageError("micro-AP ranks pairs across queries; rank with across_queries=True")
    counted = int(np.count_nonzero(rankings.relevant_counts))
    share = counted / max(1, len(rankings.ranks))
    return _where_relevant(rankings, _sums(rankings, rankings.pair_precisions) * share)


def _owners(rankings: Rankings) -> NDArray[np.int64]:
    """Return the query of each rank."""
    return np.repeat(np.arange(len(rankings)), rankings.relevant_counts)


def _places(rankings: Rankings) -> NDArray[np.int64]:
    """Return j for each r_j."""
    places: NDArray[np.int64] = (
        np.arange(len(rankings.ranks)) - rankings.offsets[_owners(rankings)] + 1
    )
    return places


def _own_count(rankings: Rankings) -> NDArray[np.int64]:
    """Return R for each r_j."""
    return np.repeat(rankings.relevant_counts, rankings.relevant_counts)


def _sums(rankings: Rankings, values: NDArray[Any]) -> NDArray[np.float64]:
    """Add up what each query's ranks count, shape (sum of R,) -> (q,)."""
    return np.bincount(_owners(rankings), weights=values, minlength=len(rankings)).astype(
        np.float64
    )


def _found(rankings: Rankings, k: int) -> NDArray[np.float64]:
    return _sums(rankings, rankings.ranks <= k)


def _per_relevant(rankings: Rankings, values: NDArray[Any]) -> NDArray[np.float64]:
    return _divide(_sums(rankings, values), rankings.relevant_counts)


def _where_relevant(rankings: Rankings, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(rankings.relevant_counts > 0, values, np.nan)


def _divide(values: NDArray[np.float64], by: NDArray[Any]) -> NDArray[np.float64]:
    """Divide, with NaN where the divisor is 0, as it is where nothing is relevant."""
    quotients = np.full(len(values), np.nan)
    np.divide(values, by, out=quotients, where=by > 0)
    return quotients

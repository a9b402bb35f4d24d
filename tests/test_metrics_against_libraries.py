"""Each metric is what other libraries compute, or differs as its definition says.

The libraries get the rankings in our order, as scores that all differ: what is compared is the
metric, and not how ties are broken, which test_rankings.py compares with a naive ranking. The
query itself and junk are left out of what they get.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from metric_fixtures import naive_order, random_case, ranked
from sklearn.metrics import auc, average_precision_score, ndcg_score

from imgsearch.evaluation.metrics.metrics import parse_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.rankings import Rankings

CASES = 60
CUTS = (1, 2, 3, 5, 10)

pytrec_eval = pytest.importorskip("pytrec_eval")


@cache
def collected() -> tuple[list[Rankings], list[NDArray[np.bool_]]]:
    """Return the rankings of 60 ground truths, and 720 queries' rankings as booleans."""
    all_rankings, booleans = [], []
    for seed in range(CASES):
        ground_truth, scores = random_case(seed)
        all_rankings.append(ranked(ground_truth, scores, across_queries=True))
        for asked, row in zip(ground_truth.queries, scores, strict=True):
            order = naive_order(asked, ground_truth.gallery, row)
            booleans.append(np.isin(order, asked.relevant))
    return all_rankings, booleans


def ours(name: str) -> NDArray[np.float64]:
    """Return the metric's values for all queries of all cases."""
    metric = parse_metric(name)
    return np.concatenate([metric.values(rankings) for rankings in collected()[0]])


def run_and_judgements() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Return judgements and run as trec_eval has them; queries without relevant items are there."""
    judgements, run = {}, {}
    for number, relevant in enumerate(collected()[1]):
        judgements[f"q{number}"] = {f"d{at}": int(right) for at, right in enumerate(relevant)}
        run[f"q{number}"] = {f"d{at}": float(1000 - at) for at in range(len(relevant))}
    return judgements, run


@cache
def trec_eval(cuts: tuple[int, ...] = CUTS) -> dict[str, dict[str, float]]:
    """Return all that trec_eval finds, by query."""
    judgements, run = run_and_judgements()
    named = ",".join(map(str, cuts))
    measures = {"map", "Rprec", "recip_rank"} | {
        f"{family}.{named}" for family in ("P", "recall", "success", "map_cut", "ndcg_cut")
    }
    found: dict[str, dict[str, float]] = pytrec_eval.RelevanceEvaluator(
        judgements, measures
    ).evaluate(run)
    return found


def theirs(measure: str) -> NDArray[np.float64]:
    """Return one measure of trec_eval; NaN for the queries that it calls 0 and we skip."""
    found = trec_eval()
    return np.array(
        [
            found[f"q{number}"][measure] if relevant.any() else np.nan
            for number, relevant in enumerate(collected()[1])
        ]
    )


def test_there_are_hundreds_of_rankings_of_every_kind() -> None:
    _, booleans = collected()
    counts = [int(relevant.sum()) for relevant in booleans]
    assert len(booleans) == 720
    assert counts.count(0) > 50
    assert max(counts) > 10
    assert sum(count > 0 for count in counts) > 500


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("mAP", "map"),
        ("R-precision", "Rprec"),
        ("MRR", "recip_rank"),
        *((f"precision@{k}", f"P_{k}") for k in CUTS),
        *((f"recall@{k}", f"recall_{k}") for k in CUTS),
        *((f"hit-rate@{k}", f"success_{k}") for k in CUTS),
        *((f"nDCG@{k}", f"ndcg_cut_{k}") for k in CUTS),
    ],
)
def test_trec_eval_agrees(name: str, measure: str) -> None:
    np.testing.assert_allclose(ours(name), theirs(measure), rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", CUTS)
def test_trec_eval_divides_map_at_k_by_all_relevant_items(k: int) -> None:
    """Ours by min(R, k): the same where R is at most k, larger by R / k where it is not."""
    relevant = np.array([some.sum() for some in collected()[1]])
    found, other = ours(f"mAP@{k}"), theirs(f"map_cut_{k}")
    np.testing.assert_allclose(found[relevant <= k], other[relevant <= k], rtol=0, atol=1e-9)
    more = relevant > k
    np.testing.assert_allclose(found[more] * k / relevant[more], other[more], rtol=0, atol=1e-9)
    assert np.any(np.abs(found[more] - other[more]) > 0.01)


def test_trec_eval_counts_queries_without_relevant_items_as_zero() -> None:
    """They are skipped here, so the mean over queries is another one."""
    empty = [number for number, relevant in enumerate(collected()[1]) if not relevant.any()]
    assert {trec_eval()[f"q{number}"]["map"] for number in empty} == {0.0}
    assert np.isnan(ours("mAP")[empty]).all()


def at_own_cut(family: str, cuts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a measure of trec_eval that is cut at another rank for each query."""
    found = trec_eval(tuple(range(1, 41)))
    values = [found[f"q{at}"][f"{family}_{cut}"] if cut else np.nan for at, cut in enumerate(cuts)]
    return np.array(values)


def test_map_at_r_is_trec_evals_cut_map_at_each_querys_own_r() -> None:
    own = np.array([relevant.sum() for relevant in collected()[1]])
    np.testing.assert_allclose(ours("MAP@R"), at_own_cut("map_cut", own), rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", CUTS)
def test_revisited_precision_is_trec_evals_at_each_querys_own_cut(k: int) -> None:
    last = np.array([np.flatnonzero(some)[-1] + 1 if some.any() else 0 for some in collected()[1]])
    expected = at_own_cut("P", np.minimum(last, k))
    np.testing.assert_allclose(ours(f"mP@{k}"), expected, rtol=0, atol=1e-9)


def test_the_scene_score_is_one_more_than_the_right_ones_of_trec_evals_first_three() -> None:
    np.testing.assert_allclose(ours("N-S"), 1 + 3 * theirs("P_3"), rtol=0, atol=1e-9)


def test_ir_measures_agrees() -> None:
    """Its names, its parser and its own RR@k come on top of trec_eval's arithmetic."""
    ir_measures = pytest.importorskip("ir_measures")
    judgements, run = run_and_judgements()
    pairs = {
        "mAP": "AP", "R-precision": "Rprec", "MRR": "RR", "precision@5": "P@5",
        "recall@5": "R@5", "hit-rate@5": "Success@5", "nDCG@5": "nDCG@5",
    }  # fmt: skip
    measures = {name: ir_measures.parse_measure(text) for name, text in pairs.items()}
    found: dict[Any, dict[str, float]] = {measure: {} for measure in measures.values()}
    for metric in ir_measures.iter_calc(list(measures.values()), judgements, run):
        found[metric.measure][metric.query_id] = metric.value
    for name, measure in measures.items():
        expected = [
            found[measure][f"q{number}"] if relevant.any() else np.nan
            for number, relevant in enumerate(collected()[1])
        ]
        np.testing.assert_allclose(ours(name), expected, rtol=0, atol=1e-9, err_msg=name)


def descending(relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    return -np.arange(len(relevant), dtype=np.float64)


def test_scikit_learn_agrees_on_average_precision() -> None:
    expected = [
        average_precision_score(relevant, descending(relevant)) if relevant.any() else np.nan
        for relevant in collected()[1]
    ]
    np.testing.assert_allclose(ours("mAP"), expected, rtol=0, atol=1e-9)


def test_scikit_learn_agrees_on_discounted_gain() -> None:
    """It refuses rankings of a single item."""
    expected = [
        ndcg_score([relevant], [descending(relevant)], k=5)
        if relevant.any() and len(relevant) > 1
        else np.nan
        for relevant in collected()[1]
    ]
    compared = ~np.isnan(expected)
    np.testing.assert_allclose(
        ours("nDCG@5")[compared], np.array(expected)[compared], rtol=0, atol=1e-9
    )


def test_the_trapezoid_is_scikit_learns_area_under_the_whole_curve() -> None:
    """The curve has a point at every rank and starts at recall 0 with precision 1."""
    expected = []
    for relevant in collected()[1]:
        found = np.cumsum(relevant)
        if relevant.any():
            recall = np.append(0, found / found[-1])
            precision = np.append(1, found / np.arange(1, len(found) + 1))
            expected.append(auc(recall, precision))
        else:
            expected.append(np.nan)
    np.testing.assert_allclose(ours("mAP-trapezoid"), expected, rtol=0, atol=1e-9)


def test_micro_average_precision_is_scikit_learns_over_all_pairs() -> None:
    """With the scores as they are: equal ones stand at one threshold there too."""
    metric = parse_metric("micro-AP")
    for seed in range(CASES):
        ground_truth, scores = random_case(seed)
        relevant, flat = [], []
        for asked, row in zip(ground_truth.queries, scores, strict=True):
            counts = (ground_truth.gallery != asked.item) & ~np.isin(
                ground_truth.gallery, asked.junk
            )
            relevant.append(np.isin(ground_truth.gallery, asked.relevant)[counts])
            flat.append(row[counts])
        values = metric.values(collected()[0][seed])
        expected = average_precision_score(np.concatenate(relevant), np.concatenate(flat))
        assert np.nanmean(values) == pytest.approx(expected, abs=1e-9)


# What it compiles warns of casts of its own.
@pytest.mark.filterwarnings("ignore")
def test_ranx_agrees() -> None:
    """It compiles its metrics when they are first used, so it is not among the usual tests."""
    ranx = pytest.importorskip("ranx")
    kept = [number for number, relevant in enumerate(collected()[1]) if relevant.any()]
    judgements, run = run_and_judgements()
    # Only what is relevant is judged: every query needs one such item.
    right = {
        f"q{number}": {item: 1 for item, judged in judgements[f"q{number}"].items() if judged}
        for number in kept
    }
    pairs = {
        "mAP": "map", "R-precision": "r-precision", "MRR": "mrr", "precision@5": "precision@5",
        "recall@5": "recall@5", "hit-rate@5": "hit_rate@5", "nDCG@5": "ndcg@5",
    }  # fmt: skip
    measured = ranx.Run({f"q{number}": run[f"q{number}"] for number in kept})
    ranx.evaluate(ranx.Qrels(right), measured, list(pairs.values()))
    for name, text in pairs.items():
        expected = [measured.scores[text][f"q{number}"] for number in kept]
        np.testing.assert_allclose(ours(name)[kept], expected, rtol=0, atol=1e-9, err_msg=name)

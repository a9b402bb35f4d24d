"""A whole evaluation, from ground truths and variants to the report."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.evaluation.embedding_run import Work
from imgsearch.evaluation.evaluator import METRICS, Evaluator
from imgsearch.evaluation.machine import machine, versions
from imgsearch.evaluation.networks import has_random_weights
from imgsearch.evaluation.results import EvaluationReport, GroundTruthResult
from imgsearch.vectors import projection_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth.values import GroundTruth
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.variants import Variant

# Variants whose queries are shown as images: the first, the best, and Pareto-best ones.
MOST_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Where a report comes from.

    Attributes:
        command: as it was typed.
        folder: what was evaluated.
        notes: sentences that a reader of the figures must know.
    """

    command: str = ""
    folder: str = ""
    notes: tuple[str, ...] = ()


def evaluate(
    ground_truths: Sequence[GroundTruth],
    variants: Sequence[Variant],
    *,
    source: NetworkSource,
    cache: EmbeddingCache,
    metrics: Sequence[str] = METRICS,
    work: Work = Work(),  # noqa: B008  frozen
    about: About = About(),
) -> EvaluationReport:
    """Evaluate variants over ground truths that share their items.

    Embeddings that the cache holds are not computed again, so a stopped run continues, and adding
    a backbone costs only its own embeddings. Unreadable files are left out of all variants and
    listed.

    Args:
        ground_truths: at least one; all share their items.
        variants: at least one; differences are relative to the first.
        source: loads the recipes' networks.
        cache: where embeddings are kept.
        metrics: as `parse_metric` reads them; the first is the main one.
        work: how to do it.
        about: where the report comes from.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: a metric or ground truth cannot be used, or a projection cannot be fitted.
        ImgsearchError: a network cannot be loaded.
        OSError: the cache cannot be written.
    """
    started, began = datetime.now(UTC), time.monotonic()
    evaluator = Evaluator(ground_truths, source=source, cache=cache, metrics=metrics, work=work)
    evaluator.embed(variants)
    results = evaluator.evaluate(evaluator.distinct(variants))
    return EvaluationReport(
        command=about.command,
        folder=about.folder,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        versions=versions(),
        machine=machine(),
        ground_truths=tuple(_shortened(result) for result in results),
        unreadable=evaluator.unreadable,
        notes=(
            *about.notes,
            *(f"Left out: {reason}." for reason in evaluator.left_out),
            *_notes(variants, evaluator.truths),
        ),
    )


def _notes(variants: Sequence[Variant], truths: Sequence[GroundTruth]) -> tuple[str, ...]:
    """Return sentences that a reader of these variants' results must know."""
    notes = []
    recipes = dict.fromkeys(
        recipe for variant in variants for recipe in variant.composition.recipes
    )
    names = dict.fromkeys(made.backbone for made in recipes if has_random_weights(made))
    if names:
        verb = "have" if len(names) > 1 else "has"
        notes.append(
            f"{', '.join(names)} {verb} random weights: the costs are real, and what is "
            "retrieved means nothing."
        )
    for count in dict.fromkeys(len(truth.gallery) for truth in truths):
        if any(variant.projection.applies_to(count) for variant in variants):
            notes.append(
                f"Projections are fitted on the gallery's {count:,} embeddings, without "
                "labels; queries that are not in the gallery take no part."
            )
        if count < projection_choice.DEFAULT.minimum_count and any(
            variant.projection == projection_choice.DEFAULT for variant in variants
        ):
            notes.append(
                f"The default projection needs {projection_choice.DEFAULT.minimum_count} images; "
                f"these {count:,} are searched without one, as in a gallery (projection none)."
            )
    return tuple(notes)


def _shortened(result: GroundTruthResult) -> GroundTruthResult:
    """Keep image strips of a few variants: the first, the best, and Pareto-best ones."""
    ranked = sorted(
        range(len(result.variants)),
        key=lambda at: -np.nan_to_num(result.variants[at].metrics[0].estimate.value, nan=-1.0),
    )
    shown = [0, ranked[0], *(at for at in ranked if result.variants[at].pareto)]
    kept = set(list(dict.fromkeys(shown))[:MOST_SHOWN])
    return replace(
        result,
        variants=tuple(
            found if at in kept else replace(found, best=(), worst=())
            for at, found in enumerate(result.variants)
        ),
    )

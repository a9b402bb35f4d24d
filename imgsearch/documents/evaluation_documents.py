"""Results of `evaluate` and `recommend` as JSON, described in docs/json.md."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch.text import path_keys, valid_text

if TYPE_CHECKING:
    from imgsearch.documents.gallery_documents import Json
    from imgsearch.evaluation.recommendation import Recommendation
    from imgsearch.evaluation.results import (
        CaptionReport,
        Estimate,
        EvaluationReport,
        GroundTruthResult,
        MetricResult,
        VariantResult,
    )


def evaluation_keys(report: EvaluationReport) -> Json:
    """Return the results of an evaluation; its thumbnails are in the HTML report only."""
    return {
        "command": valid_text(Path(report.command)),
        **path_keys(Path(report.folder), "folder"),
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "versions": [{"package": name, "release": release} for name, release in report.versions],
        "machine": report.machine,
        "ground_truths": [ground_truth_keys(result) for result in report.ground_truths],
        "unreadable_files": [
            {**path_keys(Path(path)), "reason": reason} for path, reason in report.unreadable
        ],
        "notes": list(report.notes),
    }


def caption_keys(report: CaptionReport) -> Json:
    """Return whether words find the pictures that they describe."""
    return {
        "command": valid_text(Path(report.command)),
        **path_keys(Path(report.folder), "folder"),
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "captions": report.captions,
        "pictures": report.pictures,
        "variants": [
            {
                "backbone": found.backbone,
                "pooling": found.pooling,
                "size": found.size,
                "resize": found.resize,
                "dim": found.dim,
                "recipe": found.recipe,
                "metrics": [figure_keys(each) for each in found.metrics],
            }
            for found in report.variants
        ],
        "unreadable_files": [
            {**path_keys(Path(path)), "reason": reason} for path, reason in report.unreadable
        ],
    }


def ground_truth_keys(result: GroundTruthResult) -> Json:
    """Return all variants on one ground truth."""
    return {
        "name": result.name,
        "queries": result.queries,
        "pictures": result.gallery,
        "variants": [variant_keys(variant) for variant in result.variants],
    }


def variant_keys(variant: VariantResult) -> Json:
    """Return the metrics and costs of one variant."""
    cost = variant.cost
    return {
        "name": variant.name,
        "backbone": variant.backbone,
        "pooling": variant.pooling,
        "size": variant.size,
        "resize": variant.resize,
        "dim": variant.dim,
        "projection": variant.projection,
        "post_processing": variant.post_processing,
        "recipes": list(variant.recipes),
        "pareto": variant.pareto,
        "metrics": [figure_keys(found) for found in variant.metrics],
        "cost": {
            "decode_rate": round(cost.decode_rate, 2),
            "network_rate": round(cost.network_rate, 2),
            "query_milliseconds": round(cost.query_milliseconds, 4),
            "weights_megabytes": round(cost.weights_megabytes, 3),
            "bytes_per_image": cost.bytes_per_image,
            "peak_megabytes": _number(cost.peak_megabytes, 1),
        },
        "groups": [
            {
                "group": valid_text(Path(found.group)),
                "queries": found.queries,
                "value": _number(found.value, 6),
            }
            for found in variant.groups
        ],
    }


def figure_keys(found: MetricResult) -> Json:
    """Return one metric of one variant."""
    return {
        "metric": found.metric,
        "estimate": estimate_keys(found.estimate),
        "difference": None if found.difference is None else estimate_keys(found.difference),
        "queries": found.queries,
        "skipped": found.skipped,
    }


def estimate_keys(estimate: Estimate) -> Json:
    """Return a value with its interval."""
    return {
        "value": _number(estimate.value, 6),
        "low": _number(estimate.low, 6),
        "high": _number(estimate.high, 6),
    }


def recommendation_keys(advice: Recommendation, command: str) -> Json:
    """Return the recommended recipe, and why."""
    return {
        "command": valid_text(Path(command)),
        "chosen": variant_keys(advice.chosen),
        "best": variant_keys(advice.best),
        "lead": None if advice.lead is None else estimate_keys(advice.lead),
        "caveat": advice.caveat or None,
        "reasons": list(advice.reasons),
        "tried": ground_truth_keys(advice.tried),
        "skipped": [{"name": name, "reason": reason} for name, reason in advice.skipped],
        "unreadable_files": [
            {**path_keys(Path(path)), "reason": reason} for path, reason in advice.unreadable
        ],
        "seconds": round(advice.seconds, 3),
    }


def _number(value: float, digits: int) -> float | None:
    """Return a rounded number; None for NaN, which JSON lacks."""
    return round(value, digits) if math.isfinite(value) else None

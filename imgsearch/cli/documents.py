"""The form of what programs read: JSON documents, JSON lines, CSV. docs/json.md describes it.

A document says what it is and the version of its form, for instance `"imgsearch": "query",
"version": 1`. Within a version keys are added but never removed or changed in meaning.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgsearch.cli.escape import is_utf8, printable, valid_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imgsearch.backbones.catalogue import Backbone
    from imgsearch.backbones.layer_names import LayerInfo
    from imgsearch.checking import CheckReport
    from imgsearch.evaluation.ladder import Recommendation
    from imgsearch.evaluation.results import (
        Estimate,
        EvaluationReport,
        GroundTruthResult,
        VariantResult,
    )
    from imgsearch.exporting import ExportReport
    from imgsearch.index_values import IndexReport, UnreadableFile
    from imgsearch.maintenance import (
        GalleryInformation,
        PruneReport,
        RelocationReport,
        RemovalReport,
    )
    from imgsearch.matches import Match
    from imgsearch.recipe import Recipe

    Json = dict[str, Any]

VERSION: Final = 1
CSV_COLUMNS: Final = (
    "query",
    "rank",
    "score",
    "path",
    "path_base64",
    "root",
    "content",
    "width",
    "height",
    "format",
    "bytes",
    "taken",
    "camera",
    "lens",
    "latitude",
    "longitude",
    "offline",
    "duplicates",
)


def dump(kind: str, content: Json) -> bytes:
    """Return a whole document as indented ASCII JSON with a line break at its end."""
    document = {"imgsearch": kind, "version": VERSION, **content}
    return json.dumps(document, indent=2, allow_nan=False).encode("ascii") + b"\n"


def dump_on_a_line(kind: str, content: Json) -> bytes:
    """Return a whole document as one line of ASCII JSON."""
    return dump_line({"imgsearch": kind, "version": VERSION, **content})


def dump_line(content: Json) -> bytes:
    """Return one record as one line of ASCII JSON."""
    return json.dumps(content, allow_nan=False).encode("ascii") + b"\n"


def path_keys(path: Path, name: str = "path") -> Json:
    """Return a path under its key; one that is not UTF-8 has its exact bytes beside it.

    Bytes that are no text stand as U+FFFD in the path itself, so that every JSON reader takes
    the document.
    """
    keys: Json = {name: valid_text(path)}
    if not is_utf8(path):
        keys[f"{name}_base64"] = base64.b64encode(os.fsencode(path)).decode("ascii")
    return keys


def recipe_keys(recipe: Recipe) -> Json:
    """Return what makes embeddings comparable."""
    return {
        "identifier": recipe.identifier,
        "name": recipe.name,
        "backbone": recipe.backbone,
        "weights": recipe.weights,
        "layer": recipe.layer,
        "size": recipe.size,
        "resize": recipe.resize,
        "pooling": recipe.pooling,
        "dim": recipe.dim,
        "preprocessing": recipe.preprocessing,
        "precision": recipe.precision,
        "decoder": recipe.decoder,
    }


def match_keys(match: Match) -> Json:
    """Return a match."""
    return {
        "rank": match.rank,
        "score": match.score,
        **path_keys(match.path),
        **path_keys(match.root, "root"),
        "content": match.content,
        "width": match.width,
        "height": match.height,
        "format": match.format,
        "bytes": match.bytes,
        "taken": match.taken,
        "camera": match.camera,
        "lens": match.lens,
        "latitude": match.latitude,
        "longitude": match.longitude,
        "offline": match.offline,
        "duplicates": [
            {**path_keys(copy.path), **path_keys(copy.root, "root"), "offline": copy.offline}
            for copy in match.duplicates
        ],
    }


def answer_keys(
    images: Sequence[Path | None], matches: Iterable[Match], reason: str | None = None
) -> Json:
    """Return the pictures asked about (None stands for standard input) and their matches.

    Args:
        images: the pictures.
        matches: the nearest first.
        reason: why they could not be read, or None.
    """
    return {
        "images": [{"path": None} if path is None else path_keys(path) for path in images],
        "matches": [match_keys(match) for match in matches],
        "reason": reason,
    }


def unreadable_keys(files: Iterable[UnreadableFile]) -> list[Json]:
    """Return files that could not be read, with the reasons."""
    return [{**path_keys(file.path), "reason": file.reason} for file in files]


def csv_head() -> bytes:
    """Return the line that names the columns."""
    return _csv_line(CSV_COLUMNS)


def csv_rows(query: str, matches: Iterable[Match]) -> bytes:
    """Return one line for each match.

    Text is spelled out where it holds control characters or bytes that are not UTF-8; then
    `path_base64` holds the path's exact bytes.
    """
    return b"".join(_csv_row(query, match) for match in matches)


def _csv_row(query: str, match: Match) -> bytes:
    values = match_keys(match)
    path = printable(os.fspath(match.path))
    exact = path == os.fspath(match.path)
    values |= {
        "query": query,
        "path": path,
        "path_base64": "" if exact else base64.b64encode(os.fsencode(match.path)).decode("ascii"),
        "root": printable(os.fspath(match.root)),
        "score": f"{match.score:.6f}",
        "camera": printable(match.camera or ""),
        "lens": printable(match.lens or ""),
        "offline": "true" if match.offline else "false",
        "duplicates": len(match.duplicates),
    }
    return _csv_line([values[column] for column in CSV_COLUMNS])


def _csv_line(values: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")


def index_keys(gallery: Path, report: IndexReport) -> Json:
    """Return what a run of `index` did."""
    return {
        **path_keys(gallery, "gallery"),
        "recipe": None if report.recipe is None else recipe_keys(report.recipe),
        "new": report.new,
        "changed": report.changed,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "missing": report.missing,
        "offline": report.offline,
        "unreadable": report.unreadable,
        "embedded": report.embedded,
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 2),
        "interrupted": report.interrupted,
        "dry_run": report.dry_run,
        "unreadable_files": unreadable_keys(report.unreadable_files),
        "unlisted_folders": unreadable_keys(report.unlisted),
        "offline_roots": [path_keys(root) for root in report.offline_roots],
    }


def information_keys(information: GalleryInformation) -> Json:
    """Return what is in a gallery."""
    return {
        **path_keys(information.path, "gallery"),
        "schema": information.schema,
        "files": information.files,
        "contents": information.contents,
        "unreadable": information.unreadable,
        "orphans": information.orphans,
        "bytes": information.bytes,
        "roots": [
            {
                **path_keys(root.path),
                "online": root.online,
                "files": root.files,
                "exclude": list(root.exclude),
                "follow_symlinks": root.follow_symlinks,
            }
            for root in information.roots
        ],
        "recipes": [
            {
                **recipe_keys(entry.recipe),
                "primary": entry.primary,
                "embeddings": entry.embeddings,
                "generation": entry.generation,
                "cache": entry.cache,
                "cache_bytes": entry.cache_bytes,
                "projection": entry.projection,
                "projection_dim": entry.projection_dim,
                "projection_power": entry.projection_power,
                "projection_fitted_count": entry.fitted_count,
                "index": entry.index,
                "index_lists_visited": entry.lists_visited,
                "index_recall": entry.recall,
                "index_recall_queries": entry.recall_queries,
                "index_added": entry.added,
                "index_removed": entry.removed,
            }
            for entry in information.recipes
        ],
    }


def backbone_keys(backbone: Backbone, *, available: bool) -> Json:
    """Return an entry of the catalogue."""
    return {
        "name": backbone.name,
        "dim": backbone.dim,
        "size": backbone.size,
        "minimum_size": backbone.minimum_size,
        "layer": backbone.layer,
        "preprocessing": backbone.preprocessing,
        "parameters": backbone.parameters,
        "download_bytes": backbone.download_bytes,
        "available": available,
    }


def layer_keys(layers: Iterable[LayerInfo]) -> list[Json]:
    """Return the layers of a network, with the shapes of their feature maps."""
    return [{"name": layer.name, "shape": list(layer.shape)} for layer in layers]


def removal_keys(gallery: Path, report: RemovalReport) -> Json:
    """Return what was taken out of a gallery."""
    return {
        **path_keys(gallery, "gallery"),
        "files": report.files,
        "contents": report.contents,
    }


def prune_keys(gallery: Path, report: PruneReport) -> Json:
    """Return what was cleared away."""
    return {
        **path_keys(gallery, "gallery"),
        "contents": report.contents,
        "caches": report.caches,
        "bytes_freed": report.bytes_freed,
    }


def check_keys(gallery: Path, report: CheckReport) -> Json:
    """Return what an examination found."""
    return {
        **path_keys(gallery, "gallery"),
        "clean": report.clean,
        "findings": [
            {
                "what": finding.what,
                "severity": finding.severity,
                "repairable": finding.repairable,
                "repaired": finding.repaired,
            }
            for finding in report.findings
        ],
    }


def relocation_keys(gallery: Path, report: RelocationReport) -> Json:
    """Return where a root lies now."""
    return {
        **path_keys(gallery, "gallery"),
        **path_keys(report.root, "root"),
        "files": report.files,
        "found": report.found,
    }


def export_keys(gallery: Path, report: ExportReport) -> Json:
    """Return what was exported."""
    return {
        **path_keys(gallery, "gallery"),
        **path_keys(report.folder, "folder"),
        "embeddings": report.embeddings,
        "dim": report.dim,
        "files": [path_keys(path) for path in report.files],
    }


def evaluation_keys(report: EvaluationReport) -> Json:
    """Return what an evaluation found; picture strips are the HTML report's business."""
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


def ground_truth_keys(result: GroundTruthResult) -> Json:
    """Return all variants over one ground truth."""
    return {
        "name": result.name,
        "queries": result.queries,
        "pictures": result.gallery,
        "variants": [variant_keys(variant) for variant in result.variants],
    }


def variant_keys(variant: VariantResult) -> Json:
    """Return what one variant reaches and costs."""
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
        "metrics": [
            {
                "metric": found.metric,
                "estimate": estimate_keys(found.estimate),
                "difference": None if found.difference is None else estimate_keys(found.difference),
                "queries": found.queries,
                "skipped": found.skipped,
            }
            for found in variant.metrics
        ],
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


def estimate_keys(estimate: Estimate) -> Json:
    """Return a figure with its interval."""
    return {
        "value": _number(estimate.value, 6),
        "low": _number(estimate.low, 6),
        "high": _number(estimate.high, 6),
    }


def recommendation_keys(advice: Recommendation, command: str) -> Json:
    """Return which recipe to take, and why."""
    return {
        "command": valid_text(Path(command)),
        "chosen": variant_keys(advice.chosen),
        "best": variant_keys(advice.best),
        "lead": None if advice.lead is None else estimate_keys(advice.lead),
        "reasons": list(advice.reasons),
        "tried": ground_truth_keys(advice.tried),
        "skipped": [{"name": name, "reason": reason} for name, reason in advice.skipped],
        "unreadable_files": [
            {**path_keys(Path(path)), "reason": reason} for path, reason in advice.unreadable
        ],
        "seconds": round(advice.seconds, 3),
    }


def _number(value: float, digits: int) -> float | None:
    """Return a rounded number; None for NaN, which JSON does not know."""
    return round(value, digits) if math.isfinite(value) else None

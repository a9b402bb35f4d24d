"""Output for programs: JSON documents and JSON Lines, described in docs/json.md.

A document names its kind and the version of its format, for instance `"imgsearch": "query",
"version": 1`. Within a version, keys may be added, but none is removed or changes its meaning.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from imgsearch.text import path_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.gallery.explaining import Explanation, ScoreMap
    from imgsearch.gallery.information import GalleryInformation
    from imgsearch.indexing.report import IndexReport, UnreadableFile
    from imgsearch.recipe import Recipe
    from imgsearch.search.matches import Comparison, GalleryFile, Match

    Json = dict[str, Any]


VERSION: Final = 1


def dump(kind: str, content: Json) -> bytes:
    """Return a document as indented ASCII JSON that ends with a line break."""
    document = {"imgsearch": kind, "version": VERSION, **content}
    return json.dumps(document, indent=2, allow_nan=False).encode("ascii") + b"\n"


def dump_on_a_line(kind: str, content: Json) -> bytes:
    """Return a document as one line of ASCII JSON."""
    return dump_line({"imgsearch": kind, "version": VERSION, **content})


def dump_line(content: Json) -> bytes:
    """Return one record as one line of ASCII JSON."""
    return json.dumps(content, allow_nan=False).encode("ascii") + b"\n"


def recipe_keys(recipe: Recipe) -> Json:
    """Return a recipe, without where its weights were found."""
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
        "text": recipe.text,
    }


def file_keys(file: GalleryFile) -> Json:
    """Return a file with what is known of it."""
    return {
        **path_keys(file.path),
        **path_keys(file.root, "root"),
        "content": file.content,
        "width": file.width,
        "height": file.height,
        "format": file.format,
        "bytes": file.bytes,
        "taken": file.taken,
        "camera": file.camera,
        "lens": file.lens,
        "latitude": file.latitude,
        "longitude": file.longitude,
        "offline": file.offline,
        "duplicates": [
            {
                **path_keys(copy.path),
                **path_keys(copy.root, "root"),
                "offline": copy.offline,
                "hard_link": copy.hard_link,
            }
            for copy in file.duplicates
        ],
    }


def match_keys(match: Match, explanation: Explanation | None = None) -> Json:
    """Return a match, and where it agrees with what was asked about, if that is known."""
    return {
        "rank": match.rank,
        "score": match.score,
        "kind": match.kind,
        "box": None if match.box is None else list(match.box),
        **file_keys(match),
        "explanation": None if explanation is None else explanation_keys(explanation),
    }


def explanation_keys(explanation: Explanation) -> Json:
    """Return the two maps of a score."""
    return {
        "score": round(explanation.score, 6),
        "image": _map_keys(explanation.one),
        "match": _map_keys(explanation.other),
    }


def _map_keys(found: ScoreMap) -> Json:
    left, top, right, bottom = found.box
    return {
        "values": [[round(value, 6) for value in row] for row in found.values.tolist()],
        "box": [round(value, 3) for value in (left, top, right - left, bottom - top)],
    }


def image_keys(images: Iterable[Path | None]) -> list[Json]:
    """Return images that were asked about; None stands for standard input."""
    return [{"path": None} if path is None else path_keys(path) for path in images]


def comparison_keys(gallery: Path, images: Sequence[Path | None], found: Comparison) -> Json:
    """Return how alike two images are."""
    return {
        **path_keys(gallery, "gallery"),
        "images": image_keys(images),
        "score": found.score,
        "raw_score": found.raw_score,
        "same_content": found.same_content,
        "projection": found.projection,
    }


def answer_keys(
    images: Sequence[Path | None],
    matches: Sequence[Match],
    reason: str | None = None,
    *,
    explanations: Sequence[Explanation | None] = (),
) -> Json:
    """Return the images of a query and their matches.

    Args:
        images: None stands for standard input.
        matches: the nearest first.
        reason: why the images could not be read, or None.
        explanations: none, or one for each match.
    """
    return {
        "images": image_keys(images),
        "matches": [
            match_keys(match, explanation)
            for match, explanation in zip(
                matches, explanations or [None] * len(matches), strict=True
            )
        ],
        "reason": reason,
    }


def unreadable_keys(files: Iterable[UnreadableFile]) -> list[Json]:
    """Return files that could not be read, and why."""
    return [{**path_keys(file.path), "reason": file.reason} for file in files]


def index_keys(gallery: Path, report: IndexReport) -> Json:
    """Return the report of `index`."""
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
        "newly_unreadable": len(report.newly_unreadable),
        "embedded": report.embedded,
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 2),
        "interrupted": report.interrupted,
        "dry_run": report.dry_run,
        "unreadable_files": unreadable_keys(report.unreadable_files),
        "unlisted_folders": unreadable_keys(report.unlisted),
        "aliases": report.aliases,
        "merged": [
            {**path_keys(merged.path), **path_keys(merged.known, "known_as")}
            for merged in report.merged
        ],
        "offline_roots": [path_keys(root) for root in report.offline_roots],
        "not_read": [{"kind": kind, "files": count} for kind, count in report.not_read],
        "regions": report.regions,
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
        "shard": information.shard,
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
                "regions": entry.regions,
                "generation": entry.generation,
                "cache": entry.cache,
                "cache_bytes": entry.cache_bytes,
                "projection": entry.projection,
                "projection_dim": entry.projection_dim,
                "projection_power": entry.projection_power,
                "projection_fitted_count": entry.fitted_count,
                "index": entry.index,
                "index_lists_probed": entry.lists_probed,
                # What the key was called before; version 1 keeps it.
                "index_lists_visited": entry.lists_probed,
                "index_recall": entry.recall,
                "index_recall_queries": entry.recall_queries,
                "index_added": entry.added,
                "index_removed": entry.removed,
                "calibration": None
                if entry.calibration is None
                else {
                    "made": entry.calibration.made,
                    "contents": entry.calibration.contents,
                    "edits": entry.calibration.edits,
                    "pairs": entry.calibration.pairs,
                    "found": entry.calibration.found,
                },
            }
            for entry in information.recipes
        ],
    }

"""The form of what programs read: JSON documents and JSON lines. docs/json.md describes it.

A document says what it is and the version of its form, for instance `"imgsearch": "query",
"version": 1`. Within a version keys are added but never removed or changed in meaning.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, Final

from imgsearch.text import is_utf8, valid_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.gallery.checking import CheckReport
    from imgsearch.gallery.exporting import ExportReport
    from imgsearch.gallery.information import GalleryInformation
    from imgsearch.gallery.maintenance import PruneReport, RelocationReport, RemovalReport
    from imgsearch.indexing.report import IndexReport, UnreadableFile
    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.networks.backbones.layer_names import LayerInfo
    from imgsearch.recipe import Recipe
    from imgsearch.search.matches import Match

    Json = dict[str, Any]

VERSION: Final = 1


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
                "drops": finding.drops,
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

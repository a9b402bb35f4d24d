"""What the commands that look after a gallery print with --json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.documents.gallery_documents import recipe_keys
from imgsearch.text import path_keys

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.exchange.exporting import ExportReport
    from imgsearch.exchange.importing import ImportReport
    from imgsearch.gallery.checking import CheckReport
    from imgsearch.gallery.maintenance import PruneReport, RelocationReport, RemovalReport
    from imgsearch.gallery.merging import MergeReport

    Json = dict[str, Any]


def removal_keys(gallery: Path, report: RemovalReport) -> Json:
    """Return what was removed from a gallery."""
    return {
        **path_keys(gallery, "gallery"),
        "files": report.files,
        "contents": report.contents,
        "dry_run": report.dry_run,
    }


def prune_keys(gallery: Path, report: PruneReport) -> Json:
    """Return what `prune` deleted."""
    return {
        **path_keys(gallery, "gallery"),
        "contents": report.contents,
        "caches": report.caches,
        "bytes_freed": report.bytes_freed,
    }


def check_keys(gallery: Path, report: CheckReport) -> Json:
    """Return what `check` found."""
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
    """Return where a root is now."""
    return {
        **path_keys(gallery, "gallery"),
        **path_keys(report.root, "root"),
        "files": report.files,
        "found": report.found,
        "dry_run": report.dry_run,
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


def import_keys(gallery: Path, report: ImportReport) -> Json:
    """Return what was imported."""
    return {
        **path_keys(gallery, "gallery"),
        "recipe": recipe_keys(report.recipe),
        "rows": report.rows,
        "embeddings": report.embeddings,
        "contents": report.contents,
        "files": report.files,
        "read": report.read,
        "changed": report.changed,
        "ignored": list(report.ignored),
        "dry_run": report.dry_run,
    }


def merge_keys(gallery: Path, report: MergeReport) -> Json:
    """Return what came into a gallery, part by part."""
    return {
        **path_keys(gallery, "gallery"),
        "dry_run": report.dry_run,
        "regions_to_make": report.regions_to_make,
        "parts": [
            {
                **path_keys(part.path, "part"),
                "files": part.joined.files,
                "contents": part.joined.contents,
                "embeddings": part.joined.embeddings,
                "newer": part.joined.newer,
                "older": part.joined.older,
                "regions": part.joined.regions,
                "regions_left": part.joined.regions_left,
                "reason": part.reason,
                "remarks": list(part.remarks),
            }
            for part in report.parts
        ],
    }

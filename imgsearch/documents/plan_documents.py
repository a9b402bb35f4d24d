"""What the commands that carry out plans print with --json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.text import path_keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.plans.reports import ApplyReport, Refusal, UndoReport

    Json = dict[str, Any]


def apply_keys(gallery: Path, report: ApplyReport) -> Json:
    """Return what became of a plan's files."""
    journal = report.journal
    return {
        **path_keys(gallery, "gallery"),
        "where": report.where,
        "link": report.link,
        "removed": [path_keys(path) for path in report.removed],
        "bytes": report.bytes,
        "removed_before": report.before,
        "refused": _refused(report.refused),
        **({"journal": None} if journal is None else path_keys(journal, "journal")),
        "interrupted": report.interrupted,
        "dry_run": report.dry_run,
    }


def undo_keys(gallery: Path, report: UndoReport) -> Json:
    """Return what was put back."""
    return {
        **path_keys(gallery, "gallery"),
        **path_keys(report.journal, "journal"),
        "restored": [path_keys(path) for path in report.restored],
        "in_place": report.in_place,
        "refused": _refused(report.refused),
        "dry_run": report.dry_run,
    }


def _refused(refusals: Iterable[Refusal]) -> list[Json]:
    return [{**path_keys(refusal.path), "reason": refusal.reason} for refusal in refusals]

"""What is printed with --json about collections in search services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.documents.gallery_documents import recipe_keys
from imgsearch.text import path_keys

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.published import PublishedInformation
    from imgsearch.gallery.publishing import PublishReport

    Json = dict[str, Any]


def publish_keys(gallery: Path, report: PublishReport) -> Json:
    """Return what `publish` did."""
    return {
        **path_keys(gallery, "gallery"),
        "address": report.address,
        "recipe": report.recipe,
        "projection": report.projection,
        "contents": report.contents,
        "sent": report.sent,
        "removed": report.removed,
        "anew": report.anew,
    }


def collection_keys(information: PublishedInformation) -> Json:
    """Return what is in a collection."""
    return {
        "address": information.address,
        "engine": information.engine,
        "index": information.index,
        "bytes": information.bytes,
        "published": information.published,
        "files": information.files,
        "contents": information.contents,
        "generation": information.generation,
        "projection": information.projection,
        "dim": information.dim,
        "recipe": recipe_keys(information.recipe),
        "roots": [path_keys(root) for root in information.roots],
    }

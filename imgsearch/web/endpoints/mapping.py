"""Endpoints of the map: what is drawn on it, and where every picture lies."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.responses import Response

from imgsearch.documents.map_documents import cluster_keys
from imgsearch.web import fields, replies
from imgsearch.web.refusals import not_found
from imgsearch.web.service import Service, service_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from starlette.requests import Request

    from imgsearch.maps.gallery_map import GalleryMap


async def drawn_map(request: Request) -> Response:
    """Say what is drawn on the map of the gallery."""
    service = service_of(request)
    fields.query_fields(request, {}).end()
    generation, version, drawn = await _drawn(service)
    tag = f'"{version}"'
    known = replies.unchanged(request, tag)
    if known is not None:
        return known
    content: dict[str, Any] = {
        "generation": generation,
        "drawing": version,
        "kept": drawn.file is not None,
        "method": drawn.method,
        "total": len(drawn),
        "added": drawn.age.added,
        "removed": drawn.age.removed,
        "outgrown": drawn.age.outgrown,
        "levels": np.cumsum(np.bincount(drawn.levels)).tolist(),
        "clusters": await service.workers.looking.run(_clusters, drawn),
    }
    return replies.document("map", content, headers=replies.versioned(tag))


async def map_points(request: Request) -> Response:
    """Give the places, clusters and contents of all points, those of coarser levels first."""
    service = service_of(request)
    given = fields.query_fields(request, {})
    wanted = given.take("drawing", fields.text, None)
    given.end()
    _, version, drawn = await _drawn(service)
    if wanted not in (None, version):
        raise not_found("drawing: the map has changed since; ask for it again")
    tag = f'"{version}-points"'
    known = replies.unchanged(request, tag)
    if known is not None:
        return known
    data = await service.workers.looking.run(_packed, drawn, service.thumbnails.colour)
    return Response(data, headers=replies.versioned(tag), media_type="application/octet-stream")


async def _drawn(service: Service) -> tuple[str, str, GalleryMap]:
    """Return the gallery's generation, what tells this map from others, and the map."""
    kept = await service.workers.looking.run(service.gallery.map_version)
    generation, drawn = await service.maps.get(kept, service.gallery.map)
    version = hashlib.sha256(f"{generation} {kept}".encode()).hexdigest()[:16]
    return generation, version, drawn


def _clusters(drawn: GalleryMap) -> list[dict[str, Any]]:
    """Return the clusters, each with the place of its most central content among the points."""
    place = np.empty(len(drawn), np.int64)
    place[_coarsest_first(drawn)] = np.arange(len(drawn))
    rows = {content.tobytes(): row for row, content in enumerate(drawn.contents)}
    return [
        {**cluster_keys(cluster), "point": int(place[rows[bytes.fromhex(cluster.central[0])]])}
        for cluster in drawn.clusters
    ]


def _coarsest_first(drawn: GalleryMap) -> NDArray[np.int64]:
    order: NDArray[np.int64] = np.argsort(drawn.levels, kind="stable")
    return order


def _packed(drawn: GalleryMap, colour: Callable[[str], str | None]) -> bytes:
    """Return x, y, clusters, contents, and which cannot be shown, one block after the other."""
    order = _coarsest_first(drawn)
    unseen = drawn.offline.astype("u1")
    for row in np.flatnonzero(drawn.offline).tolist():
        # A thumbnail that was made, which gave the colour, is still there.
        unseen[row] = colour(drawn.contents[row].tobytes().hex()) is None
    blocks = (
        drawn.positions[order, 0].astype("<f4"),
        drawn.positions[order, 1].astype("<f4"),
        drawn.cluster_of[order].astype("<i4"),
        drawn.contents[order],
        unseen[order],
    )
    return b"".join(block.tobytes() for block in blocks)

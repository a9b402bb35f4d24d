"""Endpoints about the whole gallery: what there is, in which order, in which folders."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from imgsearch import __version__
from imgsearch.documents import web_documents as documents
from imgsearch.text import path_keys
from imgsearch.web import exports, fields, filters, questions, replies, uploads
from imgsearch.web.refusals import usage
from imgsearch.web.service import service_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from imgsearch.storage.timelines import Order

ORDERS: Final = ("taken", "path")
MOST_LISTED: Final = 500
USUAL_LISTED: Final = 100
FARTHEST: Final = 10**9
MOST_UPLOAD_PIXELS: Final = 250_000_000
_THIS_RUN: Final = secrets.token_hex(4)


async def info(request: Request) -> Response:
    """Say what is in the gallery, and what the server can do."""
    service = service_of(request)
    fields.query_fields(request, {}).end()
    generation, overview = await service.overview()
    tag = f'"{_THIS_RUN}-{generation}"'
    known = replies.unchanged(request, tag)
    if known is not None:
        return known
    content: dict[str, Any] = {
        "name": path_keys(service.gallery.path)["path"].rpartition("/")[2],
        **path_keys(service.gallery.path, "gallery"),
        "release": __version__,
        "generation": generation,
        **documents.overview_keys(overview),
        "can": {
            "reveal": service.revealing is not None and service.revealing.can,
            "links": service.options.links is not None,
            "map": True,
            "duplicates": True,
        },
        "limits": {
            "upload_bytes": uploads.MOST_BYTES,
            "upload_pixels": MOST_UPLOAD_PIXELS,
            "uploads": uploads.MOST_KEPT,
            "pictures": questions.MOST_PICTURES,
            "matches": questions.MOST_MATCHES,
            "export": exports.MOST_CONTENTS,
        },
    }
    return replies.document("info", content, headers=replies.versioned(tag))


def taken_order(given: fields.Fields) -> Order:
    """Take the order of a list."""
    return cast("Order", given.take("order", fields.one_of(*ORDERS), "taken"))


async def timeline(request: Request) -> Response:
    """Say of all contents what a window of any part of their list needs to know."""
    service = service_of(request)
    given, where = filters.of_address(request)
    order = taken_order(given)
    given.end()
    generation, found = await service.timeline(where, order)
    tag = f'"{generation}"'
    known = replies.unchanged(request, tag)
    if known is not None:
        return known
    content = await service.workers.looking.run(documents.timeline_keys, found, order)
    return replies.document(
        "timeline", {"generation": generation, **content}, headers=replies.versioned(tag)
    )


async def contents(request: Request) -> Response:
    """Give some contents of the list."""
    service = service_of(request)
    given, where = filters.of_address(request)
    order = taken_order(given)
    offset = given.take("offset", fields.digits(0, FARTHEST), 0)
    limit = given.take("limit", fields.digits(1, MOST_LISTED), USUAL_LISTED)
    stretches = given.take("stretches", fields.digits(1, MOST_LISTED), 1)
    given.end()
    if stretches * limit > MOST_LISTED:
        raise usage(
            f"limit: {limit} of each of {stretches} stretches is more than {MOST_LISTED} contents"
        )
    generation, found = await service.timeline(where, order)
    parts = np.array_split(found.ids, stretches)
    ids = np.concatenate([part[offset : offset + limit] for part in parts]).tolist()
    files = await service.workers.looking.run(service.gallery.files_of, ids, where)
    return replies.document(
        "contents",
        {
            "generation": generation,
            "total": len(found.ids),
            "offset": offset,
            "contents": [
                None if file is None else documents.entry_keys(file, service.thumbnails.colour)
                for file in files
            ],
        },
    )


async def facets(request: Request) -> Response:
    """Count dates, cameras, lenses, formats and places."""
    service = service_of(request)
    given, where = filters.of_address(request)
    given.end()
    generation, found = await service.lists.get(
        ("facets", where), lambda: service.gallery.facets(where)
    )
    return replies.document("facets", {"generation": generation, **documents.facet_keys(found)})


async def folders(request: Request) -> Response:
    """Give the children of a folder."""
    service = service_of(request)
    given = fields.query_fields(request, {})
    under = given.take("under", filters.folder, None)
    given.end()
    generation, found = await service.lists.get(
        ("folders", under), lambda: service.gallery.folders(under)
    )
    return replies.document(
        "folders",
        {
            "generation": generation,
            "folders": [documents.folder_keys(folder) for folder in found],
        },
    )


async def unreadable(request: Request) -> Response:
    """Give some of the files that could not be read."""
    service = service_of(request)
    given = fields.query_fields(request, filters.SEVERAL)
    under = tuple(given.each("under", filters.folder, most=filters.MOST_VALUES))
    offset = given.take("offset", fields.digits(0, FARTHEST), 0)
    limit = given.take("limit", fields.digits(1, MOST_LISTED), USUAL_LISTED)
    given.end()
    generation, found = await service.lists.get(
        ("unreadable", under, offset, limit),
        lambda: service.gallery.not_read(under, offset=offset, limit=limit),
    )
    return replies.document(
        "unreadable",
        {
            "generation": generation,
            "total": found.total,
            "offset": offset,
            "files": [documents.not_read_keys(file) for file in found.files],
        },
    )

"""Every address of the interface, with what it takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.web.endpoints import (
    asking,
    contents,
    described,
    duplicates,
    lists,
    mapping,
    taking,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

API: Final = "/api/v1"
FILTERS: Final = (
    *("under[]", "after", "before", "undated", "camera", "lens"),
    *("near", "min_width#", "min_height#", "format[]"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address and a method of the interface.

    Attributes:
        method: of HTTP.
        path: below `API`, with names in braces.
        handler: what answers; the first line of its docstring says what it does.
        parameters: names in the address; "[]" behind one may be repeated, "#" is a whole number.
        body: name of the JSON object that is sent, "file" for bytes, or None.
        answer: kind of the document, or media type, that is given; None for nothing.
        status: of the answer where all goes well.
    """

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    parameters: tuple[str, ...] = ()
    body: str | None = None
    answer: str | None = None
    status: int = 200


def _get(
    path: str,
    handler: Callable[[Request], Awaitable[Response]],
    answer: str,
    *parameters: str,
) -> Endpoint:
    return Endpoint(
        method="GET", path=f"{API}{path}", handler=handler, parameters=parameters, answer=answer
    )


def _change(
    method: str,
    path: str,
    handler: Callable[[Request], Awaitable[Response]],
    *,
    body: str | None = None,
    answer: str | None = None,
    status: int = 200,
) -> Endpoint:
    return Endpoint(
        method=method,
        path=f"{API}{path}",
        handler=handler,
        body=body,
        answer=answer,
        status=status,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    _get("/info", lists.info, "info"),
    _get("/timeline", lists.timeline, "timeline", "order", *FILTERS),
    _get(
        "/contents",
        lists.contents,
        "contents",
        "order",
        "offset#",
        "limit#",
        "stretches#",
        *FILTERS,
    ),
    _get("/facets", lists.facets, "facets", *FILTERS),
    _get("/folders", lists.folders, "folders", "under"),
    _get("/unreadable", lists.unreadable, "unreadable", "offset#", "limit#", "under[]"),
    _get("/contents/{content}", contents.content, "content", "order", *FILTERS),
    _get("/contents/{content}/thumbnail", contents.thumbnail, "image/webp", "side#"),
    _get("/contents/{content}/view", contents.view, "image/jpeg", "side#"),
    _get("/contents/{content}/original", contents.original, "image/*", "download#"),
    _change("POST", "/contents/{content}/reveal", contents.reveal, body="reveal", status=204),
    _change("POST", "/uploads", asking.upload, body="file", answer="upload", status=201),
    _get("/uploads/{upload}/view", asking.upload_view, "image/*"),
    _change("DELETE", "/uploads/{upload}", asking.drop_upload, status=204),
    _change("POST", "/queries", asking.query, body="query", answer="answer"),
    _change("POST", "/comparisons", asking.compare, body="pair", answer="comparison"),
    _change("POST", "/explanations", asking.explain, body="pair", answer="explanation"),
    _change(
        "POST",
        "/exports",
        taking.prepare_export,
        body="export request",
        answer="export",
        status=201,
    ),
    _get("/exports/{export}", taking.download_export, "*/*"),
    _get("/sets", taking.sets, "sets"),
    _get("/sets/{name}", taking.one_set, "set"),
    _change("PUT", "/sets/{name}", taking.keep_set, body="set request", status=204),
    _change("DELETE", "/sets/{name}", taking.drop_set, status=204),
    _get("/duplicates", duplicates.groups, "duplicates", "offset#", "limit#", "kind"),
    _change(
        "POST", "/duplicates", duplicates.look_for_duplicates, body="search request", status=202
    ),
    _change("POST", "/duplicates/verdicts", duplicates.judge, body="verdict", status=204),
    _change(
        *("POST", "/duplicates/plan", duplicates.plan),
        body="decisions",
        answer="saved plan",
        status=201,
    ),
    _get("/map", mapping.drawn_map, "map"),
    _get("/map/points", mapping.map_points, "application/octet-stream", "drawing"),
    _get("/openapi.json", described.openapi, "application/json"),
)

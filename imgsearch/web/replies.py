"""Documents and errors as answers of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from imgsearch.documents.gallery_documents import dump_on_a_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from imgsearch.web.refusals import RefusalError

JSON: Final = "application/json"


def document(
    kind: str,
    content: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a document of that kind."""
    return Response(dump_on_a_line(kind, dict(content)), status, headers, media_type=JSON)


def nothing(status: int = 204) -> Response:
    """Return the answer to what was done, or has begun, and has no result."""
    return Response(status_code=status)


def error(refusal: RefusalError) -> Response:
    """Return the document of a refusal."""
    return document(
        "error",
        {"error": {"code": refusal.code, "message": refusal.message}},
        status=refusal.status,
        headers=refusal.headers,
    )


def unchanged(request: Request, tag: str) -> Response | None:
    """Return the answer to a request whose reader has this version already; else None.

    Args:
        request: with `If-None-Match` or without.
        tag: of the version, with its quotation marks.
    """
    known = request.headers.get("if-none-match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return None


def for_ever(data: bytes, media_type: str) -> Response:
    """Return what never changes at its address, so that nobody asks for it twice."""
    kept = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(data, headers=kept, media_type=media_type)


def versioned(tag: str) -> dict[str, str]:
    """Return the headers of an answer that may be kept, and is asked about again each time."""
    return {"ETag": tag, "Cache-Control": "no-cache"}

"""The files of the gallery as they are: which of them a browser may show, and parts of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from imgsearch.web.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.gallery.taking import Original

# What browsers show and never run. Formats that another program registered are not among them.
SHOWN: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
SAVED: Final = {
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
    "JXL": "image/jxl",
    "JPEG2000": "image/jp2",
    "PSD": "image/vnd.adobe.photoshop",
}
UNKNOWN: Final = "application/octet-stream"
# Text in which a browser might find something to run, whatever its format is called.
MARKUP: Final = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\0<")
INERT: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
_HEAD: Final = 512
_CHUNK: Final = 1 << 18
_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def is_shown(kind: str) -> bool:
    """Whether a browser shows originals of a format, rather than saving them."""
    return kind in SHOWN


def response(original: Original, *, content: str, wanted: str | None, attach: bool) -> Response:
    """Return an original, or the range of its bytes that is wanted; it is closed in the end.

    Args:
        original: open.
        content: its hash.
        wanted: the `Range` header, or None.
        attach: whether the browser is to save it in any case.

    Raises:
        RefusalError: it is markup such as SVG, or the range is none.
    """
    try:
        _refuse_markup(original)
        span = None if wanted is None else _span(wanted, original.bytes)
    except BaseException:
        original.file.close()
        raise
    kind = SHOWN.get(original.format)
    place = "inline" if kind is not None and not attach else "attachment"
    first, end = span or (0, original.bytes)
    headers = {
        "Content-Type": kind or SAVED.get(original.format, UNKNOWN),
        "Content-Disposition": f"{place}; filename*=UTF-8''{_name(original)}",
        "Content-Length": str(end - first),
        "Content-Security-Policy": INERT,
        "Accept-Ranges": "bytes",
        "ETag": f'"{content}"',
        "Cache-Control": "private, no-cache",
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{original.bytes}"
    return StreamingResponse(_pieces(original, first, end), 200 if span is None else 206, headers)


def _refuse_markup(original: Original) -> None:
    head = original.file.read(_HEAD).lstrip()
    if head.startswith(MARKUP) or original.format == "SVG":
        raise RefusalError(403, "refused", "the original is text that a browser might run")


def _span(wanted: str, size: int) -> tuple[int, int]:
    """Return where the one wanted range begins and ends.

    Raises:
        RefusalError: there are several, or it lies outside.
    """
    found = _ONE_RANGE.fullmatch(wanted.strip())
    first, last = (found[1], found[2]) if found else ("", "")
    if first:
        begin, end = int(first), min(int(last or size), size - 1) + 1
    elif last:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = 0, 0
    if begin >= end:
        raise RefusalError(
            416,
            "range",
            "Range: not one range of bytes within the file",
            {"Content-Range": f"bytes */{size}"},
        )
    return begin, end


def _pieces(original: Original, first: int, end: int) -> Iterator[bytes]:
    with original.file as file:
        file.seek(first)
        left = end - first
        while left and (piece := file.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece


def _name(original: Original) -> str:
    return quote(original.path.name.encode("utf-8", "surrogateescape"), safe="")

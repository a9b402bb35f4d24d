"""Why a file cannot be read: whatever a decoder raises becomes one short reason."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from PIL import Image

from imgsearch.errors import ImgsearchError, UnreadableImageError
from imgsearch.images.metadata import quietly

if TYPE_CHECKING:
    from collections.abc import Iterator


TRUNCATED: Final = "truncated: the file ends before the picture does"
# A file below this length, in bytes, has been cut off in its header.
SHORTEST_HEADER: Final = 32

_SAYS_TRUNCATED: Final = re.compile(
    r"truncat|not processed|end of file|end of data|insufficient|no more images|input/output",
    re.IGNORECASE,
)
# What Pillow says in words that help nobody -> what is meant.
_IN_PLAIN_WORDS: Final = (
    ("MAX_TEXT", "a compressed text in it is larger than a megabyte"),
    ("not identified by this driver", "its header makes no sense"),
    ("broken data stream", "its data cannot be decoded"),
    ("unrecognized data stream", "its data cannot be decoded"),
    ("decoder error", "its data cannot be decoded"),
    ("could not create decoder object", "its header makes no sense"),
)


@contextmanager
def refusing(data: bytes, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one error with a short reason; drop its warnings.

    Args:
        data: the bytes of the whole file.
        kind: its format, as `signatures.identify` names it.

    Raises:
        UnreadableImageError: something other than imgsearch's own errors was raised inside.
    """
    try:
        with quietly():
            yield
    except ImgsearchError:
        raise
    except MemoryError as error:
        raise UnreadableImageError(f"not enough memory to decode this {kind}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(
            f"too large: this {kind} has more pixels than Pillow's own limit allows"
        ) from error
    except Exception as error:  # decoders raise nearly anything
        raise UnreadableImageError(_reason(error, data, kind)) from error


def ends_early(data: bytes, kind: str) -> bool:
    """Tell whether a container's own lengths reach beyond the file's end."""
    if kind == "WEBP":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if kind in {"TIFF", "RAW"} and data[:2] in {b"II", b"MM"}:
        return int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big") >= len(data)
    if kind == "JPEG2000" and data[:1] == b"\xff":
        return not data.endswith(b"\xff\xd9")
    if kind in {"AVIF", "HEIF", "JPEG2000"} or (kind == "RAW" and data[4:8] == b"ftyp"):
        return _boxes_end_early(data)
    return len(data) < SHORTEST_HEADER


def _boxes_end_early(data: bytes) -> bool:
    """Add up the lengths of a file's boxes, ISO/IEC 14496-12 section 4.2."""
    offset = 0
    while offset + 8 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], "big")
        if length == 1:
            length = int.from_bytes(data[offset + 8 : offset + 16], "big")
        if length < 8:  # noqa: PLR2004 - shorter than its own header; 0 is "to the end"
            return False
        offset += length
    return offset > len(data) or len(data) < SHORTEST_HEADER


def _reason(error: Exception, data: bytes, kind: str) -> str:
    said = str(error.args[0]) if error.args else ""
    if error.args and isinstance(error.args[0], bytes):  # LibRaw's
        said = error.args[0].decode("ascii", "replace")
    if _SAYS_TRUNCATED.search(said) or ends_early(data, kind):
        return TRUNCATED
    for words, meaning in _IN_PLAIN_WORDS:
        if words in said:
            return f"damaged {kind}: {meaning}"
    said = "".join(c if c.isprintable() else " " for c in said)[:100].strip()
    return f"damaged {kind}: {said}" if said else f"damaged {kind}"


def missing_package(name: str, extra: str) -> UnreadableImageError:
    """Return the error for a format whose decoder is not installed."""
    return UnreadableImageError(f"{name} needs the extra: pip install 'imgsearch[{extra}]'")

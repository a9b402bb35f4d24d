"""Why a file cannot be read: one short reason, whatever its bytes are or a decoder raises."""

from __future__ import annotations

import re
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from PIL import Image

from imgsearch.errors import ImgsearchError, UnreadableImageError
from imgsearch.images.quiet import quietly
from imgsearch.images.truncation import lacks_header
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.images.format_row import Format


TRUNCATED: Final = "truncated: the file ends before the picture does"

_SAYS_TRUNCATED: Final = re.compile(
    r"truncat|not enough image data|not processed|end of file|end of data|insufficient"
    r"|no more images|input/output",
    re.IGNORECASE,
)
# What wrong arguments raise, and a fault of imgsearch's own, which no file is to blame for.
_FAULTS: Final = (AttributeError, TypeError, NameError, AssertionError)
# Of an AVIF whose boxes are whole (`boxes.reach_beyond`), and that viewers may show even so:
# https://github.com/AOMediaCodec/libavif/issues/2861
_SAYS_STRICT: Final = "BMFF parsing failed"
_SAYS_UNSUPPORTED: Final = re.compile(
    r"unsupported(?! or non-existing)|not supported|not implemented|unknown (?:raw|pixel) ?mode"
    r"|not available|no decoding plugin|no codec|unknown data organization|unknown compression"
    r"|compression method|no 'meta' box|needs to support",
    re.IGNORECASE,
)
# What these hold are Python's own words about a header that no program wrote.
_INTERNAL: Final = (
    LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, UnicodeError,
    struct.error,
)  # fmt: skip
_PYTHONS_WORDS: Final = re.compile(
    r"to unpack|invalid literal|requires a buffer|out of range|non-hexadecimal|must be "
    r"|object|argument|codec can't"
)
# What Pillow says in words that help nobody -> what is meant.
_IN_PLAIN_WORDS: Final = (
    ("not identified by this driver", "its header makes no sense"),
    ("broken data stream", "its data cannot be decoded"),
    ("unrecognized data stream", "its data cannot be decoded"),
    ("Generic Error", "its data cannot be decoded"),
    ("decoder error", "its data cannot be decoded"),
    ("could not create decoder object", "its header makes no sense"),
)
# What is common among photos and in no row of the table, recognised well enough to be named.
_OTHER_KINDS: Final = (
    (re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE), "a web page (HTML)"),
    (re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg", re.DOTALL), "an SVG drawing"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "PostScript, which is never run"),
    (re.compile(rb"8BPS\x00\x02"), "a Photoshop document larger than a PSD may be (PSB)"),
    (re.compile(rb"....ftyp|RIFF....AVI |\x1aE\xdf\xa3", re.DOTALL), "a video"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf"), "an archive"),
    (re.compile(rb"\0{64}"), "nothing but zero bytes at its start"),
)


@contextmanager
def refusing(data: bytes, known: Format | None) -> Iterator[None]:
    """Turn whatever a decoder raises into one error with a short reason; drop its warnings.

    Args:
        data: the bytes of a whole file.
        known: its format, where there is one for it.

    Raises:
        UnreadableImageError: something other than imgsearch's own errors was raised inside.
    """
    kind = known.name if known else "file"
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
        if isinstance(error, _FAULTS) and _is_ours(error):
            raise
        if isinstance(error, ImportError) and known and known.package:
            raise UnreadableImageError(_lacking(known.package, kind, error)) from error
        ends_early = known.ends_early if known else lacks_header
        raise UnreadableImageError(_reason(error, kind, cut=ends_early(data))) from error


def unexpected(error: Exception) -> str:
    """Return the reason of a file at which something went wrong that no decoder is known for."""
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    detail = str(error).strip().split("\n", 1)[0]
    return printable(f"unexpected {type(error).__name__}{': ' if detail else ''}{detail}")


def what_else(data: bytes) -> str:
    """Say in a few words what the bytes of a file are whose format is in no row of the table."""
    if not data:
        return "empty (0 bytes)"
    for pattern, name in _OTHER_KINDS:
        if pattern.match(data[:4096]):
            return f"not a picture: {name}"
    return "not a picture that can be read (no known format)"


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised by imgsearch's own code and not within a decoder."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return str(module).startswith("imgsearch.")


def _lacking(package: str, kind: str, error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{kind} needs a package that is not installed: pip install {package}"
    return f"{kind} needs {package}, which is installed but broken: {_one_line(str(error))}"


def _reason(error: Exception, kind: str, *, cut: bool) -> str:
    said = str(error.args[0]) if error.args else ""
    if error.args and isinstance(error.args[0], bytes):  # LibRaw's
        said = error.args[0].decode("ascii", "replace")
    if cut or _SAYS_TRUNCATED.search(said):
        return TRUNCATED
    if _SAYS_STRICT in said:
        return f"not supported: {kind} that breaks a rule of its format, on which Pillow insists"
    for words, meaning in _IN_PLAIN_WORDS:
        if words in said:
            return f"damaged {kind}: {meaning}"
    if _SAYS_UNSUPPORTED.search(said):
        return f"not supported: a kind of {kind} that cannot be read here ({_one_line(said)})"
    if isinstance(error, _INTERNAL) or _PYTHONS_WORDS.search(said):
        return f"damaged {kind}: its header makes no sense"
    said = _one_line(said)
    return f"damaged {kind}: {said}" if said else f"damaged {kind}"


def _one_line(said: str) -> str:
    return "".join(c if c.isprintable() else " " for c in said)[:100].strip()

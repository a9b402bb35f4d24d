"""What a command reads besides its arguments: lists of paths, an image on standard input."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imgsearch.addresses import named
from imgsearch.errors import UnreadableImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD_INPUT = "-"
_CHUNK = 1 << 16


def listed_files(source: str, *, null: bool) -> Iterator[Path]:
    """Yield the paths of a list, each as soon as it arrives.

    Args:
        source: the file with the list, or "-" for standard input.
        null: paths end with NUL, as `find -print0` writes them, instead of a line break.

    Raises:
        OSError: the list cannot be read.
        UsageError: standard input is closed.
    """
    if source == STANDARD_INPUT:
        yield from _names(_standard_input(), null=null)
        return
    with Path(source).open("rb") as stream:
        yield from _names(stream, null=null)


def _names(stream: IO[bytes], *, null: bool) -> Iterator[Path]:
    names = _records(stream) if null else (line.rstrip(b"\r\n") for line in stream)
    first = True
    for name in names:
        # Windows' editors put a byte-order mark before the first line.
        path = name.removeprefix(codecs.BOM_UTF8) if first and not null else name
        first = False
        if path:
            yield named(os.fsdecode(path))


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def check_path(name: str) -> Path:
    """Return the path of an image that was named.

    Raises:
        UsageError: it is a web address or a folder.
    """
    if name.startswith(("http://", "https://")):
        raise UsageError(
            f"{name}: a web address is not a file; `curl -s ADDRESS | imgsearch query -` asks "
            "about what is there"
        )
    path = named(name)
    if os.path.isdir(path):  # noqa: PTH112 - never raises
        raise UsageError(
            f"{name}: a folder is not an image; `find {name} -type f | imgsearch query "
            "--files-from -` asks about each of its files"
        )
    return path


@contextmanager
def missing_files_are_usage(names: Iterable[str]) -> Iterator[None]:
    """Turn the error of an image that was named and does not exist into one of usage.

    Raises:
        UsageError: in its place.
    """
    try:
        yield
    except UnreadableImageError as error:
        missing = (name for name in names if name != STANDARD_INPUT and not os.path.lexists(name))
        if any(str(error).startswith(f"{Path(name)}: no such file") for name in missing):
            raise UsageError(str(error)) from error
        raise


def standard_input_bytes() -> bytes:
    """Return the content of the image on standard input.

    Raises:
        UsageError: standard input is closed or empty.
    """
    data = _standard_input().read()
    if not data:
        raise UsageError("'-' reads an image from standard input, which is empty")
    return data


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise UsageError("'-' reads standard input, which is closed")
    return sys.stdin.buffer

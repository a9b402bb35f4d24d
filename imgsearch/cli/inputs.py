"""What a command reads besides its arguments: lists of paths, an image on standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    for name in _records(stream) if null else (line.rstrip(b"\r\n") for line in stream):
        if name:
            yield Path(os.fsdecode(name))


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


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

"""Paths made safe to print.

A file name may contain newlines, terminal escape sequences, characters that reverse the reading
direction, or bytes that are not text. Output for a person escapes these; output for a program
(JSON, NUL-separated paths) keeps them exact.
"""

from __future__ import annotations

import os
from pathlib import Path

from imgsearch.paths import from_home
from imgsearch.text import SURROGATES, printable, spelled

__all__ = ["printable", "short_path", "single_line"]


def single_line(path: Path) -> bytes:
    """Return a path as bytes without line breaks: control characters are escaped.

    Bytes that are not UTF-8 stay as they are.
    """
    text = os.fspath(path)
    if text.isprintable():
        return os.fsencode(text)
    return os.fsencode(
        "".join(
            character if ord(character) in SURROGATES else spelled(character) for character in text
        )
    )


def short_path(path: Path) -> str:
    """Return a printable path, relative to the current folder or to "~" where it lies in one."""
    return printable(_shortened(path))


def _shortened(path: Path) -> str:
    try:
        here = Path.cwd()
    except OSError:  # the current folder was deleted
        return os.fspath(path)
    if path != here and path.is_relative_to(here):
        return os.fspath(path.relative_to(here))
    return os.fspath(from_home(path))

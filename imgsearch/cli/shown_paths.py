"""Paths made safe to print.

A file name may contain newlines, terminal escape sequences, characters that reverse the reading
direction, or bytes that are not text. Output for a person escapes these; output for a program
(JSON, NUL-separated paths) keeps them exact.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

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
    text = os.fspath(path)
    try:
        here = os.getcwd()  # noqa: PTH109 - a listing asks for every file, and pathlib takes longer
    except OSError:  # the current folder was deleted
        return text
    below = _below(text, here)
    if below:
        return below
    home = _home(os.environ.get("HOME"), os.environ.get("USERPROFILE"))
    below = None if home is None else _below(text, home)
    return text if below is None else os.path.join("~", below) if below else "~"  # noqa: PTH118 - likewise


def _below(path: str, folder: str) -> str | None:
    """Return what follows a folder in a path, "" for the folder itself; None for others."""
    if path == folder:
        return ""
    start = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(start) :] if path.startswith(start) else None


@lru_cache(maxsize=1)
def _home(*_variables: str | None) -> str | None:
    """Return the person's home, where there is one; as long as the variables stay the same."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return None if home == Path(home.anchor) else os.fspath(home)

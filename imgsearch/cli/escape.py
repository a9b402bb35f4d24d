"""Text that came from outside, made safe to show.

A file name may hold newlines, terminal escape sequences, characters that reverse the reading
direction, or bytes that are no text at all. What a person sees spells these out; what another
program reads gets them exact (JSON, NUL-separated paths).
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

_SURROGATES = range(0xDC80, 0xDD00)  # what stands for bytes that are not UTF-8
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS = frozenset("\u200c\u200d")  # part of Persian and Indic words and of emoji
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return the text with control, direction and invisible characters spelled out.

    A byte that is not UTF-8 (a surrogate escape) becomes `\xNN`, a control character `\n`,
    `\x1b` and the like, a direction mark `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(map(_spell, text))


def _spell(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code in _SURROGATES or character.isascii():
        return f"\\x{code & 0xFF:02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def single_line(path: Path) -> bytes:
    """Return a path as bytes that hold no line break: raw, with control characters spelled out.

    Bytes that are not UTF-8 stay as they are.
    """
    text = os.fspath(path)
    if text.isprintable():
        return os.fsencode(text)
    return os.fsencode(
        "".join(
            character if ord(character) in _SURROGATES else _spell(character) for character in text
        )
    )


def is_utf8(path: Path) -> bool:
    """Tell whether a path is text, so that it passes through JSON unchanged."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def valid_text(path: Path) -> str:
    """Return the path as text, bytes that are not UTF-8 replaced by U+FFFD."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def short_path(path: Path) -> str:
    """Return a path for a person: relative beneath the current folder, else with "~"; printable."""
    return printable(_shortened(path))


def _shortened(path: Path) -> str:
    try:
        here = Path.cwd()
    except OSError:  # the current folder was deleted
        return os.fspath(path)
    if path != here and path.is_relative_to(here):
        return os.fspath(path.relative_to(here))
    try:
        home = Path.home()
    except RuntimeError:
        return os.fspath(path)
    if home != Path(home.anchor) and path.is_relative_to(home):
        return os.fspath(Path("~") / path.relative_to(home))
    return os.fspath(path)

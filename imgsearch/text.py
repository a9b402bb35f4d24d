"""Text from outside, such as file names and EXIF, made safe to show and to store."""

from __future__ import annotations

import base64
import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SURROGATES: Final = range(0xDC80, 0xDD00)  # stand for bytes that are not UTF-8, PEP 383
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS: Final = frozenset("\u200c\u200d")  # part of Persian and Indic words and of emoji
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return the text with control, direction and invisible characters escaped.

    A byte that is not UTF-8 (a surrogate escape) becomes `\xNN`, a control character `\n`,
    `\x1b` and the like, a direction mark `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(map(spelled, text))


def spelled(character: str) -> str:
    """Return one character as `printable` shows it."""
    if character.isprintable() or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code in SURROGATES or character.isascii():
        return f"\\x{code & 0xFF:02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def is_utf8(path: Path) -> bool:
    """Tell whether a path is UTF-8, and so passes through JSON unchanged."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def valid_text(path: Path) -> str:
    """Return the path as text, bytes that are not UTF-8 replaced by U+FFFD."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def path_keys(path: Path, name: str = "path") -> dict[str, Any]:
    """Return a path under its key; if it is not UTF-8, with its exact bytes beside it.

    Bytes that are not UTF-8 become U+FFFD in the path itself, so that every JSON parser accepts
    the document.
    """
    keys: dict[str, Any] = {name: valid_text(path)}
    if not is_utf8(path):
        keys[f"{name}_base64"] = base64.b64encode(os.fsencode(path)).decode("ascii")
    return keys


def path_of(keys: Mapping[str, Any], name: str = "path") -> Path:
    """Return the path that `path_keys` put into a document.

    Raises:
        TypeError: there is none.
        ValueError: it is no absolute path.
    """
    text, exact = keys.get(name), keys.get(f"{name}_base64")
    if not isinstance(text, str) or not isinstance(exact, str | None):
        raise TypeError(f"{name!r} is no path")
    path = Path(text if exact is None else os.fsdecode(base64.b64decode(exact, validate=True)))
    if not path.is_absolute() or "\0" in os.fspath(path):
        raise ValueError(f"{name!r} is no absolute path: {printable(os.fspath(path))}")
    return path

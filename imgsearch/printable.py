"""Text that came from outside, with all that is not to be seen spelled out."""

from __future__ import annotations

import unicodedata
from typing import Final

SURROGATES: Final = range(0xDC80, 0xDD00)  # what stands for bytes that are not UTF-8
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS: Final = frozenset("\u200c\u200d")  # part of Persian and Indic words and of emoji
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return the text with control, direction and invisible characters spelled out.

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

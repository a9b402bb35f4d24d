"""Names of cameras and lenses, as people and EXIF spell them."""

from __future__ import annotations

from typing import Final

# What makers call themselves besides their name, and galleries' cameras need not.
_COMPANY: Final = frozenset({
    "ag", "camera", "co", "company", "corp", "corporation", "digital", "eastman",
    "electronics", "gmbh", "imaging", "inc", "kk", "ltd", "optical", "techwin",
})  # fmt: skip


def camera_texts(part: str) -> tuple[str, str]:
    """Return two texts, one of which a camera's name holds, in any case of ASCII."""
    plain = [word.strip(",.") for word in part.casefold().split()]
    words = [word for word in plain if word and word not in _COMPANY]
    once = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
    return storable(part), storable(" ".join(once)) or storable(part)


def storable(word: str) -> str:
    """Return a word that SQLite takes, even if a command line held bytes that are not UTF-8."""
    return word.encode("utf-8", "replace").decode("utf-8")

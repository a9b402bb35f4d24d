"""A test double: below one folder, the file system ignores case and Unicode's normal forms."""

from __future__ import annotations

import io
import os
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def fold_names(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    """Let every spelling of a name below a folder find the file, as exFAT, NTFS and APFS do.

    Listings give names as they were written.
    """
    top, listdir = os.fsencode(base), os.listdir

    def actual(path: Any) -> Any:
        if not isinstance(path, str | bytes | os.PathLike):
            return path
        place, *rest = top, *os.fsencode(path)[len(top) :].split(b"/")
        if not os.fsencode(path).startswith(top + b"/"):
            return path
        for part in filter(None, rest):
            names = listdir(place) if os.path.isdir(place) else []  # noqa: PTH112 - bytes
            same = [name for name in sorted(names) if _folded(name) == _folded(part)]
            name = part if part in names or not same else same[0]
            place = os.path.join(place, name)  # noqa: PTH118 - bytes
        return place if isinstance(path, bytes) else os.fsdecode(place)

    for module, name in ((os, "stat"), (os, "lstat"), (os, "scandir"), (os, "listdir"),
                         (os, "readlink"), (io, "open")):  # fmt: skip
        monkeypatch.setattr(module, name, _translated(getattr(module, name), actual))


def _translated(real: Any, actual: Any) -> Any:
    inside = False

    def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        nonlocal inside
        if inside:
            return real(path, *arguments, **options)
        inside = True
        try:
            place = actual(path)
        finally:
            inside = False
        return real(place, *arguments, **options)

    return call


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFC", os.fsdecode(name)).casefold()

"""Named sets of contents, in a file of their own in the gallery's folder.

Not in the database, whose lock a run of `index` holds for hours.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE: Final = "sets.json"
LONGEST_NAME: Final = 100
_HASH_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A named set of contents.

    Attributes:
        name: what a person called it.
        changed: moment in UTC, "2026-05-01T12:00:00+00:00".
        contents: SHA-256 of their bytes, in the person's order, each once.
    """

    name: str
    changed: str
    contents: tuple[str, ...]


class PictureSets:
    """Reads and writes the file; for all threads of one process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()

    def all(self) -> list[PictureSet]:
        """Return every set, by name.

        Raises:
            ImgsearchError: the file is damaged.
        """
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            found = [_read(entry) for entry in json.loads(text)["sets"]]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ImgsearchError(
                f"{self._path}: damaged ({error}); put it right by hand, or delete it and with it "
                "the sets"
            ) from error
        return sorted(found, key=lambda kept: kept.name)

    def keep(self, name: str, contents: Sequence[str]) -> PictureSet:
        """Write a set, over one of the same name.

        Raises:
            UsageError: the name is none.
            ImgsearchError: the file is damaged, and was left alone.
        """
        _check_name(name)
        kept = PictureSet(name, datetime.now(UTC).isoformat(timespec="seconds"), tuple(contents))
        with self._lock:
            self._write([*(other for other in self.all() if other.name != name), kept])
        return kept

    def drop(self, name: str) -> None:
        """Forget a set.

        Raises:
            UsageError: there is none of that name.
            ImgsearchError: the file is damaged, and was left alone.
        """
        with self._lock:
            before = self.all()
            after = [kept for kept in before if kept.name != name]
            if len(after) == len(before):
                raise UsageError(f"set: there is none named {name!r}")
            self._write(after)

    def _write(self, sets: Sequence[PictureSet]) -> None:
        content = {
            "imgsearch": "sets",
            "version": 1,
            "sets": [
                {"name": kept.name, "changed": kept.changed, "contents": list(kept.contents)}
                for kept in sets
            ],
        }
        write_atomically(self._path, [json.dumps(content, indent=1).encode("ascii"), b"\n"])


def _read(entry: Any) -> PictureSet:  # noqa: ANN401 - whatever a file holds
    name, changed, contents = entry["name"], entry["changed"], entry["contents"]
    hashes = isinstance(contents, list) and all(
        isinstance(content, str) and len(content) == _HASH_DIGITS for content in contents
    )
    if not (isinstance(name, str) and isinstance(changed, str) and hashes):
        raise TypeError("an entry is no set")
    return PictureSet(name, changed, tuple(contents))


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or name != name.strip():
        raise UsageError(
            f"set: {name[:LONGEST_NAME]!r} is no name; give 1 to {LONGEST_NAME} characters that "
            "begin and end with something to see"
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise UsageError(f"set: {name!r} holds characters that cannot be shown")

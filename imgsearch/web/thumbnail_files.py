"""Thumbnails on disk: a bounded cache, outside the pictures' folders, that may be deleted.

thumbnails/256/3f/3f2a….webp      one file each, named by its content
thumbnails/colours                20 bytes each: 16 of the content, red, green, blue, 0
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER_VARIABLE: Final = "IMGSEARCH_CACHE"
MOST_BYTES: Final = 2 << 30
LEFT_AFTER_CLEARING: Final = 0.9
_DAY: Final = 86_400
_RECORD: Final = 20
_KEY: Final = 16
_RIFF: Final = 8


def default_folder() -> Path:
    """Return the folder of thumbnails: in IMGSEARCH_CACHE, else the platform's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named) / "thumbnails"
    from platformdirs import user_cache_path

    return user_cache_path("imgsearch", appauthor=False) / "thumbnails"


class ThumbnailFiles:
    """Reads and writes the cache; all threads may share it, and other processes the folder.

    What cannot be written is not kept, and nothing fails for it.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None
        self._colours: dict[bytes, int] | None = None

    def read(self, content: str, side: int) -> bytes | None:
        """Return a thumbnail, or None where there is no whole one."""
        path = self._path(content, side)
        try:
            data = path.read_bytes()
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)  # what was looked at lately is deleted last
        except OSError:
            return None
        # A file that a power cut left is as long as it should be, or is none.
        whole = data[:4] == b"RIFF" and int.from_bytes(data[4:_RIFF], "little") + _RIFF == len(data)
        return data if whole else None

    def has(self, content: str, side: int) -> bool:
        """Whether there is a thumbnail."""
        return self._path(content, side).is_file()

    def write(self, content: str, side: int, data: bytes, colour: int) -> None:
        """Keep a thumbnail and its mean colour, 0xRRGGBB; make room where there is too much."""
        path = self._path(content, side)
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not flushed to the disk, as it can be made again.
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            return
        self._note(content, colour)
        with self._lock:
            if self._bytes is None:
                self._bytes = sum(file.bytes for file in self._files())
            else:
                self._bytes += len(data)
            if self._bytes > self._most:
                self._clear()

    @property
    def is_full(self) -> bool:
        """Whether what is written next would take the place of something else."""
        with self._lock:
            return self._bytes is not None and self._bytes > LEFT_AFTER_CLEARING * self._most

    def colour(self, content: str) -> int | None:
        """Return the mean colour of a content that there was a thumbnail of, as 0xRRGGBB."""
        return self._known_colours().get(_key(content))

    def _known_colours(self) -> dict[bytes, int]:
        with self._lock:
            if self._colours is None:
                try:
                    data = (self._folder / "colours").read_bytes()
                except OSError:
                    data = b""
                self._colours = {
                    data[start : start + _KEY]: int.from_bytes(
                        data[start + _KEY : start + _KEY + 3], "big"
                    )
                    for start in range(0, len(data) - len(data) % _RECORD, _RECORD)
                }
            return self._colours

    def _note(self, content: str, colour: int) -> None:
        known = self._known_colours()
        key = _key(content)
        if known.get(key) == colour:
            return
        known[key] = colour
        record = key + colour.to_bytes(3, "big") + b"\0"
        with suppress(OSError), (self._folder / "colours").open("ab", buffering=0) as file:
            file.write(record)

    def _path(self, content: str, side: int) -> Path:
        return self._folder / str(side) / content[:2] / f"{content}.webp"

    def _files(self) -> Iterator[_File]:
        for side in _listed(self._folder):
            for shard in _listed(side.path) if side.is_dir() else ():
                for entry in _listed(shard.path) if shard.is_dir() else ():
                    with suppress(OSError):
                        status = entry.stat()
                        yield _File(entry.path, status.st_size, status.st_mtime)

    def _clear(self) -> None:
        """Delete what was not looked at for longest."""
        files = sorted(self._files(), key=lambda file: file.used, reverse=True)
        left = 0
        for file in files:
            if left + file.bytes <= LEFT_AFTER_CLEARING * self._most:
                left += file.bytes
            else:
                with suppress(OSError):
                    Path(file.path).unlink()
        self._bytes = left


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    bytes: int
    used: float


def _listed(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _key(content: str) -> bytes:
    return bytes.fromhex(content[: 2 * _KEY])

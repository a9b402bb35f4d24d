"""Contents that are taken away: prepared by one request, downloaded by another."""

from __future__ import annotations

import csv
import io
import os
import secrets
import threading
import time
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.documents.gallery_documents import dump, dump_line, file_keys
from imgsearch.errors import ImgsearchError
from imgsearch.text import path_keys, printable
from imgsearch.web.refusals import not_found, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.search.matches import GalleryFile

Form = Literal["paths", "csv", "json", "zip", "links"]
FORMS: Final[tuple[Form, ...]] = ("paths", "csv", "json", "zip", "links")
MOST_CONTENTS: Final = 100_000
MOST_KEPT: Final = 32
KEPT_SECONDS: Final = 3600.0
MEDIA_TYPES: Final[dict[str, tuple[str, str]]] = {
    "paths": ("text/plain; charset=utf-8", "txt"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
    "zip": ("application/zip", "zip"),
}
_BLOCK: Final = 500
_CHUNK: Final = 1 << 18
_COLUMNS: Final = (
    *("path", "content", "width", "height", "format", "bytes"),
    *("taken", "camera", "lens", "latitude", "longitude"),
)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be downloaded.

    Attributes:
        ids: of contents, in order.
        form: as what.
        name: of the file, without its ending.
        made: moment, as the clock counts.
    """

    ids: tuple[int, ...]
    form: Form
    name: str
    made: float


class Exports:
    """Keeps what was prepared, each for an hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Export] = OrderedDict()

    def add(self, ids: Sequence[int], form: Form, name: str) -> str:
        """Keep what is to be downloaded; return its id."""
        identifier = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[identifier] = Export(tuple(ids), form, name, self._clock())
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return identifier

    def get(self, identifier: str) -> Export:
        """Return what is to be downloaded.

        Raises:
            RefusalError: it is not kept any more, or never was.
        """
        with self._lock:
            export = self._kept.get(identifier)
            if export is None or self._clock() - export.made > KEPT_SECONDS:
                raise not_found("export: there is none at this address any more; prepare it again")
            return export


def parts(export: Export, gallery: Gallery) -> Iterator[bytes]:
    """Yield an export's bytes, a piece at a time, reading the gallery meanwhile."""
    files = _files(export.ids, gallery)
    if export.form == "paths":
        return (os.fsencode(file.path) + b"\n" for file in files)
    if export.form == "csv":
        return _csv(files)
    if export.form == "json":
        return _json(files, gallery)
    return _zip(files, gallery)


def make_links(export: Export, gallery: Gallery, *, within: Path) -> Path:
    """Make a folder of symbolic links to the files of an export, and return it.

    Args:
        export: its name is the folder's.
        gallery: that holds the contents.
        within: the folder that a person named for this.

    Raises:
        RefusalError: the name is no folder's, or is taken.
        OSError: it cannot be written.
    """
    name = export.name
    if not name.strip(". ") or "/" in name or "\0" in name or os.sep in name:
        raise usage(f"name: {name!r} cannot be a folder's")
    folder = within / name
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise usage(f"name: {folder} is there already, and is left as it is") from None
    taken: dict[str, int] = {}
    for file in _files(export.ids, gallery):
        (folder / _unique(file.path.name, taken)).symlink_to(file.path)
    return folder


def _files(ids: Sequence[int], gallery: Gallery) -> Iterator[GalleryFile]:
    for start in range(0, len(ids), _BLOCK):
        for file in gallery.files_of(ids[start : start + _BLOCK]):
            if file is not None:
                yield file


def _json(files: Iterator[GalleryFile], gallery: Gallery) -> Iterator[bytes]:
    """Yield the document that `imgsearch list --json` prints, without holding all of it."""
    head, _, tail = dump("list", {**path_keys(gallery.path, "gallery"), "files": []}).partition(
        b"[]"
    )
    yield head + b"["
    comma = b""
    for file in files:
        yield comma + b"\n" + dump_line(file_keys(file)).rstrip()
        comma = b","
    yield b"\n]" + tail


def _csv(files: Iterator[GalleryFile]) -> Iterator[bytes]:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for file in files:
        row = [getattr(file, column) for column in _COLUMNS]
        writer.writerow([_cell(value) for value in row])
        yield written.getvalue().encode("utf-8", "surrogateescape")
        written.seek(0)
        written.truncate()
    yield written.getvalue().encode("utf-8", "surrogateescape")


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


class _Pipe:
    """A file that only grows, and whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: whoever takes the bytes decides when."""

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _zip(files: Iterator[GalleryFile], gallery: Gallery) -> Iterator[bytes]:
    """Yield a ZIP archive of originals, not compressed, as images are already."""
    pipe, missing = _Pipe(), []
    taken: dict[str, int] = {}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # it needs no more of a file
        for file in files:
            try:
                original = gallery.original(file.content)
            except ImgsearchError as error:
                missing.append(printable(str(error)))
                continue
            with original.file:
                modified = time.localtime(os.fstat(original.file.fileno()).st_mtime)[:6]
                member = zipfile.ZipInfo(
                    _unique(printable(original.path.name), taken),
                    max(modified, (1980, 1, 1, 0, 0, 0)),
                )
                member.file_size = original.bytes
                member.external_attr = 0o644 << 16
                with archive.open(member, "w", force_zip64=True) as entry:
                    while chunk := original.file.read(_CHUNK):
                        entry.write(chunk)
                        yield pipe.taken()
        if missing:
            archive.writestr(_unique("MISSING.txt", taken), "\n".join(missing) + "\n")
    yield pipe.taken()


def _unique(name: str, taken: dict[str, int]) -> str:
    """Return a name that was not given yet: "a.jpg", then "a (2).jpg".

    Args:
        name: what it would best be.
        taken: names that were given, in lower case, with the last number of each.
    """
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    candidate = name
    while candidate.casefold() in taken:
        taken[name.casefold()] += 1
        candidate = f"{stem} ({taken[name.casefold()]}){dot}{suffix}"
    taken[candidate.casefold()] = 1
    return candidate

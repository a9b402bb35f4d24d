"""Files that are believed only once their checksum fits.

All begin alike, numbers little-endian::

    magic     bytes that a copy in text mode breaks visibly
    version   of the format, unsigned, 4 bytes, where the format has one
    lengths   the header's first, then those that the format adds
    header    one JSON object, UTF-8
    payload
    32 bytes  SHA-256 of everything before it
    rest      where the format has one: not covered, so that it can be mapped and read when needed

What header, payload and rest hold is each format's business.
"""

from __future__ import annotations

import hashlib
import json
import struct
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)

DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """How the files of one format begin.

    Attributes:
        name: what such a file is, for messages, such as "an imgsearch index".
        magic: its first bytes.
        version: of the format; None where the files have none at this place.
        lengths: codes of `struct` for the lengths, such as "IQQ"; the first is the header's.
        remedy: what messages about damage advise.
    """

    name: str
    magic: bytes
    version: int | None = None
    lengths: str
    remedy: str

    @property
    def start(self) -> struct.Struct:
        """Magic, version and lengths."""
        return struct.Struct(
            f"<{len(self.magic)}s{'' if self.version is None else 'I'}{self.lengths}"
        )

    def end(self, header: bytes, payload: Sequence[memoryview | bytes]) -> int:
        """Return where the checksum of a file with these ends, and the rest may begin."""
        return self.start.size + len(header) + sum(map(len, payload)) + DIGEST_BYTES

    def pack(self, *lengths: int) -> bytes:
        """Return the start of a file."""
        version = () if self.version is None else (self.version,)
        return self.start.pack(self.magic, *version, *lengths)

    def unpack(self, data: bytes) -> list[int]:
        """Return the lengths at the start of a file.

        Raises:
            ValueError: the file is cut short, or of another format or version.
        """
        if len(data) < self.start.size:
            raise ValueError(f"{len(data)} bytes are too few for {self.name}; it was cut short")
        magic, *numbers = self.start.unpack_from(data)
        if magic != self.magic:
            raise ValueError(f"it does not begin as {self.name} does")
        if self.version is not None:
            version = numbers.pop(0)
            if version != self.version:
                raise ValueError(
                    f"it has format version {version} where this imgsearch reads {self.version}; "
                    "a newer imgsearch wrote it, or it is damaged"
                )
        return numbers


@dataclass(frozen=True, slots=True)
class Content:
    """What a file was found to hold.

    Attributes:
        header: the JSON object.
        lengths: those that follow the header's.
        payload: verified bytes.
        checksum: of start, header and payload, in hexadecimal digits.
    """

    header: dict[str, Any]
    lengths: tuple[int, ...]
    payload: memoryview
    checksum: str


def write(
    path: Path,
    form: FileFormat,
    header: bytes,
    payload: Sequence[memoryview | bytes],
    *,
    lengths: Sequence[int] = (),
    rest: Iterable[memoryview | bytes] = (),
) -> str:
    """Write a file, so that a reader sees the old one or the new one; return its checksum.

    Args:
        path: the file; one that is there is replaced.
        form: its format.
        header: a JSON object, which may end in spaces.
        payload: memory views are of single bytes, here as in the rest.
        lengths: those that follow the header's.
        rest: taken one by one, so that the parts need not all exist at once.

    Raises:
        OSError: the file could not be written; the old one, if any, is untouched.
    """
    digest = hashlib.sha256()

    def parts() -> Iterator[memoryview | bytes]:
        yield from _sealed([form.pack(len(header), *lengths), header, *payload], digest)
        yield from rest

    write_atomically(path, parts())
    return digest.hexdigest()


def parse(
    data: bytes, form: FileFormat, *, payload_length: Callable[[dict[str, Any]], int] | None = None
) -> Content:
    """Take the bytes of a file apart.

    Args:
        data: the whole file; of one with a rest as much as is checked, or more.
        form: its format.
        payload_length: computes the payload's length from the header, which is not verified yet;
            None where the payload is all up to the checksum at the end.

    Raises:
        ValueError: a bit differs from what was written, or the file is none of this format.
        TypeError: the header is no JSON object, or `payload_length` finds a wrong type in it.
    """
    header_length, *lengths = form.unpack(data)
    view, start, at = memoryview(data), form.start.size, form.start.size + header_length
    if payload_length is not None:
        end = at + payload_length(_json_object(view[start:at]))
        if end + DIGEST_BYTES > len(view):
            raise ValueError("its lengths do not add up")
        view = view[: end + DIGEST_BYTES]
    body = unsealed(view)
    if at > len(body):
        raise ValueError("its lengths do not add up")
    checksum = bytes(view[len(body) :]).hex()
    return Content(_json_object(body[start:at]), tuple(lengths), body[at:], checksum)


def record_of(kind: type[Record], header: dict[str, Any]) -> Record:
    """Return a header as the dataclass that it was; its fields are annotated with plain types.

    Raises:
        TypeError: a field is missing, unknown or of another type.
    """
    record = kind(**header)
    for field in fields(record):
        value = getattr(record, field.name)
        if type(value).__name__ != field.type:
            raise TypeError(f"its header's {field.name} is {value!r}")
    return record


@contextmanager
def damage_named(path: Path, form: FileFormat) -> Iterator[None]:
    """Turn what goes wrong while a file is taken apart into an error that names it.

    Raises:
        DamagedCacheError: in place of a ValueError, TypeError, RuntimeError or UsageError.
    """
    try:
        yield
    except (ValueError, TypeError, RuntimeError, UsageError) as error:
        raise DamagedCacheError(f"{path}: {error}; {form.remedy}") from error


def sealed(parts: Iterable[memoryview | bytes]) -> Iterator[memoryview | bytes]:
    """Yield the parts, then their SHA-256."""
    return _sealed(parts, hashlib.sha256())


def unsealed(data: memoryview) -> memoryview:
    """Return what `sealed` was given.

    Raises:
        ValueError: the checksum does not fit.
    """
    body = data[:-DIGEST_BYTES]
    if hashlib.sha256(body).digest() != data[-DIGEST_BYTES:]:
        raise ValueError("its checksum does not fit; it was changed or cut short after writing")
    return body


def _sealed(
    parts: Iterable[memoryview | bytes],
    digest: hashlib._Hash,
) -> Iterator[memoryview | bytes]:
    for part in parts:
        digest.update(part)
        yield part
    yield digest.digest()


def _json_object(described: memoryview) -> dict[str, Any]:
    values = json.loads(bytes(described))
    if not isinstance(values, dict):
        raise TypeError("its header is not a JSON object")
    return values

"""What a cache file says about itself, read and verified without FAISS."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch import checked_file
from imgsearch.checked_file import FileFormat

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = FileFormat(
    name="an imgsearch index",
    magic=b"\x89ISIX\r\n\x1a",
    version=1,
    lengths="IQQ",
    remedy="the next `imgsearch index` builds it again",
)

# Extra bytes begin with the state's length in these units, where there is a state.
STATE_LENGTH: Final = struct.Struct("<Q")
STATE_UNIT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHeader:
    """What a cache file says about itself; a file that says otherwise than wanted is stale.

    Attributes:
        recipe: identifier of the recipe of the embeddings.
        projection: version of the projection that they went through, or "none".
        generation: the database's generation that the file reflects.
        dim: length of a vector as it is searched.
        count: how many vectors the file holds.
        base: name and checksum of the file with the part of the index that never changes; "" where
            there is none, and then the file does not mention it.
        kind: of the index (`imgsearch.vectors.index_kinds`); "" for an exact one, and for inverted
            lists where there is a base, and then the file does not mention it.
        gallery: random id of the gallery; "" and not mentioned in files of earlier versions.
        contents: digest of the contents, 16 hexadecimal digits; likewise.
    """

    recipe: str
    projection: str
    generation: int
    dim: int
    count: int = 0
    base: str = ""
    kind: str = ""
    gallery: str = ""
    contents: str = ""


@dataclass(frozen=True, slots=True)
class CacheAbout:
    """What a cache file holds besides vectors.

    Attributes:
        header: what it says about itself.
        state: the index kind's own bytes.
        extra: the caller's own.
    """

    header: IndexHeader
    state: bytes
    extra: bytes


def read_header(path: Path) -> IndexHeader:
    """Read a whole cache file, compare its checksum, and return its header.

    Raises:
        DamagedCacheError: any bit differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    return read_about(path).header


def read_about(path: Path) -> CacheAbout:
    """Read a whole cache file, compare its checksum, and return all but the vectors.

    Raises:
        DamagedCacheError: any bit differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    data = path.read_bytes()
    with checked_file.damage_named(path, FORMAT):
        content = checked_file.parse(data, FORMAT)
        header = checked_file.record_of(IndexHeader, content.header)
        extra = bytes(content.payload[: content.lengths[0]])
        return CacheAbout(header, *split_extra(header, extra))


def split_extra(header: IndexHeader, extra: bytes) -> tuple[bytes, bytes]:
    """Return the state that a file's extra bytes begin with, if any, and the caller's own."""
    if not (header.base or header.kind):
        return b"", extra
    (units,) = STATE_LENGTH.unpack_from(extra)
    end = STATE_LENGTH.size + STATE_UNIT * units
    return extra[STATE_LENGTH.size : end], extra[end:]

"""What a cache file says about itself, read and verified without FAISS."""

from __future__ import annotations

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


def read_header(path: Path) -> IndexHeader:
    """Read a whole cache file, compare its checksum, and return its header.

    Raises:
        DamagedCacheError: any bit differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    data = path.read_bytes()
    with checked_file.damage_named(path, FORMAT):
        return checked_file.record_of(IndexHeader, checked_file.parse(data, FORMAT).header)

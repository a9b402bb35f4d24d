"""The projection of a search space as it lies in an index cache, beside the index."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from imgsearch.vectors.index_header import IndexHeader

NO_PROJECTION: Final = "none"
# How many contents the gallery had when it was fitted; the projection's own bytes follow.
_FITTED_AT: Final = struct.Struct("<Q")


def projection_bytes(projection: Projection | None, fitted_at: int) -> bytes:
    """Return a projection as a cache keeps it, b"" for none."""
    return b"" if projection is None else _FITTED_AT.pack(fitted_at) + projection.to_bytes()


def projection_of(header: IndexHeader, extra: bytes) -> tuple[Projection | None, int]:
    """Return the projection, and how many contents there were when it was fitted.

    Raises:
        DamagedCacheError: the bytes are not a projection's.
    """
    if header.projection == NO_PROJECTION:
        return None, 0
    (fitted_at,) = _FITTED_AT.unpack_from(extra)
    return Projection.from_bytes(extra[_FITTED_AT.size :]), fitted_at

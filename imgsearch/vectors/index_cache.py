"""An index of any kind in its files: one that is written anew at every change, and its base.

The first is a file of `imgsearch.vectors.exact_file`, with the vectors that are held exactly. Its
extra bytes are, little-endian::

    bytes   what
    8       length of the state in units of 8 bytes  ┐ where the header has a base or a kind,
    …       state: the kind's own                    ┘ which that of an exact index has not
    …       the caller's own: the projection
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch.errors import DamagedCacheError
from imgsearch.vectors import exact_file
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_header import STATE_LENGTH, STATE_UNIT, split_extra
from imgsearch.vectors.index_kinds import KINDS
from imgsearch.vectors.index_plan import EXACT, IVF
from imgsearch.vectors.protocol import StoredParts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imgsearch.vectors.index_header import IndexHeader
    from imgsearch.vectors.protocol import VectorIndex


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CachedIndex:
    """An index, what its file says about itself, and the caller's own bytes."""

    index: VectorIndex
    header: IndexHeader
    extra: bytes


def save(
    path: Path, index: VectorIndex, header: IndexHeader, *, base_path: Path, extra: bytes = b""
) -> str:
    """Write an index; return the name and checksum of its base, "" where it has none.

    Args:
        path: the file; one that is there is replaced.
        index: what to write.
        header: what the file says about itself; its count and kind are filled in. A base that it
            names is there already and is not written again.
        base_path: where a new base is written, in the same folder.
        extra: bytes that travel with the index, under the same checksum.

    Raises:
        OSError: a file could not be written; the old one, if any, is untouched.
    """
    parts, base = index.parts(), header.base
    held = ExactIndex(index.dim) if parts.held is None else parts.held
    if parts.write_base is not None and not base:
        base = f"{base_path.name} {parts.write_base(base_path)}"
    # Files of the first two kinds are older than the word.
    kind = "" if index.kind in (EXACT, IVF) else index.kind
    if base or kind:
        extra = STATE_LENGTH.pack(len(parts.state) // STATE_UNIT) + parts.state + extra
    about = replace(header, count=len(held), base=base, kind=kind)
    exact_file.save(path, held, about, extra=extra)
    return base


def load(path: Path, *, accept: Callable[[IndexHeader], None] | None = None) -> CachedIndex:
    """Read an index; its base is mapped where the kind can do that.

    Args:
        path: the file.
        accept: told what the file says about itself, before its base is opened; raises to refuse.

    Raises:
        DamagedCacheError: a file is damaged, of an unknown kind, or not the one that the other was
            written for.
        OSError: a file is not there or cannot be read.
    """
    held, header, extra = exact_file.load(path)
    if accept is not None:
        accept(header)
    kind = header.kind or (IVF if header.base else EXACT)
    if kind not in KINDS:
        raise DamagedCacheError(
            f"{path} holds an index of the kind {kind!r}, of which this imgsearch knows nothing "
            f"(only of {', '.join(KINDS)}); the next `imgsearch index` builds it again"
        )
    state, extra = split_extra(header, extra)
    stored = StoredParts(
        held=held,
        state=state,
        base=base_file(path, header.base),
        checksum=header.base.partition(" ")[2],
    )
    return CachedIndex(index=KINDS[kind]().restore(stored), header=header, extra=extra)


def base_file(path: Path, base: str) -> Path | None:
    """Return the file of the base that a cache file names, or None."""
    return path.with_name(base.partition(" ")[0]) if base else None


def verify_base(path: Path, index: VectorIndex, base: str) -> None:
    """Read all of the base that a cache file names, if any, and compare every checksum.

    Raises:
        DamagedCacheError: a byte that has a meaning differs from what was written.
        OSError: the file is not there or cannot be read.
    """
    file = base_file(path, base)
    if file is not None:
        KINDS[index.kind]().verify(file)

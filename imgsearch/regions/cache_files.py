"""Where the caches of regions lie, whose they are, and which of them nobody needs.

Nothing here loads FAISS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from imgsearch.errors import DamagedCacheError
from imgsearch.storage.findings import Finding
from imgsearch.vectors.index_header import read_header
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.region_rows import StoredRegions
    from imgsearch.vectors.index_header import IndexHeader

_NAME: Final = re.compile(r"regions-([0-9a-f]{12})-[0-9a-f]{8}\.(?:faiss|lists)")


def cache_path(embeddings: Embeddings, digest: str) -> Path:
    """Return where the cache of the regions of that digest lies."""
    return embeddings.folder / f"regions-{embeddings.identifier}-{digest}.faiss"


def refuse_foreign(
    path: Path, header: IndexHeader, embeddings: Embeddings, stored: StoredRegions
) -> None:
    """Refuse a cache that is of other regions; it may be of earlier rows.

    Raises:
        DamagedCacheError: says so.
    """
    projection = Projection.from_bytes(stored.projection).version
    mine = embeddings.identifier, embeddings.stored.gallery, projection
    if (header.recipe, header.gallery, header.projection) != mine:
        raise DamagedCacheError(
            f"{path} is of other regions; the next `imgsearch index` writes another"
        )


def is_current(embeddings: Embeddings, stored: StoredRegions) -> bool:
    """Say whether the one cache of a recipe's regions is of these rows, and whole but for lists."""
    path = cache_path(embeddings, stored.digest)
    if caches(embeddings) != [path]:
        return False
    try:
        header = read_header(path)
        refuse_foreign(path, header, embeddings, stored)
    except (DamagedCacheError, OSError):
        return False
    lists = header.base.partition(" ")[0]
    return header.contents == stored.digest and (not lists or path.with_name(lists).is_file())


def caches(embeddings: Embeddings) -> list[Path]:
    """Return the caches of a recipe's regions, the newest first."""
    mine = [path for path in files(embeddings.folder, embeddings.identifier) if _is_cache(path)]
    return sorted(mine, key=_age, reverse=True)


def files(folder: Path, identifier: str | None = None) -> list[Path]:
    """Return all files of caches of regions, by name; of one recipe or of all."""
    found = []
    for path in folder.glob("regions-*"):
        name = _NAME.fullmatch(path.name)
        if name and identifier in (None, name[1]):
            found.append(path)
    return sorted(found)


def unfinished(folder: Path) -> list[Path]:
    """Return the temporary files that writes of such caches left when they were cut off."""
    return sorted(folder.glob(".regions-*.tmp"))


def leftovers(folder: Path, held: Sequence[Embeddings]) -> list[Path]:
    """Return the files that belong to no regions as they are now, lists of a kept cache apart."""
    current = set()
    for embeddings in held:
        stored = embeddings.store.regions_of(embeddings.stored.id)
        if stored is not None:
            current.add(cache_path(embeddings, stored.digest))
    recipes = {path.name.split("-")[1] for path in current if path.is_file()}
    return [
        path
        for path in files(folder)
        if (path not in current if _is_cache(path) else path.name.split("-")[1] not in recipes)
    ] + unfinished(folder)


def findings(folder: Path, held: Sequence[Embeddings]) -> list[Finding]:
    """Name what `prune` deletes."""
    return [
        Finding(f"{path.name}: a cache of regions that is out of date", "note", repairable=True)
        for path in leftovers(folder, held)
    ]


def prune(folder: Path, held: Sequence[Embeddings]) -> int:
    """Delete what nobody needs any more; return how many files that were."""
    old = leftovers(folder, held)
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def discard(folder: Path) -> None:
    """Delete every cache of regions; the next refresh makes it again."""
    for path in [*files(folder), *unfinished(folder)]:
        path.unlink(missing_ok=True)


def _is_cache(path: Path) -> bool:
    return path.suffix == ".faiss"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

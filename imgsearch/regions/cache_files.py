"""Where the caches of regions lie, and which of them nobody needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from imgsearch.storage.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.storage.embeddings import Embeddings

_NAME: Final = re.compile(r"regions-([0-9a-f]{12})-[0-9a-f]{8}\.(?:faiss|lists)")


def cache_path(embeddings: Embeddings, digest: str) -> Path:
    """Return where the cache of the regions of that digest lies."""
    return embeddings.folder / f"regions-{embeddings.identifier}-{digest}.faiss"


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

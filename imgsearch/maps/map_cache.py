"""Where the maps of a gallery lie, beside its database: opened, written, checked, pruned.

`map-<recipe>-<generation>.map` is a cache like those of the index, with one difference: an older
one is worth keeping, because it is grown and never moved. So the newest of each recipe stays.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import DamagedCacheError
from imgsearch.maps import map_file
from imgsearch.search.cache_owner import contents_digest, refuse_foreign
from imgsearch.storage.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.maps.drawn_map import DrawnMap
    from imgsearch.storage.embeddings import Embeddings

LOG: Final = logging.getLogger(__name__)
_NAME: Final = re.compile(r"map-([0-9a-f]{12})-(\d+)\.map")


@dataclass(frozen=True, slots=True)
class KeptMap:
    """A map on disk, by what its name says.

    Attributes:
        path: the file.
        recipe: identifier of the recipe.
        generation: of the recipe, when it was written.
    """

    path: Path
    recipe: str
    generation: int


@dataclass(frozen=True, slots=True, eq=False)
class LoadedMap:
    """A map and the file that it came from."""

    drawn: DrawnMap
    path: Path


def kept_maps(folder: Path) -> list[KeptMap]:
    """Return the maps in a gallery's folder, the newest of each recipe first."""
    named = [(path, _NAME.fullmatch(path.name)) for path in folder.glob("map-*.map")]
    found = [KeptMap(path, name[1], int(name[2])) for path, name in named if name]
    return sorted(found, key=lambda kept: (kept.recipe, -kept.generation))


def version(folder: Path) -> str:
    """Return a text that differs whenever another map is kept."""
    seen = []
    for kept in kept_maps(folder):
        with suppress(OSError):  # a writer has just put another in its place
            status = kept.path.stat()
            seen.append(f"{kept.path.name} {status.st_mtime_ns} {status.st_size}")
    return "; ".join(seen)


def unfinished_maps(folder: Path) -> list[Path]:
    """Return the temporary files that writes of a map left when they were cut off."""
    return sorted(folder.glob(".map-*.tmp"))


def read(path: Path, embeddings: Embeddings) -> DrawnMap:
    """Load a map.

    Raises:
        DamagedCacheError: it fails its checksum, or is not of the recipe's present state nor of
            one before it.
        OSError: the file is not there, or can't be read.
    """
    return map_file.load(
        path,
        accept=lambda header: refuse_foreign(path, header, embeddings, remedy=map_file.REMEDY),
    )


def newest(embeddings: Embeddings) -> LoadedMap | None:
    """Return the newest whole map of a recipe, or None; one that is damaged is warned of."""
    seen: list[KeptMap] = []
    refused = None
    while True:
        every = kept_maps(embeddings.folder)
        mine = [kept for kept in every if kept.recipe == embeddings.identifier]
        if mine == seen:
            if refused is not None:
                LOG.warning("%s", refused)
            return None
        for kept in mine:
            try:
                return LoadedMap(read(kept.path, embeddings), kept.path)
            except DamagedCacheError as error:
                refused = str(error)
            except OSError as error:
                refused = f"{kept.path}: {error.strerror}; {map_file.REMEDY}"
        # A writer may have put a newer file in their place meanwhile.
        seen = mine


def write(drawn: DrawnMap, embeddings: Embeddings) -> Path:
    """Write a map of the present generation, and delete older ones of its recipe.

    It needs no lock: one file is renamed into place, and one that is newer stays.

    Raises:
        OSError: it could not be written; older ones are untouched.
    """
    folder, recipe = embeddings.folder, embeddings.identifier
    path = folder / f"map-{recipe}-{drawn.generation}.map"
    map_file.save(
        path,
        drawn,
        recipe=recipe,
        gallery=embeddings.stored.gallery,
        contents=contents_digest(embeddings),
    )
    for kept in kept_maps(folder):
        if kept.recipe == recipe and kept.generation < drawn.generation:
            kept.path.unlink(missing_ok=True)
    return path


def check(folder: Path, held: Sequence[Embeddings]) -> list[Finding]:
    """Read every map whole, and name those that are damaged, out of date or nobody's."""
    unneeded = _unneeded(folder, held)
    findings = [
        Finding(f"{path.name}: a map that nobody needs", "note", repairable=True)
        for path in unneeded
    ]
    findings += [
        Finding(reason, "cache", repairable=True)
        for path, reason in _damaged(folder, held)
        if path not in unneeded
    ]
    return findings


def prune(folder: Path, held: Sequence[Embeddings]) -> int:
    """Delete all but the newest map of every recipe; return how many files that were."""
    old = _unneeded(folder, held)
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def repair(folder: Path, held: Sequence[Embeddings]) -> None:
    """Delete maps that are damaged or nobody's; what is whole stays, as it takes long to draw."""
    prune(folder, held)
    for path, _ in _damaged(folder, held):
        path.unlink(missing_ok=True)


def _damaged(folder: Path, held: Sequence[Embeddings]) -> list[tuple[Path, str]]:
    """Return the maps of known recipes that cannot be believed, and why."""
    by_recipe = {embeddings.identifier: embeddings for embeddings in held}
    damaged = []
    for kept in kept_maps(folder):
        if kept.recipe not in by_recipe:
            continue
        try:
            read(kept.path, by_recipe[kept.recipe])
        except (DamagedCacheError, OSError) as error:
            damaged.append((kept.path, str(error)))
    return damaged


def _unneeded(folder: Path, held: Sequence[Embeddings]) -> list[Path]:
    """Return maps of unknown recipes, all but the newest of each other, and unfinished ones."""
    seen = set()
    unneeded = []
    recipes = {embeddings.identifier for embeddings in held}
    for kept in kept_maps(folder):
        if kept.recipe in seen or kept.recipe not in recipes:
            unneeded.append(kept.path)
        seen.add(kept.recipe)
    return unneeded + unfinished_maps(folder)

"""Name any damage to a gallery, and repair what can be made again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from imgsearch.errors import DamagedCacheError
from imgsearch.search.cache_files import (
    cache_files,
    cache_path,
    lists_files,
    named_lists,
    unfinished_files,
)

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe

Severity = Literal["damage", "cache", "note"]

VECTOR_TOLERANCE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check noticed.

    Attributes:
        what: a sentence.
        severity: "damage" to the truth; a "cache" that is not what it says it is; a "note" that
            asks for nothing, such as a cache that an interrupted run left behind the rows.
        repairable: whether a repair mends it.
        repaired: whether this check has mended it.
    """

    what: str
    severity: Severity
    repairable: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that a check noticed."""

    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is left to mend."""
        return all(finding.repaired or finding.severity == "note" for finding in self.findings)


def check(store: Store, folder: Path) -> list[Finding]:
    """Look for damage, without changing anything.

    Args:
        store: the gallery's rows.
        folder: the gallery's folder.

    Returns:
        SQLite's own findings about the file, rows that refer to nothing, embeddings of a wrong
        length or value, and caches that are absent, stale, damaged or nobody's.
    """
    findings = _database_findings(store)
    if any(not finding.repairable for finding in findings):
        return findings  # nothing that a malformed file says can be believed
    findings += _row_findings(store)
    known = {stored.recipe.identifier: stored for stored in store.recipes()}
    for stored in known.values():
        if not any(finding.severity == "damage" for finding in findings):
            findings += _cache_findings(store, folder, stored)
    findings += [
        Finding(f"{cache.path.name}: an index cache that is out of date", "note", repairable=True)
        for cache in cache_files(folder)
        if cache.recipe not in known or cache.path != cache_path(folder, known[cache.recipe])
    ]
    needed = {named_lists(cache.path) for cache in cache_files(folder)}
    findings += [
        Finding(f"{cache.path.name}: an index that no cache goes on from", "note", repairable=True)
        for cache in lists_files(folder)
        if cache.path.name not in needed
    ]
    findings += [
        Finding(f"{path.name}: left by an interrupted write", "note", repairable=True)
        for path in unfinished_files(folder)
    ]
    return findings


def repair(store: Store, folder: Path, findings: list[Finding]) -> list[Finding]:
    """Mend what can be made again, and return the findings with what has been mended.

    Rows that refer to nothing and embeddings that are no unit vectors are dropped: the next
    `index` makes them again from the photos. Caches are rebuilt from the rows.

    Args:
        store: open for writing.
        folder: the gallery's folder.
        findings: of `check`.
    """
    from imgsearch.search.search_space import refresh_cache

    if any(finding.severity == "damage" and not finding.repairable for finding in findings):
        return findings
    if any(finding.repairable for finding in findings):
        with store.transaction():
            store.remove_dangling_rows()
            for stored in store.recipes():
                for content_id in store.bad_embeddings(stored):
                    store.remove_embedding(stored.id, content_id)
                    store.raise_generation(stored.id)
        store.rebuild_indexes()
        caches = [*folder.glob("index-*.faiss"), *folder.glob("index-*.lists")]
        for path in [*caches, *unfinished_files(folder)]:
            path.unlink(missing_ok=True)
        for stored in store.recipes():
            refresh_cache(store, folder, stored)
    left = {finding.what for finding in check(store, folder)}
    return [
        replace(finding, repaired=finding.repairable and finding.what not in left)
        for finding in findings
    ]


def _database_findings(store: Store) -> list[Finding]:
    integrity = store.integrity()
    findings = [
        Finding(f"gallery.db: {line}", "damage", repairable=integrity.indexes_only)
        for line in integrity.problems
    ]
    if integrity.dangling_rows:
        findings.append(
            Finding(
                f"gallery.db: {integrity.dangling_rows} rows of "
                f"{', '.join(integrity.dangling_tables)} refer to rows that are not there",
                "damage",
                repairable=True,
            )
        )
    return findings


def _row_findings(store: Store) -> list[Finding]:
    findings = []
    for stored in store.recipes():
        bad = len(store.bad_embeddings(stored))
        if bad:
            findings.append(
                Finding(
                    f"recipe {stored.recipe.identifier}: {bad} embeddings are no unit vectors of "
                    f"{stored.recipe.dim} values; a repair drops them, and the next index makes "
                    "them again",
                    "damage",
                    repairable=True,
                )
            )
    counts = store.counts()
    if counts.orphans:
        findings.append(
            Finding(
                f"{counts.orphans} contents are held by no file any more; `imgsearch prune` "
                "drops them",
                "note",
            )
        )
    return findings


def _cache_findings(store: Store, folder: Path, stored: StoredRecipe) -> list[Finding]:
    import numpy as np

    from imgsearch.search.search_space import read_cache
    from imgsearch.vectors.index_cache import verify_base

    path = cache_path(folder, stored)
    if not path.is_file():
        return [
            Finding(
                f"recipe {stored.recipe.identifier}: the index cache is absent; queries build it "
                "in memory each time, and the next index writes it",
                "note",
                repairable=True,
            )
        ]
    try:
        space = read_cache(path, stored)
        verify_base(path, space.index, space.base)
    except (DamagedCacheError, OSError) as error:
        return [Finding(str(error), "cache", repairable=True)]
    ids = store.embedded_ids(stored.id)
    index = space.index
    held = None if index.is_exact else index.exact_ids.tolist()
    if not np.array_equal(np.sort(index.ids), ids) or any(
        not np.allclose(index.vectors(block), space.project(raw), atol=VECTOR_TOLERANCE)
        for block, raw in store.embeddings(stored, held)
    ):
        return [
            Finding(
                f"{path.name}: holds {len(index)} vectors that are not those of the "
                f"{len(ids)} embeddings",
                "cache",
                repairable=True,
            )
        ]
    return []

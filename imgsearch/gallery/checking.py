"""Name any damage to a gallery, and repair what can be made again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch.duplicates import kept_scores
from imgsearch.maps import map_cache
from imgsearch.regions import cache_files
from imgsearch.regions.care import check as check_regions
from imgsearch.regions.care import repair as repair_regions
from imgsearch.regions.space import refresh as refresh_regions
from imgsearch.storage.embedding_checks import add_checksums, damaged_embeddings
from imgsearch.storage.embeddings import embeddings_of
from imgsearch.storage.findings import FEW, Finding
from imgsearch.storage.recipe_mending import damaged_recipes, mend_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import DamagedRecipe


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that a check noticed."""

    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is left to mend."""
        return all(finding.repaired or finding.severity == "note" for finding in self.findings)


def check(store: Store, folder: Path, engine: SearchEngine) -> list[Finding]:
    """Look for damage, without changing anything.

    Args:
        store: the gallery's rows.
        folder: the gallery's folder.
        engine: what searches it.

    Returns:
        SQLite's own findings about the file, rows that refer to nothing, embeddings of a wrong
        length or value, and caches that are absent, stale, damaged or nobody's.
    """
    findings = _database_findings(store)
    if any(not finding.repairable for finding in findings):
        return findings  # nothing that a malformed file says can be believed
    damaged = damaged_recipes(store)
    if damaged:
        return findings + [_recipe_finding(recipe) for recipe in damaged]
    findings += _row_findings(store)
    held = embeddings_of(store, folder)
    if not any(finding.severity == "damage" for finding in findings):
        for embeddings in held:
            findings += engine.check(embeddings) + check_regions(embeddings)
    findings += engine.leftovers(folder, held) + cache_files.findings(folder, held)
    return findings + map_cache.check(folder, held) + kept_scores.check(folder)


def repair(
    store: Store, folder: Path, engine: SearchEngine, *, findings: list[Finding], drop: bool = False
) -> list[Finding]:
    """Mend what can be made again, and return the findings with what has been mended.

    Rows that refer to nothing and embeddings that are damaged are dropped: the next `index` makes
    them again from the photos. Caches are rebuilt from the rows. Where all is sound, embeddings of
    earlier versions get a checksum.

    Args:
        store: open for writing.
        folder: the gallery's folder.
        engine: what searches it.
        findings: of `check`.
        drop: drop damaged embeddings even where they are more than a few.
    """
    if any(finding.severity == "damage" and not finding.repairable for finding in findings):
        return findings
    if not drop and sum(finding.drops for finding in findings) > FEW:
        return findings
    damaged = [recipe for recipe in damaged_recipes(store) if recipe.mended is not None]
    if damaged:
        # Only now can the rest be read.
        with store.transaction():
            for recipe in damaged:
                mend_recipe(store, recipe)
        rest = check(store, folder, engine)
        seen = {finding.what for finding in rest}
        mended = [
            replace(finding, repaired=finding.repairable)
            for finding in findings
            if finding.what not in seen
        ]
        return mended + repair(store, folder, engine, findings=rest, drop=drop)
    if any(finding.repairable for finding in findings):
        # Before the rows are changed: a cache of before would be brought up to date.
        engine.discard(folder)
        cache_files.discard(folder)
        with store.transaction():
            _drop_rows(store, findings)
            for embeddings in embeddings_of(store, folder):
                repair_regions(embeddings)
        store.rebuild_indexes()
        for embeddings in embeddings_of(store, folder):
            engine.refresh(embeddings)
            refresh_regions(embeddings)
        map_cache.repair(folder, embeddings_of(store, folder))
        kept_scores.repair(folder)
    remaining = check(store, folder, engine)
    left = {finding.what for finding in remaining}
    if all(finding.severity == "note" for finding in remaining):
        with store.transaction():
            for stored in store.recipes():
                add_checksums(store, stored)
    return [
        replace(finding, repaired=finding.repairable and finding.what not in left)
        for finding in findings
    ]


def _drop_rows(store: Store, findings: Sequence[Finding]) -> None:
    """Drop what refers to nothing and what findings name."""
    store.remove_dangling_rows()
    for stored in store.recipes():
        dropped = {
            content_id
            for finding in findings
            if finding.recipe_id == stored.id
            for content_id in finding.contents
        }
        for content_id in sorted(dropped):
            store.remove_embedding(stored.id, content_id)
        changed = store.recount_digest(stored.id)
        if dropped or changed:
            store.raise_generation(stored.id)


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
                f"{', '.join(integrity.dangling_tables)} refer to rows that are not there"
                f"{_dropping(integrity.dangling_embeddings)}",
                "damage",
                repairable=True,
                drops=integrity.dangling_embeddings,
            )
        )
    return findings


def _recipe_finding(damaged: DamagedRecipe) -> Finding:
    what = f"the row of recipe {damaged.identifier} contradicts itself"
    if damaged.mended is None:
        return Finding(f"{what}, and what it was can't be told", "damage")
    return Finding(f"{what}; it was {damaged.mended.name}", "damage", repairable=True)


def _row_findings(store: Store) -> list[Finding]:
    findings = []
    for stored in store.recipes():
        name = f"recipe {stored.recipe.identifier}"
        damaged = damaged_embeddings(store, stored)
        for contents, what in (
            (damaged.no_unit, f"are no unit vectors of {stored.recipe.dim} values"),
            (damaged.changed, "do not fit their checksum"),
        ):
            if contents:
                findings.append(
                    Finding(
                        f"{name}: {len(contents)} embeddings {what}{_dropping(len(contents))}",
                        "damage",
                        repairable=True,
                        recipe_id=stored.id,
                        contents=contents,
                        drops=len(contents),
                    )
                )
        if not store.digest_fits(stored):
            findings.append(
                Finding(
                    f"{name}: its digest is not that of its contents", "damage", repairable=True
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


def _dropping(count: int) -> str:
    if not count:
        return ""
    how = "a repair drops them" if count <= FEW else "a repair drops them if --drop allows it"
    return f"; {how}, and the next index makes them again"

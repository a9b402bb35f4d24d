"""Name any damage to a gallery, and repair what can be made again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch.storage.embeddings import embeddings_of
from imgsearch.storage.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store


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
    findings += _row_findings(store)
    held = embeddings_of(store, folder)
    if not any(finding.severity == "damage" for finding in findings):
        for embeddings in held:
            findings += engine.check(embeddings)
    return findings + engine.leftovers(folder, held)


def repair(
    store: Store, folder: Path, engine: SearchEngine, *, findings: list[Finding]
) -> list[Finding]:
    """Mend what can be made again, and return the findings with what has been mended.

    Rows that refer to nothing and embeddings that are no unit vectors are dropped: the next
    `index` makes them again from the photos. Caches are rebuilt from the rows.

    Args:
        store: open for writing.
        folder: the gallery's folder.
        engine: what searches it.
        findings: of `check`.
    """
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
        engine.discard(folder)
        for embeddings in embeddings_of(store, folder):
            engine.refresh(embeddings)
    left = {finding.what for finding in check(store, folder, engine)}
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

"""A search engine of another kind is plugged into a gallery without touching the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from conftest import FakeSource, write_picture

from imgsearch import EngineState, Finding, Gallery
from imgsearch.search.search_space import SearchSpace
from imgsearch.vectors.exact import ExactIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings


@dataclass
class Service:
    """A search service in this process: collections of raw embeddings by content id."""

    collections: dict[str, dict[int, NDArray[np.float32]]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def choose(self, embeddings: Embeddings, **wanted: Any) -> bool:  # noqa: ARG002 - the protocol's
        """Take whatever is asked for."""
        return False

    def is_current(self, embeddings: Embeddings) -> bool:
        """Compare generations."""
        return self.generations.get(embeddings.identifier) == embeddings.generation

    def refresh(self, embeddings: Embeddings) -> None:
        """Upsert all rows."""
        self.calls.append("refresh")
        self.collections[embeddings.identifier] = {
            content_id: vector
            for ids, rows in embeddings.blocks()
            for content_id, vector in zip(ids.tolist(), rows, strict=True)
        }
        self.generations[embeddings.identifier] = embeddings.generation

    def open(self, embeddings: Embeddings, projection: str) -> SearchSpace:
        """Search the collection as it is, without any projection."""
        self.calls.append(f"open {projection}")
        held = self.collections[embeddings.identifier]
        index = ExactIndex.build(list(held), np.stack(list(held.values())))
        return SearchSpace(None, index, embeddings.generation)

    def state(self, embeddings: Embeddings) -> EngineState:
        """Say whether the collection is in step."""
        return EngineState(
            cache="fresh" if self.is_current(embeddings) else "stale", index="service"
        )

    def leftovers(self, folder: Path, held: Sequence[Embeddings]) -> list[Finding]:  # noqa: ARG002 - the protocol's
        """Name collections of recipes that are gone."""
        known = {embeddings.identifier for embeddings in held}
        return [
            Finding(f"{name}: of no recipe", "note") for name in self.collections.keys() - known
        ]

    def prune(self, folder: Path, held: Sequence[Embeddings]) -> int:  # noqa: ARG002 - the protocol's
        """Keep everything."""
        return 0

    def discard(self, folder: Path) -> None:  # noqa: ARG002 - the protocol's
        """Drop everything."""
        self.collections.clear()
        self.generations.clear()

    def check(self, embeddings: Embeddings) -> list[Finding]:
        """Compare ids."""
        held = set(self.collections.get(embeddings.identifier, {}))
        if held == set(embeddings.ids().tolist()):
            return []
        return [Finding("the service holds other contents than the rows", "cache", repairable=True)]


def answers(gallery: Gallery, path: Path) -> list[tuple[Path, float]]:
    """Return paths and scores of a query."""
    return [(match.path, match.score) for match in gallery.query(path, k=50)]


def test_a_service_answers_as_faiss_does_and_is_kept_in_step(photos: Path, tmp_path: Path) -> None:
    service = Service()
    plain = Gallery(tmp_path / "plain", source=FakeSource())
    gallery = Gallery(tmp_path / "service", source=FakeSource(), engine=service)
    query = write_picture(tmp_path / "query.png", seed=77)
    for folder in (plain, gallery):
        folder.index(photos)
    assert service.calls == ["refresh"]
    assert not list((tmp_path / "service").glob("index-*"))
    assert answers(gallery, query) == answers(plain, query)
    assert service.calls == ["refresh", "open auto"]

    gallery.index(photos)
    assert service.calls == ["refresh", "open auto"], "nothing changed"
    (photos / "trip0/00.png").unlink()
    for folder in (plain, gallery):
        folder.index(photos)
        folder.prune()
    assert answers(gallery, query) == answers(plain, query)
    assert len(answers(gallery, query)) == 11


def test_a_check_asks_the_service_and_a_repair_refreshes_it(photos: Path, tmp_path: Path) -> None:
    service = Service()
    gallery = Gallery(tmp_path / "service", source=FakeSource(), engine=service)
    gallery.index(photos)
    assert gallery.check().clean
    service.collections.clear()
    report = gallery.check()
    assert [finding.what for finding in report.findings] == [
        "the service holds other contents than the rows"
    ]
    assert gallery.information().recipes[0].index == "service"
    assert gallery.check(repair=True).clean
    assert gallery.check().clean

"""Parts of many pictures: bytes on disk, and what a question costs the processor.

Regions are those of real pictures, each number moved by normal noise of `STEP`, so that a gallery
of many has the structure of few; embeddings likewise.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from index_gallery import add

from imgsearch import Gallery, IndexOptions
from imgsearch.regions import answering
from imgsearch.regions import space as regions
from imgsearch.regions.codes import decode, encode
from imgsearch.regions.layout import Layout
from imgsearch.search.answering import Question
from imgsearch.search.local_engine import LocalEngine
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import embeddings_of
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
QUERIES: Final = 50
BLOCK: Final = 2_000
K: Final = 10
STEP: Final = 0.03  # numbers of a unit vector of 128 are 0.09 on average


def measured(count: int) -> dict[str, Any]:
    """Return bytes a picture, and processor and wall milliseconds of a question, with compact."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "gallery"
        with Gallery(folder, recipe="compact") as gallery:
            gallery.index(SAMPLES, options=IndexOptions(regions=True), progress=lambda _: None)
        store = Store.create(folder)
        (held,) = embeddings_of(store, folder)
        parts, wholes = structure(held)
        found: dict[str, Any] = {"pictures": count}
        grow_wholes(held, wholes, count)
        before = bytes_of(store, folder)
        grow_parts(held, parts)
        found["database_bytes_a_picture"] = round((bytes_of(store, folder) - before) / count)
        held = held.renewed()
        LocalEngine().refresh(held)
        started = time.process_time()
        regions.refresh(held)
        found["index_build_processor_s"] = round(time.process_time() - started)
        files = list(folder.glob("regions-*"))
        found["index_bytes_a_picture"] = round(sum(f.stat().st_size for f in files) / count)
        store.close()
        reader = Store.open(folder)
        with reader.snapshot():
            (held,) = embeddings_of(reader, folder)
            found |= questions(held, parts, wholes)
        reader.close()
    return found


def structure(held: Embeddings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the regions (n, regions, dim) and embeddings (n, c) of real pictures."""
    stored = held.store.regions_of(held.stored.id)
    assert stored is not None  # noqa: S101  # they were made
    layout = Layout.from_json(stored.layout)
    blocks = held.store.regions(held.stored.id, layout.shape, held.ids().tolist())
    parts = decode(np.concatenate([block.codes for block in blocks]), layout.dim)
    return parts, np.concatenate([rows for _, rows in held.blocks()])


def grow_wholes(held: Embeddings, wholes: NDArray[np.float32], count: int) -> None:
    """Add contents with embeddings until there are so many."""
    chance = np.random.default_rng(0)
    root = held.store.roots()[0].id
    for start in range(len(wholes), count, BLOCK):
        rows = wholes[chance.integers(0, len(wholes), min(BLOCK, count - start))]
        rows = np.maximum(0, rows + chance.normal(0, STEP / 4, rows.shape))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        add(held.store, held.stored, root, rows.astype(np.float32), start=start)


def grow_parts(held: Embeddings, parts: NDArray[np.float32]) -> None:
    """Add regions to the contents that have none."""
    chance = np.random.default_rng(1)
    lacking = held.store.contents_without_regions(held.stored.id)
    for start in range(0, len(lacking), BLOCK):
        some = lacking[start : start + BLOCK]
        rows = parts[chance.integers(0, len(parts), len(some))]
        rows = rows + chance.normal(0, STEP, rows.shape).astype(np.float32)
        with held.store.transaction():
            for content_id, codes in zip(some, encode(rows), strict=True):
                held.store.add_regions(held.stored.id, content_id, codes)


def bytes_of(store: Store, folder: Path) -> int:
    """Return the size of the database."""
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "gallery.db").stat().st_size


def questions(
    held: Embeddings, parts: NDArray[np.float32], wholes: NDArray[np.float32]
) -> dict[str, Any]:
    """Return what questions about parts cost, once everything is open."""
    spaces = answering.Spaces(LocalEngine().open(held, "auto"), regions.open_space(held))
    chance = np.random.default_rng(2)
    asked = []
    for number in range(QUERIES + 1):
        part = parts[number % len(parts), 1 + number % (parts.shape[1] - 1)]
        part = part + chance.normal(0, STEP, part.shape).astype(np.float32)
        whole = spaces.wholes.project(wholes[number % len(wholes)][np.newaxis])[0]
        plain = Question(vector=whole, k=K, where=Filters())
        part /= np.float32(np.linalg.norm(part))
        asked.append(answering.PartQuestion(plain, part[np.newaxis]))
    answering.answer(held, spaces, asked[0])  # warms up
    before, wall = time.process_time(), time.perf_counter()
    answers = [answering.answer(held, spaces, question) for question in asked[1:]]
    processor, clock = time.process_time() - before, time.perf_counter() - wall
    index = spaces.parts.index.describe()
    return {
        "index": index.factory,
        "lists_probed": index.lists_probed,
        "ann_recall": index.recall,
        "question_processor_ms": round(1000 * processor / QUERIES, 1),
        "question_wall_ms": round(1000 * clock / QUERIES, 1),
        "matches": sum(map(len, answers)),
    }

"""The input of index_scale.py's steps: a gallery of grown embeddings, and the true neighbours.

Contents have hashes, files and embeddings like those that `imgsearch index` adds, but no images.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.images.metadata import Metadata
from imgsearch.paths import look_up
from imgsearch.recipe import Recipe
from imgsearch.search.space_cache import open_space
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import ScannedRow
from imgsearch.vectors import projection_choice

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from index_measures import Figures
    from numpy.typing import NDArray

    from imgsearch.storage.records import StoredRecipe

QUERIES: Final = 500
STORED_FILES: Final = 200


def fill(gallery: Path, options: argparse.Namespace) -> Figures:
    """Put contents with grown embeddings into a new gallery, a few with files that are there."""
    from grown_embeddings import NEAREST, Grown, neighbours

    real = np.load(options.embeddings)
    grown = Grown(real, neighbours(real, NEAREST)[1], options.stretch)
    photos = gallery.parent / "photos"
    photos.mkdir()
    store = Store.create(gallery)
    recipe = Recipe(
        backbone="mobilenet_v2",
        weights="sha256:" + "0" * 64,
        layer="out_relu",
        size=224,
        resize="squash",
        pooling="gap",
        dim=real.shape[1],
        preprocessing="tf",
    )
    with store.transaction():
        stored = store.add_recipe(recipe)
        root = store.add_root(photos, recursive=True)
    started = time.perf_counter()
    for number in range(min(STORED_FILES, options.size)):
        (photos / f"{number:07}.jpg").write_bytes(f"{number}".encode())
    done = 0
    for block in grown.blocks(options.size):
        add(store, stored, root.id, block, start=done)
        done += len(block)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return {
        "fill_s": round(time.perf_counter() - started, 1),
        "database_mb": round((gallery / "gallery.db").stat().st_size / 1e6),
    }


def add(
    store: Store, stored: StoredRecipe, root_id: int, rows: NDArray[np.float32], *, start: int
) -> None:
    """Commit contents with embeddings and files, as a run of `index` does."""
    photos = next(root.path for root in store.roots() if root.id == root_id)
    facts = Metadata(width=640, height=480, format="JPEG")
    with store.transaction():
        for number, row in enumerate(rows, start=start):
            # Hashes are in random order, since samples are drawn by them.
            content_id = store.add_content(f"{number * 0x9E3779B97F4A7C15 % 2**64:064x}", 9, facts)
            store.add_embedding(stored.id, content_id, row)
            name = f"{number:07}.jpg".encode()
            seen = look_up(photos, name) if number < STORED_FILES else None
            scanned = ScannedRow(root_id, name, 9, 1)
            if seen is not None:
                scanned = ScannedRow(root_id, name, seen.size, seen.mtime_ns)
            store.put_file(None, scanned, content_id=content_id)
        store.raise_generation(stored.id)


def truth(gallery: Path, options: argparse.Namespace) -> Figures:
    """Write what is searched as one array, the queries, and their exact nearest neighbours."""
    import faiss

    store = Store.open(gallery)
    stored = store.recipes()[0]
    space = open_space(Embeddings(store, gallery, stored), projection_choice.DEFAULT)
    count = store.embedding_count(stored.id)
    vectors = np.lib.format.open_memmap(
        options.workspace / "vectors.npy",
        mode="w+",
        dtype=np.float32,
        shape=(count, space.index.dim),
    )
    ids = np.empty(count, np.int64)
    row = 0
    for block, raw in store.embeddings(stored):
        ids[row : row + len(block)] = block
        vectors[row : row + len(block)] = space.project(raw)
        row += len(block)
    asked = np.random.default_rng(0).choice(count, min(QUERIES, count), replace=False)
    best = np.full((len(asked), 0), 0, np.float32)
    nearest = np.full((len(asked), 0), 0, np.int64)
    queries = np.ascontiguousarray(vectors[asked])
    for start in range(0, count, 50_000):
        part = np.ascontiguousarray(vectors[start : start + 50_000])
        width = min(11, len(part))
        found, places = faiss.knn(queries, part, width, metric=faiss.METRIC_INNER_PRODUCT)
        best, nearest = np.hstack([best, found]), np.hstack([nearest, places + start])
        order = np.argsort(-best, axis=1)[:, :11]
        best = np.take_along_axis(best, order, axis=1)
        nearest = np.take_along_axis(nearest, order, axis=1)
    others = np.array(
        [line[line != own][:10] for own, line in zip(asked, nearest, strict=True)], dtype=np.int64
    )
    np.save(options.workspace / "queries.npy", queries)
    np.savez(options.workspace / "truth.npz", asked=asked, nearest=others, ids=ids)
    return {}

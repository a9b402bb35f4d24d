"""Embedded vector databases: Milvus Lite, Chroma and LanceDB.

Each has a function that fills an empty folder with vectors `(n, dim)` and one that opens that
folder and returns, for an effort, a search; index_rivals.py configures and runs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    # Queries (q, dim) -> rows of vectors (q, 11), nearest first.
    Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]

WIDTH: Final = 11
REFINED_FROM: Final = 32
NAME: Final = "contents"
# A message of Milvus's protocol has 64 MB at most.
MILVUS_ROWS: Final = 1_000


def build_milvus(vectors: NDArray[np.float32], folder: Path) -> None:
    """Fill a collection of Milvus Lite and index it; see `Rival.build`."""
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(str(folder / "milvus.db"))
    schema = MilvusClient.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    client.create_collection(NAME, schema=schema)
    for start in range(0, len(vectors), MILVUS_ROWS):
        block = vectors[start : start + MILVUS_ROWS]
        client.insert(NAME, [{"id": row, "vector": v} for row, v in enumerate(block, start=start)])
    client.flush(NAME)
    kind = client.prepare_index_params()
    graph = {"M": 16, "efConstruction": 200}
    kind.add_index(field_name="vector", index_type="HNSW", metric_type="IP", params=graph)
    client.create_index(NAME, kind)
    client.load_collection(NAME)
    client.close()


def open_milvus(folder: Path) -> Callable[[int], Search]:
    """Open the collection of Milvus Lite; see `Rival.open`."""
    from pymilvus import MilvusClient

    client = MilvusClient(str(folder / "milvus.db"))
    client.load_collection(NAME)

    def harder(ef: int) -> Search:
        effort = {"params": {"ef": ef}}

        def search(queries: NDArray[np.float32]) -> NDArray[np.int64]:
            found = client.search(NAME, data=queries, limit=WIDTH, search_params=effort)
            return filled([[match["id"] for match in line] for line in found])

        return search

    return harder


def _chroma(folder: Path) -> Any:  # noqa: ANN401  Chroma is not looked into
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))


def build_chroma(vectors: NDArray[np.float32], folder: Path) -> None:
    """Fill a collection of Chroma; see `Rival.build`."""
    client = _chroma(folder)
    graph = {"hnsw": {"space": "ip"}}
    collection = client.create_collection(NAME, configuration=graph, embedding_function=None)
    most = client.get_max_batch_size()
    for start in range(0, len(vectors), most):
        block = vectors[start : start + most]
        names = [str(row) for row in range(start, start + len(block))]
        collection.add(ids=names, embeddings=block)
    client.close()


def open_chroma(folder: Path) -> Callable[[int], Search]:
    """Open the collection of Chroma; see `Rival.open`."""
    client = _chroma(folder)

    def harder(ef: int) -> Search:
        nonlocal client
        effort = {"hnsw": {"ef_search": ef, "num_threads": 1}}
        client.get_collection(NAME, embedding_function=None).modify(configuration=effort)
        # An index that is in memory keeps its old ef.
        client.close()
        client = _chroma(folder)
        collection = client.get_collection(NAME, embedding_function=None)

        def search(queries: NDArray[np.float32]) -> NDArray[np.int64]:
            found = collection.query(query_embeddings=queries, n_results=WIDTH, include=[])["ids"]
            return filled([[int(name) for name in line] for line in found])

        return search

    return harder


def build_lancedb(vectors: NDArray[np.float32], folder: Path) -> None:
    """Fill a table of LanceDB and index it; see `Rival.build`."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import HnswSq

    rows = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
    filling = pa.table({"id": np.arange(len(vectors)), "vector": rows})
    table = lancedb.connect(folder).create_table(NAME, filling)
    table.create_index("vector", config=HnswSq(distance_type="dot"))


def open_lancedb(folder: Path) -> Callable[[int], Search]:
    """Open the table of LanceDB; see `Rival.open`."""
    import lancedb

    table = lancedb.connect(folder).open_table(NAME)

    def harder(ef: int) -> Search:
        def one(query: NDArray[np.float32]) -> list[int]:
            asked = table.search(query).distance_type("dot").select(["id", "_distance"])
            asked = asked.limit(WIDTH).ef(ef)
            if ef >= REFINED_FROM:
                asked = asked.refine_factor(2)
            return asked.to_arrow()["id"].to_pylist()  # type: ignore[no-any-return]

        return lambda queries: filled([one(query) for query in queries])

    return harder


def filled(found: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Return lists of rows as one array `(q, 11)`, with -1 where a list is too short."""
    rows = np.full((len(found), WIDTH), -1, np.int64)
    for line, places in zip(rows, found, strict=True):
        line[: len(places)] = places
    return rows

"""Other libraries and databases over the vectors of index_scale.py, as their documents advise.

Each builds its index in one process and answers in another, which opens what the first has left on
disk. Those that are not installed are left out and named, as are those that fail.

* hnswlib: M 16, ef_construction 200, as in its README.
* usearch: its defaults, as float32.
* scikit-learn: brute force, which is exact; it keeps no index on disk and is fitted again.
* Milvus Lite: HNSW, M 16, efConstruction 200, as in its README. Of its kinds (HNSW_SQ, IVF_FLAT,
  IVF_SQ8 and FLAT are the others) it answered most queries/s at recall 0.98 over 20,000 projected
  embeddings, IVF_FLAT nearly as many.
* Chroma: its defaults (HNSW, max_neighbors 16, ef_construction 100), space "ip".
* LanceDB: IVF_HNSW_SQ, for "best recall/latency trade-off", its defaults (m 20, ef_construction
  300, one partition up to a million rows, so that there is nothing to probe), from ef 32 on with
  refine_factor 2, since 8-bit codes alone do not order the nearest.

Queries go through the public interface, all in one call where it takes several. Thread limits:
hnswlib, usearch, scikit-learn and Chroma take one as a parameter, Milvus Lite has FAISS's
OMP_NUM_THREADS, LanceDB LANCE_CPU_THREADS. The threads of a database's server or of its input and
output have no limit; so the processors in use on average are measured and shown.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import numpy as np
from index_databases import (
    WIDTH,
    build_chroma,
    build_lancedb,
    build_milvus,
    open_chroma,
    open_lancedb,
    open_milvus,
)
from index_measures import disk_mb, peak_mb, rival_data, sweep

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from index_databases import Search
    from index_measures import Figures
    from numpy.typing import NDArray

EF: Final = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)

# Contents at most, such that a rival should take some four minutes at its limit on two processors.
# Reckoned from rates of filling at 20,000 vectors of dim 160: Chroma 4,400 a second, Milvus Lite
# 2,900, LanceDB 1,500 (2,900 at 5,000), all of them less as the graph grows.
SKLEARN_MOST: Final = 100_000
CHROMA_MOST: Final = 500_000
MILVUS_MOST: Final = 250_000
LANCEDB_MOST: Final = 100_000
# Raw embeddings are eight times as long. Beyond this the builds would take longer than all else.
RAW_RIVALS_MOST: Final = 100_000
RAW_DATABASES_MOST: Final = 10_000
# What limits queries to one thread besides the parameters below.
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "LANCE_CPU_THREADS": "1", "RAYON_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Rival:
    """A library or database that keeps vectors and finds the nearest.

    Attributes:
        modules: what is imported, before any clock starts.
        package: the distribution that brings it.
        build: makes an index of vectors `(n, dim)` in an empty folder.
        open: from that folder to a function that takes an effort and returns a search.
        efforts: how hard it can search, ascending; one 0 where there is no choice.
        most: contents at most; None where there is no limit.
        single: whether building is limited to one thread too, as where there is nothing to build.
        is_database: whether it is a database, which takes longer to fill.
    """

    modules: tuple[str, ...]
    package: str
    build: Callable[[NDArray[np.float32], Path], None]
    open: Callable[[Path], Callable[[int], Search]]
    efforts: tuple[int, ...] = EF
    most: int | None = None
    single: bool = False
    is_database: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be imported here."""
        return all(find_spec(name.partition(".")[0]) for name in self.modules)

    def load(self) -> None:
        """Import it."""
        for name in self.modules:
            import_module(name)

    def takes(self, size: int, *, raw: bool) -> bool:
        """Return whether it is measured with `size` contents, raw or projected."""
        raw_most = RAW_DATABASES_MOST if self.is_database else RAW_RIVALS_MOST
        return size <= (self.most or size) and (not raw or size <= raw_most)


def build_hnswlib(vectors: NDArray[np.float32], folder: Path) -> None:
    """Build and save hnswlib's index; see `Rival.build`."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors)
    index.save_index(str(folder / "index.bin"))
    # The file does not say how long its vectors are.
    (folder / "dim").write_text(str(vectors.shape[1]), encoding="ascii")


def open_hnswlib(folder: Path) -> Callable[[int], Search]:
    """Load hnswlib's index; see `Rival.open`."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=int((folder / "dim").read_text(encoding="ascii")))
    index.load_index(str(folder / "index.bin"))
    index.set_num_threads(1)

    def harder(ef: int) -> Search:
        index.set_ef(ef)
        return lambda queries: index.knn_query(queries, k=WIDTH)[0].astype(np.int64)

    return harder


def build_usearch(vectors: NDArray[np.float32], folder: Path) -> None:
    """Build and save usearch's index; see `Rival.build`."""
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
    index.add(np.arange(len(vectors)), vectors)
    index.save(str(folder / "index.usearch"))


def open_usearch(folder: Path) -> Callable[[int], Search]:
    """Load usearch's index; see `Rival.open`."""
    from usearch.index import Index

    index = Index.restore(str(folder / "index.usearch"))

    def harder(ef: int) -> Search:
        index._compiled.expansion_search = ef  # noqa: SLF001  # has no other setter
        return lambda queries: np.asarray(
            index.search(queries, WIDTH, threads=1).keys, dtype=np.int64
        )

    return harder


def build_sklearn(vectors: NDArray[np.float32], folder: Path) -> None:
    """Fit scikit-learn's NearestNeighbors and keep the vectors; see `Rival.build`."""
    from sklearn.neighbors import NearestNeighbors

    NearestNeighbors(n_neighbors=WIDTH, algorithm="brute", n_jobs=1).fit(vectors)
    np.save(folder / "vectors.npy", vectors)


def open_sklearn(folder: Path) -> Callable[[int], Search]:
    """Fit scikit-learn's NearestNeighbors again; see `Rival.open`."""
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=WIDTH, algorithm="brute", n_jobs=1)
    fitted = neighbours.fit(np.load(folder / "vectors.npy"))
    return lambda _: lambda queries: fitted.kneighbors(queries, return_distance=False)


RIVALS: Final = {
    "hnswlib": Rival(("hnswlib",), "hnswlib", build_hnswlib, open_hnswlib),
    "usearch": Rival(("usearch.index",), "usearch", build_usearch, open_usearch),
    "sklearn": Rival(
        ("sklearn.neighbors",),
        "scikit-learn",
        build_sklearn,
        open_sklearn,
        efforts=(0,),
        most=SKLEARN_MOST,
        single=True,
    ),
    "milvus": Rival(
        ("milvus_lite", "pymilvus"),
        "milvus-lite",
        build_milvus,
        open_milvus,
        most=MILVUS_MOST,
        is_database=True,
    ),
    "chroma": Rival(
        ("chromadb.config",),
        "chromadb",
        build_chroma,
        open_chroma,
        most=CHROMA_MOST,
        is_database=True,
    ),
    "lancedb": Rival(
        ("lancedb.index", "pyarrow"),
        "lancedb",
        build_lancedb,
        open_lancedb,
        most=LANCEDB_MOST,
        is_database=True,
    ),
}


# The two steps of a rival, each run in its own process.


def build_rival(name: str, options: argparse.Namespace) -> Figures:
    """Build a rival's index on disk.

    Returns:
        `NAME_build_s` with filling and saving, `_peak_mb` with the vectors that are given, and
        `_disk_mb`.
    """
    rival = RIVALS[name]
    rival.load()
    vectors = rival_data(options.workspace)[0]
    folder = options.workspace / name
    folder.mkdir()
    started = time.perf_counter()
    rival.build(vectors, folder)
    return {
        f"{name}_build_s": round(time.perf_counter() - started, 2),
        f"{name}_peak_mb": peak_mb(),
        f"{name}_disk_mb": disk_mb(folder),
    }


def search_rival(name: str, options: argparse.Namespace) -> Figures:
    """Open a rival's index in this fresh process and search it.

    Returns:
        `NAME_load_s`, until the first answer, since some load only then, without imports; what
        `sweep` returns; and `_query_peak_mb`.
    """
    rival = RIVALS[name]
    queries = np.load(options.workspace / "queries.npy")
    rival.load()
    started = time.perf_counter()
    harder = rival.open(options.workspace / name)
    harder(rival.efforts[0])(queries[:1])
    loaded = time.perf_counter() - started

    def search(effort: int) -> Callable[[], NDArray[np.int64]]:
        prepared: list[Search] = []

        def run() -> NDArray[np.int64]:
            # Prepared at the first call, which is not timed.
            if not prepared:
                prepared.append(harder(effort))
            return prepared[0](queries)

        return run

    figures = sweep(name, [(effort, search(effort)) for effort in rival.efforts], options)
    return figures | {f"{name}_load_s": round(loaded, 3), f"{name}_query_peak_mb": peak_mb()}


def limits() -> dict[str, str]:
    """Return an environment that limits queries to one thread, where that is possible."""
    return {**os.environ, **ONE_THREAD}

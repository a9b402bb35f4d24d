"""Memory that a process holds to answer from a million contents, beside three graph libraries.

Each contender is a process of its own that opens what `answer_rivals.py` has built in its
workspace, answers 500 queries by vector, and reads what Linux says of its memory: *own* is
anonymous memory, which nothing else can have while the process runs; *mapped* are pages of files
that it looked at, which the system takes back when something else needs them. Those of the
libraries themselves, some 30 MB, count too. What every contender has besides, SQLite and the rows
that it reads, is left out for the rivals.

    python benchmarks/memory_rivals.py --workspace FOLDER
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from answer_rivals import BUILD_EFFORT, LINKS, K

from imgsearch import Gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# The efforts at which answer_rivals.py found 0.97 of the nearest at a million.
EFFORTS: Final = {"hnswlib": 1536, "usearch": 2048, "FAISS HNSW": 1536}
CONTENDERS: Final = ("imgsearch", *EFFORTS)
KIB: Final = 1 << 10


def opened(name: str, folder: Path, vectors: NDArray[np.float32]) -> Callable[[int], object]:
    """Return what answers for the vector at a position, with everything loaded."""
    dim, effort = vectors.shape[1], EFFORTS.get(name, 0)
    index: Any
    if name == "imgsearch":
        from imgsearch.storage.database import Store

        gallery, store = Gallery(folder / "gallery"), Store.open(folder / "gallery")
        ids, stored = np.load(folder / "truth.npz")["ids"], store.recipes()[0]

        def answered(position: int) -> object:
            row = store.embedding(stored, int(ids[position]))
            assert row is not None  # noqa: S101  # it was embedded
            return gallery.query(row, k=K)

        return answered
    if name == "hnswlib":
        import hnswlib

        index = hnswlib.Index("ip", dim)
        index.load_index(str(folder / "hnswlib"))
        index.set_ef(effort)
        index.set_num_threads(1)
        return lambda position: index.knn_query(vectors[position], K)
    if name == "usearch":
        from usearch.index import Index

        index = Index(
            ndim=dim, metric="ip", dtype="f16", connectivity=LINKS, expansion_add=BUILD_EFFORT
        )
        index.load(str(folder / "usearch"))
        index.expansion_search = effort
        return lambda position: index.search(vectors[position], K, threads=1)
    import faiss

    index = faiss.read_index(str(folder / "faiss"))
    index.hnsw.efSearch = effort
    return lambda position: index.search(vectors[position][np.newaxis], K)


def held() -> tuple[float, float]:
    """Return MiB of anonymous and of mapped memory that this process holds."""
    fields = {}
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, size = line.split(":")
        fields[name] = int(size.split()[0]) / KIB
    return fields["Anonymous"], fields["Rss"] - fields["Anonymous"]


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--workspace", type=Path, required=True, help="of answer_rivals.py")
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        folder = options.workspace / str(options.sizes[0])
        vectors = np.load(folder / "vectors.npy", mmap_mode="r")
        answer = opened(options.contender, folder, vectors)
        for position in np.load(folder / "truth.npz")["asked"].tolist():
            answer(position)
        print(f"{options.contender} | {' | '.join(f'{size:,.0f}' for size in held())} |")
        return
    print("| contents | what | own, MiB | mapped, MiB |\n|---|---|---|---|")
    for size in options.sizes:
        for name in CONTENDERS:
            named = ["--workspace", options.workspace, "--sizes", str(size), "--contender", name]
            done = subprocess.run(
                [sys.executable, __file__, *named], check=True, stdout=subprocess.PIPE, text=True
            )
            print(f"| {size:,} | {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()

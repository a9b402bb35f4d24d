"""The same answer from imgsearch and from three graph libraries beside SQLite.

An answer is what a person sees: for a stored picture, named by its path, the ten others nearest to
it, with exact scores, paths and dates of capture. imgsearch gives it as `Gallery.query` and
`query_many` do, which also look whether the file is as it was indexed, what else holds its
content, and which roots are there. A rival looks its id up by path, reads its vector from an array
by id, asks the index for eleven, scores them with the vectors, and reads path and date from
SQLite; with FAISS and usearch the vectors in the graph are float16, and 27 are scored.

All search the same projected vectors, on one thread, at the first effort whose ANN recall@10 is
0.97 or more. Queries alternate between the contenders in one process, so that ratios hold on a
busy machine; times are of the processor. What is built is kept in the workspace: a run that is
cut off goes on where it was.

    python benchmarks/answer_rivals.py --embeddings real.npy --workspace FOLDER
    python benchmarks/answer_rivals.py --quick
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import faiss as typed_faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from index_gallery import STORED_FILES, fill, truth
from run_facts import facts

from imgsearch import Gallery
from imgsearch.search.space_cache import refresh_cache
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

SIZES: Final = (10_000, 100_000, 1_000_000)
EFFORTS: Final = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
RECALL: Final = 0.97
LINKS: Final = 16
BUILD_EFFORT: Final = 100
WIDE: Final = 27
BATCH: Final = 100
K: Final = 10

# FAISS's own stub does not know what a downcast index has.
faiss: Any = typed_faiss


@dataclass
class Case:
    """One size of gallery, and what the contenders share.

    Attributes:
        folder: with everything that was built.
        vectors: as they are searched, shape (n, dim), float32, by position.
        asked: positions of the queries.
        nearest: positions of the true nearest ten of each, shape (q, 10).
        rows: a connection to positions, paths and dates.
        paths: of the stored pictures that are asked about, whose files are there.
    """

    folder: Path
    vectors: NDArray[np.float32]
    asked: NDArray[np.int64]
    nearest: NDArray[np.int64]
    rows: sqlite3.Connection
    paths: list[Path]


class Rival:
    """A graph library beside SQLite."""

    wide = K + 1

    def __init__(self, case: Case) -> None:
        self.case = case
        self.effort = 0

    def found(self, queries: NDArray[np.float32], effort: int) -> NDArray[np.int64]:
        """Return the positions of the nearest."""
        raise NotImplementedError

    def tune(self) -> float:
        """Take the first effort that finds enough; return the recall."""
        recall = 0.0
        for self.effort in EFFORTS:
            recall = recall_of(self.case, self.ranked(self.case.vectors[self.case.asked])[0])
            if recall >= RECALL:
                break
        return recall

    def ranked(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and exact scores, the best first."""
        near = self.found(queries, self.effort)
        scores = np.einsum(
            "qkd,qd->qk", self.case.vectors[near].astype(np.float64), queries.astype(np.float64)
        )
        order = np.argsort(-scores, axis=1)
        return np.take_along_axis(near, order, axis=1), np.take_along_axis(scores, order, axis=1)

    def answers(self, paths: Sequence[Path]) -> list[list[tuple[float, str, str | None]]]:
        """Return score, path and date of the nearest ten others of stored pictures."""
        own = []
        for path in paths:
            (position,) = self.case.rows.execute(
                "SELECT position FROM picture WHERE path = ?", (str(path),)
            ).fetchone()
            own.append(position)
        near, scores = self.ranked(self.case.vectors[own])
        wanted = np.unique(near).tolist()
        known = {}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            marks = ",".join("?" * len(part))
            for position, path, taken in self.case.rows.execute(
                f"SELECT position, path, taken FROM picture WHERE position IN ({marks})",  # noqa: S608  # question marks
                part,
            ):
                known[position] = path, taken
        return [
            [
                (round(score, 6), *known[item])
                for item, score in zip(line.tolist(), worth.tolist(), strict=True)
                if item != mine
            ][:K]
            for mine, line, worth in zip(own, near, scores, strict=True)
        ]


class Hnswlib(Rival):
    """hnswlib, float32."""

    def __init__(self, case: Case) -> None:
        import hnswlib

        super().__init__(case)
        file = case.folder / "hnswlib"
        self._index = hnswlib.Index("ip", case.vectors.shape[1])
        if not file.exists():
            self._index.init_index(
                len(case.vectors), M=LINKS, ef_construction=BUILD_EFFORT, random_seed=0
            )
            self._index.add_items(case.vectors, np.arange(len(case.vectors)))
            self._index.save_index(str(file))
        else:
            self._index.load_index(str(file))
        self._index.set_num_threads(1)

    def found(self, queries: NDArray[np.float32], effort: int) -> NDArray[np.int64]:
        """Return the positions of the nearest."""
        self._index.set_ef(effort)
        found: NDArray[np.int64] = self._index.knn_query(queries, K + 1)[0].astype(np.int64)
        return found


class Usearch(Rival):
    """usearch, float16."""

    def __init__(self, case: Case) -> None:
        from usearch.index import Index

        super().__init__(case)
        file = case.folder / "usearch"
        self._index: Any = Index(
            ndim=case.vectors.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=LINKS,
            expansion_add=BUILD_EFFORT,
        )
        if not file.exists():
            self._index.add(np.arange(len(case.vectors)), case.vectors)
            self._index.save(str(file))
        else:
            self._index.load(str(file))

    def found(self, queries: NDArray[np.float32], effort: int) -> NDArray[np.int64]:
        """Return the positions of the nearest."""
        self._index.expansion_search = effort
        keys = self._index.search(queries, WIDE, threads=1).keys
        return np.asarray(keys, dtype=np.int64).reshape(len(queries), -1)


class FaissGraph(Rival):
    """FAISS's HNSW, float16."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        file = case.folder / "faiss"
        if not file.exists():
            index = faiss.index_factory(
                case.vectors.shape[1], f"HNSW{LINKS},SQfp16", faiss.METRIC_INNER_PRODUCT
            )
            index.hnsw.efConstruction = BUILD_EFFORT
            index.train(case.vectors[:20_000])
            index.add(case.vectors)
            faiss.write_index(index, str(file))
        self._index = faiss.read_index(str(file))

    def found(self, queries: NDArray[np.float32], effort: int) -> NDArray[np.int64]:
        """Return the positions of the nearest."""
        self._index.hnsw.efSearch = effort
        found: NDArray[np.int64] = self._index.search(queries, WIDE)[1]
        return found


RIVALS: Final[dict[str, type[Rival]]] = {
    "hnswlib + SQLite": Hnswlib,
    "usearch + SQLite": Usearch,
    "FAISS HNSW + SQLite": FaissGraph,
}


def recall_of(case: Case, found: NDArray[np.int64]) -> float:
    """Return the share of the true nearest ten among those found, the query left out."""
    shares = [
        len(np.intersect1d([item for item in line.tolist() if item != own][:K], near)) / K
        for line, own, near in zip(found, case.asked, case.nearest, strict=True)
    ]
    return float(np.mean(shares))


def made(size: int, options: argparse.Namespace) -> Case:
    """Return a case, building what is not there yet."""
    folder = options.workspace / str(size)
    gallery = folder / "gallery"
    step = argparse.Namespace(
        size=size, embeddings=options.embeddings, stretch=options.stretch, workspace=folder
    )
    if not (folder / "truth.npz").exists():
        filled = folder / "filled"
        if not filled.exists():
            shutil.rmtree(folder, ignore_errors=True)  # half of a run that was cut off
            folder.mkdir(parents=True)
            fill(gallery, step)
            filled.touch()
        with closing(Store.create(gallery)) as store:
            refresh_cache(Embeddings(store, gallery, store.recipes()[0]))
        truth(gallery, step)
    known = np.load(folder / "truth.npz")
    rows = sqlite3.connect(folder / "rows.db")
    if not rows.execute("SELECT 1 FROM sqlite_master WHERE name = 'picture'").fetchone():
        rows.execute("CREATE TABLE picture (position INTEGER PRIMARY KEY, path TEXT, taken TEXT)")
        rows.executemany(
            "INSERT INTO picture VALUES (?, ?, NULL)",
            ((n, str(folder / f"photos/{n:07}.jpg")) for n in range(size)),
        )
        rows.execute("CREATE INDEX by_path ON picture (path)")
        rows.commit()
    return Case(
        folder,
        np.load(folder / "vectors.npy"),
        known["asked"],
        known["nearest"],
        rows,
        [folder / f"photos/{number:07}.jpg" for number in range(min(STORED_FILES, size))],
    )


def measure(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one size: recall, and milliseconds of the processor an answer."""
    case = made(size, options)
    faiss.omp_set_num_threads(1)
    figures: dict[str, Any] = {"contents": size}
    contenders: dict[str, Callable[[list[Path]], object]] = {}
    for name, kind in RIVALS.items():
        started = time.process_time()
        rival = kind(case)
        ready = time.process_time() - started
        recall = rival.tune()
        figures[name] = {"recall": round(recall, 4), "ef": rival.effort, "ready_s": round(ready, 1)}
        contenders[name] = rival.answers
        print(size, name, figures[name], flush=True)
    with Gallery(case.folder / "gallery") as gallery:
        figures["imgsearch"] = {"recall": round(own_recall(case, gallery), 4)}

        def ours(paths: list[Path]) -> object:
            if len(paths) == 1:
                return gallery.query(paths[0], k=K)
            return list(gallery.query_many(paths, k=K))

        contenders = {"imgsearch": ours, **contenders}
        for name, batch in (("single", 1), ("batch", BATCH)):
            spent = alternate(contenders, case.paths, batch, options.seconds)
            for contender, milliseconds in spent.items():
                figures[contender][f"{name}_p50"] = round(float(np.median(milliseconds)), 3)
                figures[contender][f"{name}_p95"] = round(float(np.percentile(milliseconds, 95)), 3)
            print(size, name, {key: figures[key][f"{name}_p50"] for key in spent}, flush=True)
    case.rows.close()
    return figures


def own_recall(case: Case, gallery: Gallery) -> float:
    """Return imgsearch's recall, of answers as it gives them to vectors."""
    with closing(Store.open(case.folder / "gallery")) as store:
        stored = store.recipes()[0]
        ids = np.load(case.folder / "truth.npz")["ids"]
        hashes = [store.contents([int(item)])[int(item)].hash for item in ids[case.asked]]
        place = {
            content.hash: int(np.searchsorted(ids, key))
            for key, content in store.contents(ids[np.unique(case.nearest)].tolist()).items()
        }
        raw = [store.embedding(stored, int(item)) for item in ids[case.asked]]
    shares = []
    for row, own, near in zip(raw, hashes, case.nearest, strict=True):
        assert row is not None  # noqa: S101  # it was embedded
        matches = [match.content for match in gallery.query(row, k=K + 1) if match.content != own]
        shares.append(len({place.get(item) for item in matches[:K]} & set(near.tolist())) / K)
    return float(np.mean(shares))


def alternate(
    contenders: dict[str, Callable[[list[Path]], object]],
    paths: list[Path],
    batch: int,
    seconds: float,
) -> dict[str, list[float]]:
    """Return milliseconds of the processor an answer, contenders taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    until = time.perf_counter() + seconds
    turn = 0
    while time.perf_counter() < until or turn < len(paths) // batch:
        start = turn * batch % (len(paths) - batch + 1)
        asked = paths[start : start + batch]
        for name, answer in contenders.items():
            before = time.process_time()
            answer(asked)
            spent[name].append(1000 * (time.process_time() - before) / batch)
        turn += 1
    # The first turns load what is loaded late.
    return {name: times[len(times) // 10 :] for name, times in spent.items()}


def page(results: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| contents | what | ANN recall@10 | ef | one answer, p50 ms | p95 | in batches of 100 |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for name in ("imgsearch", *RIVALS):
            row = result[name]
            lines.append(
                f"| {result['contents']:,} | {name} | {row['recall']:.3f} | {row.get('ef', '')} "
                f"| {row['single_p50']:.2f} | {row['single_p95']:.2f} | {row['batch_p50']:.3f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--embeddings", type=Path, help="real ones, of grown_embeddings.py")
    parser.add_argument("--workspace", type=Path, help="where what is built is kept")
    parser.add_argument("--stretch", type=float, default=0.787, help="of grown_embeddings.py")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--seconds", type=float, default=20, help="for each figure, at least")
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    parser.add_argument("--quick", action="store_true", help="2,000 contents of random vectors")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgsearch-answers-") as scratch:
        if options.quick:
            options.workspace, options.sizes, options.seconds = Path(scratch), [2_000], 1
            options.embeddings = Path(scratch) / "random.npy"
            drawn = np.abs(np.random.default_rng(0).normal(size=(500, 64))).astype(np.float32)
            np.save(options.embeddings, drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
        results = []
        for size in options.sizes:
            kept = options.workspace / f"answers-{size}.json"
            if not kept.exists():
                figures = measure(size, options)
                kept.write_text(json.dumps(figures, indent=2), encoding="utf-8")
            results.append(json.loads(kept.read_text(encoding="utf-8")))
    print(page(results))
    if options.json:
        content = {"results": results, "facts": facts()}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""How the index grows: build, memory, queries and additions from a thousand to a million contents.

Fills galleries with grown embeddings (grown_embeddings.py) and measures, each step in a process
of its own and every query on one thread:

* the index as the last step of `imgsearch index` builds it: seconds (all cores), file sizes;
* a query process: seconds to open, p50 and p95 of the whole answer (search, exact scores from the
  rows, paths) and of the index alone, ANN recall@10 of the answers against exact search in the same
  space, and the peak of its resident memory, mapped pages included;
* a cold `imgsearch query` by a stored file, as a whole process;
* 1,000 contents more: seconds until a reader finds them;
* at the smaller sizes exact search as float32 and as float16 scalar codes;
* rivals over the same vectors: hnswlib and usearch with the settings of their documentation,
  scikit-learn's brute force: build, and queries a second on one thread at equal recall.

    python benchmarks/index_scale.py FOLDER... --embeddings real.npy
    python benchmarks/index_scale.py --embeddings real.npy --sizes 1000 10000 --dims 160
    python benchmarks/index_scale.py --quick

FOLDERs of pictures are embedded once, into the file that --embeddings names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from imgsearch import projection
from imgsearch.gallery import Gallery
from imgsearch.matches import Filters
from imgsearch.metadata import Metadata
from imgsearch.projection import NONE
from imgsearch.recipe import Recipe
from imgsearch.rows import ScannedRow
from imgsearch.scan import look_up
from imgsearch.search import Question, answer
from imgsearch.search_space import open_space, refresh_cache
from imgsearch.segments import SegmentedIndex
from imgsearch.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.rows import StoredRecipe

    Figures = dict[str, Any]

REPOSITORY: Final = Path(__file__).parents[1]
RESULTS: Final = Path(__file__).parent / "results"
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
RAW_DIM: Final = 1280
QUERIES: Final = 500
STORED_FILES: Final = 200
ADDED: Final = 1_000
EQUAL_RECALL: Final = 0.97
# Beyond these a rival's build would take longer than everything else together.
SKLEARN_MOST: Final = 100_000
RAW_RIVALS_MOST: Final = 100_000


GROWTH_HEAD: Final = (
    "| contents | searched | index | build s | index MB | query process peak MB | open ms "
    "| answer p50 ms | p95 ms | index alone p95 ms | ANN recall@10 | cold query s "
    "| add 1,000: index s | until found s |"
)
RIVALS_NOTE: Final = (
    "All queries in one call. *imgsearch* is its index alone, as the rivals are; *scored* adds "
    "exact scores from the rows of SQLite, as every answer has. hnswlib: M 16, ef_construction "
    "200; usearch: its defaults, float32; scikit-learn: brute force."
)


# Steps, each run in a process of its own.


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
            # Hashes in no order, since samples are drawn by them.
            content_id = store.add_content(f"{number * 0x9E3779B97F4A7C15 % 2**64:064x}", 9, facts)
            store.add_embedding(stored.id, content_id, row)
            name = f"{number:07}.jpg".encode()
            seen = look_up(photos, name) if number < STORED_FILES else None
            scanned = ScannedRow(root_id, name, 9, 1)
            if seen is not None:
                scanned = ScannedRow(root_id, name, seen.size, seen.mtime_ns)
            store.put_file(None, scanned, content_id=content_id)
        store.raise_generation(stored.id)


def build(gallery: Path, _: argparse.Namespace) -> Figures:
    """Build the index and write it, as the end of `imgsearch index` does."""
    store = Store.create(gallery)
    stored = store.recipes()[0]
    started = time.perf_counter()
    space = refresh_cache(store, gallery, stored)
    seconds = time.perf_counter() - started
    files = [*gallery.glob("index-*.faiss"), *gallery.glob("index-*.lists")]
    figures: Figures = {
        "build_s": round(seconds, 2),
        "build_peak_mb": peak_mb(),
        "index_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "kind": "exact",
    }
    if isinstance(space.index, SegmentedIndex):
        base = space.index.base
        reduced = f"reduced to {base.plan.reduced}, " if base.plan.reduced else ""
        figures |= {
            "kind": reduced + base.plan.factory,
            "nprobe": base.measured.nprobe,
            "recall_measured": round(base.measured.recall, 4),
        }
    return figures


def truth(gallery: Path, options: argparse.Namespace) -> Figures:
    """Write what is searched as one array, the queries, and their exact nearest neighbours."""
    import faiss

    store = Store.open(gallery)
    stored = store.recipes()[0]
    space = open_space(store, gallery, stored, projection.DEFAULT)
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
    np.savez(options.workspace / "truth.npz", asked=asked, nearest=others, ids=ids)
    return {}


def query(gallery: Path, options: argparse.Namespace) -> Figures:
    """Answer the queries one by one in a process that does nothing else."""
    started = time.perf_counter()
    store = Store.open(gallery)
    stored = store.recipes()[0]
    with store.snapshot():
        space = open_space(store, gallery, stored, projection.DEFAULT)
        opened = time.perf_counter() - started
        wanted = np.load(options.workspace / "truth.npz")
        ids, asked, nearest = wanted["ids"], wanted["asked"], wanted["nearest"]
        hashes = {
            content_id: content.hash
            for content_id, content in store.contents(ids[nearest].ravel().tolist()).items()
        }
        seconds, alone, shares = [], [], []
        for own, near in zip(ids[asked].tolist(), ids[nearest], strict=True):
            raw = store.embedding(stored, own)
            assert raw is not None  # noqa: S101  # it was embedded
            vector = space.combine(raw[np.newaxis])
            started = time.perf_counter()
            found = answer(store, space, Question(vector, 10, Filters(), excluded=(own,)))
            seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
            space.index.search(vector[np.newaxis], space.candidates(10))
            alone.append(time.perf_counter() - started)
            right = {hashes[item] for item in near.tolist()}
            shares.append(len({match.content for match in found} & right) / len(right))
    return {
        "open_ms": round(1000 * opened, 1),
        "answer_p50_ms": milliseconds(seconds, 50),
        "answer_p95_ms": milliseconds(seconds, 95),
        "index_p50_ms": milliseconds(alone, 50),
        "index_p95_ms": milliseconds(alone, 95),
        "recall": round(float(np.mean(shares)), 4),
        "query_peak_mb": peak_mb(),
    }


def grow(gallery: Path, options: argparse.Namespace) -> Figures:
    """Add contents, refresh the cache, and find one of them with a fresh reader."""
    from grown_embeddings import NEAREST, Grown, neighbours

    real = np.load(options.embeddings)
    fresh = Grown(real, neighbours(real, NEAREST)[1], options.stretch).draw(ADDED, seed=999)
    store = Store.create(gallery)
    stored, root = store.recipes()[0], store.roots()[0]
    started = time.perf_counter()
    add(store, stored, root.id, fresh, start=options.size)
    committed = time.perf_counter() - started
    refresh_cache(store, gallery, store.recipes()[0])
    refreshed = time.perf_counter() - started - committed
    with Gallery(gallery) as reader, reader._reading().snapshot():  # noqa: SLF001  # no embedder is wanted
        space = open_space(reader._reading(), gallery, store.recipes()[0], projection.DEFAULT)  # noqa: SLF001
        vector = space.combine(fresh[:1])
        (match,) = answer(reader._reading(), space, Question(vector, 1, Filters()))  # noqa: SLF001
    searched = time.perf_counter() - started
    assert match.score > 0.999, match  # noqa: PLR2004, S101  # the very picture
    return {
        "add_commit_s": round(committed, 2),
        "add_index_s": round(refreshed, 2),
        "add_to_found_s": round(searched, 2),
    }


def exact(_: Path, options: argparse.Namespace) -> Figures:
    """Search everything, as float32 and as float16 codes."""
    import faiss

    faiss.omp_set_num_threads(1)
    vectors, queries, nearest = rival_data(options.workspace)
    figures: Figures = {}
    for name, factory in (("flat", "Flat"), ("flat16", "SQfp16")):
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        seconds = [timed(partial(index.search, q[np.newaxis], 11)) for q in queries[:200]]
        found = index.search(queries, 11)[1]
        figures |= {
            f"{name}_p50_ms": milliseconds(seconds, 50),
            f"{name}_recall": recall(found, options.workspace, nearest),
        }
    return figures


def ours(gallery: Path, options: argparse.Namespace) -> Figures:
    """Search the gallery's own index in one call, at growing nprobe, without exact scores."""
    import faiss

    faiss.omp_set_num_threads(1)
    queries = rival_data(options.workspace)[1]
    store = Store.open(gallery)
    space = open_space(store, gallery, store.recipes()[0], projection.DEFAULT)
    if not isinstance(space.index, SegmentedIndex):
        return sweep("imgsearch", [(0, lambda: space.index.search(queries, 11)[1] - 1)], options)
    base = space.index.base

    def search(nprobe: int) -> Callable[[], NDArray[np.int64]]:
        return lambda: np.searchsorted(base.ids, base.search(queries, 11, nprobe=nprobe)[1])

    def scored(nprobe: int) -> Callable[[], NDArray[np.int64]]:
        def run() -> NDArray[np.int64]:
            width = space.candidates(10) + 1
            candidates = base.search(queries, width, nprobe=nprobe)[1]
            found = np.empty((len(queries), 11), np.int64)
            for row, (one, some) in enumerate(zip(queries, candidates, strict=True)):
                ids, rows = space.vectors(store, some)
                best = np.argsort(-(rows @ one), kind="stable")[:11]
                found[row] = np.searchsorted(base.ids, ids[best])
            return found

        return run

    visits = [n for n in (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512) if n < base.nlist]
    figures = sweep("imgsearch", [(n, search(n)) for n in visits], options)
    return figures | sweep("imgsearch_scored", [(n, scored(n)) for n in visits], options)


def hnswlib(_: Path, options: argparse.Namespace) -> Figures:
    """Run hnswlib with the M and ef_construction of its README."""
    import hnswlib as library

    vectors, queries = rival_data(options.workspace)[:2]
    index = library.Index(space="ip", dim=vectors.shape[1])
    started = time.perf_counter()
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.add_items(vectors)
    built = time.perf_counter() - started
    index.set_num_threads(1)

    def search(ef: int) -> Callable[[], NDArray[np.int64]]:
        def run() -> NDArray[np.int64]:
            index.set_ef(ef)
            return index.knn_query(queries, k=11)[0].astype(np.int64)  # type: ignore[no-any-return]

        return run

    figures = sweep("hnswlib", [(ef, search(ef)) for ef in EF], options)
    return figures | {"hnswlib_build_s": round(built, 1), "hnswlib_peak_mb": peak_mb()}


def usearch(_: Path, options: argparse.Namespace) -> Figures:
    """Run usearch with its default connectivity and expansion, as float32."""
    from usearch.index import Index

    vectors, queries = rival_data(options.workspace)[:2]
    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
    started = time.perf_counter()
    index.add(np.arange(len(vectors)), vectors)
    built = time.perf_counter() - started

    def search(ef: int) -> Callable[[], NDArray[np.int64]]:
        def run() -> NDArray[np.int64]:
            index._compiled.expansion_search = ef  # noqa: SLF001  # has no other setter
            return np.asarray(index.search(queries, 11, threads=1).keys, dtype=np.int64)

        return run

    figures = sweep("usearch", [(ef, search(ef)) for ef in EF], options)
    return figures | {"usearch_build_s": round(built, 1), "usearch_peak_mb": peak_mb()}


def sklearn(_: Path, options: argparse.Namespace) -> Figures:
    """Run scikit-learn's NearestNeighbors, which is exact."""
    from sklearn.neighbors import NearestNeighbors

    vectors, queries = rival_data(options.workspace)[:2]
    started = time.perf_counter()
    fitted = NearestNeighbors(n_neighbors=11, algorithm="brute", n_jobs=1).fit(vectors)
    built = time.perf_counter() - started
    searches = [(0, lambda: fitted.kneighbors(queries, return_distance=False))]
    return sweep("sklearn", searches, options) | {"sklearn_build_s": round(built, 2)}


EF: Final = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)
STEPS: Final = {
    step.__name__: step
    for step in (fill, build, truth, query, grow, exact, ours, hnswlib, usearch, sklearn)
}


# What steps share.


def rival_data(
    workspace: Path,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return vectors, queries, and the rows of the queries' nearest neighbours."""
    vectors = np.load(workspace / "vectors.npy")
    wanted = np.load(workspace / "truth.npz")
    return vectors, vectors[wanted["asked"]], wanted["nearest"]


def recall(found: NDArray[np.int64], workspace: Path, nearest: NDArray[np.int64]) -> float:
    """Return the mean share of ten nearest neighbours found, the query itself left out."""
    asked = np.load(workspace / "truth.npz")["asked"]
    shares = [
        np.isin(near, line[line != own][:10]).mean()
        for own, near, line in zip(asked, nearest, found, strict=True)
    ]
    return round(float(np.mean(shares)), 4)


def sweep(
    name: str,
    searches: list[tuple[int, Callable[[], NDArray[np.int64]]]],
    options: argparse.Namespace,
) -> Figures:
    """Search harder until the recall suffices; return queries a second there and all points."""
    nearest = np.load(options.workspace / "truth.npz")["nearest"]
    points = []
    for effort, search in searches:
        search()
        best = min(timed(search) for _ in range(2))
        found = recall(search(), options.workspace, nearest)
        points.append((effort, found, round(len(nearest) / best)))
        if found >= EQUAL_RECALL:
            break
    effort, reached, speed = points[-1]
    return {
        f"{name}_qps": speed,
        f"{name}_recall": reached,
        f"{name}_effort": effort,
        f"{name}_points": points,
    }


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def milliseconds(seconds: list[float], percentile: float) -> float:
    """Return a percentile in milliseconds."""
    return round(1000 * float(np.percentile(seconds, percentile)), 2)


def peak_mb() -> int:
    """Return the peak of this process's resident memory in MB, mapped pages included."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except FileNotFoundError:
        import resource

        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) * 1024 / 1e6)


# The run.


def run_step(name: str, case: argparse.Namespace, *, threads: int | None = None) -> Figures:
    """Run a step in a process of its own."""
    command = [sys.executable, __file__, "--step", name, "--case", json.dumps(case_values(case))]
    limits = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, env=os.environ | limits, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        print(f"  {name}: failed with status {done.returncode}")
        return {f"{name}_failed": True}
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    print(f"  {name}: {figures}", flush=True)
    return figures


def case_values(case: argparse.Namespace) -> Figures:
    """Return a case as JSON takes it."""
    return {
        "size": case.size,
        "stretch": case.stretch,
        "raw": case.raw,
        "workspace": str(case.workspace),
        "embeddings": str(case.embeddings),
    }


def cold(gallery: Path, photos: Path) -> Figures:
    """Time `imgsearch query` by stored files, as whole processes."""
    command = [sys.executable, "-m", "imgsearch", "query", "--gallery", str(gallery), "--json"]
    seconds = []
    for number in range(5):
        picture = photos / f"{number:07}.jpg"
        started = time.perf_counter()
        subprocess.run([*command, str(picture)], cwd=REPOSITORY, capture_output=True, check=True)
        seconds.append(time.perf_counter() - started)
    return {"cold_query_s": round(statistics.median(seconds), 3)}


def measure(case: argparse.Namespace, options: argparse.Namespace) -> Figures:
    """Run all steps of one size and dim."""
    with tempfile.TemporaryDirectory(prefix="imgsearch-index-", dir=options.workspace) as folder:
        case.workspace = Path(folder)
        gallery = case.workspace / "gallery"
        figures: Figures = {"size": case.size, "dim": "raw" if case.raw else "projected"}
        print(f"{case.size:,} contents, {figures['dim']}", flush=True)
        for name, threads in (("fill", None), ("build", None), ("truth", None), ("query", 1)):
            figures |= run_step(name, case, threads=threads)
        if not case.raw:
            figures |= cold(gallery, case.workspace / "photos")
            print(f"  cold: {figures['cold_query_s']} s", flush=True)
        if case.size <= SKLEARN_MOST:
            figures |= run_step("exact", case, threads=1)
        figures |= run_step("ours", case, threads=1)
        figures |= run_step("grow", case)
        if options.rivals and (not case.raw or case.size <= RAW_RIVALS_MOST):
            for name in ("hnswlib", "usearch", "sklearn"):
                if name != "sklearn" or case.size <= SKLEARN_MOST:
                    one = 1 if name == "sklearn" else None
                    figures |= run_step(name, case, threads=one)
    return figures


def markdown(table: list[Figures], *, calibration: str, minutes: float) -> str:
    """Return the results as a page."""
    names = ("imgsearch", "numpy", "faiss-cpu", "hnswlib", "usearch", "scikit-learn")
    lines = [
        "# The index from a thousand to a million contents",
        "",
        "Made by `python benchmarks/index_scale.py`, whose docstring says what each figure is.",
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version_of(name)}" for name in names)
        + f"; commit {commit()}; {minutes:.0f} minutes in all. Builds use all processors, queries "
        "one thread.",
        "",
        "## Embeddings",
        "",
        "Grown from real ones; cosine to the nearest neighbour:",
        "",
        calibration,
        "",
        "## Growth",
        "",
        GROWTH_HEAD,
        "|---|" + "---|" * (GROWTH_HEAD.count("|") - 2),
    ]
    keys = (
        "kind", "build_s", "index_mb", "query_peak_mb", "open_ms", "answer_p50_ms",
        "answer_p95_ms", "index_p95_ms", "recall", "cold_query_s", "add_index_s", "add_to_found_s",
    )  # fmt: skip
    lines += [
        f"| {row['size']:,} | {row['dim']} | "
        + " | ".join(str(row.get(key, "")) for key in keys)
        + " |"
        for row in table
    ]
    lines += [
        "",
        "## Exact search, one query at a time",
        "",
        "| contents | searched | float32 p50 ms | float16 codes p50 ms | their recall@10 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['size']:,} | {row['dim']} | {row['flat_p50_ms']} | {row['flat16_p50_ms']} | "
        f"{row['flat16_recall']} |"
        for row in table
        if "flat_p50_ms" in row
    ]
    lines += [
        "",
        f"## Rivals: queries/s on one thread at the first setting of recall {EQUAL_RECALL}",
        "",
        RIVALS_NOTE,
        "",
        "| contents | searched | what | queries/s | recall@10 | nprobe or ef | build s | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table:
        for name in ("imgsearch", "imgsearch_scored", "hnswlib", "usearch", "sklearn"):
            if f"{name}_qps" in row:
                build_s = row["build_s"] if name == "imgsearch" else row.get(f"{name}_build_s", "")
                lines.append(
                    f"| {row['size']:,} | {row['dim']} | {name.replace('_', ', ')} | "
                    f"{row[f'{name}_qps']:,} | {row[f'{name}_recall']} | "
                    f"{row[f'{name}_effort'] or ''} | {build_s} | "
                    f"{row.get(f'{name}_peak_mb', '')} |"
                )
    return "\n".join(lines) + "\n"


def version_of(name: str) -> str:
    """Return the version of a package, or "absent"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def commit() -> str:
    """Return the commit that is measured, if this is a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  # found on the PATH
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="pictures to grow embeddings from")
    parser.add_argument("--embeddings", type=Path, help="the .npy file that keeps the real ones")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--dims", nargs="+", type=int, default=(projection.DEFAULT.dim, RAW_DIM))
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    parser.add_argument("--workspace", type=Path, help="where the galleries go for a while")
    parser.add_argument("--quick", action="store_true", help="1,000 contents of the sample's kind")
    parser.add_argument("--out", type=Path, default=RESULTS / "index_scale.md")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        values = json.loads(options.case)
        case = argparse.Namespace(**values)
        case.workspace, case.embeddings = Path(case.workspace), Path(case.embeddings)
        if case.raw:
            projection.DEFAULT = NONE  # type: ignore[misc]  # a gallery without a projection
        print(json.dumps(STEPS[options.step](case.workspace / "gallery", case)))
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="imgsearch-grown-") as folder:
        backbone = "mobilenet_v2"
        if options.quick:
            options.folders, options.sizes = [REPOSITORY / "sample_data" / "photos"], (1_000,)
            backbone = "compact"
            options.embeddings = Path(folder) / "real.npy"
            options.out = Path(folder) / "index_scale.md"
        if options.embeddings is None:
            options.embeddings = Path(folder) / "real.npy"
        from grown_embeddings import Grown, embed

        if not options.embeddings.is_file():
            np.save(options.embeddings, embed(options.folders, backbone))
        real = np.load(options.embeddings)
        grown = {dim: Grown.calibrated(real, projected=dim != RAW_DIM) for dim in options.dims}
        calibration = "\n\n".join(
            f"{'raw' if dim == RAW_DIM else 'projected'}, stretch {source.stretch:.3f}:\n\n"
            + source.calibration(projected=dim != RAW_DIM)
            for dim, source in grown.items()
        )
        table = []
        for size in options.sizes:
            for dim in options.dims:
                case = argparse.Namespace(
                    size=size,
                    raw=dim == RAW_DIM,
                    stretch=grown[dim].stretch,
                    embeddings=options.embeddings.absolute(),
                )
                table.append(measure(case, options))
                minutes = (time.perf_counter() - started) / 60
                page = markdown(table, calibration=calibration, minutes=minutes)
                options.out.write_text(page, encoding="utf-8")
                options.out.with_suffix(".json").write_text(
                    json.dumps(table, indent=2) + "\n", encoding="utf-8"
                )
        print(page)


if __name__ == "__main__":
    main()

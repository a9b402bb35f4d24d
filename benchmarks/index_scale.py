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
* rivals over the same vectors (index_rivals.py): libraries and embedded databases with the settings
  of their documentation: build, memory, bytes on disk, load, and queries a second on one thread at
  equal recall.

    python benchmarks/index_scale.py FOLDER... --embeddings real.npy
    python benchmarks/index_scale.py --embeddings real.npy --sizes 1000 10000 --dims 160
    python benchmarks/index_scale.py --quick

FOLDERs of images are embedded once, into the file that --embeddings names.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from index_gallery import add, fill, truth
from index_measures import milliseconds, peak_mb, recall, rival_data, sweep, timed
from index_report import page
from index_rivals import RIVALS, SKLEARN_MOST, build_rival, limits, search_rival

from imgsearch.search.answering import Question, answer
from imgsearch.search.space_cache import open_space, refresh_cache
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.filters import Filters
from imgsearch.vectors import projection_choice
from imgsearch.vectors.probes import Probes
from imgsearch.vectors.projection_choice import NONE
from imgsearch.vectors.segmented import SegmentedIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_measures import Figures
    from numpy.typing import NDArray

REPOSITORY: Final = Path(__file__).parents[1]
RESULTS: Final = Path(__file__).parent / "results"
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
RAW_DIM: Final = 1280
ADDED: Final = 1_000
# If a rival hangs, the run continues without it.
RIVAL_SECONDS: Final = 1_800


# Steps, each run in its own process.


def build(gallery: Path, _: argparse.Namespace) -> Figures:
    """Build the index and write it, as the end of `imgsearch index` does."""
    store = Store.create(gallery)
    stored = store.recipes()[0]
    started = time.perf_counter()
    space = refresh_cache(Embeddings(store, gallery, stored))
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
            "probed": round(base.measured.probed, 1),
            "recall_measured": round(base.measured.recall, 4),
        }
    return figures


def query(gallery: Path, options: argparse.Namespace) -> Figures:
    """Run the queries one by one in a process that does nothing else."""
    started = time.perf_counter()
    store = Store.open(gallery)
    stored = store.recipes()[0]
    with store.snapshot():
        held = Embeddings(store, gallery, stored)
        space = open_space(held, projection_choice.DEFAULT)
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
            vector = space.project(raw[np.newaxis])[0]
            started = time.perf_counter()
            found = answer(held, space, Question(vector, 10, Filters(), excluded=(own,)))
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
    refresh_cache(Embeddings(store, gallery, store.recipes()[0]))
    refreshed = time.perf_counter() - started - committed
    with closing(Store.open(gallery)) as reader, reader.snapshot():
        held = Embeddings(reader, gallery, reader.recipes()[0])
        space = open_space(held, projection_choice.DEFAULT)
        vector = space.project(fresh[:1])[0]
        (match,) = answer(held, space, Question(vector, 1, Filters()))
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
    """Search the gallery's own index in one call, through ever more lists.

    The effort is the share of the lists' weight in per cent, at the temperature that the index has
    measured, or nprobe where it probes a fixed number. Without and with exact scores from the rows.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    queries = rival_data(options.workspace)[1]
    store = Store.open(gallery)
    held = Embeddings(store, gallery, store.recipes()[0])
    space = open_space(held, projection_choice.DEFAULT)
    if not isinstance(space.index, SegmentedIndex):
        return sweep("imgsearch", [(0, lambda: space.index.search(queries, 11)[1] - 1)], options)
    base = space.index.base

    def search(probes: Probes) -> Callable[[], NDArray[np.int64]]:
        return lambda: np.searchsorted(base.ids, base.search(queries, 11, probes=probes)[1])

    def scored(probes: Probes) -> Callable[[], NDArray[np.int64]]:
        def run() -> NDArray[np.int64]:
            width = space.candidates(10) + 1
            candidates = base.search(queries, width, probes=probes)[1]
            found = np.empty((len(queries), 11), np.int64)
            for row, (one, some) in enumerate(zip(queries, candidates, strict=True)):
                ids, rows = space.vectors(held, some)
                best = np.argsort(-(rows @ one), kind="stable")[:11]
                found[row] = np.searchsorted(base.ids, ids[best])
            return found

        return run

    efforts = _efforts(base.measured.probes, base.nlist)
    figures: Figures = {}
    if not base.plan.reduced:  # else its scores are approximate, and only give candidates
        figures = sweep("imgsearch", [(n, search(rule)) for n, rule in efforts], options)
    return figures | sweep("imgsearch_scored", [(n, scored(rule)) for n, rule in efforts], options)


def _efforts(measured: Probes, nlist: int) -> list[tuple[int, Probes]]:
    if measured.share >= 1:
        numbers = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
        return [(n, Probes(nprobe=n)) for n in numbers if n < nlist] or [(1, Probes(nprobe=1))]
    percent = (40, 50, 60, 65, 70, 75, 80, 83, 86, 89, 92, 94, 96, 98, 99)
    return [(n, replace(measured, share=n / 100)) for n in percent]


def _rival_step(
    step: Callable[[str, argparse.Namespace], Figures],
    name: str,
    _: Path,
    options: argparse.Namespace,
) -> Figures:
    return step(name, options)


STEPS: Final[dict[str, Callable[[Path, argparse.Namespace], Figures]]] = {
    **{step.__name__: step for step in (fill, build, truth, query, grow, exact, ours)},
    **{f"{name}_build": partial(_rival_step, build_rival, name) for name in RIVALS},
    **{f"{name}_search": partial(_rival_step, search_rival, name) for name in RIVALS},
}


# The run.


def run_step(
    name: str,
    case: argparse.Namespace,
    *,
    threads: int | None = None,
    timeout_s: float | None = None,
) -> Figures:
    """Run a step in its own process.

    Args:
        name: of the step.
        case: size, dim and workspace.
        threads: 1 limits the step to one thread where its libraries can be limited.
        timeout_s: after so many seconds it counts as failed.

    Returns:
        The step's figures; where it failed, only `NAME_failed` with the reason.
    """
    command = [sys.executable, __file__, "--step", name, "--case", json.dumps(case_values(case))]
    try:
        done = subprocess.run(
            command,
            env=limits() if threads == 1 else None,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        reason = f"status {done.returncode}" if done.returncode else None
    except subprocess.TimeoutExpired:
        reason = f"not done after {timeout_s:.0f} s"
    if reason is not None:
        print(f"  {name}: failed, {reason}", flush=True)
        return {f"{name}_failed": reason}
    # Some libraries write to stdout when they exit.
    line = [line for line in done.stdout.splitlines() if line.startswith("{")][-1]
    figures: Figures = json.loads(line)
    print(f"  {name}: {figures}", flush=True)
    return figures


def case_values(case: argparse.Namespace) -> Figures:
    """Return a case as JSON."""
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
        path = photos / f"{number:07}.jpg"
        started = time.perf_counter()
        subprocess.run([*command, str(path)], cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
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
        if options.rivals:
            figures |= run_rivals(case)
    return figures


def run_rivals(case: argparse.Namespace) -> Figures:
    """Build and search with every rival that is installed; name the others, and what failed."""
    figures: Figures = {}
    left_out = []
    for name, rival in RIVALS.items():
        if not rival.installed:
            left_out.append(f"{name}: {rival.package} is not installed")
        elif not rival.takes(case.size, raw=case.raw):
            left_out.append(f"{name}: not asked for so many")
        else:
            one = 1 if rival.single else None
            found = run_step(f"{name}_build", case, threads=one, timeout_s=RIVAL_SECONDS)
            if f"{name}_build_failed" not in found:
                found |= run_step(f"{name}_search", case, threads=1, timeout_s=RIVAL_SECONDS)
            left_out += [f"{name}: failed, {found[key]}" for key in found if "_failed" in key]
            figures |= found
            shutil.rmtree(case.workspace / name, ignore_errors=True)
    for line in left_out:
        print(f"  left out, {line}", flush=True)
    return figures | {"left_out": left_out}


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="images to grow embeddings from")
    parser.add_argument("--embeddings", type=Path, help="the .npy file of the real ones")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument(
        "--dims", nargs="+", type=int, default=(projection_choice.DEFAULT.dim, RAW_DIM)
    )
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    parser.add_argument("--workspace", type=Path, help="folder for temporary galleries")
    parser.add_argument(
        "--quick", action="store_true", help="1,000 contents grown from the sample photos"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "index_scale.md")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        values = json.loads(options.case)
        case = argparse.Namespace(**values)
        case.workspace, case.embeddings = Path(case.workspace), Path(case.embeddings)
        if case.raw:
            projection_choice.DEFAULT = NONE  # type: ignore[misc]  # a gallery without a projection
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
                report = page(table, calibration=calibration, minutes=minutes)
                options.out.write_text(report, encoding="utf-8")
                options.out.with_suffix(".json").write_text(
                    json.dumps(table, indent=2) + "\n", encoding="utf-8"
                )
        print(report)


if __name__ == "__main__":
    main()

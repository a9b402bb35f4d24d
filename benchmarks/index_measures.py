"""Shared by the steps of index_scale.py: vectors, ANN recall, sweeps, times and memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from numpy.typing import NDArray

    Figures = dict[str, Any]

EQUAL_RECALL: Final = 0.97


def rival_data(
    workspace: Path,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return vectors, queries, and the rows of the queries' nearest neighbours.

    Args:
        workspace: where the step `truth` wrote its files.

    Returns:
        Vectors `(n, dim)`, queries `(q, dim)`, both unit rows, and rows of vectors `(q, 10)`.
    """
    vectors = np.load(workspace / "vectors.npy")
    wanted = np.load(workspace / "truth.npz")
    return vectors, vectors[wanted["asked"]], wanted["nearest"]


def recall(found: NDArray[np.int64], workspace: Path, nearest: NDArray[np.int64]) -> float:
    """Return the mean share of ten nearest neighbours found, the query itself left out.

    Args:
        found: rows of vectors `(q, 11)`, nearest first, -1 where nothing was found.
        workspace: where the step `truth` wrote its files.
        nearest: the true rows `(q, 10)`.
    """
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
    """Search harder until the recall suffices; return queries/s there and all points.

    Args:
        name: prefix of the figures' names.
        searches: efforts, ascending, each with a search of all queries, which returns rows of
            vectors `(q, 11)`.
        options: of the case, for its workspace.

    Returns:
        `NAME_qps`, `_recall`, `_effort` and `_cores` (processors in use on average, of this
        process) at the first effort that reaches the recall, or else at the last; and `_points`,
        each an effort, its recall and its queries/s.
    """
    nearest = np.load(options.workspace / "truth.npz")["nearest"]
    points = []
    cores = 0.0
    for effort, search in searches:
        rows = search()
        best = float("inf")
        for _ in range(2):
            spent = time.process_time()
            seconds = timed(search)
            if seconds < best:
                best, cores = seconds, (time.process_time() - spent) / seconds
        found = recall(rows, options.workspace, nearest)
        points.append((effort, found, round(len(nearest) / best)))
        if found >= EQUAL_RECALL:
            break
    effort, reached, speed = points[-1]
    return {
        f"{name}_qps": speed,
        f"{name}_recall": reached,
        f"{name}_effort": effort,
        f"{name}_cores": round(cores, 2),
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
    """Return the peak resident memory of this process and its children that run, in MB.

    Mapped pages are included. Some databases start child processes; only Linux reports them.
    """
    try:
        own = _high_water_mark("self")
    except FileNotFoundError:
        import resource

        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    children = [
        child
        for path in Path("/proc/self/task").glob("*/children")
        for child in path.read_text(encoding="ascii").split()
    ]
    return round((own + sum(map(_high_water_mark, children))) / 1e6)


def _high_water_mark(process: str) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def disk_mb(folder: Path) -> float:
    """Return the size of all files in a folder, in MB."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return round(sum(path.stat().st_size for path in files) / 1e6, 1)

"""The results page of index_scale.py: tables, machine and run."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Final

from index_measures import EQUAL_RECALL
from index_rivals import RIVALS
from run_facts import commit, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index_measures import Figures

PACKAGES: Final = ("imgsearch", "numpy", "faiss-cpu", *(one.package for one in RIVALS.values()))
GROWTH: Final = {
    "index": "kind",
    "build s": "build_s",
    "index MB": "index_mb",
    "query process peak MB": "query_peak_mb",
    "open ms": "open_ms",
    "answer p50 ms": "answer_p50_ms",
    "p95 ms": "answer_p95_ms",
    "index alone p95 ms": "index_p95_ms",
    "ANN recall@10": "recall",
    "cold query s": "cold_query_s",
    "add 1,000: index s": "add_index_s",
    "until found s": "add_to_found_s",
}
EXACT: Final = {
    "float32 p50 ms": "flat_p50_ms",
    "float16 codes p50 ms": "flat16_p50_ms",
    "their recall@10": "flat16_recall",
}
# Of each contender, after its name and an underscore.
RIVAL: Final = {
    "queries/s": "qps",
    "recall@10": "recall",
    "share of weight in %, nprobe or ef": "effort",
    "processors in use": "cores",
    "build s": "build_s",
    "build peak MB": "peak_mb",
    "on disk MB": "disk_mb",
    "load s": "load_s",
    "query process peak MB": "query_peak_mb",
}
RIVALS_NOTE: Final = (
    "All queries run in one call, except with LanceDB, which takes one at a time. *imgsearch* is "
    "its index alone, as are hnswlib's, usearch's and scikit-learn's; *scored* adds exact scores "
    "from the rows of SQLite, as every query of a gallery does. Milvus Lite, Chroma and LanceDB "
    "are databases, queried for ids only. `benchmarks/index_rivals.py` says how each is "
    "configured, and whose threads cannot be limited: that is why more than one processor was "
    "sometimes in use. Each builds in one process and answers in another. Load is the time to the "
    "first answer, without imports; build includes saving, and its peak memory includes the input "
    "vectors."
)


def page(rows: Sequence[Figures], *, calibration: str, minutes: float) -> str:
    """Return the results as a page of Markdown.

    Args:
        rows: the figures of each size and dim, from `measure` in index_scale.py.
        calibration: tables of the distances between grown embeddings.
        minutes: duration of the run so far.
    """
    lines = [
        "# The index from a thousand to a million contents",
        "",
        "Made by `python benchmarks/index_scale.py`, whose docstring says what each figure is.",
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version_of(name)}" for name in PACKAGES)
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
        *_head("contents", "searched", *GROWTH),
        *(_line(*_case(row), *(row.get(key, "") for key in GROWTH.values())) for row in rows),
        "",
        "## Exact search, one query at a time",
        "",
        *_head("contents", "searched", *EXACT),
        *(
            _line(*_case(row), *(row[key] for key in EXACT.values()))
            for row in rows
            if "flat_p50_ms" in row
        ),
        "",
        f"## Rivals: queries/s on one thread at the first setting of recall {EQUAL_RECALL}",
        "",
        RIVALS_NOTE,
        "",
        *_head("contents", "searched", "what", *RIVAL),
        *(line for row in rows for line in _contenders(row)),
    ]
    left_out = [
        f"- {row['size']:,} {row['dim']}: {'; '.join(row['left_out'])}"
        for row in rows
        if row.get("left_out")
    ]
    lines += ["", "Left out:", "", *left_out] if left_out else []
    return "\n".join(lines) + "\n"


def _contenders(row: Figures) -> list[str]:
    """Return the lines of one case, one per index or database."""
    ours = {
        "imgsearch_build_s": row.get("build_s", ""),
        "imgsearch_peak_mb": row.get("build_peak_mb", ""),
        "imgsearch_disk_mb": row.get("index_mb", ""),
    }
    known = row | ours
    lines = []
    for name in ("imgsearch", "imgsearch_scored", *RIVALS):
        if f"{name}_qps" in known:
            cells = [known.get(f"{name}_{key}", "") for key in RIVAL.values()]
            cells[0] = f"{cells[0]:,}"
            # An effort of 0: there is no setting.
            cells[2] = cells[2] or ""
            lines.append(_line(*_case(row), name.replace("_", ", "), *cells))
    return lines


def _case(row: Figures) -> tuple[str, str]:
    return f"{row['size']:,}", row["dim"]


def _head(*names: str) -> list[str]:
    return [_line(*names), "|" + "---|" * len(names)]


def _line(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"

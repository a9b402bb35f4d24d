"""What the metrics cost on 20,000 images, all of them queries.

Makes embeddings as a backbone would leave them: classes of 20 to 200 images (their sizes uniform in
the logarithm), each a direction of its own with noise around it, all rows of unit length. Every
image is a query, the others of its class are relevant. In a process of its own for each dim, and
after the embeddings are there, it measures seconds and peak memory of

* the rankings, with the first 100 answers kept, as all metrics but micro-AP need them;
* the same with the ranking across queries, which micro-AP needs;
* every metric, with its interval from 2,000 draws over the classes.

    python benchmarks/evaluation_scale.py --markdown FILE --json FILE
    python benchmarks/evaluation_scale.py --quick
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from run_facts import facts

from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.evaluation.metrics.bootstrap import estimate
from imgsearch.evaluation.metrics.metrics import DEFAULT_METRICS, parse_metric
from imgsearch.evaluation.metrics.rankings import rank, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNT: Final = 20_000
QUICK_COUNT: Final = 2_000
DIMS: Final = (160, 1280)
SMALLEST: Final = 20
LARGEST: Final = 200
# Length of the noise relative to a class's unit direction: large enough for many mistakes.
NOISE: Final = {160: 2.0, 1280: 3.5}
NOTE: Final = (
    "The goal is 60 seconds and 2 GB on two cores, after embedding.",
    "`python benchmarks/evaluation_scale.py` measures it again; its docstring describes the",
    'embeddings. "rank" is what all metrics except micro-AP need; "rank, across queries too"',
    "replaces it and does not follow it.",
)
OTHERS: Final = tuple(
    map(
        parse_metric,
        ("mAP-trapezoid", "mAP@10", "nDCG@10", "MRR", "N-S", "mP@10", "micro-AP"),
    )
)


def ground_truth(count: int, generator: np.random.Generator) -> GroundTruth:
    """Return classes of consecutive images, every image a query."""
    queries: list[Query] = []
    while len(queries) < count:
        start = len(queries)
        size = round(SMALLEST * (LARGEST / SMALLEST) ** generator.random())
        members = np.arange(start, min(start + size, count))
        queries += [
            Query(
                item=int(member),
                relevant=members[members != member],
                junk=np.empty(0, dtype=np.int64),
                group=str(start),
            )
            for member in members
        ]
    nowhere = Path(os.devnull)  # no image is opened here
    return GroundTruth(
        name="synthetic",
        items=tuple(Item(nowhere) for _ in range(count)),
        gallery=np.arange(count),
        queries=tuple(queries),
    )


def embeddings(groups: list[str], dim: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return a unit row for each image, near its class's direction."""
    _, owners = np.unique(groups, return_inverse=True)
    directions = generator.standard_normal((owners.max() + 1, dim), dtype=np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = generator.standard_normal((len(groups), dim), dtype=np.float32)
    rows *= NOISE[dim] / np.sqrt(dim, dtype=np.float32)
    rows += directions[owners]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def peak() -> float:
    """Return the peak memory of this process so far, in MB."""
    # Linux reports kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(count: int, dim: int) -> dict[str, object]:
    """Measure one dim, in this process."""
    generator = np.random.default_rng(0)
    truth = ground_truth(count, generator)
    groups = [query.group for query in truth.queries]
    rows = embeddings(groups, dim, generator)
    before, seconds = peak(), {}
    scores = similarity(rows, rows)
    for across_queries in (False, True):
        started = time.perf_counter()
        rankings = rank(truth, scores, across_queries=across_queries)
        seconds["rank, across queries too" if across_queries else "rank"] = (
            time.perf_counter() - started
        )
    started = time.perf_counter()
    figures = {}
    for metric in (*DEFAULT_METRICS, *OTHERS):
        found = estimate(metric.values(rankings), groups)
        figures[metric.name] = (found.value, found.low, found.high)
    seconds["all metrics and intervals"] = time.perf_counter() - started
    return {
        "dim": dim,
        "images": count,
        "classes": len(set(groups)),
        "relevant pairs": len(rankings.ranks),
        "seconds": seconds,
        "peak MB before": before,
        "peak MB": peak(),
        "figures": figures,
    }


def report(result: dict[str, Any]) -> list[str]:
    """Return one dim's lines of Markdown."""
    return [
        "",
        (
            f"### {result['images']:,} images of {result['classes']} classes, "
            f"{result['relevant pairs']:,} relevant pairs, dim {result['dim']}"
        ),
        "",
        "| step | seconds |",
        "|---|---|",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in result["seconds"].items()),
        "",
        (
            f"Peak memory {result['peak MB']:,.0f} MB, of which {result['peak MB before']:,.0f} MB "
            "with the embeddings alone."
        ),
        "",
        "| metric | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {name} | {value:.4f} | {low:.4f} to {high:.4f} |"
            for name, (value, low, high) in result["figures"].items()
        ),
    ]


def main() -> None:
    """Measure each dim in a process of its own, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COUNT:,} images")
    parser.add_argument("--markdown", type=Path, help="write the report into this file too")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    count = QUICK_COUNT if arguments.quick else COUNT
    if arguments.worker:
        print(json.dumps(measure(count, arguments.worker)))
        return
    results = []
    for dim in DIMS:
        command = [sys.executable, __file__, "--worker", str(dim)]
        command += ["--quick"] if arguments.quick else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        results.append(json.loads(done.stdout))
    head = f"# What the metrics cost on {count:,} images, all of them queries"
    lines = [
        head,
        "",
        *NOTE,
        "",
        *facts(),
        *(line for result in results for line in report(result)),
        "",
    ]
    page = "\n".join(lines)
    print(page)
    if arguments.markdown:
        arguments.markdown.write_text(page, encoding="utf-8")
    if arguments.json:
        figures = {"run": facts(), "results": results}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

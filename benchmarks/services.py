"""Search services beside the gallery's own index: recall under filters, and what an answer costs.

    python benchmarks/services.py --embeddings real.npy --markdown benchmarks/results/services.md
    python benchmarks/services.py --quick

A gallery of grown embeddings with dates, cameras, places, sizes and folders is published to a real
server of each engine that is installed here, on this machine. Embeddings that the gallery has not
ask for their nearest ten under each filter. The gallery's exact search says what is right; the
contenders answer in turn, so that what else the machine does meets all of them.

Processor time is that of this process and of the servers that it has started.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from grown_embeddings import NEAREST, Grown, neighbours
from index_gallery import add
from run_facts import facts

from imgsearch import Filters, Gallery, Near, PublishedGallery
from imgsearch.recipe import Recipe
from imgsearch.search.local_engine import LocalEngine
from imgsearch.search.space_cache import refresh_cache
from imgsearch.services import finding
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from imgsearch import Match

    Ask = Callable[[NDArray[np.float32], Filters], list[Match]]

K: Final = 10
RECALL: Final = 0.97
CAMERAS: Final = ("NIKON D850", "Canon EOS R5", "SONY ILCE-7M3", "Leica Q2", None)
IN_TURN: Final = 20  # queries; the system counts processor time in steps of 10 ms
JPEGS: Final = 0.45
ACROSS: Final = 100  # folders
EXACT: Final = "gallery, exact"


def filters(photos: Path) -> dict[str, Filters]:
    """Return the filters, the wide ones first."""
    return {
        "none": Filters(),
        "min_width ≥ 500 of 0 to 5000": Filters(min_width=500),
        "not before 2011, of 2010 to 2019": Filters(after="2011"),
        "60 folders of 100": Filters(under=tuple(photos / f"{n:02}" for n in range(60))),
        "half of the years": Filters(after="2015"),
        "format, 45 %": Filters(formats=("JPEG",)),
        "40 folders of 100": Filters(under=tuple(photos / f"{n:02}" for n in range(40))),
        "camera, 20 %": Filters(camera="nikon"),
        "one year": Filters(after="2013", before="2014"),
        "near, 400 km": Filters(near=Near(45, 5, 400)),
        "camera and half of the years": Filters(camera="canon", after="2015"),
        "one month": Filters(after="2013-05", before="2013-06"),
        "one folder": Filters(under=(photos / "07",)),
        "near, 50 km": Filters(near=Near(45, 5, 50)),
        "one folder and a camera": Filters(under=(photos / "07",), camera="leica"),
        "one day": Filters(after="2013-05-01", before="2013-05-02"),
    }


def make_gallery(folder: Path, source: Grown, count: int) -> Path:
    """Fill a gallery with grown embeddings, of which files, dates and the rest are told."""
    path, photos = folder / "grown.gallery", folder / "photos"
    photos.mkdir()
    store = Store.create(path)
    recipe = Recipe(
        backbone="mobilenet_v2",
        weights="sha256:" + "0" * 64,
        layer="out_relu",
        size=224,
        resize="squash",
        pooling="gap",
        dim=source.real.shape[1],
        preprocessing="tf",
    )
    with store.transaction():
        stored = store.add_recipe(recipe)
        root = store.add_root(photos, recursive=True)
    done = 0
    for block in source.blocks(count):
        add(store, stored, root.id, block, start=done)
        done += len(block)
    store.close()
    retell(path)
    store = Store.create(path)
    refresh_cache(Embeddings(store, path, store.recipes()[0]))
    store.close()
    return path


def retell(path: Path) -> None:
    """Write folders, dates, cameras, places and sizes into the gallery's rows."""
    drawn = np.random.default_rng(11)
    connection = sqlite3.connect(path / "gallery.db")
    with connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM content ORDER BY id")]
        connection.executemany(
            "UPDATE content SET taken = ?, camera = ?, width = ?, format = ?, latitude = ?, "
            "longitude = ? WHERE id = ?",
            [
                (
                    "{}-{:02}-{:02}T12:00:00".format(*drawn.integers((2010, 1, 1), (2020, 13, 29))),
                    CAMERAS[drawn.integers(len(CAMERAS))],
                    int(drawn.integers(5000)),
                    "JPEG" if drawn.random() < JPEGS else "PNG",
                    float(drawn.uniform(40, 50)),
                    float(drawn.uniform(0, 10)),
                    content_id,
                )
                for content_id in ids
            ],
        )
        connection.executemany(
            "UPDATE file SET path = ? || '/' || path WHERE id = ?",
            [
                (f"{drawn.integers(ACROSS):02}", row[0])
                for row in connection.execute("SELECT id FROM file").fetchall()
            ],
        )
        connection.execute("UPDATE file SET path = CAST(path AS BLOB)")
    connection.close()


def processor_seconds() -> float:
    """Return the processor time of this process and all that it has started, ended or not."""
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(stat.parent.name)
        parents[number] = int(fields[1])
        # proc(5): utime and stime, and the same of children that have ended.
        spent[number] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    total = 0.0
    for number, seconds in spent.items():
        at = number
        while at > 1 and at != os.getpid():
            at = parents.get(at, 0)
        total += seconds if at == os.getpid() else 0.0
    return total


def publish(gallery: Gallery, name: str, address: str) -> dict[str, Any]:
    """Publish a gallery, and again without a change; return what that took."""
    figures: dict[str, Any] = {}
    for what in ("first", "again"):
        started, spent = time.perf_counter(), processor_seconds()
        report = gallery.publish(address)
        figures[f"{what}_sent"] = report.sent
        figures[f"{what}_s"] = round(time.perf_counter() - started, 1)
        figures[f"{what}_cpu_s"] = round(processor_seconds() - spent, 1)
    with PublishedGallery(address) as published:
        there = published.information()
        figures |= {"engine": there.engine, "index": there.index, "bytes": there.bytes}
    print(name, figures, flush=True)
    return figures


def measure(
    contenders: dict[str, Ask], where: Filters, queries: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """Ask all contenders the same in turn; return recall, faults and milliseconds of each."""
    rows: dict[str, dict[str, Any]] = {
        name: {"hits": 0, "wanted": 0, "faults": 0, "ms": [], "cpu": 0.0} for name in contenders
    }
    for start in range(0, len(queries), IN_TURN):
        block = queries[start : start + IN_TURN]
        right = [contenders[EXACT](query, where) for query in block]
        for name, ask in contenders.items():
            row, answers = rows[name], []
            spent = processor_seconds()
            for query in block:
                started = time.perf_counter()
                answers.append(ask(query, where))
                row["ms"].append(1000 * (time.perf_counter() - started))
            row["cpu"] += 1000 * (processor_seconds() - spent)
            for matches, found in zip(right, answers, strict=True):
                scores = {match.content: match.score for match in matches}
                row["wanted"] += len(matches)
                row["hits"] += sum(match.content in scores for match in found)
                row["faults"] += len(found) != len(matches) or any(
                    scores.get(match.content, match.score) != match.score for match in found
                )
    return {
        name: {
            "recall": row["hits"] / row["wanted"] if row["wanted"] else 1.0,
            "faults": row["faults"],
            "p50_ms": float(np.percentile(row["ms"], 50)),
            "p95_ms": float(np.percentile(row["ms"], 95)),
            "cpu_ms": row["cpu"] / len(queries),
        }
        for name, row in rows.items()
    }


def passing(gallery: Path, where: Filters) -> float:
    """Return the share of the contents that pass filters."""
    from imgsearch.storage.passing import allowed_ids

    store = Store.open(gallery)
    allowed = allowed_ids(store, where)
    share = 1.0 if allowed is None else len(allowed) / store.content_count()
    store.close()
    return share


def servers(wanted: Sequence[str], stack: ExitStack, folder: Path) -> dict[str, str]:
    """Start the engines that are installed here; return an address at each."""
    import pytest
    from services.engines import ENGINES

    finding.ENGINES["memory"] = "services.memory_engine"
    found = {}
    for name in wanted or [name for name in ENGINES if name != "memory"]:
        place = folder / name
        place.mkdir()
        try:
            server = ENGINES[name](place)
        except pytest.skip.Exception as missing:
            print(f"{name} is left out: {missing}")
            continue
        server.start()
        stack.callback(server.stop)
        found[name] = server.address("benchmark")
    return found


def page(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    names = list(next(iter(result["filters"].values()))["contenders"])
    lines = [*facts(), "", "| filter | lets through |" + "".join(f" {name} |" for name in names)]
    lines.append("|---|---|" + "---|" * len(names))
    for name, row in result["filters"].items():
        cells = [
            f"{one['recall']:.3f}, {one['p50_ms']:.1f} ms, {one['cpu_ms']:.1f} ms CPU"
            + (f", {one['faults']} faults" if one["faults"] else "")
            for one in row["contenders"].values()
        ]
        lines.append(f"| {name} | {100 * row['share']:.2f} % | {' | '.join(cells)} |")
    lines += ["", "```json", json.dumps(result["published"], indent=1), "```", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--embeddings", type=Path, help="real ones, as grown_embeddings.py writes")
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100, help="under each filter")
    parser.add_argument("--stretch", type=float, default=1.0)
    parser.add_argument("--engines", nargs="*", default=[], help="default: all that are installed")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="only that it runs")
    options = parser.parse_args()
    if options.quick:
        options.size, options.queries, options.engines = 1200, 3, options.engines or ["memory"]
    if options.embeddings is None:
        drawn = np.random.default_rng(0).random((400, 64), np.float32) ** 4
        real = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    else:
        real = np.load(options.embeddings)
    source = Grown(real, neighbours(real, NEAREST)[1], options.stretch)
    queries = source.draw(options.queries, seed=123_456)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = make_gallery(folder, source, options.size)
        exact = stack.enter_context(Gallery(path, engine=LocalEngine(exact=True)))
        own = stack.enter_context(Gallery(path))
        contenders: dict[str, Ask] = {
            EXACT: lambda query, where: exact.query(query, k=K, where=where),
            "gallery": lambda query, where: own.query(query, k=K, where=where),
        }
        result: dict[str, Any] = {"size": options.size, "published": {}, "filters": {}}
        for engine, address in servers(options.engines, stack, folder).items():
            result["published"][engine] = publish(own, engine, address)
            published = stack.enter_context(PublishedGallery(address))
            contenders[engine] = lambda query, where, asked=published: asked.query(  # type: ignore[misc]
                query, k=K, where=where
            )
        for what, where in filters(folder / "photos").items():
            measure(contenders, where, queries[:1])  # caches and connections
            result["filters"][what] = {
                "share": passing(path, where),
                "contenders": measure(contenders, where, queries),
            }
            shown = result["filters"][what]["contenders"]
            print(what, {key: round(row["recall"], 4) for key, row in shown.items()}, flush=True)
    text = page(result)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    worst = min(
        row["recall"]
        for rows in result["filters"].values()
        for name, row in rows["contenders"].items()
    )
    print(f"least ANN recall@10: {worst:.4f}; wanted: {RECALL}")


if __name__ == "__main__":
    main()

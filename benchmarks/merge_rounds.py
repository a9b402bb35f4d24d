"""Merge shares of a collection, kill the merge at random moments, and compare with one run.

Four galleries hold a quarter of the pictures each. Every round starts `imgsearch merge` of them in
a process of its own and kills it with SIGKILL at a random moment. Afterwards the merged gallery has
to be sound, and to hold each part as a whole or not at all. Whenever a merge finishes before it is
killed, or when all parts had come in, the contents, embeddings, files and answers must be those of
a gallery indexed in one go; then a new gallery is begun. Exit status 1 if anything differs.

    python benchmarks/merge_rounds.py --rounds 50 --json benchmarks/results/merging.json
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from crash_gallery import ColourGrids, answers, make_pictures, stored_vectors

from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.indexing.shards import Shard

PARTS: Final = 4
QUERIES: Final = 12


@dataclass
class Outcome:
    """What all rounds gave; `parts_at_kill` counts the parts that had come in at each kill."""

    finished: int = 0
    parts_at_kill: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def index(gallery: Path, photos: Path, shard: Shard | None = None) -> None:
    """Index the pictures, or a share of them."""
    with Gallery(gallery, source=ColourGrids()) as opened:
        opened.index(photos, options=IndexOptions(shard=shard))


def merge(gallery: Path, parts: list[Path]) -> None:
    """Merge the parts, in this process."""
    with Gallery(gallery, source=ColourGrids()) as opened:
        opened.merge(*parts)


def run_rounds(workspace: Path, *, rounds: int, pictures: int, seed: int) -> dict[str, object]:
    """Start, kill and examine; return the table of figures and faults.

    Args:
        workspace: an empty folder.
        rounds: how many merges are killed before their end.
        pictures: how many there are.
        seed: of the moments.
    """
    random = np.random.default_rng(seed)
    photos, whole, merged = workspace / "photos", workspace / "whole", workspace / "merged"
    make_pictures(photos, pictures)
    began = time.process_time()
    index(whole, photos)
    indexing = time.process_time() - began
    parts = [workspace / f"part{number}" for number in range(1, PARTS + 1)]
    for number, part in enumerate(parts, 1):
        index(part, photos, Shard(number, PARTS))
    held = [stored_vectors(part) for part in parts]
    began, clock = time.process_time(), time.monotonic()
    merge(merged, parts)
    merging, duration = time.process_time() - began, time.monotonic() - clock
    outcome = Outcome()
    outcome.faults += [f"undisturbed: {fault}" for fault in differences(merged, whole, photos)]
    shutil.rmtree(merged)
    while len(outcome.parts_at_kill) < rounds:
        ended = _one_merge(merged, parts, seconds=float(random.uniform(0, duration * 1.1)))
        where = f"kill {len(outcome.parts_at_kill) + 1}"
        come = _parts_in(merged, held)
        if come is None:
            outcome.faults.append(f"{where}: a part came in by half")
        outcome.faults += [f"{where}: {fault}" for fault in _check(merged)]
        if not ended:
            outcome.parts_at_kill.append(come or 0)
        if ended or come == PARTS:
            merge(merged, parts)
            outcome.finished += 1
            outcome.faults += [f"{where}: {fault}" for fault in differences(merged, whole, photos)]
            shutil.rmtree(merged)
    merge(merged, parts)
    outcome.finished += 1
    outcome.faults += [f"at the end: {fault}" for fault in differences(merged, whole, photos)]
    return {
        "pictures": pictures,
        "parts": PARTS,
        "merges killed": len(outcome.parts_at_kill),
        "parts in at a kill": {
            str(count): outcome.parts_at_kill.count(count) for count in range(PARTS + 1)
        },
        "merges finished and compared": outcome.finished,
        "faults": outcome.faults,
        "CPU of one merge / CPU of indexing": round(merging / indexing, 3),
        "embeddings merged per CPU second": round(pictures / merging),
        "seed": seed,
        "python": platform.python_version(),
    }


def _one_merge(merged: Path, parts: list[Path], *, seconds: float) -> bool:
    process = subprocess.Popen(
        [sys.executable, __file__, "--worker", merged, *parts], stdout=subprocess.PIPE, text=True
    )
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    process.stdout.readline()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    ended = "end" in process.stdout.read()
    process.stdout.close()
    process.wait()
    return ended


def _parts_in(merged: Path, held: list[dict[str, bytes]]) -> int | None:
    """Return how many parts came in, the first ones as a whole; None if it is not so."""
    stored, union = stored_vectors(merged), dict[str, bytes]()
    if not stored:
        return 0
    for count, part in enumerate(held, 1):
        union |= part
        if stored == union:
            return count
    return None


def _check(merged: Path) -> list[str]:
    if not stored_vectors(merged):
        return []
    with Gallery(merged, source=ColourGrids()) as opened:
        return [finding.what for finding in opened.check().findings if finding.severity == "damage"]


def differences(merged: Path, whole: Path, photos: Path) -> list[str]:
    """Return how a merged gallery differs from one that was indexed in one go."""
    faults = []
    if stored_vectors(merged) != stored_vectors(whole):
        faults.append("other contents or embeddings")
    paths = sorted(photos.rglob("*.png"))
    queries = paths[:: max(1, len(paths) // QUERIES)]
    if answers(merged, queries, 50) != answers(whole, queries, 50):
        faults.append("other answers")
    with Gallery(merged, source=ColourGrids()) as opened:
        again = opened.index()
        if (again.unchanged, again.embedded) != (len(paths), 0):
            faults.append(f"the next run found work to do: {again}")
    return faults


def main() -> int:
    """Run as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=50, help="how many kills (default: 50)")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="3 kills over 200 pictures")
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    parser.add_argument("--worker", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print("ready", flush=True)
        merge(options.worker[0], options.worker[1:])
        print("end", flush=True)
        return 0
    rounds, pictures = (3, 200) if options.quick else (options.rounds, options.pictures)
    with tempfile.TemporaryDirectory(prefix="imgsearch-merge-") as workspace:
        table = run_rounds(Path(workspace), rounds=rounds, pictures=pictures, seed=options.seed)
    for name, value in table.items():
        print(f"{name:40} {value}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return 1 if table["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())

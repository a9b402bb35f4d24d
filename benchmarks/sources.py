"""Measure what it costs to index object storage and tars: requests, and processor time.

    python benchmarks/sources.py --pictures 2000 --json benchmarks/results/sources.json

A real S3 server (moto's) runs in a process of its own on 127.0.0.1. The network costs next to
nothing, so that what is compared is everything else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tarfile
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from imgsearch import IndexReport

FAILING = 0.05
FOLDERS = 20


def serve(pipe: Connection) -> None:
    """Be the server: set how it fails, and tell what it was asked."""
    from s3_server import Requests, S3Server

    server = S3Server()
    pipe.send(server.environment)
    while (share := pipe.recv()) is not None:
        asked = server.requests
        pipe.send((asked.listings(), len(asked.seen)))
        server.requests = Requests(share=share)
    server.stop()


def processor_seconds() -> float:
    """Return the processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Runs:
    """Runs of `index`, each measured."""

    def __init__(self, place: Path, pipe: Connection) -> None:
        self.rows: list[dict[str, Any]] = []
        self._place = place
        self._pipe = pipe

    def run(self, what: str, gallery: str, *wanted: str | Path, failing: float = 0.0) -> None:
        """Index, and note what it found and cost."""
        from conftest import FakeSource

        from imgsearch import Gallery

        self._pipe.send(failing)
        self._pipe.recv()
        before = processor_seconds()
        with Gallery(self._place / gallery, source=FakeSource()) as opened:
            report: IndexReport = opened.index(*wanted)
        seconds = processor_seconds() - before
        self._pipe.send(0.0)
        listings, requests = self._pipe.recv()
        row = {
            "run": what,
            "new": report.new,
            "unchanged": report.unchanged,
            "embedded": report.embedded,
            "unreadable": report.unreadable,
            "listings": listings,
            "requests": requests,
            "processor_seconds": round(seconds, 2),
        }
        self.rows.append(row)
        print(row, flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    context = get_context("spawn")
    pipe, other = context.Pipe()
    server = context.Process(target=serve, args=(other,), daemon=True)
    server.start()
    os.environ.update(pipe.recv())
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        fill(place, options.pictures)
        runs = Runs(place, pipe)
        folder, bucket, tars = place / "photos", "s3://bucket/photos", f"tar:{place / 'shards'}"
        for name, wanted in (("folder", folder), ("bucket", bucket), ("tars", tars)):
            runs.run(f"{name}, first", name, wanted)
            runs.run(f"{name}, again", name)
        runs.run("bucket, 5 % failing, first", "failing", bucket, failing=FAILING)
        runs.run("bucket, 5 % failing, again", "failing", failing=FAILING)
    pipe.send(None)
    server.join()
    if options.json:
        options.json.write_text(json.dumps(runs.rows, indent=1) + "\n", encoding="utf-8")


def fill(place: Path, pictures: int) -> None:
    """Make the same pictures as files, as objects and as members of tars."""
    import s3fs
    from conftest import write_picture

    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("bucket")
    (place / "shards").mkdir()
    for folder in range(FOLDERS):
        with tarfile.open(place / f"shards/{folder}.tar", "w") as tar:
            for number in range(folder, pictures, FOLDERS):
                name = f"{folder}/{number}.png"
                made = write_picture(place / "photos" / name, seed=number, side=64)
                tar.add(made, f"{number}.png")
        files.put(f"{place}/photos/{folder}", f"bucket/photos/{folder}", recursive=True)


if __name__ == "__main__":
    main()

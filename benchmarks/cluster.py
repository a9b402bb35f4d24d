"""Index on a Ray cluster of this machine beside `index` alone, and through killed workers and jobs.

    python benchmarks/cluster.py --pictures 5000 --markdown benchmarks/results/cluster.md

Two nodes of one processor each, on 127.0.0.1, against one process with two threads for decoding and
two for the network: the same cores. Other work may share these, so what counts is processor time,
read from /proc twice a second for every process of the run and of the cluster, the runs taking
turns. Then one run is disturbed: a worker is killed, later the job itself, the job is started
again, and a worker is killed once more. With --folder, a folder of photographs is indexed instead
of pictures made for this.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from extraction_pictures import Scale, make_pictures
from ray_cluster import RayCluster
from run_facts import facts

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
TICKS: Final = os.sysconf("SC_CLK_TCK")
EVERY: Final = 0.5
SECONDS: Final = 1800


@dataclass
class Watched:
    """Processor time and memory of a process and all that it has started.

    Attributes:
        root: its process id.
        seconds: of each process, by id and start.
        peaks: greatest resident bytes of each.
        titles: of each.
    """

    root: int
    seconds: dict[tuple[int, str], float] = field(default_factory=dict)
    peaks: dict[tuple[int, str], int] = field(default_factory=dict)
    titles: dict[tuple[int, str], str] = field(default_factory=dict)

    def look(self) -> None:
        """Read what each of the processes has used so far."""
        stats: dict[int, list[str]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    # After the name in parentheses: state, parent, ...
                    text = (entry / "stat").read_text()
                    stats[int(entry.name)] = text.rpartition(")")[2].split()
        family = {self.root}
        while more := {p for p, s in stats.items() if int(s[1]) in family} - family:
            family |= more
        for process in family & set(stats):
            numbers = stats[process]
            key = (process, numbers[19])
            self.seconds[key] = (int(numbers[11]) + int(numbers[12])) / TICKS
            with suppress(OSError):
                title = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
                self.titles[key] = " ".join(part.decode() for part in title[:2])
                status = Path(f"/proc/{process}/status").read_text()
                for line in status.splitlines():
                    if line.startswith("VmHWM:"):
                        self.peaks[key] = int(line.split()[1]) << 10

    def used(self, word: str = "") -> float:
        """Return the seconds of all processes whose title holds a word."""
        return sum(s for key, s in self.seconds.items() if word in self.titles.get(key, ""))

    def peak(self, word: str = "") -> int:
        """Return the greatest resident bytes of one process whose title holds a word."""
        return max(
            (b for key, b in self.peaks.items() if word in self.titles.get(key, "")), default=0
        )


class Watching:
    """A thread that looks at some processes, as long as the `with` block runs."""

    def __init__(self, *watched: Watched) -> None:
        self._watched = watched
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            for watched in self._watched:
                watched.look()
            if self._over.wait(EVERY):
                return


def command(photos: Path, gallery: Path, *more: str) -> list[str]:
    """Return the command that indexes."""
    return [
        sys.executable, "-m", "imgsearch", "index", str(photos), "--gallery", str(gallery),
        "--backbone", "compact", "--runtime", "openvino", "--offline", *more,
    ]  # fmt: skip


def rows(gallery: Path) -> list[list[Any]]:
    """Return what a gallery says of its files, contents and embeddings."""
    statements = (
        "SELECT path, hash, reason FROM file LEFT JOIN content c ON c.id = content_id ORDER BY 1",
        "SELECT hash, bytes, width, height, format FROM content ORDER BY hash",
        "SELECT hash, vector FROM embedding JOIN content ON content.id = content_id ORDER BY hash",
    )
    with closing(sqlite3.connect(gallery / "gallery.db")) as connection:
        return [connection.execute(text).fetchall() for text in statements]


def embedded(gallery: Path) -> int:
    """Return how many embeddings are committed."""
    try:
        with closing(sqlite3.connect(f"file:{gallery}/gallery.db?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM embedding").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # there is no gallery yet


class Bench:
    """The runs, and the lines that report them."""

    def __init__(self, place: Path, photos: Path, cluster: RayCluster) -> None:
        self._place = place
        self._photos = photos
        self._cluster = cluster
        self._environment = {**os.environ, **cluster.environment}
        self.lines = [
            "| run | job, s | workers, s | Ray, s | all, s | peak of the job, MB | a worker, MB |",
            "|---|---|---|---|---|---|---|",
        ]
        self.ratios: list[float] = []

    def pair(self, number: int) -> None:
        """Index once alone and once on the cluster, and report both."""
        alone, gallery = self._run(self._place / f"alone-{number}")
        self._report("`index` alone", alone, None)
        cluster = Watched(self._cluster.process_id)
        cluster.look()
        before = Watched(cluster.root, dict(cluster.seconds), titles=dict(cluster.titles))
        job, other = self._run(self._place / f"ray-{number}", cluster)
        self._cluster.wait_until_idle()
        if rows(gallery) != rows(other):
            raise SystemExit("the cluster's rows are not those of this machine")
        self._report("on the cluster", job, cluster, before)
        self.ratios.append((job.used() + cluster.used() - before.used()) / alone.used())

    def disturbed(self, count: int) -> str:
        """Kill a worker, the job, and a worker; return what was left."""
        gallery = self._place / "disturbed"
        job = self._start(gallery)
        self._wait(job, gallery, count // 5)
        self._cluster.kill_worker()
        self._wait(job, gallery, 2 * count // 5)
        job.kill()
        job.wait()
        kept = embedded(gallery)
        job = self._start(gallery)
        self._wait(job, gallery, 3 * count // 5)
        self._cluster.kill_worker()
        _done(job)
        same = rows(gallery) == rows(self._place / "alone-0")
        with closing(sqlite3.connect(gallery / "gallery.db")) as connection:
            (files,) = connection.execute("SELECT COUNT(DISTINCT path) FROM file").fetchone()
        return (
            f"Disturbed: a worker killed after {count // 5:,} pictures, the job killed with "
            f"{kept:,} committed and started again, a worker killed after {3 * count // 5:,}: "
            f"{files:,} files, {embedded(gallery):,} embeddings; the rows are "
            f"{'those' if same else 'NOT those'} of `index` alone, bit for bit."
        )

    def _start(self, gallery: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command(self._photos, gallery, "--on", self._cluster.address, "--quiet"),
            env=self._environment,
        )

    def _wait(self, job: subprocess.Popen[bytes], gallery: Path, count: int) -> None:
        while embedded(gallery) < count:
            if job.poll() is not None:
                raise SystemExit("the job was done before anything happened to it")
            time.sleep(0.05)

    def _run(self, gallery: Path, cluster: Watched | None = None) -> tuple[Watched, Path]:
        more = () if cluster is None else ("--on", self._cluster.address)
        job = subprocess.Popen(
            command(self._photos, gallery, "--quiet", *more), env=self._environment
        )
        watched = Watched(job.pid)
        with Watching(*filter(None, (watched, cluster))):
            _done(job)
        return watched, gallery

    def _report(
        self, name: str, job: Watched, cluster: Watched | None, before: Watched | None = None
    ) -> None:
        mega = 1 << 20
        if cluster is None or before is None:
            self.lines.append(
                f"| {name} | {job.used():.1f} | | | {job.used():.1f} | {job.peak() / mega:.0f} | |"
            )
            return
        # What an idle worker process did before it became one counts as Ray's.
        workers = cluster.used("ray::Worker") - before.used("ray::Worker")
        everything = cluster.used() - before.used()
        self.lines.append(
            f"| {name} | {job.used():.1f} | {workers:.1f} | {everything - workers:.1f} | "
            f"{job.used() + everything:.1f} | {job.peak() / mega:.0f} | "
            f"{cluster.peak('ray::Worker') / mega:.0f} |"
        )


def _done(job: subprocess.Popen[bytes]) -> None:
    if job.wait(SECONDS):
        raise SystemExit(f"the job ended with {job.returncode}")


def main() -> None:
    """Measure, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="photographs to index instead")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--quick", action="store_true", help="show that it runs, with 96 pictures")
    options = parser.parse_args()
    if options.quick:
        options.pictures, options.pairs = 96, 1
    place = Path(tempfile.mkdtemp(prefix="imgsearch-bench-"))
    try:
        if options.folder is None:
            photos = place / "photos"
            scale = Scale("0.3 MP", (640, 480), min(100, options.pictures), options.pictures, 0)
            make_pictures(photos, sorted(SAMPLES.rglob("*.jpg")), scale)
        else:
            photos = options.folder.absolute()
        # Both kinds of runs find the network's graph prepared.
        os.environ["IMGSEARCH_CACHE"] = str(place / "cache")
        one = next(path for path in sorted(photos.rglob("*.jpg")))
        subprocess.run(command(one, place / "one", "--quiet"), check=True)
        cluster = RayCluster(place, nodes=2)
        try:
            bench = Bench(place, photos, cluster)
            for number in range(options.pairs):
                bench.pair(number)
                print("\n".join(bench.lines[-2:]), flush=True)
            count = len(rows(place / "alone-0")[2])
            lines = [*facts(), f"- {count:,} pictures", "", *bench.lines, ""]
            lines.append(
                "All processor seconds on the cluster, over those of `index` alone: "
                + ", ".join(f"{ratio:.2f}" for ratio in bench.ratios)
                + f" (median {statistics.median(bench.ratios):.2f})."
            )
            if not options.quick:
                lines += ["", bench.disturbed(count)]
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

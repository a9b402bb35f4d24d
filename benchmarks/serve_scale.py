"""The page's server on a large gallery: first page, dropped pictures, thumbnails, memory.

Grows a gallery (`serve_gallery.py`), starts `imgsearch serve` on it as a process of its own, and
measures from outside over HTTP, as a browser does:

* from the start of the process to the first page: shell, info, timeline, the first window of
  contents, and the thumbnails in it, made (cold) and from the cache (warm);
* an answer to a dropped picture of 12 megapixels: the very first of a new process, then others;
* windows of contents at random places, facets, folders, the far end of an endless answer;
* the server's processor time and its memory, as the system counts them.

    python benchmarks/serve_scale.py --workspace DIR FOLDER...
    python benchmarks/serve_scale.py --workspace DIR --quick
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

from extraction_pictures import Scale, make_pictures
from run_facts import facts
from serve_gallery import grow, pictures_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS: Final = Path(__file__).parent / "results"
SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
IN_VIEW: Final = 60
CONNECTIONS: Final = 6  # as many as a browser opens to one host
DROPPED: Final = 12
WINDOWS: Final = 100
ENDLESS: Final = 5_000
Figures = dict[str, Any]
LIMITS: Final = {"first_page": 1.0, "cold_drop": 1.5, "warm_drop": 0.5, "memory_mb": 700}


@dataclass
class Server:
    """A process of `imgsearch serve`, asked over HTTP."""

    process: subprocess.Popen[str]
    port: int
    token: str
    started: float

    @classmethod
    def start(cls, gallery: Path, cache: Path) -> Server:
        """Start one; it is ready once it has printed its address."""
        started = time.perf_counter()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "imgsearch", "serve", "--no-open", "--no-idle-work"),
                *("--port", "0", "--gallery", str(gallery)),
            ],
            env={**os.environ, "IMGSEARCH_CACHE": str(cache)},
            stdout=subprocess.PIPE,
            text=True,
        )
        if process.stdout is None:
            raise SystemExit("imgsearch serve has no standard output")
        address = urlsplit(process.stdout.readline().strip())
        return cls(process, address.port or 0, address.query.removeprefix("token="), started)

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request, and return what comes back."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None and not path.endswith("/uploads"):
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:  # noqa: PLR2004 - of HTTP
            raise SystemExit(f"{method} {path}: {answer.status} {data[:300]!r}")
        return data

    def get(self, path: str) -> Any:  # noqa: ANN401 - a document
        """Return a document."""
        return json.loads(self.ask("GET", f"/api/v1{path}"))

    def drop(self, data: bytes) -> None:
        """Drop a picture, and wait for its answer."""
        upload = json.loads(self.ask("POST", "/api/v1/uploads", data))["upload"]
        question = json.dumps({"pictures": [{"upload": upload}], "k": IN_VIEW}).encode()
        found = json.loads(self.ask("POST", "/api/v1/queries", question))
        if len(found["matches"]) != IN_VIEW:
            raise SystemExit(f"{len(found['matches'])} matches instead of {IN_VIEW}")

    def thumbnails(self, contents: Sequence[str]) -> None:
        """Ask for thumbnails over as many connections as a browser has."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            paths = [f"/api/v1/contents/{content}/thumbnail" for content in contents]
            list(pool.map(lambda path: self.ask("GET", path), paths))

    def processor_seconds(self) -> float:
        """Return the processor time that the process has taken so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, kind: str) -> int:
        """Return "VmRSS", what it takes now, or "VmHWM", the most it took, in MB.

        Pages of the index's mapped files count among both.
        """
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith(f"{kind}:"))
        return round(int(line.split()[1]) * 1024 / 1e6)

    def prepared(self, data: bytes) -> None:
        """Have it answer once, and end it."""
        self.drop(data)
        self.stop()

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(2)
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def first_page(server: Server) -> list[str]:
    """Ask for what the first page is drawn from; return the contents in view."""
    server.ask("GET", "/")
    server.get("/info")
    server.get("/timeline")
    entries = server.get(f"/contents?limit={IN_VIEW}")["contents"]
    return [entry["content"] for entry in entries]


@dataclass
class Watch:
    """Measures what a server takes for what it is asked."""

    server: Server

    def times(self, action: Callable[[], object], times: int = 1) -> Figures:
        """Return median and 95th percentile of the seconds, and its processor time each."""
        seconds = []
        before = self.server.processor_seconds()
        for _ in range(times):
            begun = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - begun)
        processor = (self.server.processor_seconds() - before) / times
        return {**percentiles(seconds), "processor": round(processor, 3)}


def percentiles(seconds: Sequence[float]) -> Figures:
    """Return median and 95th percentile, in seconds."""
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3),
    }


def while_thumbnails_are_made(watch: Watch, dropped: Sequence[bytes], total: int) -> Figures:
    """Drop pictures with and without six requests for new thumbnails at a time, in turn."""
    server = watch.server
    contents = [
        entry["content"]
        for offset in range(total // 2, total // 2 + 2_000, 500)
        for entry in server.get(f"/contents?offset={offset}&limit=500")["contents"]
    ]
    with_them, without = [], []
    for number, data in enumerate(dropped):
        stretch = contents[number * len(contents) // len(dropped) :][:150]
        flood = threading.Thread(target=server.thumbnails, args=(stretch,))
        flood.start()
        time.sleep(0.05)
        with_them.append(watch.times(partial(server.drop, data))["p50"])
        flood.join()
        without.append(watch.times(partial(server.drop, data))["p50"])
    return {
        "with": percentiles(with_them),
        "without": percentiles(without),
        "ratio": round(statistics.median(with_them) / statistics.median(without), 2),
    }


def measure(gallery: Path, cache: Path, dropped: Sequence[bytes]) -> Figures:
    """Return the figures: seconds, but for what is called a memory."""
    found: Figures = {}
    # The network is prepared for this machine once, when the first gallery is indexed.
    Server.start(gallery, cache).prepared(dropped[0])
    server = Server.start(gallery, cache)
    found["start"] = round(time.perf_counter() - server.started, 3)
    found["cold_drop"] = Watch(server).times(lambda: server.drop(dropped[0]))
    server.stop()
    server = Server.start(gallery, cache)
    watch = Watch(server)
    contents: list[str] = []
    found["first_page"] = watch.times(lambda: contents.extend(first_page(server)))
    found["memory_first_page_mb"] = server.memory_mb("VmRSS")
    found["thumbnails_cold"] = watch.times(lambda: server.thumbnails(contents))
    found["thumbnails_warm"] = watch.times(lambda: server.thumbnails(contents))
    found["first_page_again"] = watch.times(lambda: first_page(server))
    server.drop(dropped[1])
    waiting = iter(dropped[2:])
    found["warm_drop"] = watch.times(lambda: server.drop(next(waiting)), len(dropped) - 2)
    total = server.get("/timeline")["total"]
    found["warm_drop_while_thumbnails_are_made"] = while_thumbnails_are_made(
        watch, dropped[2:], total
    )
    chance = random.Random(0)  # noqa: S311 - places in a list
    found["window"] = watch.times(
        lambda: server.get(f"/contents?offset={chance.randrange(total)}&limit=100"), WINDOWS
    )
    cameras = iter(["canon", "apple", "nikon"])
    found["filtered_timeline"] = watch.times(
        lambda: server.get(f"/timeline?camera={next(cameras)}&after=2010"), 3
    )
    years = iter(range(2006, 2009))
    found["facets"] = watch.times(lambda: server.get(f"/facets?after={next(years)}"), 3)
    found["folders"] = watch.times(lambda: server.get("/folders"))
    asked = {"pictures": [{"content": contents[0]}], "k": 500}
    offsets = iter(range(0, ENDLESS, 500))
    found["endless_piece"] = watch.times(
        lambda: server.ask(
            *("POST", "/api/v1/queries"), json.dumps({**asked, "offset": next(offsets)}).encode()
        ),
        ENDLESS // 500,
    )
    found["memory_mb"] = server.memory_mb("VmRSS")
    found["memory_peak_mb"] = server.memory_mb("VmHWM")
    server.stop()
    return found


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="pictures; default: the samples")
    parser.add_argument("--workspace", type=Path, required=True, help="kept between runs")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="2,000 contents")
    options = parser.parse_args()
    folders = options.folders or [SAMPLES]
    size = 2_000 if options.quick else options.size
    options.workspace.mkdir(parents=True, exist_ok=True)
    gallery = grow(options.workspace, folders, size)
    large = options.workspace / "dropped"
    if not large.is_dir():
        scale = Scale("12 MP", (4000, 3000), originals=4, files=DROPPED, loop=0)
        make_pictures(large, pictures_in(folders), scale)
    dropped = [path.read_bytes() for path in sorted(large.glob("*.jpg"))[:DROPPED]]
    cache = options.workspace / "cache"
    shutil.rmtree(cache / "thumbnails", ignore_errors=True)
    figures: Figures = {"contents": size, "pictures": len(pictures_in(folders))}
    figures |= measure(gallery, cache, dropped)
    figures |= {"limits": LIMITS, "run": facts()}
    print(json.dumps(figures, indent=2))
    if not options.quick:
        text = json.dumps(figures, indent=2) + "\n"
        (RESULTS / "serve_scale.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

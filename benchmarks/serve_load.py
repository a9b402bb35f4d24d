"""Fifty requests at once for a minute, on the page's server, while `imgsearch index` runs.

Thumbnails, views, questions about contents and about dropped pictures, windows of contents,
timelines and facets, mixed as a person's clicks are, from as many threads as there are requests at
once, each over a connection of its own that stays open. Meanwhile another process indexes new
pictures into the same gallery. Any answer that is no success is an error; what the server refuses
as too busy is counted apart, and is none.

    python benchmarks/serve_load.py --workspace DIR FOLDER...
    python benchmarks/serve_load.py --workspace DIR --quick
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from extraction_pictures import Scale, make_pictures
from run_facts import facts
from serve_gallery import BACKBONE, grow, pictures_in
from serve_scale import SAMPLES, Server, percentiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS: Final = Path(__file__).parent / "results"
AT_ONCE: Final = 50
SECONDS: Final = 60
BUSY: Final = 503
KINDS: Final = {
    "thumbnail": 60,
    "contents": 12,
    "question": 12,
    "content": 6,
    "dropped": 3,
    "view": 3,
    "timeline": 2,
    "facets": 2,
}


@dataclass
class Counts:
    """What came back, from all threads."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, seconds: float, status: int, said: bytes) -> None:
        """Count an answer."""
        with self.lock:
            if status == BUSY and b'"busy"' in said:
                self.busy += 1
            elif status >= 300:  # noqa: PLR2004 - of HTTP
                self.errors[f"{kind}: {status} {said[:200]!r}"] += 1
            else:
                self.seconds[kind].append(seconds)


@dataclass
class Client:
    """One of many that ask at once."""

    server: Server
    contents: Sequence[str]
    dropped: Sequence[bytes]
    chance: random.Random
    counts: Counts

    def run(self, until: float) -> None:
        """Ask one thing after the other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        kinds, weights = zip(*KINDS.items(), strict=True)
        while time.perf_counter() < until:
            (kind,) = self.chance.choices(kinds, weights)
            begun = time.perf_counter()
            try:
                status, said = self._ask(connection, kind)
            except (OSError, http.client.HTTPException) as error:
                status, said = 599, repr(error).encode()
                connection.close()
            self.counts.add(kind, time.perf_counter() - begun, status, said)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, kind: str) -> tuple[int, bytes]:
        content = self.chance.choice(self.contents)
        if kind == "dropped":
            data = self.chance.choice(self.dropped)
            status, said = self._send(connection, "POST", "/uploads", data, "image/jpeg")
            if status != 201:  # noqa: PLR2004 - of HTTP
                return status, said
            asked: dict[str, Any] = {"upload": json.loads(said)["upload"]}
        else:
            asked = {"content": content}
        if kind in {"dropped", "question"}:
            body = json.dumps({"pictures": [asked], "k": 60}).encode()
            return self._send(connection, "POST", "/queries", body, "application/json")
        path = {
            "thumbnail": f"/contents/{content}/thumbnail",
            "view": f"/contents/{content}/view?side=1024",
            "content": f"/contents/{content}",
            "contents": f"/contents?offset={self.chance.randrange(len(self.contents))}",
            "timeline": "/timeline",
            "facets": f"/facets?after={self.chance.randrange(2006, 2024)}",
        }[kind]
        return self._send(connection, "GET", path)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None = None,
        media_type: str = "",
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.server.token}"}
        if media_type:
            headers["Content-Type"] = media_type
        connection.request(method, f"/api/v1{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


class Memory(threading.Thread):
    """Watches a server's memory."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.samples: list[int] = []
        self.ended = threading.Event()

    def run(self) -> None:
        """Look once a second."""
        while not self.ended.wait(1):
            self.samples.append(self._server.memory_mb("VmRSS"))


def indexing(gallery: Path, photos: Path, cache: Path) -> subprocess.Popen[bytes]:
    """Start indexing new pictures into the gallery."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "imgsearch", "index", str(photos), "--quiet"),
            *("--gallery", str(gallery), "--backbone", BACKBONE),
        ],
        env={**os.environ, "IMGSEARCH_CACHE": str(cache)},
    )


def in_threads(functions: Sequence[Callable[[], None]]) -> None:
    """Call functions at the same time, and wait for all."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="pictures; default: the samples")
    parser.add_argument("--workspace", type=Path, required=True, help="kept between runs")
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="2,000 contents, ten seconds")
    options = parser.parse_args()
    folders = options.folders or [SAMPLES]
    size, duration = (2_000, 10) if options.quick else (options.size, SECONDS)
    options.workspace.mkdir(parents=True, exist_ok=True)
    original = grow(options.workspace, folders, size)
    gallery = options.workspace / f"load-{size}.gallery"
    shutil.rmtree(gallery, ignore_errors=True)
    shutil.copytree(original, gallery)
    new = options.workspace / "new-pictures"
    shutil.rmtree(new, ignore_errors=True)
    make_pictures(
        new, pictures_in(folders), Scale("new", (1200, 800), originals=50, files=20_000, loop=0)
    )
    dropped = [path.read_bytes() for path in sorted((options.workspace / "dropped").glob("*.jpg"))]
    cache = options.workspace / "cache"
    shutil.rmtree(cache / "thumbnails", ignore_errors=True)
    server = Server.start(gallery, cache)
    listed = server.get("/timeline")["total"]
    contents = [
        entry["content"]
        for offset in range(0, listed, 500)
        for entry in server.get(f"/contents?offset={offset}&limit=500")["contents"]
    ]
    index = indexing(gallery, new, cache)
    memory = Memory(server)
    memory.start()
    counts = Counts()
    begun, processor = time.perf_counter(), server.processor_seconds()
    clients = [
        Client(server, contents, dropped, random.Random(number), counts)  # noqa: S311 - clicks
        for number in range(AT_ONCE)
    ]
    in_threads([partial(client.run, begun + duration) for client in clients])
    took = time.perf_counter() - begun
    processor = server.processor_seconds() - processor
    still = index.poll() is None
    index.send_signal(2)
    index.wait(60)
    after = server.get("/info")
    memory.ended.set()
    server.stop()
    answered = sum(map(len, counts.seconds.values()))
    tail = memory.samples[len(memory.samples) // 2 :]
    figures = {
        "contents": size,
        "at_once": AT_ONCE,
        "seconds": round(took, 1),
        "answered": answered,
        "errors": dict(counts.errors),
        "refused_as_busy": counts.busy,
        "answers_per_second": round(answered / took, 1),
        "server_processor_ms_per_answer": round(1000 * processor / max(answered, 1), 1),
        "all": percentiles([one for every in counts.seconds.values() for one in every]),
        "by_kind": {
            kind: {"answered": len(every), **percentiles(every)}
            for kind, every in sorted(counts.seconds.items())
        },
        "memory_mb": {
            "start": memory.samples[0],
            "half": tail[0],
            "end": memory.samples[-1],
            "most": max(memory.samples),
        },
        "index_ran_throughout": still,
        "contents_after": after["contents"],
        "run": facts(),
    }
    print(json.dumps(figures, indent=2))
    if not options.quick:
        text = json.dumps(figures, indent=2) + "\n"
        (RESULTS / "serve_load.json").write_text(text, encoding="utf-8")
    if counts.errors:
        raise SystemExit("there were errors")


if __name__ == "__main__":
    main()

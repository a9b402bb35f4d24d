"""Kill an indexing process at random moments, many times, and check what it leaves.

Every round starts `Gallery.index` on a folder of generated images in its own process and kills it
with SIGKILL at a random moment. Afterwards nothing that the process reported as committed may be
lost, every stored embedding must be right to the last bit, `check` must be clean, and queries must
work. Between rounds some files are renamed and copied. Whenever a run finishes before it is killed,
the gallery must give the same matches, scores and order as one built in one go; then a new gallery
is started. Exit status 1 if anything differs.

    python benchmarks/crash_rounds.py --rounds 50
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from imgsearch.indexing.report import IndexProgress
    from imgsearch.recipe import RecipeRequest
    from imgsearch.search.matches import Match

SIDE: Final = 16
DIM: Final = 48
BATCH: Final = 8
RENAMES: Final = 5
QUERIES: Final = 12
RECIPE: Final = Recipe(
    backbone="colour-grid",
    weights="sha256:" + "0" * 64,
    layer="grid",
    size=SIDE,
    resize="squash",
    pooling="gap",
    dim=DIM,
    preprocessing="raw",
)


class ColourGrid:
    """A backbone that costs next to nothing: the mean colours of a 4 x 4 grid."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.embedded = 0

    @property
    def recipe(self) -> Recipe:
        """What makes its embeddings comparable."""
        return RECIPE

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, 48)` of images `(n, 16, 16, 3)`."""
        time.sleep(self.pause)
        self.embedded += len(images)
        grid = images.reshape(len(images), 4, 4, 4, 4, 3).mean(axis=(2, 4)) + 1
        rows = grid.reshape(len(images), DIM)
        unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit.astype(np.float32)


class ColourGrids:
    """A source that always gives this backbone."""

    def __init__(self, pause: float = 0.0) -> None:
        self.embedder = ColourGrid(pause)

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:  # noqa: ARG002 - the protocol's
        """Return its recipe."""
        return RECIPE

    def load(self, recipe: Recipe) -> ColourGrid:  # noqa: ARG002 - the protocol's
        """Return the backbone."""
        return self.embedder


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of all rounds.

    Attributes:
        started: number of processes started.
        killed: number of those killed before they finished.
        finished_galleries: number of galleries finished and compared.
        embeddings_at_kill: number of embeddings committed at each kill.
        faults: one line for each thing that was wrong.
    """

    started: int
    killed: int
    finished_galleries: int
    embeddings_at_kill: tuple[int, ...]
    faults: tuple[str, ...]


def make_pictures(folder: Path, count: int, *, seed: int = 0) -> None:
    """Write small images that all differ, in ten folders."""
    random = np.random.default_rng(seed)
    for number in range(count):
        path = folder / f"album{number % 10}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)


def index_and_tell(folder: Path, gallery: Path, *, pause: float) -> None:
    """Index in this process, and print the number of files done after every commit."""

    def tell(progress: IndexProgress) -> None:
        if progress.stage == "read":
            print(progress.done, flush=True)

    print("ready", flush=True)
    with Gallery(gallery, source=ColourGrids(pause)) as opened:
        opened.index(folder, options=IndexOptions(batch_size=BATCH, jobs=2), progress=tell)
    print("end", flush=True)


def stored_vectors(gallery: Path) -> dict[str, bytes]:
    """Return the stored embeddings by content hash, straight from the rows."""
    if not (gallery / "gallery.db").is_file():
        return {}
    connection = _read_only(gallery)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("embedding",) not in tables:
            return {}
        return dict(
            connection.execute(
                "SELECT hash, vector FROM embedding JOIN content ON content.id = content_id"
            )
        )
    finally:
        connection.close()


def file_count(gallery: Path) -> int:
    """Return the number of files in the gallery."""
    if not stored_vectors(gallery):
        return 0
    connection = _read_only(gallery)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM file").fetchone()[0])
    finally:
        connection.close()


def shuffle_names(folder: Path, random: np.random.Generator, copies: Iterable[int]) -> None:
    """Rename some images, move some to another album, copy some."""
    paths = sorted(folder.rglob("*.png"))
    for place in random.choice(len(paths), RENAMES, replace=False):
        path = paths[place]
        album = folder / f"album{random.integers(10)}"
        path.rename(album / f"r{random.integers(10**9):09}.png")
    left = sorted(folder.rglob("*.png"))
    for number in copies:
        shutil.copyfile(left[number % len(left)], folder / f"copy{number}.png")


def answers(gallery: Path, queries: list[Path], k: int) -> list[list[Match]]:
    """Return the answers to some queries."""
    with Gallery(gallery, source=ColourGrids()) as opened:
        return [opened.query(query, k=k) for query in queries]


def run_rounds(
    workspace: Path, *, rounds: int, pictures: int, seed: int, pause: float = 0.01
) -> Outcome:
    """Start, kill and examine; see the module's docstring.

    Args:
        workspace: an empty folder for images and galleries.
        rounds: number of processes to kill; those that finish before do not count.
        pictures: number of images.
        seed: of the moments and the renames.
        pause: seconds per batch of the backbone.
    """
    random = np.random.default_rng(seed)
    folder, gallery = workspace / "photos", workspace / "gallery"
    make_pictures(folder, pictures)
    whole = workspace / "whole"
    started = time.monotonic()
    with Gallery(whole, source=ColourGrids(pause)) as opened:
        opened.index(folder, options=IndexOptions(batch_size=BATCH, jobs=2))
    duration = time.monotonic() - started
    truth = stored_vectors(whole)

    faults: list[str] = []
    killed = finished = 0
    at_kill: list[int] = []
    number = 0
    while killed < rounds:
        number += 1
        before = stored_vectors(gallery)
        process = subprocess.Popen(
            [sys.executable, __file__, "--worker", folder, gallery, "--pause", str(pause)],
            stdout=subprocess.PIPE,
            text=True,
        )
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        process.stdout.readline()
        try:
            process.wait(timeout=float(random.uniform(0, duration / 3)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        ended = bool(said) and said[-1] == "end"
        after = stored_vectors(gallery)
        where = f"round {number}, {len(after)} embeddings"
        faults += [f"{where}: {fault}" for fault in examine(gallery, before, after, truth)]
        progress = [int(word) for word in said if word.isdigit()]
        if progress and file_count(gallery) < progress[-1]:
            faults.append(f"{where}: fewer files than the {progress[-1]} that were committed")
        if not ended:
            killed += 1
            at_kill.append(len(after))
        if ended or killed == rounds:
            finished += 1
            faults += [f"{where}: {fault}" for fault in finish(workspace, folder, gallery)]
            shutil.rmtree(gallery)
        else:
            shuffle_names(folder, random, copies=[number])
    return Outcome(number, killed, finished, tuple(at_kill), tuple(faults))


def examine(
    gallery: Path, before: dict[str, bytes], after: dict[str, bytes], truth: dict[str, bytes]
) -> list[str]:
    """Return what is wrong with a gallery whose writer was killed."""
    faults = []
    if not before.items() <= after.items():
        faults.append(f"{len(before.keys() - after.keys())} embeddings of earlier rounds are lost")
    wrong = [content for content, vector in after.items() if truth[content] != vector]
    if wrong:
        faults.append(f"{len(wrong)} embeddings are not those of their images")
    if not after:
        return faults
    with Gallery(gallery, source=ColourGrids()) as opened:
        report = opened.check()
        if not report.clean:
            faults.append(f"check: {'; '.join(finding.what for finding in report.findings)}")
        matches = opened.query(_stranger(), k=10**6)
        shown = {match.content for match in matches}
        if not shown <= after.keys() or len(shown) != len(matches):
            faults.append("a query shows what is not stored, or something twice")
    return faults


def finish(workspace: Path, folder: Path, gallery: Path) -> list[str]:
    """Finish a gallery and return how it differs from one built in one go."""
    once = workspace / "once"
    source = ColourGrids()
    with Gallery(gallery, source=source) as opened:
        opened.index(folder)
        missing = source.embedder.embedded
        again = opened.index(folder)
        findings = opened.check().findings
    with Gallery(once, source=ColourGrids()) as opened:
        opened.index(folder)
    paths = sorted(folder.rglob("*.png"))
    queries = paths[:: max(1, len(paths) // QUERIES)]
    faults = []
    if answers(gallery, queries, len(paths)) != answers(once, queries, len(paths)):
        faults.append(f"answers differ from those of a gallery built in one go ({missing} left)")
    if (again.new, again.changed, again.moved, again.missing, again.embedded) != (0, 0, 0, 0, 0):
        faults.append(f"a finished gallery found work to do: {again}")
    if any(finding.severity != "note" for finding in findings):
        faults.append(f"check of the finished gallery: {findings}")
    if hashlib.sha256(_rows(gallery)).digest() != hashlib.sha256(_rows(once)).digest():
        faults.append("files and contents differ from those of a gallery built in one go")
    shutil.rmtree(once)
    return faults


def _read_only(gallery: Path) -> sqlite3.Connection:
    # A connection that can write would recover from the crash when it is closed.
    return sqlite3.connect(f"{(gallery / 'gallery.db').as_uri()}?mode=ro", uri=True)


def _rows(gallery: Path) -> bytes:
    connection = _read_only(gallery)
    rows = connection.execute(
        "SELECT file.path, size, mtime_ns, hash FROM file JOIN content "
        "ON content.id = content_id ORDER BY file.path"
    ).fetchall()
    connection.close()
    return repr(rows).encode()


def _stranger() -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    Image.new("RGB", (8, 8), (1, 200, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def main() -> int:
    """Run as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=50, help="how many kills (default: 50)")
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="5 kills over 300 pictures")
    parser.add_argument("--json", type=Path, help="write the outcome into this file too")
    parser.add_argument("--pause", type=float, default=0.01, help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        index_and_tell(*options.worker, pause=options.pause)
        return 0
    rounds, pictures = (5, 300) if options.quick else (options.rounds, options.pictures)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="imgsearch-crash-") as workspace:
        outcome = run_rounds(
            Path(workspace), rounds=rounds, pictures=pictures, seed=options.seed,
            pause=options.pause,
        )  # fmt: skip
    counts = sorted(outcome.embeddings_at_kill) or [0]
    table = {
        "processes started": outcome.started,
        "killed before their end": outcome.killed,
        "galleries finished and compared": outcome.finished_galleries,
        "pictures": pictures,
        "embeddings committed at a kill, least": counts[0],
        "embeddings committed at a kill, median": counts[len(counts) // 2],
        "embeddings committed at a kill, most": counts[-1],
        "faults": len(outcome.faults),
        "seconds": round(time.monotonic() - started, 1),
        "seed": options.seed,
    }
    for name, value in table.items():
        print(f"{name:40} {value}")
    for fault in outcome.faults:
        print(fault)
    if options.json:
        table |= {"python": platform.python_version(), "system": platform.platform()}
        options.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())

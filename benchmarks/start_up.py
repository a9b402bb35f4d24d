"""How long a command takes as a whole process, on a large gallery.

Indexes the sample photos, then adds contents to the gallery up to the wanted number: embeddings
mixed from two real ones and a little noise, written as normal rows, and the index cache of all of
them. Measures whole processes of `python -m imgsearch`, with files in the operating system's cache,
medians of seven alternating rounds:

* `--help`;
* `query` by a stored file, and by a new one, which goes through the network;
* `index` of a folder in which nothing has changed (in a gallery of the sample photos alone);

and what others need, also as whole processes (start_up_rivals.py):

* the network alone, searching nothing: Keras and PyTorch are imported, MobileNetV2 is loaded, and
  one image is embedded;
* a network and an index: Keras and hnswlib, FAISS or Chroma, over as many raw embeddings, for the
  answer to a new file;
* an index alone: hnswlib, FAISS, Chroma and LanceDB, for the answer to a stored vector.

In one warm process it measures `Gallery.query` by stored and by new files, and `query --files-from`
for many new ones.

    python benchmarks/start_up.py
    python benchmarks/start_up.py --markdown benchmarks/results/start_up.md --json FILE
    python benchmarks/start_up.py --quick --no-rivals
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from run_facts import facts
from start_up_report import Command, Measured, Warm, report
from start_up_rivals import KERAS, TORCH, rival_commands

from imgsearch.gallery.gallery import Gallery
from imgsearch.images.metadata import Metadata
from imgsearch.networks.pooling import l2_normalise
from imgsearch.search.space_cache import refresh_cache
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.writer_lock import writer_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPOSITORY: Final = Path(__file__).parents[1]
SAMPLES: Final = REPOSITORY / "sample_data/photos"
BACKBONE: Final = "mobilenet_v2"
# Needs only the bundled weights.
QUICK_BACKBONE: Final = "compact"
ROUNDS: Final = 7
NOISE: Final = 0.3


class Failed(Exception):  # noqa: N818 - a result of the run, not an error of the program
    """A command had a non-zero exit status."""


def grow(gallery: Path, count: int) -> NDArray[np.float32]:
    """Add contents to a gallery up to a number, and write its index cache.

    Returns:
        All embeddings of the gallery, unit rows `(n, dim)`.
    """
    generator = np.random.default_rng(0)
    with writer_lock(gallery):
        store = Store.create(gallery)
        (stored,) = store.recipes()
        (root,) = store.roots()
        real = np.concatenate([vectors for _, vectors in store.embeddings(stored)])
        for start in range(len(real), count, 5000):
            numbers = range(start, min(start + 5000, count))
            pairs = real[generator.integers(0, len(real), size=(2, len(numbers)))]
            shares = generator.beta(2, 2, size=(len(numbers), 1)).astype(np.float32)
            mixed = shares * pairs[0] + (1 - shares) * pairs[1]
            grain = generator.normal(size=mixed.shape).astype(np.float32)
            rows = l2_normalise(mixed + NOISE / mixed.shape[1] ** 0.5 * grain)
            with store.transaction():
                for number, row in zip(numbers, rows, strict=True):
                    name = hashlib.sha256(str(number).encode()).hexdigest()
                    content = store.add_content(name, 1000, Metadata(640, 480, "JPEG"))
                    store.add_embedding(stored.id, content, row)
                    file = ScannedRow(root.id, f"grown/{number:07}.jpg".encode(), 1000, 0)
                    store.put_file(None, file, content_id=content)
                store.raise_generation(stored.id)
        (stored,) = store.recipes()
        refresh_cache(Embeddings(store, gallery, stored))
        rows = np.concatenate([vectors for _, vectors in store.embeddings(stored)])
        store.close()
    return rows


def seconds(arguments: Sequence[str], given: str | None = None) -> float:
    """Return the seconds that a process of this Python takes."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise Failed(f"exit status {done.returncode}\n{done.stderr[-2000:]}")
    return took


def working(compared: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the commands that work here, trying each once; print those that do not."""
    found = {}
    for name, arguments in compared.items():
        try:
            seconds(arguments)
        except Failed as error:
            if "imgsearch" in name:
                raise
            print(f"{name}: left out, {error}", file=sys.stderr)
        else:
            found[name] = arguments
    return found


def commands(large: Path, small: Path, stored: Path, new: Path) -> dict[str, list[str]]:
    """Return imgsearch's own commands, by name: the arguments of Python."""
    start = ["-m", "imgsearch"]
    return {
        "imgsearch --help": [*start, "--help"],
        "imgsearch query, stored file": [*start, "query", str(stored), "--gallery", str(large)],
        "imgsearch query, new file": [*start, "query", str(new), "--gallery", str(large)],
        "imgsearch index, nothing changed": [*start, "index", "--gallery", str(small)],
    }


def networks(new: Path) -> dict[str, list[str]]:
    """Return the networks alone, by name: the arguments of Python."""
    found = {"Keras: import, load, one picture": ["-c", keras_program(), str(new)]}
    if find_spec("torchvision"):
        found["PyTorch: import, load, one picture"] = ["-c", TORCH, str(new)]
    else:
        print("PyTorch: torchvision is not installed, left out", file=sys.stderr)
    return found


def keras_program() -> str:
    """Return the program that embeds with Keras, with the real weights where they are here."""
    weights = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    real = any(weights.glob("mobilenet_v2_*_1.0_224_no_top.h5"))
    return KERAS.format(weights="imagenet" if real else None)


def fresh_copies(sources: Sequence[Path], folder: Path, count: int) -> list[Path]:
    """Write image files whose content is new to the gallery: a few bytes are appended."""
    folder.mkdir()
    copies = [folder / f"{number:04}{sources[0].suffix}" for number in range(count)]
    for number, copy in enumerate(copies):
        copy.write_bytes(sources[number % len(sources)].read_bytes() + number.to_bytes(4, "big"))
    return copies


def warm(gallery: Path, pictures: Sequence[Path]) -> tuple[float, float]:
    """Return the median and the 95th percentile of `Gallery.query`, in milliseconds."""
    times = []
    with Gallery(gallery) as opened:
        opened.query(pictures[0])
        for picture in pictures[1:]:
            started = time.perf_counter()
            opened.query(picture)
            times.append(1000 * (time.perf_counter() - started))
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))


def measure(
    workspace: Path, count: int, rounds: int, asked: int, *, backbone: str, rivals: bool
) -> Measured:
    """Return all figures.

    Args:
        workspace: an empty folder.
        count: contents of the large gallery.
        rounds: number of runs of each command.
        asked: number of queries in a warm process.
        backbone: of the galleries.
        rivals: whether others are measured too.
    """
    large, small = workspace / "large", workspace / "small"
    for gallery in (large, small):
        with Gallery(gallery, recipe=backbone) as opened:
            opened.index(SAMPLES)
    rows = grow(large, count)
    samples = sorted(path for path in SAMPLES.rglob("*.jpg"))
    new = fresh_copies(samples, workspace / "new", asked + 1)
    compared = commands(large, small, samples[0], new[-1])
    if rivals:
        compared |= networks(new[-1])
        compared |= rival_commands(rows, workspace, new[-1], keras_program())
    compared = working(compared)
    taken: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(rounds):
        for name, arguments in compared.items():
            taken[name].append(seconds(arguments))
    return Measured(
        contents=count,
        backbone=backbone,
        rounds=rounds,
        commands=tuple(
            Command(name, float(np.median(times)), min(times), max(times))
            for name, times in taken.items()
        ),
        warm=warm_queries(large, samples, new, asked),
    )


def warm_queries(
    gallery: Path, samples: Sequence[Path], new: Sequence[Path], asked: int
) -> tuple[Warm, ...]:
    """Return what queries by stored and by new files take in warm processes."""
    stored = [samples[number % len(samples)] for number in range(asked)]
    found = [
        Warm(f"`Gallery.query`, {name}", *warm(gallery, pictures))
        for name, pictures in (("stored files", stored), ("new files", new[:asked]))
    ]
    stream = ["-m", "imgsearch", "query", "--files-from", "-", "--json", "--gallery", str(gallery)]
    one = seconds(stream, f"{new[0]}\n")
    many = seconds(stream, "".join(f"{path}\n" for path in new))
    each = 1000 * (many - one) / (len(new) - 1)
    name = "`query --files-from`, new files, each after the first"
    return (*found, Warm(name, each, None))


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=100_000, help="contents (default: 100000)")
    parser.add_argument("--quick", action="store_true", help="only check that it runs")
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    parser.add_argument("--markdown", type=Path, help="write the report into this file too")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    # Python libraries are compiled once, as in an installation.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    count, rounds, asked = (1_000, 1, 3) if options.quick else (options.count, ROUNDS, 100)
    with tempfile.TemporaryDirectory(prefix="imgsearch-start-") as workspace:
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(workspace) / "bytecode")
        measured = measure(
            Path(workspace),
            count,
            rounds,
            asked,
            backbone=QUICK_BACKBONE if options.quick else BACKBONE,
            rivals=options.rivals,
        )
    page = "\n".join(["# Start-up", "", *facts(), "", *report(measured), ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")
    if options.json:
        figures = {"run": facts(), **asdict(measured)}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

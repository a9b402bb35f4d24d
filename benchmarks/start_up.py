"""How long a command takes as a whole process, on a large gallery.

Indexes the sample photos, then adds contents to the gallery up to the wanted number: embeddings
mixed from two real ones and a little noise, written as normal rows, and the index cache of all of
them. Measures whole processes of `python -m imgsearch`, with files in the operating system's cache,
medians of alternating rounds, seconds that passed and seconds of the processors:

* `--help`, `info` and `list` of ten files;
* `query` by a stored file, and by a new one, which goes through the network;
* `index` of a folder in which nothing has changed (in a gallery of the sample photos alone);

with `--against`, the same commands of another checkout beside them, in the same rounds;

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
    python benchmarks/start_up.py --no-rivals --rounds 15 --against ../another-checkout
    python benchmarks/start_up.py --quick --no-rivals
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured.

    Attributes:
        count: contents of the large gallery.
        rounds: number of runs of each command.
        asked: number of queries in a warm process.
        backbone: of the galleries.
        rivals: whether others are measured too.
        against: another checkout whose commands are measured too, or None.
    """

    count: int
    rounds: int
    asked: int
    backbone: str
    rivals: bool
    against: Path | None


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


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took.

    Attributes:
        wall: seconds from its start to its end.
        processor: seconds of all processors, in it and in the system for it.
    """

    wall: float
    processor: float


def spent(arguments: Sequence[str], given: str | None = None, *, at: Path = REPOSITORY) -> Spent:
    """Run a process of this Python, with imgsearch as a checkout has it; return what it took."""
    before, started = processor_seconds(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=at,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    took = Spent(time.perf_counter() - started, processor_seconds() - before)
    if done.returncode:
        raise Failed(f"exit status {done.returncode}\n{done.stderr[-2000:]}")
    return took


def processor_seconds() -> float:
    """Return what all child processes that have ended took of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def working(compared: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the commands that work here, trying each once; print those that do not."""
    found = {}
    for name, arguments in compared.items():
        try:
            spent(arguments)
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
        "imgsearch info": [*start, "info", "--gallery", str(large)],
        "imgsearch list, ten files": [*start, "list", "-k", "10", "--gallery", str(large)],
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


def measure(workspace: Path, plan: Plan) -> Measured:
    """Return all figures; the workspace is an empty folder."""
    large, small = workspace / "large", workspace / "small"
    for gallery in (large, small):
        with Gallery(gallery, recipe=plan.backbone) as opened:
            opened.index(SAMPLES)
    rows = grow(large, plan.count)
    samples = sorted(path for path in SAMPLES.rglob("*.jpg"))
    new = fresh_copies(samples, workspace / "new", plan.asked + 1)
    compared = commands(large, small, samples[0], new[-1])
    own = tuple(compared)
    if plan.rivals:
        compared |= networks(new[-1])
        compared |= rival_commands(rows, workspace, new[-1], keras_program())
    compared = working(compared)
    taken: dict[str, list[Spent]] = {name: [] for name in compared}
    others: dict[str, list[Spent]] = {name: [] for name in own if plan.against}
    if plan.against:
        for name in own:
            spent(compared[name], at=plan.against)
    for _ in range(plan.rounds):
        for name, arguments in compared.items():
            taken[name].append(spent(arguments))
            if plan.against and name in others:
                others[name].append(spent(arguments, at=plan.against))
    return Measured(
        contents=plan.count,
        backbone=plan.backbone,
        rounds=plan.rounds,
        commands=tuple(
            Command(
                name,
                float(np.median([each.wall for each in times])),
                min(each.wall for each in times),
                max(each.wall for each in times),
                float(np.median([each.processor for each in times])),
                float(np.median([each.processor for each in others[name]]))
                if others.get(name)
                else None,
            )
            for name, times in taken.items()
        ),
        warm=warm_queries(large, samples, new, plan.asked),
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
    one = spent(stream, f"{new[0]}\n").wall
    many = spent(stream, "".join(f"{path}\n" for path in new)).wall
    each = 1000 * (many - one) / (len(new) - 1)
    name = "`query --files-from`, new files, each after the first"
    return (*found, Warm(name, each, None))


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=100_000, help="contents (default: 100000)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"(default: {ROUNDS})")
    parser.add_argument("--against", type=Path, help="another checkout, measured beside this one")
    parser.add_argument("--quick", action="store_true", help="only check that it runs")
    parser.add_argument("--no-rivals", dest="rivals", action="store_false")
    parser.add_argument("--markdown", type=Path, help="write the report into this file too")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    # Python libraries are compiled once, as in an installation.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    plan = Plan(
        count=1_000 if options.quick else options.count,
        rounds=1 if options.quick else options.rounds,
        asked=3 if options.quick else 100,
        backbone=QUICK_BACKBONE if options.quick else BACKBONE,
        rivals=options.rivals,
        against=options.against and options.against.resolve(),
    )
    with tempfile.TemporaryDirectory(prefix="imgsearch-start-") as workspace:
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(workspace) / "bytecode")
        measured = measure(Path(workspace), plan)
    page = "\n".join(["# Start-up", "", *facts(), "", *report(measured), ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")
    if options.json:
        figures = {"run": facts(), **asdict(measured)}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

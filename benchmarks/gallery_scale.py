"""What a large gallery costs when little or nothing has changed.

Makes small JPEGs that all differ, and measures, each in its own process:

* the second index of the unchanged folder, as a whole process of `python -m imgsearch index`; it
  must open no image file, so that nothing is hashed or decoded, and load neither TensorFlow nor
  FAISS;
* 1,000 files renamed, 1,000 moved to another folder, the root relocated, taken away and brought
  back: nothing may be embedded, and every answer's path must be right;
* the peak memory of indexing a tenth of the images and all of them.

The embeddings come from a backbone that takes next to no time (the one of crash_gallery.py), so
that only the gallery's work is measured. A network's memory comes on top of these figures.

    python benchmarks/gallery_scale.py
    python benchmarks/gallery_scale.py --quick
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from crash_gallery import ColourGrids

from imgsearch.gallery.gallery import Gallery

if TYPE_CHECKING:
    from imgsearch.indexing.report import IndexReport

REPOSITORY: Final = Path(__file__).parents[1]
ALBUMS: Final = 100
HEAVY: Final = ("tensorflow", "keras", "openvino", "faiss")

# Runs the command line as `python -m imgsearch` does, and reports what it opened and loaded.
OBSERVED: Final = f"""
import atexit, runpy, sys
opened = []
def audit(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".jpg"):
        opened.append(arguments[0])
sys.addaudithook(audit)
def tell():
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    print("OBSERVED", len(opened), ",".join(loaded) or "none", file=sys.stderr)
atexit.register(tell)
sys.argv = ["imgsearch", *sys.argv[1:]]
runpy.run_module("imgsearch", run_name="__main__")
"""


def make_jpegs(folder: Path, start: int, end: int) -> None:
    """Write small JPEGs that all differ into a hundred folders."""
    for number in range(start, end):
        path = folder / f"album{number % ALBUMS:02}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC).save(path, quality=85)


def command(*arguments: str | Path, observe: bool = False) -> tuple[float, str]:
    """Run imgsearch as a whole process; return its seconds and its stderr."""
    start = ["-c", OBSERVED] if observe else ["-m", "imgsearch"]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"imgsearch {arguments}: exit status {done.returncode}\n{done.stderr}")
    return seconds, done.stderr


def index_for_memory(folder: Path, gallery: Path) -> None:
    """Index in this process and print the embeddings computed and the peak memory in MiB."""
    source = ColourGrids()
    with Gallery(gallery, source=source) as opened:
        opened.index(folder)
    # Linux reports kilobytes, macOS bytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(source.embedder.embedded, round(peak, 1))


def peak_memory(folder: Path, gallery: Path) -> tuple[int, float]:
    """Index in a separate process; return embeddings computed and peak memory in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--worker", str(folder), str(gallery)],
        capture_output=True,
        text=True,
        check=True,
    )
    embedded, peak = done.stdout.split()
    return int(embedded), float(peak)


def wrong_paths(gallery: Gallery, folder: Path, *, offline: bool = False) -> int:
    """Return the number of files for which the gallery gives a wrong answer."""
    query = next(folder.rglob("*.jpg"), None)
    picture = query.read_bytes() if query else _some_picture()
    matches = gallery.query(picture, k=10**6, include_self=True)
    shown = [match.path for match in matches]
    shown += [copy.path for match in matches for copy in match.duplicates]
    if offline:
        return sum(not match.offline for match in matches)
    return len(set(shown) ^ set(folder.rglob("*.jpg"))) + len(shown) - len(set(shown))


def _some_picture() -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def measure(workspace: Path, count: int, moved: int) -> dict[str, object]:
    """Return the table, name by name; see the module's docstring.

    Args:
        workspace: an empty folder.
        count: number of images.
        moved: number of those renamed, and of those moved.
    """
    table: dict[str, object] = {"pictures": count}
    folder = workspace / "photos"
    make_jpegs(folder, 0, count // 10)
    _, table[f"peak MiB, {count // 10} pictures"] = peak_memory(folder, workspace / "tenth")
    make_jpegs(folder, count // 10, count)
    _, table[f"peak MiB, {count} pictures"] = peak_memory(folder, workspace / "whole")

    arguments = ("index", "--gallery", workspace / "whole", folder)
    seconds = sorted(command(*arguments)[0] for _ in range(5))
    table["second index, whole process, median of 5, s"] = round(seconds[2], 2)
    table["second index, whole process, least and most, s"] = f"{seconds[0]:.2f} {seconds[-1]:.2f}"
    _, said = command(*arguments, observe=True)
    opened, loaded = said.split("OBSERVED ")[1].split()[:2]
    table |= {
        "second index: pictures opened": int(opened),
        "second index: frameworks loaded": loaded,
    }
    table |= move_about(workspace, folder, moved)
    return table


def move_about(workspace: Path, folder: Path, moved: int) -> dict[str, object]:
    """Rename, move, relocate, unplug and replug; return embeddings computed and wrong paths."""
    table: dict[str, object] = {}

    def note(name: str, report: IndexReport, wrong: int) -> None:
        table[name] = (
            f"{report.moved} moved, {report.offline} offline, {report.embedded} embedded, "
            f"{wrong} wrong paths, {report.seconds:.1f} s"
        )

    with Gallery(workspace / "whole", source=ColourGrids()) as gallery:
        paths = sorted(folder.rglob("*.jpg"))
        for number, path in enumerate(paths[:moved]):
            path.rename(path.with_name(f"renamed{number:06}.jpg"))
        note(f"{moved} renamed", gallery.index(), wrong_paths(gallery, folder))
        (folder / "another").mkdir()
        for path in paths[moved : 2 * moved]:
            path.rename(folder / "another" / path.name)
        note(f"{moved} moved to another folder", gallery.index(), wrong_paths(gallery, folder))
        elsewhere = workspace / "elsewhere"
        folder.rename(elsewhere)
        gallery.relocate(folder, elsewhere)
        folder = elsewhere
        table["root relocated"] = f"{wrong_paths(gallery, folder)} wrong paths"
        note("index after that", gallery.index(), wrong_paths(gallery, folder))
        away = workspace / "unplugged"
        folder.rename(away)
        report = gallery.index()
        note("root taken away", report, wrong_paths(gallery, folder, offline=True))
        away.rename(folder)
        note("root brought back", gallery.index(), wrong_paths(gallery, folder))
    return table


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--count", type=int, default=20_000, help="number of images (default: 20000)"
    )
    parser.add_argument("--quick", action="store_true", help="1,000 images")
    parser.add_argument("--json", type=Path, help="write the table into this file too")
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        index_for_memory(*options.worker)
        return
    count = 1_000 if options.quick else options.count
    with tempfile.TemporaryDirectory(prefix="imgsearch-scale-") as workspace:
        table = measure(Path(workspace), count, moved=count // 20)
    for name, value in table.items():
        print(f"{name:48} {value}")
    if options.json:
        table |= {
            "python": platform.python_version(),
            "system": platform.platform(),
            "processors": os.cpu_count(),
        }
        options.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

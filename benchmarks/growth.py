"""What grows with what: commands and questions, from a thousand contents to a million.

Makes galleries of grown embeddings (`grown_embeddings.py`), whose files are there, nine bytes each,
in folders of a thousand; dates, cameras and places differ as those of photographs do, and ids are
in no order of the folders. Measures, in seconds of the processor:

* whole commands: `index` where nothing has changed, beside walking the folders and asking for the
  state of each file; `info`, `list`, `check`, `export`, a `query` by a stored picture; `index` with
  a hundred new pictures, `remove` of a tenth of the files, and `prune` of what that left;
* milliseconds of a query by a stored picture in one process, plain, with k = 100 and 1,000, and
  with filters of different widths (medians); where the row says "another", no two questions have
  the same filter, so that nothing is remembered of it.

Every size is built in a folder of its own, and kept until the end of its measurements only.

    python benchmarks/growth.py --embeddings real.npy
    python benchmarks/growth.py --quick
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from grown_embeddings import NEAREST, Grown, neighbours
from run_facts import facts

from imgsearch import Filters, Gallery, Near
from imgsearch.images.fingerprints import Fingerprint
from imgsearch.images.metadata import Metadata
from imgsearch.paths import look_up
from imgsearch.recipe import Recipe
from imgsearch.search.space_cache import refresh_cache
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.recipe import RecipeRequest

REPOSITORY: Final = Path(__file__).parents[1]
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
FOLDER: Final = 1_000
NEW: Final = 100
QUERIES: Final = 60
BLOCK: Final = 10_000
SIDE: Final = 16
# As long as those of small photographs, and no picture.
RENDERING: Final = bytes(1_500)


class Sketch:
    """A network that costs nothing: the mean colours of a grid, turned into as many dimensions."""

    def __init__(self, dim: int) -> None:
        self.recipe = Recipe(
            backbone="sketch",
            weights="sha256:" + "0" * 64,
            layer="grid",
            size=SIDE,
            resize="squash",
            pooling="gap",
            dim=dim,
            preprocessing="raw",
        )
        self._turn = np.abs(np.random.default_rng(0).normal(size=(48, dim)))

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)` of images `(n, 16, 16, 3)`."""
        grid = images.reshape(len(images), 4, 4, 4, 4, 3).mean(axis=(2, 4)).reshape(len(images), 48)
        rows = (grid + 1) @ self._turn
        unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit.astype(np.float32)


class Sketches:
    """A source of this one network."""

    def __init__(self, dim: int) -> None:
        self.network = Sketch(dim)

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:  # noqa: ARG002 - the protocol's
        """Return its recipe."""
        return self.network.recipe

    def load(self, recipe: Recipe) -> Sketch:  # noqa: ARG002 - likewise
        """Return it."""
        return self.network


def name_of(number: int) -> str:
    """Return a file's relative path; a tenth lie in the folder *some*, one in 1,000 in *rare*."""
    top = "rare" if number % 1_000 == 7 else "some" if number % 10 == 3 else "most"  # noqa: PLR2004
    return f"{top}/{number // FOLDER:04}/{number:07}.jpg"


def facts_of(number: int) -> Metadata:
    """Return dates over twenty years, seven cameras, places all over the world."""
    day, place = number * 7_919 % 7_000, number * 104_729
    return Metadata(
        width=4_000 + number % 100 * 10,
        height=3_000,
        format="JPEG",
        taken=f"{2000 + day // 350}-{day // 30 % 12 + 1:02}-{day % 28 + 1:02}T12:00:00",
        camera=f"MAKER cam {number % 7}",
        latitude=float(place % 1_200) / 10 - 60,
        longitude=float(place // 7 % 3_600) / 10 - 180,
    )


def fill(workspace: Path, size: int, real: NDArray[np.float32], stretch: float) -> None:
    """Make a gallery, and the files that it knows."""
    photos = workspace / "photos"
    grown = Grown(real, neighbours(real, NEAREST)[1], stretch)
    order = np.random.default_rng(1).permutation(size)
    with closing(Store.create(workspace / "gallery")) as store:
        with store.transaction():
            stored = store.add_recipe(Sketch(real.shape[1]).recipe)
            root = store.add_root(photos, recursive=True)
        start = 0
        for block in grown.blocks(size):
            with store.transaction():
                for row, number in zip(block, order[start : start + len(block)], strict=True):
                    name = name_of(int(number))
                    place = photos / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(f"{number:09}".encode())
                    digest = f"{int(number) * 0x9E3779B97F4A7C15 % 2**64:064x}"
                    content = store.add_content(digest, 9, facts_of(int(number)))
                    store.add_embedding(stored.id, content, row)
                    store.put_fingerprint(
                        content, Fingerprint(RENDERING, bytes.fromhex(digest[:16]))
                    )
                    seen = look_up(photos, name.encode())
                    assert seen is not None  # noqa: S101  # it was written
                    state = ScannedRow(
                        root.id, seen.path, seen.size, seen.mtime_ns, seen.inode, seen.ctime_ns
                    )
                    store.put_file(None, state, content_id=content)
                store.raise_generation(stored.id)
            start += len(block)
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        refresh_cache(Embeddings(store, workspace / "gallery", store.recipes()[0]))


def command(*arguments: str | Path) -> float:
    """Return the processor seconds of a whole process of imgsearch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "imgsearch", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"imgsearch {arguments}: exit status {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def spent(act: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    before = time.process_time()
    act()
    return time.process_time() - before


def walked(folder: Path) -> int:
    """Walk a folder and ask for the state of each file, as the least that a scan must do."""
    return sum(entry.stat().st_size for entry in _entries(folder))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    found, folders = [], [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    found.append(entry)
    return found


def questions(workspace: Path, size: int) -> dict[str, float]:
    """Return the median milliseconds of queries in one process."""
    photos = workspace / "photos"
    asked = [photos / name_of(number) for number in range(0, size, max(1, size // QUERIES))]
    plain: dict[str, dict[str, Any]] = {
        "plain": {},
        "k = 100": {"k": 100},
        "k = 1,000": {"k": 1_000},
    }
    repeated = {
        "under 0.1 %": Filters(under=(photos / "rare",)),
        "under 10 %": Filters(under=(photos / "some",)),
        "under 90 %": Filters(under=(photos / "most",)),
        "after 5 %": Filters(after="2019"),
        "after 90 %": Filters(after="2002"),
        "camera 14 %": Filters(camera="cam 3"),
        "width 1 %": Filters(min_width=4_990),
        "near 0.6 %": Filters(near=Near(10.0, 20.0, 900)),
        "two that nothing passes": Filters(under=(photos / "some",), min_width=4_990),
    }
    other: dict[str, Callable[[int], Filters]] = {
        "another under": lambda turn: Filters(
            under=(photos / "most" / f"{turn * size // QUERIES // FOLDER:04}",)
        ),
        "another after 5 %": lambda turn: Filters(after=f"2019-01-01T00:{turn:02}"),
        "another after 90 %": lambda turn: Filters(after=f"2002-01-01T00:{turn:02}"),
        "another camera and month": lambda turn: Filters(
            after="2012", before=f"2012-02-01T00:{turn:02}", camera="cam 3"
        ),
        "another width 1 to 7 %": lambda turn: Filters(min_width=4_931 + turn),
        "another near 0.6 %": lambda turn: Filters(
            near=Near(turn % 40 - 20.0, 2.0 * turn, 900 - turn)
        ),
    }
    questions = {name: [kind] * len(asked) for name, kind in plain.items()}
    questions |= {name: [{"where": where}] * len(asked) for name, where in repeated.items()}
    questions |= {
        name: [{"where": kind(turn % QUERIES)} for turn in range(len(asked))]
        for name, kind in other.items()
    }
    figures = {}
    with Gallery(workspace / "gallery") as gallery:
        for name, kinds in questions.items():
            gallery.query(asked[0], **kinds[0])
            times = [
                spent(partial(gallery.query, path, **kind))
                for path, kind in zip(asked, kinds, strict=True)
            ]
            figures[f"query, {name}, ms"] = round(1_000 * float(np.median(times)), 2)
    return figures


def new_pictures(workspace: Path, dim: int) -> float:
    """Return the seconds of `index` with a hundred new pictures, the network's aside."""
    folder = workspace / "photos" / "new"
    folder.mkdir()
    draw = np.random.default_rng(2)
    for number in range(NEW):
        pixels = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC)
        image.save(folder / f"{number}.jpg")
    with Gallery(workspace / "gallery", source=Sketches(dim)) as gallery:
        return spent(gallery.index)


def measure(
    workspace: Path, size: int, real: NDArray[np.float32], stretch: float
) -> dict[str, Any]:
    """Return the figures of one size."""
    made = spent(partial(fill, workspace, size, real, stretch))
    print(f"{size}: made in {made:.0f} s", flush=True)
    gallery, photos = workspace / "gallery", workspace / "photos"
    named = ("--gallery", gallery)
    figures: dict[str, Any] = {"contents": size}
    walked(photos)
    figures["walk and stat, s"] = spent(partial(walked, photos))
    figures["index, unchanged, s"] = min(command("index", *named) for _ in range(2))
    figures["query, whole process, s"] = min(
        command("query", photos / name_of(0), *named) for _ in range(3)
    )
    figures["info, s"] = min(command("info", *named) for _ in range(3))
    figures["list, s"] = command("list", *named)
    figures["check, s"] = command("check", *named)
    figures["export, s"] = command("export", workspace / "export", *named)
    figures |= questions(workspace, size)
    figures["index, 100 new, s"] = new_pictures(workspace, real.shape[1])
    figures["remove a tenth, s"] = command("remove", photos / "some", "--yes", *named)
    figures["prune, s"] = command("prune", *named)
    return {name: round(value, 3) for name, value in figures.items()}


def page(results: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    sizes = [f"{result['contents']:,}" for result in results]
    lines = [f"| | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join(f'{each[name]:g}' for each in results)} |"
        for name in results[0]
        if name != "contents"
    ]
    return "\n".join(lines)


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--embeddings", type=Path, help="real ones, of grown_embeddings.py")
    parser.add_argument("--stretch", type=float, default=0.787, help="of grown_embeddings.py")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--workspace", type=Path, help="where galleries are made")
    parser.add_argument("--json", type=Path, help="write the figures into this file too")
    parser.add_argument("--quick", action="store_true", help="1,000 contents of random vectors")
    options = parser.parse_args()
    if options.quick:
        options.sizes = [1_000]
        drawn = np.abs(np.random.default_rng(0).normal(size=(500, 64))).astype(np.float32)
        real = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    else:
        real = np.load(options.embeddings)
    results = []
    with tempfile.TemporaryDirectory(prefix="imgsearch-growth-", dir=options.workspace) as scratch:
        for size in options.sizes:
            workspace = Path(scratch) / str(size)
            workspace.mkdir()
            results.append(measure(workspace, size, real, options.stretch))
            print(json.dumps(results[-1], indent=2), flush=True)
            shutil.rmtree(workspace)
    print(page(results))
    if options.json:
        content = {"results": results, "facts": facts()}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

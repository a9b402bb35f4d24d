"""What every stage of indexing costs, and how much of the machine indexing uses.

Makes two sets of JPEGs that all differ, of 12 and of 0.3 megapixels: photographs enlarged or
reduced, with fine grain added, quality 90; so a 12-megapixel file has some 3 MB, as a phone's has.
It measures

* each stage alone: core-milliseconds per image (processor time, whatever the number of threads) of
  reading, hashing, decoding, preprocessing, the network and pooling, and of all that is left: scan,
  comparison, commits, the index cache, and what holds them together;
* `Gallery.index` end to end, by precision, by decoding threads (jobs) and by batch: images per
  second, and the pipeline's efficiency, which is

      images per second / (cores / core-seconds per image, all stages measured alone);

* the plain loop of the tutorials (`load_img`, `preprocess_input`, `model.predict`, image by
  image) on the same files in the same run, before and after; the better of the two counts.

The files are read from the operating system's cache. Networks are loaded before the clock starts.

    python benchmarks/extraction.py
    python benchmarks/extraction.py --photos FOLDER --markdown FILE --json FILE
    python benchmarks/extraction.py --quick
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from extraction_pictures import FULL, QUICK, Scale, make_pictures
from extraction_report import EndToEnd, Measured, Stage, report
from run_facts import cores, facts

from imgsearch.errors import ImgsearchError
from imgsearch.gallery.gallery import Gallery
from imgsearch.images import loading
from imgsearch.indexing.report import IndexOptions
from imgsearch.networks.backbones.preprocessing import preprocess
from imgsearch.networks.embedder import Embedder, load_embedder
from imgsearch.networks.pooling import l2_normalise, pool
from imgsearch.networks.source import PretrainedNetworks
from imgsearch.recipe import PRECISIONS, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

REPOSITORY: Final = Path(__file__).parents[1]
BACKBONE: Final = "mobilenet_v2"
# Needs only the bundled weights.
QUICK_BACKBONE: Final = "compact"
BATCH: Final = 32
ROUNDS: Final = 3
LOOP: Final = "plain Keras loop"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of `Gallery.index`.

    Attributes:
        rate: images per second.
        busy: cores in use on average.
    """

    rate: float
    busy: float


def core_ms(function: Callable[[], object], count: int) -> float:
    """Return the lowest processor time of a few rounds, in milliseconds per `count`."""
    least = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        function()
        least = min(least, time.process_time() - started)
    return 1000 * least / count


def file_stages(paths: Sequence[Path], recipe: Recipe) -> dict[str, float]:
    """Return the core-milliseconds that reading, hashing and decoding a file take."""
    data = [path.read_bytes() for path in paths]

    def decode() -> None:
        for content in data:
            loading.load(content, size=recipe.size, resize=recipe.resize)

    count = len(paths)
    return {
        "read": core_ms(lambda: [loading.read_file(path) for path in paths], count),
        "hash": core_ms(lambda: [hashlib.sha256(content).hexdigest() for content in data], count),
        "decode": core_ms(decode, count),
    }


def network_stages(pixels: NDArray[np.uint8], embedder: Embedder) -> dict[str, float]:
    """Return the core-milliseconds that an image of a batch takes from pixels to embedding."""
    recipe, count = embedder.recipe, len(pixels)
    maps = embedder.feature_maps(pixels)
    before = core_ms(lambda: preprocess(np.stack(list(pixels)), recipe.preprocessing), count)
    both = core_ms(lambda: embedder.feature_maps(pixels), count)
    return {
        "preprocess": before,
        "network": both - before,
        "pool": core_ms(lambda: l2_normalise(pool(maps, recipe.pooling)), count),
    }


class InstantNetwork:
    """A source of random embeddings, which cost next to nothing."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        rows = np.random.default_rng(0).normal(size=(4096, recipe.dim)).astype(np.float32)
        self._rows = l2_normalise(rows)
        self._next = 0

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:  # noqa: ARG002 - the protocol's
        """Return the recipe."""
        return self.recipe

    def load(self, recipe: Recipe) -> InstantNetwork:  # noqa: ARG002 - the protocol's
        """Return itself."""
        return self

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit rows `(n, dim)`."""
        places = np.arange(self._next, self._next + len(pixels)) % len(self._rows)
        self._next += len(pixels)
        rows: NDArray[np.float32] = self._rows[places]
        return rows


def gallery_stage(folder: Path, count: int, recipe: Recipe) -> float:
    """Return the core-milliseconds per indexed file that belong to no other stage.

    The images are as small as possible, so that little is subtracted.
    """
    folder.mkdir()
    small = replace(recipe, size=8)
    for number in range(count):
        colour = np.full((8, 8, 3), (number % 256, number // 256, 0), np.uint8)
        Image.fromarray(colour).save(folder / f"{number}.bmp")
    paths = sorted(folder.iterdir())
    source, options = InstantNetwork(small), IndexOptions(batch_size=BATCH)
    run = index(folder, paths[0], source, options, RecipeRequest(recipe.backbone))
    return 1000 * run.busy / run.rate - sum(file_stages(paths, small).values())


def index(
    folder: Path,
    warm: Path,
    source: PretrainedNetworks | InstantNetwork,
    options: IndexOptions,
    request: RecipeRequest,
) -> Run:
    """Index a folder into a new gallery whose network is loaded.

    Args:
        folder: to index.
        warm: one of its files, indexed before the timing starts.
        source: of the embeddings.
        options: jobs and batch size.
        request: network and precision.
    """
    with (
        tempfile.TemporaryDirectory(prefix="imgsearch-") as place,
        Gallery(Path(place) / "gallery", recipe=request, source=source) as gallery,
    ):
        gallery.index(warm)
        started, spent = time.perf_counter(), time.process_time()
        report = gallery.index(folder, options=options)
        seconds, spent = time.perf_counter() - started, time.process_time() - spent
    return Run(report.embedded / seconds, spent / seconds)


def median(runs: Sequence[Run]) -> Run:
    """Return the run of median rate."""
    return sorted(runs, key=lambda run: run.rate)[len(runs) // 2]


def plain_loop(folders: Sequence[Path], counts: Sequence[int]) -> list[float]:
    """Return the seconds per image of the plain loop on each folder, in its own process."""
    code = (
        "import sys, time; from pathlib import Path; from embedding_rivals import keras_loop\n"
        "embed = keras_loop()\n"
        "for folder, count in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    paths = sorted(Path(folder).iterdir())[:int(count)]\n"
        "    embed(paths[:1])\n"
        "    started = time.perf_counter()\n"
        "    embed(paths)\n"
        "    print('SECONDS', (time.perf_counter() - started) / len(paths))\n"
    )
    pairs = [str(value) for pair in zip(folders, counts, strict=True) for value in pair]
    done = subprocess.run(
        [sys.executable, "-c", code, *pairs],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{Path(__file__).parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(line.split()[1]) for line in done.stdout.splitlines() if "SECONDS" in line]


def load(request: RecipeRequest) -> Embedder | None:
    """Return the network in a precision, or None if this machine does not support it."""
    try:
        recipe = PretrainedNetworks().resolve(request, offline=False)
        return load_embedder(recipe)
    except ImgsearchError as error:
        _tell(f"{request.precision}: {error}")
        return None


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def measure(
    workspace: Path, sources: Sequence[Path], scales: Sequence[Scale], backbone: str
) -> Measured:
    """Return all figures.

    Args:
        workspace: an empty folder.
        sources: photographs to make the files from.
        scales: sizes and numbers of the files.
        backbone: the network.
    """
    folders = [workspace / f"set{number}" for number in range(len(scales))]
    paths = [
        make_pictures(folder, sources, scale) for folder, scale in zip(folders, scales, strict=True)
    ]
    loop = plain_loop(folders, [scale.loop for scale in scales])
    requests = [RecipeRequest(backbone, precision=precision) for precision in PRECISIONS]
    embedders = {one: found for one in requests if (found := load(one)) is not None}
    if not embedders:
        raise SystemExit(f"{backbone}: no weights, see above")
    stages: list[Stage] = []
    ran: list[tuple[Scale, RecipeRequest, IndexOptions, Run, float]] = []
    source, usual = PretrainedNetworks(), IndexOptions(batch_size=BATCH)
    for scale, folder, files in zip(scales, folders, paths, strict=True):
        _tell(scale.name)
        some = files[: max(scale.originals, 16)]
        recipe = next(iter(embedders.values())).recipe
        alone = file_stages(some, recipe)
        images = [loading.load(p.read_bytes(), size=recipe.size, resize="squash") for p in some]
        pixels = np.resize([image.pixels for image in images], (BATCH, *images[0].pixels.shape))
        rest = gallery_stage(workspace / f"small {scale.name}", scale.files, recipe)
        totals = {}
        for request, embedder in embedders.items():
            parts = alone | network_stages(pixels, embedder) | {"gallery": rest}
            totals[request] = sum(parts.values())
            stages += [
                Stage(scale.name, request.precision, name, value)
                for name, value in [*parts.items(), ("all", totals[request])]
            ]
            runs = [index(folder, files[0], source, usual, request) for _ in range(ROUNDS)]
            ran.append((scale, request, usual, median(runs), totals[request]))
        first = next(iter(embedders))
        for jobs, batch in (
            (1, BATCH),
            (cores(), BATCH),
            (2 * cores(), BATCH),
            (None, 8),
            (None, 128),
        ):
            options = IndexOptions(batch_size=batch, jobs=jobs)
            run = index(folder, files[0], source, options, first)
            ran.append((scale, first, options, run, totals[first]))
    again = plain_loop(folders, [scale.loop for scale in scales])
    best = {
        scale: min(pair) for scale, pair in zip(scales, zip(loop, again, strict=True), strict=True)
    }
    ends = [EndToEnd(scale.name, "float32", LOOP, 1 / least, 1) for scale, least in best.items()]
    ends += [
        EndToEnd(
            scale.name,
            request.precision,
            f"jobs {options.jobs or 'auto'}, batch {options.batch_size}",
            run.rate,
            run.rate * best[scale],
            run.busy,
            run.rate / (cores() / (total / 1000)),
        )
        for scale, request, options, run, total in ran
    ]
    return Measured(backbone, tuple(ends), tuple(stages))


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--photos", type=Path, help="photographs to make the sets from")
    parser.add_argument("--quick", action="store_true", help="only check that it runs")
    parser.add_argument("--markdown", type=Path, help="write the report into this file too")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    folder = options.photos or REPOSITORY / "sample_data/photos"
    sources = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not sources:
        raise SystemExit(f"{folder}: no JPEG or PNG")
    spread = sources[:: max(1, len(sources) // 100)]
    backbone, scales = (QUICK_BACKBONE, QUICK) if options.quick else (BACKBONE, FULL)
    with tempfile.TemporaryDirectory(prefix="imgsearch-extraction-") as workspace:
        measured = measure(Path(workspace), spread, scales, backbone)
    page = "\n".join(["# Extraction", "", *facts(), "", *report(measured), ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")
    if options.json:
        figures = {"run": facts(), **asdict(measured)}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

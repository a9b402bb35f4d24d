"""Processor time of indexing, next to pipelines that are written by hand for one network.

    KERAS_HOME=DIR python benchmarks/indexing_rivals.py --photos FOLDER --markdown FILE

By hand: threads decode with OpenCV or simplejpeg at the least scale that is no smaller than the
network's input, OpenCV resizes by area, and the network is the very graph that imgsearch runs, in
OpenVINO, batch by batch; the embeddings go into a NumPy file. imgsearch is the whole of
`Gallery.index` into a new gallery: it also scans, hashes, reads metadata, makes a rendering of each
picture and commits. It is measured with both versions of its decoding rules.

Each run is a process of its own; the contenders take turns, and the least time of each counts. What
is counted is processor time of all threads, from the first file to the last, network loaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from extraction_pictures import Scale, make_pictures
from run_facts import cores, facts, version_of

from imgsearch import Gallery
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.networks.embedder import load_embedder
from imgsearch.networks.source import PretrainedNetworks
from imgsearch.recipe import DECODER_VERSION, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Embed = Callable[[Sequence[Path]], int]

REPOSITORY: Final = Path(__file__).parents[1]
BATCH: Final = 32
ROUNDS: Final = 3
FULL: Final = (
    Scale("48 MP", (8000, 6000), originals=4, files=24, loop=0),
    Scale("12 MP", (4000, 3000), originals=12, files=64, loop=0),
    Scale("0.3 MP", (640, 480), originals=100, files=800, loop=0),
)
QUICK: Final = (
    Scale("12 MP", (4000, 3000), originals=1, files=2, loop=0),
    Scale("0.3 MP", (640, 480), originals=8, files=64, loop=0),
)


def with_opencv(size: int) -> Callable[[Path], NDArray[np.uint8]]:
    """Return what reads a file to a square in RGB with OpenCV."""
    import cv2

    cv2.setNumThreads(1)
    flags = {scale: getattr(cv2, f"IMREAD_REDUCED_COLOR_{scale}") for scale in (2, 4, 8)}
    flags[1] = cv2.IMREAD_COLOR

    def load(path: Path) -> NDArray[np.uint8]:
        import simplejpeg

        data = path.read_bytes()
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        scale = max(each for each in flags if each == 1 or min(width, height) // each >= size)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags[scale])
        if image is None:
            raise RuntimeError(f"OpenCV cannot decode {path}")
        small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))

    return load


def with_simplejpeg(size: int) -> Callable[[Path], NDArray[np.uint8]]:
    """Return what reads a file to a square in RGB with simplejpeg, resized by OpenCV."""
    import cv2
    import simplejpeg

    cv2.setNumThreads(1)

    def load(path: Path) -> NDArray[np.uint8]:
        image = simplejpeg.decode_jpeg(path.read_bytes(), min_height=size, min_width=size)
        return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))

    return load


def by_hand(load_with: Callable[[int], Callable[[Path], Any]], backbone: str) -> Embed:
    """Return a pipeline of decoding threads and the network."""
    embedder = load_embedder(resolve(RecipeRequest(backbone), offline=True), runtime="openvino")
    load = load_with(embedder.recipe.size)

    def embed(paths: Sequence[Path]) -> int:
        rows = []
        with ThreadPoolExecutor(cores()) as threads:
            images = threads.map(load, paths)
            batch = []
            for image in images:
                batch.append(image)
                if len(batch) == BATCH:
                    rows.append(embedder.embed(np.stack(batch)))
                    batch = []
            if batch:
                rows.append(embedder.embed(np.stack(batch)))
        with tempfile.TemporaryFile() as file:
            np.save(file, np.concatenate(rows))
        return sum(map(len, rows))

    return embed


class Indexing:
    """The whole of `Gallery.index`, into a new gallery that keeps its network."""

    def __init__(self, decoder: int, backbone: str) -> None:
        self._place = tempfile.TemporaryDirectory()
        self._gallery = Gallery(
            Path(self._place.name) / "gallery",
            recipe=RecipeRequest(backbone, decoder=decoder),
            source=PretrainedNetworks(runtime="openvino"),
            offline=True,
        )

    def __call__(self, paths: Sequence[Path]) -> int:
        """Index the folder of some files, and return how many were embedded."""
        return self._gallery.index(paths[0].parent).embedded


CONTENDERS: Final[dict[str, Callable[[str], Embed]]] = {
    "by hand, simplejpeg": partial(by_hand, with_simplejpeg),
    "by hand, OpenCV": partial(by_hand, with_opencv),
    **{
        f"imgsearch, decoder {version}": partial(Indexing, version)
        for version in range(1, DECODER_VERSION + 1)
    },
}


def contend(name: str, backbone: str, folder: Path, warm_up: Path) -> float:
    """Return the processor milliseconds a file of one contender, in this process."""
    embed = CONTENDERS[name](backbone)
    embed(sorted(warm_up.iterdir()))
    paths = sorted(folder.iterdir())
    began = time.process_time()
    if embed(paths) != len(paths):
        raise RuntimeError(f"{name} did not embed all of {folder}")
    return 1000 * (time.process_time() - began) / len(paths)


def measured(name: str, backbone: str, folder: Path, warm_up: Path) -> float:
    """Return the same of a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", name, backbone, str(folder), str(warm_up)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, default=REPOSITORY / "sample_data/photos")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--markdown", type=Path, help="write the report into this file too")
    parser.add_argument("--quick", action="store_true", help="only check that it runs")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, backbone, folder, warm_up = options.only
        print(contend(name, backbone, Path(folder), Path(warm_up)))
        return
    scales, rounds = (QUICK, 1) if options.quick else (FULL, ROUNDS)
    backbone = "compact" if options.quick else options.backbone
    sources = sorted(p for p in options.photos.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})
    sources = sources[:: max(1, len(sources) // 100)]
    lines = [
        f"| JPEGs, {backbone} | contender | processor ms a file | times the best by hand |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory(prefix="imgsearch-indexing-") as place:
        for number, scale in enumerate(scales):
            folder, warm_up = Path(place) / str(number), Path(place) / f"{number} warm"
            make_pictures(folder, sources, scale)
            warm_up.mkdir()
            first = min(folder.iterdir())
            (warm_up / first.name).write_bytes(first.read_bytes() + b"warm")
            least = dict.fromkeys(CONTENDERS, float("inf"))
            for _ in range(rounds):
                for name in CONTENDERS:
                    least[name] = min(least[name], measured(name, backbone, folder, warm_up))
            best = min(found for name, found in least.items() if name.startswith("by hand"))
            for name, found in least.items():
                lines.append(f"| {scale.name} | {name} | {found:.1f} | {found / best:.2f} |")
                print(lines[-1], flush=True)
    versions = ", ".join(
        f"{name} {version_of(name)}" for name in ("opencv-python-headless", "simplejpeg")
    )
    page = "\n".join([*facts(), f"- {versions}", "", *lines, ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

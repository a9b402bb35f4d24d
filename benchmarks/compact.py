"""Quality and speed of the bundled backbone, compared with larger networks and simple baselines.

    python benchmarks/compact.py LABELLED                      subfolders are labels
    python benchmarks/compact.py PHOTOS --labels prefix        item_1.jpg and item_2.jpg belong
    python benchmarks/compact.py LABELLED --student FILE ...   earlier students: a learning curve
    python benchmarks/compact.py --groups ground_truth.json    N-S score on sample_data
    python benchmarks/compact.py --throughput                  images/s, and MobileNetV2's

Every image is a query, itself excluded; rectangular average precision; the whole image squashed;
global average pooling. "raw" is what is stored, "projected" what a gallery searches by default
(fitted on these same images, without their labels).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import WeightsUnavailableError
from imgsearch.evaluation.metrics.average_precision import mean_average_precision
from imgsearch.images import formats, loading
from imgsearch.networks.backbones import resolve
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.compact.network import build_folded
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.embedder import Embedder, load_embedder
from imgsearch.networks.pooling import l2_normalise, pool
from imgsearch.networks.runtimes.openvino import OpenVINORuntime, export
from imgsearch.networks.runtimes.tensorflow import concrete_function
from imgsearch.recipe import RecipeRequest
from imgsearch.vectors import projection_choice, projection_fitting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Rows = NDArray[np.float32]

BINS = 8
THUMBNAIL = 16
BATCH = 32
ROUNDS = 15


@dataclass(frozen=True)
class Candidate:
    """Something that turns squares of pixels into unit rows.

    Attributes:
        name: in the table.
        size: side of the squares in pixels.
        embed: uint8 (n, size, size, 3) -> float32 (n, dim).
    """

    name: str
    size: int
    embed: Callable[[Pixels], Rows]


def colour_histogram(images: Pixels) -> Rows:
    """Return square roots of the shares of 8 x 8 x 8 colours, unit rows (n, 512)."""
    levels = images.astype(np.int64) * BINS // 256
    codes = (levels[..., 0] * BINS + levels[..., 1]) * BINS + levels[..., 2]
    counts = np.stack([np.bincount(code.ravel(), minlength=BINS**3) for code in codes])
    # The square root makes the inner product the Bhattacharyya coefficient.
    return np.asarray(np.sqrt(counts / counts.sum(axis=1, keepdims=True)), dtype=np.float32)


def thumbnail(images: Pixels) -> Rows:
    """Return the pixels minus their mean, as unit rows."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    return l2_normalise(rows - rows.mean(axis=1, keepdims=True))


def from_embedder(name: str, embedder: Embedder) -> Candidate:
    """Return imgsearch's own embedder as a candidate."""
    return Candidate(name, embedder.recipe.size, embedder.embed)


def from_model(name: str, model: Any, *, size: int, scale: float, offset: float) -> Candidate:  # noqa: ANN401  Keras has no types
    """Return a Keras model of feature maps, run by OpenVINO in float32."""
    runtime = OpenVINORuntime(export(concrete_function(model)))

    def embed(images: Pixels) -> Rows:
        batch = images.astype(np.float32) * np.float32(scale) + np.float32(offset)
        return l2_normalise(pool(runtime.feature_maps(batch), "gap"))

    return Candidate(name, size, embed)


def student(path: Path, size: int) -> Candidate:
    """Return a student's file as a candidate."""
    load_keras()
    model = build_folded(weights.load(path), size)
    return from_model(f"{path.stem} at {size}", model, size=size, scale=1, offset=0)


def narrow_mobilenet(path: Path) -> Candidate:
    """Return MobileNetV2 with alpha 0.35, from its weights file without top."""
    model = load_keras().applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=str(path), input_shape=(224, 224, 3)
    )
    return from_model("mobilenet_v2 0.35", model, size=224, scale=1 / 127.5, offset=-1)


def custom_model(path: Path) -> Candidate:
    """Return a `.keras` network that takes pixels in 0..1 and gives pooled activations or maps."""
    keras = load_keras()
    model = keras.saving.load_model(path, compile=False)
    if len(model.output_shape) == 2:  # noqa: PLR2004  pooled already: maps of one location
        maps = keras.layers.Reshape((1, 1, -1))(model.output)
        model = keras.Model(model.inputs, maps)
    size = model.input_shape[1]
    return from_model(path.stem, model, size=size, scale=1 / 255, offset=0)


def found(folder: Path, labels: str) -> list[tuple[Path, str]]:
    """Return the images in a folder with their labels."""
    suffixes = formats.suffixes()
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes)
    if labels == "folder":
        return [(path, path.parent.name) for path in paths]
    return [(path, path.stem.rpartition("_")[0]) for path in paths]


def squares(paths: list[Path], size: int) -> Pixels:
    """Return the whole images squashed, shape (n, size, size, 3)."""
    return np.stack(
        [loading.load(loading.read_file(p), size=size, resize="squash").pixels for p in paths]
    )


def quality(candidates: list[Candidate], labelled: list[tuple[Path, str]]) -> None:
    """Print the mAP of every candidate."""
    paths = [path for path, _ in labelled]
    labels = np.array([label for _, label in labelled])
    cache: dict[int, Pixels] = {}
    print(f"{len(paths)} images, {len(set(labels))} labels; mAP in percent")
    print(f"{'':24}{'dim':>6}{'raw':>8}{'projected':>11}")
    for candidate in candidates:
        if candidate.size not in cache:
            cache[candidate.size] = squares(paths, candidate.size)
        pixels = cache[candidate.size]
        rows = np.concatenate(
            [candidate.embed(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
        )
        raw = mean_average_precision(rows, labels).value
        fitted = projection_fitting.fit(
            rows, dim=projection_choice.DEFAULT.dim, power=projection_choice.DEFAULT.power
        )
        projected = mean_average_precision(fitted.apply(rows), labels).value
        print(f"{candidate.name:24}{rows.shape[1]:6}{100 * raw:8.1f}{100 * projected:11.1f}")
        sys.stdout.flush()


def n_s_scores(candidates: list[Candidate], truth: Path) -> None:
    """Print the N-S score of every candidate on groups of four among distractors.

    The mean number of the group's members among the first four matches, the query included, at
    most 4: Nistér and Stewénius, "Scalable recognition with a vocabulary tree" (2006).
    """
    known = json.loads(truth.read_text(encoding="utf-8"))
    names = [name for group in known["groups"].values() for name in group]
    groups = np.repeat(np.arange(len(known["groups"])), [len(g) for g in known["groups"].values()])
    paths = [truth.parent / name for name in [*names, *known["distractors"]]]
    labels = np.concatenate([groups, np.full(len(known["distractors"]), -1)])
    print(f"{len(paths)} images, {len(known['groups'])} groups; N-S of 4")
    for candidate in candidates:
        rows = candidate.embed(squares(paths, candidate.size))
        first = np.argsort(-rows[: len(names)] @ rows.T, axis=1, kind="stable")[:, :4]
        score = np.mean(np.sum(labels[first] == groups[:, None], axis=1))
        print(f"{candidate.name:24}{rows.shape[1]:6}{score:8.2f}")


def throughput() -> None:
    """Print images/s of compact and of MobileNetV2 on OpenVINO, in alternation."""
    embedders = [
        load_embedder(recipe, runtime="openvino")
        for recipe in (
            resolve.resolve(RecipeRequest("compact")),
            resolve.random_recipe("mobilenet_v2"),
        )
    ]
    generator = np.random.default_rng(0)
    best = [0.0, 0.0]
    for _ in range(ROUNDS):
        for i, embedder in enumerate(embedders):
            side = embedder.recipe.size
            batch = generator.integers(0, 256, size=(BATCH, side, side, 3), dtype=np.uint8)
            embedder.embed(batch)
            start = time.perf_counter()
            for _ in range(4):
                embedder.embed(batch)
            best[i] = max(best[i], 4 * BATCH / (time.perf_counter() - start))
    for embedder, rate in zip(embedders, best, strict=True):
        name = f"{embedder.recipe.backbone} at {embedder.recipe.size}"
        print(f"{name:24}{embedder.runtime_name:12}{rate:8.0f} images/s")
    print(f"{'ratio':24}{best[0] / best[1]:20.2f}")


def candidates_of(arguments: argparse.Namespace) -> list[Candidate]:
    """Return what is compared, the baselines first."""
    chosen = [
        Candidate("colour histogram 8x8x8", 128, colour_histogram),
        Candidate("thumbnail 16x16", THUMBNAIL, thumbnail),
    ]
    for size in arguments.size:
        chosen += [student(path, size) for path in arguments.student]
    for name in ("compact", *arguments.backbone):
        try:
            recipe = resolve.resolve(RecipeRequest(name), offline=True)
        except WeightsUnavailableError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        chosen.append(from_embedder(name, load_embedder(recipe)))
    if arguments.mobilenet_035 is not None:
        chosen.append(narrow_mobilenet(arguments.mobilenet_035))
    return chosen + [custom_model(path) for path in arguments.network]


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--labels", choices=("folder", "prefix"), default="folder")
    parser.add_argument("--backbone", action="append", default=[], help="of the catalogue")
    parser.add_argument("--student", type=Path, action="append", default=[], help=".npz")
    parser.add_argument("--size", type=int, action="append", help="of the students' input")
    parser.add_argument("--mobilenet-035", type=Path, help="its weights file without top")
    parser.add_argument("--network", type=Path, action="append", default=[], help=".keras, 0..1")
    parser.add_argument("--groups", type=Path, help="ground truth of groups of four, JSON")
    parser.add_argument("--throughput", action="store_true")
    arguments = parser.parse_args()
    arguments.size = arguments.size or [128]
    if not (arguments.photos or arguments.groups or arguments.throughput):
        parser.error("give a folder of labelled photos, --groups or --throughput")
    if arguments.photos or arguments.groups:
        candidates = candidates_of(arguments)
    if arguments.photos is not None:
        quality(candidates, found(arguments.photos, arguments.labels))
    if arguments.groups is not None:
        n_s_scores(candidates, arguments.groups)
    if arguments.throughput:
        throughput()


if __name__ == "__main__":
    main()

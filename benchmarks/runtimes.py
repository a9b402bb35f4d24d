"""Compare what executes a network: speed, agreement with the reference, retrieval quality.

    KERAS_HOME=... python benchmarks/runtimes.py [--photos FOLDER] [--quick]
        [--markdown FILE] [--json FILE]

For each network, in one run and in turns: the plain Keras loop (`model.predict`, one image at a
time), TensorFlow in batches, OpenVINO and LiteRT, in float32 and bfloat16. Every figure is the
best of several rounds. Networks whose ImageNet weights are in Keras's cache run with them, the
others with random weights, which are as fast and say nothing about quality. Agreement is the least
cosine with TensorFlow's float32 embeddings, over the probe images that decide at run time whether
a graph is accepted, and over photographs. `--photos` names a folder with one sub-folder for each
label: mAP is rectangular, every image a query, itself excluded. Graphs are measured here even
where imgsearch would refuse them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.evaluation.metrics.average_precision import mean_average_precision
from imgsearch.images import loading
from imgsearch.networks.backbones import build, catalogue, weights
from imgsearch.networks.backbones.preprocessing import preprocess
from imgsearch.networks.backbones.resolve import random_recipe, resolve
from imgsearch.networks.embedder import Embedder
from imgsearch.networks.runtimes import litert, openvino
from imgsearch.networks.runtimes.choices import ChoiceKey
from imgsearch.networks.runtimes.runtime import available_threads
from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime
from imgsearch.networks.runtimes.trial import LEAST_AGREEMENT, agreement, probe_images
from imgsearch.recipe import Recipe, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import Runtime
    from imgsearch.recipe import Precision

NETWORKS = ("compact", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_v2_b0", "resnet50")
BATCHES = (1, 8, 32)
PACKAGES = ("tensorflow", "keras", "openvino", "ai-edge-litert", "numpy")


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to execute a network.

    Attributes:
        name: of the runtime.
        precision: arithmetic.
        runtime: executes it; None for the plain Keras loop.
    """

    name: str
    precision: Precision
    runtime: Runtime | None


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one way to execute a network.

    Attributes:
        runtime: its name.
        precision: arithmetic.
        rates: images/s at each of `BATCHES`.
        times_loop: the best rate divided by that of the plain Keras loop.
        cosine_probes: the least, with the reference, over the probe images; None for the loop.
        cosine_photographs: over photographs; None where there are none.
        mean_average_precision: of the photographs, in per cent; None where there are none.
        accepted: whether imgsearch takes it; None for the loop.
    """

    runtime: str
    precision: str
    rates: tuple[float, ...]
    times_loop: float
    cosine_probes: float | None = None
    cosine_photographs: float | None = None
    mean_average_precision: float | None = None
    accepted: bool | None = None

    def line(self) -> str:
        """Return it as a line of a Markdown table."""
        cells = [self.runtime, self.precision, *(f"{rate:.1f}" for rate in self.rates)]
        cells.append(f"{self.times_loop:.1f}")
        for value, digits in (
            (self.cosine_probes, 6),
            (self.cosine_photographs, 6),
            (self.mean_average_precision, 2),
        ):
            cells.append("" if value is None else f"{value:.{digits}f}")
        cells.append({None: "", True: "yes", False: "no"}[self.accepted])
        return "| " + " | ".join(cells) + " |"


@dataclass(frozen=True, slots=True)
class Network:
    """The results of one network.

    Attributes:
        name: of the backbone.
        trained: whether it ran with its own weights rather than random ones.
        size: of its input, in pixels.
        rows: the ways to execute it.
    """

    name: str
    trained: bool
    size: int
    rows: tuple[Row, ...]

    def table(self) -> str:
        """Return it as a section of Markdown."""
        known = "its own weights" if self.trained else "random weights"
        lines = [
            f"## {self.name} ({known}, {self.size} px)",
            "",
            "| runtime | precision | "
            + " | ".join(f"batch {length}" for length in BATCHES)
            + " | times the Keras loop | cosine, probes | cosine, photographs | mAP | accepted |",
            "|---|---|" + "---:|" * (len(BATCHES) + 4) + "---|",
            *(row.line() for row in self.rows),
        ]
        return "\n".join(lines)


def recipe_of(name: str) -> tuple[Recipe, bool]:
    """Return a network's recipe, and whether its weights are ImageNet's or its own."""
    backbone = catalogue.find(name)
    if backbone.is_compact or weights.is_available(backbone):
        return resolve(RecipeRequest(name), offline=True), True
    return random_recipe(name), False


def contenders(recipe: Recipe, threads: int) -> tuple[Any, list[Contender]]:
    """Return the Keras model and all ways to run it, the reference second."""
    model = build.build(recipe)
    reference = TensorFlowRuntime(model)
    graph = openvino.export(reference.function)
    found = [
        Contender("Keras predict", "float32", None),
        Contender("TensorFlow", "float32", reference),
        Contender("OpenVINO", "float32", openvino.OpenVINORuntime(graph, threads=threads)),
        Contender(
            "LiteRT",
            "float32",
            litert.LiteRTRuntime(litert.export(reference.function), threads=threads),
        ),
    ]
    if openvino.has_bfloat16():
        runtime = openvino.OpenVINORuntime(graph, precision="bfloat16", threads=threads)
        found.append(Contender("OpenVINO", "bfloat16", runtime))
    # Last, because it changes the model; functions traced before do not change.
    plain = build.build(recipe)
    found.append(
        Contender("TensorFlow", "bfloat16", TensorFlowRuntime(plain, precision="bfloat16"))
    )
    return model, found


def rates(recipe: Recipe, model: Any, ways: list[Contender], rounds: int) -> list[list[float]]:  # noqa: ANN401  Keras has no types
    """Return images/s of every contender (rows) at every batch size (columns)."""
    pixels = np.resize(probe_images(recipe.size), (max(BATCHES), recipe.size, recipe.size, 3))
    batch = preprocess(pixels, recipe.preprocessing)

    def loop(runtime: Runtime | None, length: int) -> Callable[[], object]:
        if runtime is None:
            return lambda: model.predict(batch[:1], verbose=0)
        return lambda: runtime.feature_maps(batch[:length])

    best = np.zeros((len(ways), len(BATCHES)))
    for turn in range(rounds + 1):
        for row, way in enumerate(ways):
            for column, length in enumerate(BATCHES):
                run = loop(way.runtime, length)
                count = 1 if way.runtime is None else length
                start = time.perf_counter()
                for _ in range(repeats := max(1, 8 // length)):
                    run()
                rate = repeats * count / (time.perf_counter() - start)
                # The first round warms up.
                best[row, column] = max(best[row, column], rate if turn else 0)
    return [list(map(float, row)) for row in best]


def photographs(folder: Path, recipe: Recipe, limit: int | None) -> tuple[NDArray[np.uint8], Any]:
    """Return decoded photographs and their labels."""
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    files = files if limit is None else files[:: max(1, len(files) // limit)]
    pixels = [
        loading.load(loading.read_file(path), size=recipe.size, resize=recipe.resize).pixels
        for path in files
    ]
    return np.stack(pixels), np.array([path.parent.name for path in files])


def embeddings(recipe: Recipe, runtime: Runtime, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the embeddings of many images, batch by batch."""
    embedder = Embedder(recipe, runtime)
    parts = [pixels[start : start + 32] for start in range(0, len(pixels), 32)]
    return np.concatenate([embedder.embed(part) for part in parts])


def measure(
    name: str, *, threads: int, rounds: int, photos: Path | None, limit: int | None
) -> Network:
    """Return one network's figures, and print each as soon as it is known.

    Args:
        name: of the backbone.
        threads: of the runtimes.
        rounds: number of rounds; the best counts.
        photos: a labelled folder; None measures no quality.
        limit: maximum number of photographs.
    """
    recipe, trained = recipe_of(name)
    model, ways = contenders(recipe, threads)
    speeds = rates(recipe, model, ways, rounds)
    reference = ways[1].runtime
    assert reference is not None  # noqa: S101  for the types
    pixels, labels, expected = None, None, None
    if photos is not None and trained:
        pixels, labels = photographs(photos, recipe, limit)
        expected = embeddings(recipe, reference, pixels)
    base = max(speeds[0])
    rows = []
    for way, speed in zip(ways, speeds, strict=True):
        row = Row(way.name, way.precision, tuple(speed), max(speed) / base)
        if way.runtime is not None:
            under = replace(recipe, precision=way.precision)
            cosine = agreement(under, reference, way.runtime)
            accepted = bool(cosine >= LEAST_AGREEMENT[way.precision])
            row = replace(row, cosine_probes=float(cosine), accepted=accepted)
            if pixels is not None and expected is not None and labels is not None:
                received = embeddings(under, way.runtime, pixels)
                row = replace(
                    row,
                    cosine_photographs=float(np.min(np.sum(received * expected, axis=1))),
                    mean_average_precision=100 * mean_average_precision(received, labels).value,
                )
        print(row.line(), flush=True)
        rows.append(row)
    return Network(name, trained, recipe.size, tuple(rows))


def main() -> None:
    """Run the benchmark and print or write its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--photos", type=Path, help="labelled folder, for agreement and mAP")
    parser.add_argument("--limit", type=int, help="photographs at most")
    parser.add_argument("--threads", type=int, default=available_threads(None))
    parser.add_argument("--quick", action="store_true", help="only check that it runs")
    parser.add_argument("--remark", default="", help="a sentence for the head of the file")
    parser.add_argument("--markdown", type=Path, help="write the tables into this file")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    arguments = parser.parse_args()
    names = ["compact"] if arguments.quick else list(arguments.networks)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    processor = ChoiceKey.of(random_recipe("compact"), None).processor
    parts = [
        "# Runtimes: images per second, agreement, quality",
        "`python benchmarks/runtimes.py`, photographs: "
        f"{arguments.photos.name if arguments.photos else 'none'}. "
        f"Python {platform.python_version()}, {versions}; {processor}, {arguments.threads} "
        f"threads. {arguments.remark}".strip(),
        (
            "All images are already preprocessed: this is the network alone. OpenVINO and LiteRT "
            "take one image at a time whatever the batch; OpenVINO runs as many in parallel as "
            "there are threads. The last column says whether imgsearch accepts the runtime: the "
            "least cosine of the probe images with TensorFlow's float32 is at least "
            f"{LEAST_AGREEMENT['float32']} in float32, {LEAST_AGREEMENT['bfloat16']} in bfloat16."
        ),
    ]
    networks = []
    for name in names:
        print(name, flush=True)
        networks.append(
            measure(
                name,
                threads=arguments.threads,
                rounds=1 if arguments.quick else 5,
                photos=arguments.photos,
                limit=arguments.limit,
            )
        )
    if arguments.markdown:
        parts += [network.table() for network in networks]
        arguments.markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    if arguments.json:
        figures = {"run": parts[1], "batches": BATCHES, "networks": list(map(asdict, networks))}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Draw what a network makes of one picture: `python docs/figures/feature_maps.py PICTURE`.

The picture as the network sees it, the strongest feature maps of an early, a middle and the last
layer, and the pooled vector. Needs imgsearch and the backbone's weights on this machine; nothing
is downloaded. Drawing takes NumPy and Pillow alone.
"""

# ruff: noqa: INP001  # a script beside the document that it illustrates

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

HERE: Final = Path(__file__).resolve().parent
SHOWN: Final = 8
# Grid sides of the early and the middle layer, as parts of the input's side.
EARLY, MIDDLE = 2, 8
DEPTHS: Final = ("early", "middle", "last")

MARGIN: Final = 40
TILE: Final = 112
GAP: Final = 10
PICTURE: Final = 304
LABEL: Final = 42
STRIP: Final = 64
WIDTH: Final = 1400
PAPER, INK, FAINT = (255, 255, 255), (28, 32, 44), (106, 112, 128)
# Dark to bright in even steps of lightness, readable without colour vision.
RAMP: Final = np.array(
    [(18, 16, 42), (52, 30, 98), (106, 36, 120), (168, 50, 108), (222, 88, 78), (250, 156, 72),
     (252, 236, 168)],
    dtype=np.float64,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """The activations of one layer for one picture.

    Attributes:
        name: as `imgsearch backbones NAME` lists it.
        maps: feature maps, shape (h, w, c), float32.
    """

    name: str
    maps: NDArray[np.float32]

    @property
    def extent(self) -> str:
        """Shape in words."""
        height, width, channels = self.maps.shape
        return f"{height} by {width} places, {channels:,} channels"

    def strongest(self) -> NDArray[np.intp]:
        """Return the channels that vary most from place to place, in the order of the channels."""
        deviations = self.maps.std(axis=(0, 1), dtype=np.float64)
        return np.sort(np.argsort(-deviations, kind="stable")[:SHOWN])


def colours(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return a colour for every value: the darkest for 0 and below, the brightest for the largest.

    Args:
        values: any shape.

    Returns:
        Shape (..., 3), uint8 RGB.
    """
    top = max(float(values.max()), float(np.finfo(np.float32).tiny))
    steps = np.clip(values / top, 0, 1) * (len(RAMP) - 1)
    places = np.arange(len(RAMP))
    channels = [np.interp(steps, places, RAMP[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def draw(
    picture: NDArray[np.uint8], layers: list[Layer], pooled: NDArray[np.float32]
) -> Image.Image:
    """Draw the figure.

    Args:
        picture: the network's input, uint8 (size, size, 3).
        layers: from the first to the last, whose mean over the places is `pooled`.
        pooled: one number a channel of the last layer, shape (c,).
    """
    rows = TILE + LABEL + GAP
    height = MARGIN + len(layers) * rows + LABEL + STRIP + 2 * LABEL + MARGIN // 2
    figure = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(figure)
    text, small = ImageFont.load_default(23), ImageFont.load_default(20)

    side = picture.shape[0]
    top = MARGIN + (len(layers) * rows - GAP - PICTURE - LABEL) // 2
    pen.text((MARGIN, top), "the input x", INK, text)
    pen.text((MARGIN + PICTURE, top + 3), f"{side} by {side} pixels", FAINT, small, anchor="ra")
    top += LABEL
    shown = Image.fromarray(picture).resize((PICTURE, PICTURE), Image.Resampling.LANCZOS)
    figure.paste(shown, (MARGIN, top))

    start = WIDTH - MARGIN - SHOWN * TILE - (SHOWN - 1) * GAP
    for number, layer in enumerate(layers):
        top = MARGIN + number * rows
        pen.text((start, top), f"{DEPTHS[number]}: {layer.name}", INK, text)
        pen.text((WIDTH - MARGIN, top + 3), layer.extent, FAINT, small, anchor="ra")
        for place, channel in enumerate(layer.strongest()):
            tile = Image.fromarray(colours(layer.maps[:, :, channel]))
            left = start + place * (TILE + GAP)
            figure.paste(tile.resize((TILE, TILE), Image.Resampling.NEAREST), (left, top + LABEL))

    top = MARGIN + len(layers) * rows + GAP
    pen.text((MARGIN, top), "pooled: the mean of every channel", INK, text)
    pen.text((WIDTH - MARGIN, top + 3), f"{len(pooled):,} numbers", FAINT, small, anchor="ra")
    top += LABEL
    length = WIDTH - 2 * MARGIN
    # The root shows small values as well; a column may stand for less than one pixel.
    strip = Image.fromarray(colours(np.sqrt(np.maximum(pooled, 0)))[np.newaxis])
    figure.paste(strip.resize((length, STRIP), Image.Resampling.BOX), (MARGIN, top))
    for channel in layers[-1].strongest():
        middle = MARGIN + round((channel + 0.5) * length / len(pooled))
        below = top + STRIP + 6
        pen.polygon([(middle, below), (middle - 6, below + 11), (middle + 6, below + 11)], fill=INK)
    pen.text(
        (MARGIN, top + STRIP + 26),
        f"marked: the channels whose maps are shown of {layers[-1].name}, from left to right",
        FAINT,
        small,
    )
    return figure


def look(path: Path, backbone: str) -> tuple[NDArray[np.uint8], list[Layer]]:
    """Return a picture as the backbone sees it, and its activations at three depths."""
    from imgsearch.images import loading
    from imgsearch.networks.backbones import build
    from imgsearch.networks.backbones.preprocessing import preprocess
    from imgsearch.networks.backbones.resolve import resolve
    from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime
    from imgsearch.recipe import RecipeRequest

    def recipe(layer: str | None = None) -> Recipe:
        request = RecipeRequest(backbone=backbone, layer=layer)
        return resolve(request, offline=True)

    last = recipe()
    found = build.layers(backbone)
    names = []
    for part in (EARLY, MIDDLE):
        grid = -(-last.size // part)
        names.append([layer.name for layer in found if layer.shape[0] == grid][-1])
    loaded = loading.load(loading.read_file(path), size=last.size, resize=last.resize)
    batch = preprocess(loaded.pixels[np.newaxis], last.preprocessing)
    layers = []
    for one in (*map(recipe, names), last):
        maps = TensorFlowRuntime(build.build(one)).feature_maps(batch)
        layers.append(Layer(one.layer, maps[0]))
    return loaded.pixels, layers


def main() -> int:
    """Draw the figure into a PNG file."""
    from imgsearch.networks.pooling import gap

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--output", type=Path, default=HERE / "feature_maps.png")
    arguments = parser.parse_args()
    picture, layers = look(arguments.picture, arguments.backbone)
    figure = draw(picture, layers, gap(layers[-1].maps[np.newaxis])[0])
    # 256 well-chosen colours look the same, in a quarter of the bytes.
    few = figure.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    few.save(arguments.output, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

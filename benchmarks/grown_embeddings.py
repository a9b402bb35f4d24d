"""Many embeddings with the structure of few real ones.

Uniform random vectors are no test of an index: all are equally far apart, so their nearest
neighbours mean nothing. Here a new embedding is a real one, moved up to half the way towards one of
its three nearest neighbours, plus a step along the difference of two other real embeddings::

    x = unit(max(0, (1 - w) a + w b + t |a - a'| (c - d) / |c - d|))     w uniform in [0, 1/2]

with a a real embedding at random, b one of its three nearest, a' its nearest, and c, d any two. So
directions have the covariance of the real ones, dense regions stay dense and outliers stay
outliers, and activations stay non-negative. The one free parameter is the stretch t, chosen such
that a grown set of the same size has the real one's median cosine to the nearest neighbour, in the
space that is searched. `calibration` compares the other quantiles.

Such steps leave the few directions in which the real embeddings near a place vary, so that a large
grown set has a higher intrinsic dimension. Another way, `--local`, stays in them::

    x = unit(max(0, a + t sum_i g_i (b_i - a)))     six b_i of a's sixteen nearest, g_i of N(0, 1/6)

`intrinsic_dimension` says what either comes to.

    python benchmarks/grown_embeddings.py FOLDER... --embeddings real.npy
    python benchmarks/grown_embeddings.py --quick
"""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import faiss
import numpy as np

from imgsearch.errors import UnreadableImageError
from imgsearch.images import formats, loading
from imgsearch.vectors import projection_choice, projection_fitting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
NEAREST: Final = 3
LOCAL_NEAREST: Final = 16
LOCAL_STEPS: Final = 6
DIMENSION_NEIGHBOURS: Final = 20
BLOCK: Final = 10_000
PICTURES: Final = 12_000


def embed(folders: Sequence[Path], backbone: str, *, most: int = PICTURES) -> NDArray[np.float32]:
    """Return the embeddings `(n, dim)` of images in folders, at most `most`, drawn at random."""
    from imgsearch.networks.backbones.resolve import resolve
    from imgsearch.networks.embedder import load_embedder
    from imgsearch.recipe import RecipeRequest

    recipe = resolve(RecipeRequest(backbone=backbone), offline=False)
    embedder = load_embedder(recipe)
    suffixes = formats.suffixes()
    paths = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes
    ]
    random.Random(0).shuffle(paths)  # noqa: S311  # a sample, not a secret

    def load(path: Path) -> NDArray[np.uint8] | None:
        try:
            return loading.load(loading.read_file(path), size=recipe.size, resize="squash").pixels
        except UnreadableImageError:
            return None

    rows = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, min(most, len(paths)), 64):
            batch = [one for one in pool.map(load, paths[start : start + 64]) if one is not None]
            rows.append(embedder.embed(np.stack(batch)))
    return np.concatenate(rows)


@dataclass(frozen=True)
class Grown:
    """A source of any number of embeddings.

    Attributes:
        real: embeddings `(n, dim)` to start from.
        nearest: rows of each one's nearest neighbours, `(n, 3)`, or `(n, 16)` to grow locally.
        stretch: t above.
        local: whether steps go towards neighbours only.
    """

    real: NDArray[np.float32]
    nearest: NDArray[np.int64]
    stretch: float
    local: bool = False

    @classmethod
    def calibrated(
        cls, real: NDArray[np.float32], *, projected: bool, local: bool = False
    ) -> Grown:
        """Return one whose embeddings have neighbours as near as the real ones."""
        nearest = neighbours(real, LOCAL_NEAREST if local else NEAREST)[1]
        wanted = float(np.median(distances(real, projected=projected)))
        low, high = 0.1, 3.0
        for _ in range(8):
            middle = (low + high) / 2
            grown = cls(real, nearest, middle, local)
            found = np.median(distances(grown.draw(len(real), seed=1), projected=projected))
            low, high = (middle, high) if found > wanted else (low, middle)
        return cls(real, nearest, (low + high) / 2, local)

    def draw(self, count: int, *, seed: int) -> NDArray[np.float32]:
        """Return new embeddings `(count, dim)`."""
        chance = np.random.default_rng(seed)
        total = len(self.real)
        first = chance.integers(0, total, count)
        if self.local:
            return _unit(self._moved_locally(first, chance))
        other = self.nearest[first, chance.integers(0, NEAREST, count)]
        share = chance.uniform(0, 0.5, (count, 1)).astype(np.float32)
        here, there = chance.integers(0, total, (2, count))
        rows = self.real[first]
        reach = np.linalg.norm(rows - self.real[self.nearest[first, 0]], axis=1, keepdims=True)
        step = self.real[here] - self.real[there]
        step /= np.linalg.norm(step, axis=1, keepdims=True) + 1e-9
        return _unit((1 - share) * rows + share * self.real[other] + self.stretch * reach * step)

    def _moved_locally(
        self, first: NDArray[np.int64], chance: np.random.Generator
    ) -> NDArray[np.float32]:
        rows = self.real[first]
        moved = rows.copy()
        for _ in range(LOCAL_STEPS):
            other = self.nearest[first, chance.integers(0, LOCAL_NEAREST, len(first))]
            size = chance.normal(0, LOCAL_STEPS**-0.5, (len(first), 1)).astype(np.float32)
            moved += self.stretch * size * (self.real[other] - rows)
        return moved

    def blocks(self, count: int, *, seed: int = 7) -> Iterator[NDArray[np.float32]]:
        """Yield `count` new embeddings in blocks."""
        for start in range(0, count, BLOCK):
            yield self.draw(min(BLOCK, count - start), seed=seed + start)

    def calibration(self, *, projected: bool) -> str:
        """Return a Markdown table of the cosines to the nearest neighbour, real and grown.

        The last line says most: as many as there are real ones, drawn at random from a set ten
        times as large.
        """
        count = len(self.real)
        large = np.concatenate([self.draw(count, seed=seed) for seed in range(50, 60)])
        chosen = np.random.default_rng(0).choice(len(large), count, replace=False)
        lines = [
            "| quantile | " + " | ".join(f"{100 * q:g} %" for q in QUANTILES) + " |",
            "|---|" + "---|" * len(QUANTILES),
        ]
        for name, rows in (
            ("real", self.real),
            ("grown, a tenth of ten times as many", large[chosen]),
        ):
            found = np.quantile(distances(rows, projected=projected), QUANTILES)
            lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found) + " |")
        return "\n".join(lines)


def intrinsic_dimension(rows: NDArray[np.float32], *, queries: int = 1000) -> float:
    """Return the intrinsic dimension of unit rows, as their distances to neighbours tell it.

    The maximum likelihood of Levina and Bickel, "Maximum likelihood estimation of intrinsic
    dimension" (2005), averaged as MacKay and Ghahramani proposed, over twenty neighbours.
    """
    asked = np.random.default_rng(0).choice(len(rows), min(queries, len(rows)), replace=False)
    products, _ = faiss.knn(
        np.ascontiguousarray(rows[asked]),
        rows,
        DIMENSION_NEIGHBOURS + 1,
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    reach = np.sqrt(np.maximum(2 - 2 * products[:, 1:], 1e-12))
    return float(1 / np.mean(np.log(reach[:, -1:] / reach[:, :-1])))


def _unit(drawn: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    kept = np.maximum(drawn, 0)
    unit: NDArray[np.float32] = (kept / np.linalg.norm(kept, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def neighbours(rows: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return cosines and rows of the k nearest others of each row."""
    best, found = faiss.knn(rows, rows, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
    return best[:, 1:], found[:, 1:]


def distances(rows: NDArray[np.float32], *, projected: bool) -> NDArray[np.float32]:
    """Return the cosine of each row to its nearest other, as stored or as searched."""
    if projected:
        fitted = projection_fitting.fit(
            rows[:10_000], dim=projection_choice.DEFAULT.dim, power=projection_choice.DEFAULT.power
        )
        rows = fitted.apply(rows)
    return neighbours(rows, 1)[0][:, 0]


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="folders of images to embed")
    kept = parser.add_mutually_exclusive_group(required=True)
    kept.add_argument("--embeddings", type=Path, help="the .npy file of the real ones")
    kept.add_argument("--quick", action="store_true", help="the sample photos, compact")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--local", action="store_true", help="keep to the neighbours' directions")
    options = parser.parse_args()
    if options.quick:
        real = embed([SAMPLES], "compact")
    else:
        if not options.embeddings.is_file():
            np.save(options.embeddings, embed(options.folders, options.backbone))
        real = np.load(options.embeddings)
    for projected in (True, False):
        grown = Grown.calibrated(real, projected=projected, local=options.local)
        print(f"\n{'projected' if projected else 'raw'}: stretch {grown.stretch:.3f}\n")
        print(grown.calibration(projected=projected))
    drawn = grown.draw(len(real), seed=1)
    print(
        f"\nintrinsic dimension, raw: real {intrinsic_dimension(real):.1f}, grown "
        f"{intrinsic_dimension(drawn):.1f}"
    )


if __name__ == "__main__":
    main()

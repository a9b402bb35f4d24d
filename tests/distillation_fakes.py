"""A tiny student, a teacher that needs no network, and caches of its crops."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.distillation import crops, folding
from imgsearch.distillation.settings import TrainingSettings
from imgsearch.distillation.targets import CachePlan, CropCache, Teacher
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.compact.architecture import Architecture, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.backbones.compact.weights import FoldedStudent


TINY = Architecture(
    stem=(8, 8),
    stages=(
        Stage("basic", channels=8, width=8, repeats=1, stride=1),
        Stage("bottleneck", channels=24, width=8, repeats=2, stride=2),
    ),
    features=16,
    dim=8,
)


FAST = TrainingSettings(samples=320, batch_size=16, sizes=((0.0, 32),), bank=32, warm_up=4, seed=3)


class ColourTeacher:
    """A teacher that looks at a picture's mean colours in four quarters, and counts pictures."""

    def __init__(self, size: int = 64) -> None:
        self.asked = 0
        self.teacher = Teacher(name=f"colours-{size}", size=size, dim=12, embed=self.embed)
        self.dense = Teacher(
            name=f"parts-{size}", size=size, dim=3, embed=self.embed, maps=mean_colours
        )

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit rows (n, 12)."""
        self.asked += len(images)
        half = images.shape[1] // 2
        quarters = [images[:, y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
        rows = np.concatenate([q.mean(axis=(1, 2)) for q in quarters], axis=1).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mean_colours(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return feature maps of four locations: the mean colours of quarters, (n, 2, 2, 3)."""
    half = images.shape[1] // 2
    quarters = images.reshape(len(images), 2, half, 2, half, 3)
    return quarters.mean(axis=(2, 4), dtype=np.float32)


def blotches(count: int, *, size: int = 48, seed: int = 0) -> NDArray[np.uint8]:
    """Return pictures of four coloured quarters, shape (count, size, size, 3), uint8."""
    colours = np.random.default_rng(seed).integers(0, 256, size=(count, 2, 2, 3), dtype=np.uint8)
    return colours.repeat(size // 2, axis=1).repeat(size // 2, axis=2)


def random_units(architecture: Architecture, seed: int = 0) -> dict[str, folding.UnitWeights]:
    """Return plausible random weights with running statistics that are not the initial ones."""
    generator = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return generator.standard_normal(shape, dtype=np.float32)

    return {
        c.name: folding.UnitWeights(
            kernel=normal(c.kernel, c.kernel, c.inputs, c.outputs)
            / np.float32(np.sqrt(c.kernel**2 * c.inputs)),
            scale=1 + normal(c.outputs) / 4,
            offset=normal(c.outputs) / 4,
            mean=normal(c.outputs) / 4,
            variance=np.exp(normal(c.outputs) / 4),
        )
        for c in architecture.convolutions()
    }


def images_of(size: int, count: int = 5) -> NDArray[np.uint8]:
    """Return noise, shape (count, size, size, 3), uint8."""
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def unit(values: Any) -> NDArray[np.float32]:
    """Return rows of unit length."""
    rows = np.asarray(values, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cache_plan(count: int, **changes: Any) -> CachePlan:
    """Return a plan of crops of ten pictures."""
    plan = CachePlan(
        images=np.arange(count, dtype=np.int64) % 10,
        size=32,
        rules=crops.CropRules(),
        seed=0,
        identity="ten blotches",
    )
    return dataclasses.replace(plan, **changes)


def make_cache(folder: Path, plan: CachePlan, teacher: ColourTeacher, **how: Any) -> Any:
    """Fill a cache of crops of blotches."""
    pictures = blotches(10)
    arguments = {"progress": lambda _done, _total: None, "stop": lambda: False} | how
    asked = teacher.teacher if plan.dense is None else teacher.dense
    return CropCache.make(folder, plan, read=lambda i: pictures[i], teachers=[asked], **arguments)


def student_of(path: Path) -> FoldedStudent:
    """Return the student that a run wrote."""
    return weights.load(path)

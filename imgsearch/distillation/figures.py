"""How good a student is: figures on held-out images and on a labelled folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.evaluation.metrics.average_precision import mean_average_precision
from imgsearch.images import formats, loading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.targets import Teacher

    Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

NEIGHBOURS: Final = 10
BATCH: Final = 32


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A student's figures.

    Attributes:
        cosine: mean similarity to the target on held-out images.
        agreement: share of the ten nearest held-out images that student and teachers agree on.
        student_map: mAP on the labelled folder, 0 to 1; None without one.
        teacher_maps: the teachers' mAP on it, in their order.
    """

    cosine: float
    agreement: float
    student_map: float | None
    teacher_maps: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A student's figures at a point of a run.

    Attributes:
        samples: crops trained on so far.
        loss: mean over the last steps.
        measured: the averaged student's figures.
    """

    samples: int
    loss: float
    measured: Measured


@dataclass(frozen=True)
class Labelled:
    """A labelled folder.

    Attributes:
        images: squashed to the student's size, shape (n, s, s, 3), uint8.
        labels: names of the subfolders, shape (n,).
        teacher_maps: the teachers' mAP, 0 to 1, in their order.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.str_]
    teacher_maps: tuple[float, ...]


def read_labelled(folder: Path, *, size: int, teachers: Sequence[Teacher]) -> Labelled:
    """Read a labelled folder, and measure the teachers on it.

    Args:
        folder: its subfolders' names are the labels.
        size: side of the student's input in pixels.
        teachers: to measure.

    Raises:
        UsageError: it is not a folder, or holds nothing to compare.
        UnreadableImageError: one of its images cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"validate: {folder} is not a folder")
    suffixes = formats.suffixes()
    found = [
        (path, subfolder.name)
        for subfolder in sorted(folder.iterdir())
        if subfolder.is_dir()
        for path in sorted(subfolder.iterdir())
        if path.suffix.lower() in suffixes
    ]
    labels = np.array([label for _, label in found])
    distinct = len(set(labels))
    if distinct < 2 or distinct == len(labels):  # noqa: PLR2004  with one label all are relevant
        raise UsageError(
            f"validate: {folder} needs at least two subfolders, whose names are the labels, and "
            "several images in one of them"
        )

    def squares(side: int) -> NDArray[np.uint8]:
        return np.stack([_square(path, side) for path, _ in found])

    maps = []
    for teacher in teachers:
        images = squares(teacher.size)
        rows = [teacher.embed(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        maps.append(mean_average_precision(np.concatenate(rows), labels).value)
    return Labelled(squares(size), labels, tuple(maps))


def _square(path: Path, side: int) -> NDArray[np.uint8]:
    try:
        return loading.load(loading.read_file(path), size=side, resize="squash").pixels
    except UnreadableImageError as error:
        # Errors may be raised without the name.
        raise UnreadableImageError(error.reason, name=f"validate: {path}") from error


def measure(
    embed: Embed,
    *,
    crops: NDArray[np.uint8],
    expected: NDArray[np.float32],
    labelled: Labelled | None,
) -> Measured:
    """Measure a student.

    Args:
        embed: the student, uint8 images (n, s, s, 3) -> unit rows (n, dim).
        crops: the held-out images at the student's size.
        expected: their targets, unit rows.
        labelled: images to compute the mAP on, or None.
    """
    received = embed(crops)
    student_map = None
    if labelled is not None:
        student_map = mean_average_precision(embed(labelled.images), labelled.labels).value
    return Measured(
        cosine=float(np.mean(np.sum(received * expected, axis=1))),
        agreement=neighbour_agreement(received, expected),
        student_map=student_map,
        teacher_maps=() if labelled is None else labelled.teacher_maps,
    )


def neighbour_agreement(
    one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]], *, k: int = NEIGHBOURS
) -> float:
    """Return the mean overlap of the k nearest neighbours in two sets of unit rows, 0 to 1.

    Args:
        one: shape (n, dim), n > k.
        other: the same items in another space, shape (n, any dim).
        k: number of neighbours, without the item itself.
    """
    first, second = (_nearest(rows, k) for rows in (one, other))
    shared = [len(np.intersect1d(a, b)) for a, b in zip(first, second, strict=True)]
    return float(np.mean(shared)) / k


def _nearest(rows: NDArray[np.floating[Any]], k: int) -> NDArray[np.intp]:
    scores = rows @ rows.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, k, axis=1)[:, :k]

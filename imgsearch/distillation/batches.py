"""Batches of crops, each of which follows from the seed and the number of its step alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.distillation.settings import TrainingSettings


@dataclass(frozen=True)
class TrainingData:
    """What a student learns from.

    Attributes:
        crops: shape (n, size, size, 3), uint8; may be memory-mapped.
        targets: the teachers' projected embeddings, unit rows, shape (n, dim), float32.
        fingerprint: differs whenever these differ, so that no checkpoint continues with others.
    """

    crops: NDArray[np.uint8]
    targets: NDArray[np.float32]
    fingerprint: str = ""

    def check(self, settings: TrainingSettings, *, dim: int) -> None:
        """Check that a student can be trained on these.

        Raises:
            UsageError: targets do not fit the student's dim, or there are fewer crops than a
                batch takes.
        """
        if self.targets.shape != (len(self.crops), dim):
            raise UsageError(
                f"targets of shape {self.targets.shape} do not fit {len(self.crops)} crops and a "
                f"student of dim {dim}"
            )
        if len(self.crops) < settings.batch_size:
            raise UsageError(
                f"{len(self.crops)} crops are fewer than a batch of {settings.batch_size}: give "
                "more images or a smaller batch"
            )


@dataclass(frozen=True)
class Batch:
    """One step's data.

    Attributes:
        images: shape (b, s, s, 3), uint8.
        targets: of these, shape (b, dim), float32.
        bank: other crops' targets that similarities are compared over, shape (m, dim), float32.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    bank: NDArray[np.float32]


def batch_at(step: int, data: TrainingData, settings: TrainingSettings) -> Batch:
    """Return the batch of a step, counted from 0; a pass over the data repeats no crop."""
    n, size = len(data.crops), settings.batch_size
    steps_a_pass = n // size
    order = np.random.default_rng((settings.seed, step // steps_a_pass)).permutation(n)
    start = step % steps_a_pass * size
    rows = np.sort(order[start : start + size])
    generator = np.random.default_rng((settings.seed, step, 1))
    images = scaled(data.crops[rows], settings.size_at(step))
    flipped = generator.random(size) < 0.5  # noqa: PLR2004  every other one
    images[flipped] = images[flipped, :, ::-1]
    bank = generator.integers(n, size=settings.bank)
    return Batch(images, data.targets[rows], data.targets[bank])


def scaled(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images (n, s, s, 3) at another size, antialiased; always a copy."""
    if images.shape[1] == size:
        return np.array(images)
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
            for image in images
        ]
    )

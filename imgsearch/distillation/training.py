"""The training loop in Keras 3, its checkpoints, and its figures."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from imgsearch.distillation import losses
from imgsearch.distillation.folding import UnitWeights, fold_all, write_archive
from imgsearch.distillation.student import (
    POOLING,
    build_student,
    get_units,
    set_units,
    take_statistics,
)
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.settings import TrainingSettings
    from imgsearch.networks.backbones.compact.architecture import Architecture
    from imgsearch.networks.backbones.compact.weights import FoldedStudent

AVERAGED_EVERY: Final = 4
BATCH: Final = 32
STATISTICS_CROPS: Final = 2048
"""Crops from which the averaged student's normalisations take their statistics."""
FORMAT: Final = 1


@dataclass(frozen=True)
class TrainingData:
    """What a student learns from.

    Attributes:
        crops: shape (n, size, size, 3), uint8; may lie on disk.
        targets: the teachers' projected embeddings, unit rows, shape (n, dim), float32.
        fingerprint: differs whenever they do, so that no checkpoint goes on with others.
    """

    crops: NDArray[np.uint8]
    targets: NDArray[np.float32]
    fingerprint: str = ""


@dataclass(frozen=True)
class Batch:
    """One step's worth: images (b, s, s, 3) uint8, targets (b, dim) and bank (m, dim) float32."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    bank: NDArray[np.float32]


class Trainer:
    """Trains one student; every batch follows from the seed and the step's number alone.

    Attributes:
        step: how many steps are done.
    """

    def __init__(
        self, architecture: Architecture, data: TrainingData, settings: TrainingSettings
    ) -> None:
        """Build the student and its optimiser.

        Raises:
            UsageError: targets do not fit the student's dim, or there are fewer crops than a
                batch takes.
        """
        if data.targets.shape != (len(data.crops), architecture.dim):
            raise UsageError(
                f"targets of shape {data.targets.shape} do not fit {len(data.crops)} crops and a "
                f"student of dim {architecture.dim}"
            )
        if len(data.crops) < settings.batch_size:
            raise UsageError(
                f"{len(data.crops)} crops are fewer than a batch of {settings.batch_size}: give "
                "more pictures or a smaller batch"
            )
        self.step = 0
        self._architecture = architecture
        self._data = data
        self._settings = settings
        self._student = build_student(architecture, seed=settings.seed)
        self._model = _compiled(self._student, settings, dim=architecture.dim)
        self._average = self._student.get_weights()
        self._copy = build_student(architecture)
        self._copied_at: int | None = None
        self._prefetcher = ThreadPoolExecutor(1)
        self._next = self._prefetcher.submit(self._batch, 0)

    @property
    def samples(self) -> int:
        """Crops seen so far, repetitions counted."""
        return min(self.step * self._settings.batch_size, self._settings.samples)

    @property
    def finished(self) -> bool:
        """Whether all samples were seen."""
        return self.step >= self._settings.steps

    def train(self, steps: int) -> float:
        """Go on for some steps, or to the end of the run, and return their mean loss."""
        self._model.reset_metrics()
        loss = float("nan")
        for _ in range(min(steps, self._settings.steps - self.step)):
            batch = self._next.result()
            self._next = self._prefetcher.submit(self._batch, self.step + 1)
            self._model.optimizer.learning_rate = self._settings.rate_at(self.step)
            self._model.bank.assign(batch.bank)
            images = batch.images.astype(np.float32)
            loss = float(self._model.train_on_batch(images, batch.targets))
            self.step += 1
            if self.step % AVERAGED_EVERY == 0 or self.finished:
                self._update_average()
        return loss

    def initialise(self, units: Mapping[str, UnitWeights]) -> None:
        """Start from these weights; convolutions that are not named keep their random ones."""
        set_units(self._student, units)
        self._average = self._student.get_weights()
        self._copied_at = None

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the student's head sees of images (n, s, s, 3), pooled, (n, features)."""
        import keras

        pooled = self._student.get_layer(POOLING).output
        body = keras.Model(self._student.inputs, keras.layers.Flatten()(pooled))
        return predicted(body, images)

    def averaged(self) -> FoldedStudent:
        """Return the student with its averaged weights, folded."""
        return fold_all(self._architecture, get_units(self._averaged_student(), self._architecture))

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the averaged student's embeddings of images (n, s, s, 3), unit rows (n, dim)."""
        embeddings = predicted(self._averaged_student(), images)
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit: NDArray[np.float32] = embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all, from which `restore` goes on exactly.

        Raises:
            OSError: the file cannot be written.
        """
        arrays: dict[str, Any] = {"state": np.array(json.dumps(self._state()))}
        for kind, values in self._groups().items():
            arrays |= {f"{kind}/{i}": value for i, value in enumerate(values)}
        write_archive(path, arrays, compressed=False)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of the same run.

        Raises:
            UsageError: it is damaged, or of a run with other settings or another student.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                state = json.loads(str(archive["state"]))
                expected = self._state()
                if {**state, "step": 0} != {**expected, "step": 0}:
                    raise UsageError(
                        f"{path}: a checkpoint of a run with other settings, pictures or teachers; "
                        "resume with what the run was started with, or start another one"
                    )
                groups = {
                    kind: [archive[f"{kind}/{i}"] for i in range(len(values))]
                    for kind, values in self._groups().items()
                }
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UsageError(
                f"{path}: not a checkpoint, or a damaged one ({error}); start the run again"
            ) from error
        self._student.set_weights(groups["student"])
        self._average = groups["average"]
        self._copied_at = None
        for variable, value in zip(
            self._model.optimizer.variables, groups["optimizer"], strict=True
        ):
            variable.assign(value)
        self.step = int(state["step"])
        self._next = self._prefetcher.submit(self._batch, self.step)

    def close(self) -> None:
        """Let go of the thread that prepares batches."""
        self._prefetcher.shutdown(cancel_futures=True)

    def _state(self) -> dict[str, Any]:
        # Through JSON, so that what was read compares equal with what is.
        values = {
            "format": FORMAT,
            "step": self.step,
            "settings": asdict(self._settings),
            "architecture": asdict(self._architecture),
            "data": self._data.fingerprint,
        }
        return dict(json.loads(json.dumps(values)))

    def _groups(self) -> dict[str, list[Any]]:
        return {
            "student": self._student.get_weights(),
            "average": self._average,
            "optimizer": [variable.numpy() for variable in self._model.optimizer.variables],
        }

    def _averaged_student(self) -> Any:  # noqa: ANN401  Keras has no types
        """Return the copy with averaged weights, and statistics that are these weights' own."""
        if self._copied_at != self.step:
            self._copy.set_weights(self._average)
            crops, size = self._data.crops, self._settings.batch_size
            generator = np.random.default_rng((self._settings.seed, 3))
            rows = generator.permutation(len(crops))[: max(size, STATISTICS_CROPS)]
            batches = range(0, len(rows) - size + 1, size)
            take_statistics(self._copy, (crops[np.sort(rows[i : i + size])] for i in batches))
            self._copied_at = self.step
        return self._copy

    def _update_average(self) -> None:
        # A long average of the first steps would hold on to the random start.
        kept = min(self._settings.averaging, (1 + self.step) / (10 + self.step)) ** AVERAGED_EVERY
        for average, value in zip(self._average, self._student.get_weights(), strict=True):
            np.add(average, np.float32(1 - kept) * (value - average), out=average)

    def _batch(self, step: int) -> Batch:
        n, size = len(self._data.crops), self._settings.batch_size
        steps_a_pass = n // size
        order = np.random.default_rng((self._settings.seed, step // steps_a_pass)).permutation(n)
        start = step % steps_a_pass * size
        rows = np.sort(order[start : start + size])
        generator = np.random.default_rng((self._settings.seed, step, 1))
        images = scaled(self._data.crops[rows], self._settings.size_at(step))
        flipped = generator.random(size) < 0.5  # noqa: PLR2004  every other one
        images[flipped] = images[flipped, :, ::-1]
        bank = generator.integers(n, size=self._settings.bank)
        return Batch(images, self._data.targets[rows], self._data.targets[bank])


def scaled(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images (n, s, s, 3) at another size, antialiased; a copy even at the same one."""
    if images.shape[1] == size:
        return np.array(images)
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
            for image in images
        ]
    )


def predicted(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:  # noqa: ANN401  as below
    """Return what a model says of images (n, s, s, 3), in batches of one and the same shape.

    Each new shape would be traced anew, which takes its time and a warning of TensorFlow's.

    Args:
        model: a Keras model of float32 images (n, s, s, 3) in 0..255 -> (n, values).
        images: uint8.

    Returns:
        Shape (n, values), float32.
    """
    rows = []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH].astype(np.float32)
        missing = BATCH - len(batch)
        whole = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0)))
        rows.append(np.asarray(model.predict_on_batch(whole))[: len(batch)])
    return np.concatenate(rows)


def _compiled(student: Any, settings: TrainingSettings, *, dim: int) -> Any:  # noqa: ANN401  Keras has no types
    import keras

    class Distilled(keras.Model):  # type: ignore[misc]
        """The student together with the bank of targets that its loss looks at."""

        def __init__(self) -> None:
            super().__init__()
            self.student = student
            self.bank = self.add_weight(
                shape=(settings.bank, dim), initializer="zeros", trainable=False, name="bank"
            )

        def call(self, images: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  Keras's signature
            return self.student(images, training=training)

        def compute_loss(  # Keras passes all of them and looks for their names
            self,
            x: Any = None,  # noqa: ANN401, ARG002
            y: Any = None,  # noqa: ANN401
            y_pred: Any = None,  # noqa: ANN401
            sample_weight: Any = None,  # noqa: ANN401, ARG002
            training: bool = True,  # noqa: ARG002, FBT001, FBT002
        ) -> Any:  # noqa: ANN401
            return losses.distillation_loss(y, y_pred, self.bank)

    optimizer = keras.optimizers.AdamW(
        settings.learning_rate, weight_decay=settings.weight_decay, clipnorm=None
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta"])
    model = Distilled()
    # XLA on a processor is slower here, and takes minutes to begin.
    model.compile(optimizer, jit_compile=keras.config.backend() == "jax")
    optimizer.build(student.trainable_variables)
    return model

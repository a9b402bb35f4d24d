"""The training loop in Keras 3, and its checkpoints."""

from __future__ import annotations

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.distillation import losses
from imgsearch.distillation.batches import batch_at
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
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.batches import Batch, TrainingData
    from imgsearch.distillation.settings import TrainingSettings
    from imgsearch.networks.backbones.compact.architecture import Architecture
    from imgsearch.networks.backbones.compact.weights import FoldedStudent

AVERAGED_EVERY: Final = 4
BATCH: Final = 32
STATISTICS_CROPS: Final = 2048
"""Crops from which the averaged student's normalisations take their statistics."""
FORMAT: Final = 1


class Trainer:
    """Trains one student.

    Attributes:
        architecture: the student's.
        step: number of steps done.
    """

    def __init__(
        self, architecture: Architecture, data: TrainingData, settings: TrainingSettings
    ) -> None:
        """Build the student and its optimiser.

        Raises:
            UsageError: targets do not fit the student's dim, or there are fewer crops than a
                batch takes.
        """
        data.check(settings, dim=architecture.dim)
        self.step = 0
        self.architecture = architecture
        self._data = data
        self._settings = settings
        self._student = build_student(architecture, seed=settings.seed)
        self._model = _compiled(self._student, settings, dim=architecture.dim)
        self._average = self._student.get_weights()
        self._copy = build_student(architecture)
        self._copied_at: int | None = None
        self._prefetcher = ThreadPoolExecutor(1)
        self._next = self._prefetch(0)

    @property
    def samples(self) -> int:
        """Crops seen so far, repetitions counted."""
        return min(self.step * self._settings.batch_size, self._settings.samples)

    @property
    def finished(self) -> bool:
        """Whether all samples were seen."""
        return self.step >= self._settings.steps

    def train(self, steps: int) -> float:
        """Train for some steps, at most to the end of the run, and return their mean loss."""
        self._model.reset_metrics()
        loss = float("nan")
        for _ in range(min(steps, self._settings.steps - self.step)):
            batch = self._next.result()
            self._next = self._prefetch(self.step + 1)
            self._model.optimizer.learning_rate = self._settings.rate_at(self.step)
            self._model.bank.assign(batch.bank)
            images = batch.images.astype(np.float32)
            loss = float(self._model.train_on_batch(images, batch.targets))
            self.step += 1
            if self.step % AVERAGED_EVERY == 0 or self.finished:
                self._update_average()
        return loss

    def initialise(self, units: Mapping[str, UnitWeights]) -> None:
        """Start from these weights, by convolution's name; others keep their random ones."""
        set_units(self._student, units)
        self._average = self._student.get_weights()
        self._copied_at = None

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the pooled features of images (n, s, s, 3), before the head: (n, features)."""
        import keras

        pooled = self._student.get_layer(POOLING).output
        body = keras.Model(self._student.inputs, keras.layers.Flatten()(pooled))
        return predicted(body, images)

    def averaged(self) -> FoldedStudent:
        """Return the student with its averaged weights, folded."""
        return fold_all(self.architecture, get_units(self._averaged_student(), self.architecture))

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the averaged student's embeddings of images (n, s, s, 3), unit rows (n, dim)."""
        embeddings = predicted(self._averaged_student(), images)
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit: NDArray[np.float32] = embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all, from which `restore` continues exactly.

        Raises:
            OSError: the file cannot be written.
        """
        arrays: dict[str, Any] = {"state": np.array(json.dumps(self._state()))}
        for kind, values in self._groups().items():
            arrays |= {f"{kind}/{i}": value for i, value in enumerate(values)}
        write_archive(path, arrays, compressed=False)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint of the same run.

        Raises:
            UsageError: it is damaged, or of a run with other settings, data or architecture.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                state = json.loads(str(archive["state"]))
                expected = self._state()
                if {**state, "step": 0} != {**expected, "step": 0}:
                    raise UsageError(
                        f"{path}: a checkpoint of a run with other settings, images or teachers; "
                        "resume with the same command, or start another run"
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
        self._next = self._prefetch(self.step)

    def close(self) -> None:
        """Stop the thread that prepares batches."""
        self._prefetcher.shutdown(cancel_futures=True)

    def _prefetch(self, step: int) -> Future[Batch]:
        return self._prefetcher.submit(batch_at, step, self._data, self._settings)

    def _state(self) -> dict[str, Any]:
        # Through JSON, so that it equals what is read from a checkpoint (tuples become lists).
        values = {
            "format": FORMAT,
            "step": self.step,
            "settings": asdict(self._settings),
            "architecture": asdict(self.architecture),
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
        """Return the copy with averaged weights, and normalisation statistics taken with them."""
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
        # The average is shorter at first, so as to forget the random start.
        kept = min(self._settings.averaging, (1 + self.step) / (10 + self.step)) ** AVERAGED_EVERY
        for average, value in zip(self._average, self._student.get_weights(), strict=True):
            np.add(average, np.float32(1 - kept) * (value - average), out=average)


def predicted(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:  # noqa: ANN401  as below
    """Return a model's outputs for images, in batches of one and the same shape.

    TensorFlow traces the model again for every new shape, which takes time and prints a warning.

    Args:
        model: a Keras model of float32 images (n, s, s, 3) in 0..255 -> (n, values).
        images: shape (n, s, s, 3), uint8.

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
        """The student, and the bank of targets that its loss compares with."""

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
    # On a CPU, XLA is slower here and takes minutes to compile.
    model.compile(optimizer, jit_compile=keras.config.backend() == "jax")
    optimizer.build(student.trainable_variables)
    return model

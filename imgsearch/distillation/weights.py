"""A student's weights as plain arrays: folding the normalisation away, and the file they ship in.

The file is a NumPy archive of float16 arrays, one kernel and one bias a convolution, with the
architecture as JSON beside them; it holds no code.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.distillation.architecture import Architecture, Stage
from imgsearch.errors import WeightsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT: Final = 1
HEADER: Final = "header"
EPSILON: Final = 1e-5
"""What the batch normalisations add to the variance, in training and in folding."""


@dataclass(frozen=True)
class UnitWeights:
    """The arrays of one convolution and its batch normalisation, float32.

    Attributes:
        kernel: shape (k, k, inputs, outputs).
        scale: the normalisation's gamma, shape (outputs,).
        offset: its beta, shape (outputs,).
        mean: its running mean, shape (outputs,).
        variance: its running variance, shape (outputs,).
    """

    kernel: NDArray[np.float32]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]


@dataclass(frozen=True)
class FoldedWeights:
    """One convolution with its normalisation folded in.

    Attributes:
        kernel: shape (k, k, inputs, outputs), float32.
        bias: shape (outputs,), float32.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class FoldedStudent:
    """A student ready for use: its architecture and its folded weights by convolution's name."""

    architecture: Architecture
    weights: Mapping[str, FoldedWeights]

    def head_kernel(self) -> NDArray[np.float32]:
        """Return the linear head's kernel, shape (1, 1, features, dim)."""
        return self.weights[self.architecture.head_convolution().name].kernel


def fold(unit: UnitWeights) -> FoldedWeights:
    """Return the convolution that does what a convolution and its normalisation do together.

    gamma (W x - mean) / sqrt(variance + epsilon) + beta, multiplied out; Jacob et al. 2018,
    section 3.2 (https://arxiv.org/abs/1712.05877).
    """
    factor = unit.scale / np.sqrt(unit.variance + np.float32(EPSILON))
    return FoldedWeights(
        kernel=(unit.kernel * factor).astype(np.float32),
        bias=(unit.offset - unit.mean * factor).astype(np.float32),
    )


def fold_all(architecture: Architecture, units: Mapping[str, UnitWeights]) -> FoldedStudent:
    """Fold every convolution of a student."""
    return FoldedStudent(
        architecture, {c.name: fold(units[c.name]) for c in architecture.convolutions()}
    )


def save(path: Path, student: FoldedStudent) -> None:
    """Write a student's file, whole or not at all.

    Args:
        path: where the file goes; what was there is replaced at the very end.
        student: its weights are rounded to float16.

    Raises:
        OSError: the file cannot be written.
    """
    header = json.dumps({"format": FORMAT, "architecture": asdict(student.architecture)})
    arrays: dict[str, Any] = {HEADER: np.array(header)}
    for name, unit in student.weights.items():
        arrays[f"{name}/kernel"] = unit.kernel.astype(np.float16)
        arrays[f"{name}/bias"] = unit.bias.astype(np.float16)
    write_archive(path, arrays, compressed=True)


def write_archive(path: Path, arrays: Mapping[str, Any], *, compressed: bool) -> None:
    """Write arrays as one NumPy archive, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    write = np.savez_compressed if compressed else np.savez
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's file is private to the user, and weights are for everyone who may read there.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(path: Path) -> FoldedStudent:
    """Read a student's file.

    Raises:
        WeightsUnavailableError: the file is not there, is damaged, or is no student's file.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            header = json.loads(str(archive[HEADER]))
            if header["format"] != FORMAT:
                raise WeightsUnavailableError(
                    f"{path}: a student's file of format {header['format']}, and this imgsearch "
                    f"reads format {FORMAT}; install the imgsearch that wrote it"
                )
            architecture = _architecture(header["architecture"])
            weights = {}
            for c in architecture.convolutions():
                unit = FoldedWeights(
                    archive[f"{c.name}/kernel"].astype(np.float32),
                    archive[f"{c.name}/bias"].astype(np.float32),
                )
                expected = (c.kernel, c.kernel, c.inputs, c.outputs)
                if unit.kernel.shape != expected or unit.bias.shape != (c.outputs,):
                    raise WeightsUnavailableError(
                        f"{path}: convolution {c.name} has a kernel of {unit.kernel.shape}, and "
                        f"{expected} was expected; distil again"
                    )
                weights[c.name] = unit
    except FileNotFoundError as error:
        raise WeightsUnavailableError(
            f"{path}: there is no such file; give the file that `imgsearch distill --out` wrote"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsUnavailableError(
            f"{path}: not a student's file, or a damaged one ({error}); expected is the file that "
            "`imgsearch distill --out` wrote"
        ) from error
    return FoldedStudent(architecture, weights)


def _architecture(values: dict[str, Any]) -> Architecture:
    return Architecture(
        stem=tuple(values["stem"]),
        stages=tuple(Stage(**stage) for stage in values["stages"]),
        features=values["features"],
        dim=values["dim"],
    )

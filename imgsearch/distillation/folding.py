"""A trained student's weights: folding of the normalisations, and the file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.files import write_atomically
from imgsearch.networks.backbones.compact.weights import (
    EPSILON,
    FORMAT,
    HEADER,
    FoldedStudent,
    FoldedWeights,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.backbones.compact.architecture import Architecture


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


def fold(unit: UnitWeights) -> FoldedWeights:
    """Return one convolution equal to a convolution and its normalisation.

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
        path: an existing file is replaced at the very end.
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
    buffer = BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    write_atomically(path, [buffer.getbuffer()])

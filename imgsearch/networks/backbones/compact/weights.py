"""A student's folded weights as plain arrays, and reading their file.

The file is a NumPy archive of float16 arrays, one kernel and one bias per convolution, with the
architecture as JSON; it contains no code.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import WeightsUnavailableError
from imgsearch.networks.backbones.compact.architecture import Architecture, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


FORMAT: Final = 1
HEADER: Final = "header"
EPSILON: Final = 1e-5
"""Added to the variance by the batch normalisations, in training and in folding."""


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
    """A student ready for use: its architecture, and its weights by the convolutions' names."""

    architecture: Architecture
    weights: Mapping[str, FoldedWeights]

    def head_kernel(self) -> NDArray[np.float32]:
        """Return the linear head's kernel, shape (1, 1, features, dim)."""
        return self.weights[self.architecture.head_convolution().name].kernel


def load(path: Path) -> FoldedStudent:
    """Read a student's file.

    Raises:
        WeightsUnavailableError: the file is missing, damaged, or not a student's.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            header = json.loads(str(archive[HEADER]))
            if header["format"] != FORMAT:
                raise WeightsUnavailableError(
                    f"{path}: a student's file of format {header['format']}, but this imgsearch "
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
                        f"{path}: convolution {c.name} has a kernel of {unit.kernel.shape}, "
                        f"expected {expected}; distil again"
                    )
                weights[c.name] = unit
    except FileNotFoundError as error:
        raise WeightsUnavailableError(
            f"{path}: there is no such file; give a file that `imgsearch distill --out` wrote"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsUnavailableError(
            f"{path}: not a student's file, or damaged ({error}); expected a file that "
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

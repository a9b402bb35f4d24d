"""The pool of pictures that long runs draw crops from: development code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from imgsearch.distillation.training_set import BALANCE
from imgsearch.errors import UsageError
from imgsearch.images import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Source:
    """A folder of pictures and how much more often than others it is drawn from.

    Attributes:
        paths: its pictures, sorted.
        factor: multiplies its share of crops.
    """

    paths: tuple[Path, ...]
    factor: float

    @classmethod
    def parse(cls, text: str) -> Source:
        """Return the source that "FOLDER" or "FOLDER=FACTOR" names.

        Raises:
            UsageError: there are no pictures.
        """
        name, _, factor = text.partition("=")
        return cls(pictures_beneath(Path(name)), float(factor or 1))


def pictures_beneath(folder: Path) -> tuple[Path, ...]:
    """Return the pictures in a folder and the folders in it, sorted; their names decide.

    Raises:
        UsageError: there are none.
    """
    suffixes = formats.suffixes()
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    paths = tuple(sorted(found))
    if not paths:
        raise UsageError(f"source: no pictures beneath {folder}")
    return paths


def shares(sources: Sequence[Source], kept: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how probable each kept picture is for a crop, shape (n,), adding up to 1.

    Args:
        sources: all of them; pictures are counted through.
        kept: which pictures are drawn from, ascending.
    """
    of = np.repeat(np.arange(len(sources)), [len(source.paths) for source in sources])[kept]
    counts = np.bincount(of, minlength=len(sources)).astype(np.float64)
    weights = counts**BALANCE * np.array([source.factor for source in sources])
    share = (weights / np.maximum(counts, 1))[of]
    return cast("NDArray[np.float64]", share / share.sum())

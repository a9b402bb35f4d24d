"""One student of two checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from distillation_fakes import (
    TINY,
    ColourTeacher,
    cache_plan,
    make_cache,
    random_units,
)

from imgsearch.distillation import folding
from imgsearch.distillation.crops import CropRules
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def checkpoints(folder: Path) -> list[Path]:
    """Write two checkpoints with random weights."""
    torch = pytest.importorskip("torch")
    from training.torch_student import Student

    written = []
    for seed in (0, 1):
        student = Student(TINY)
        student.set_units(random_units(TINY, seed))
        written.append(folder / f"{seed}.pt")
        torch.save({"ema": student.state_dict()}, written[-1])
    return written


def blended(share: float) -> Any:
    """Return what is expected: every array averaged, then folded."""
    one, other = (random_units(TINY, seed) for seed in (0, 1))
    names = ("kernel", "scale", "offset", "mean", "variance")
    return folding.fold_all(
        TINY,
        {
            unit: folding.UnitWeights(
                **{
                    name: np.float32(1 - share) * getattr(one[unit], name)
                    + np.float32(share) * getattr(other[unit], name)
                    for name in names
                }
            )
            for unit in one
        },
    )


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_every_array_is_averaged_before_folding(tmp_path: Path, share: float) -> None:
    first, second = checkpoints(tmp_path)
    from training.torch_average import average

    received = average(first, second, share=share, architecture=TINY)
    for name, expected in blended(share).weights.items():
        np.testing.assert_allclose(received.weights[name].kernel, expected.kernel, atol=1e-5)
        np.testing.assert_allclose(received.weights[name].bias, expected.bias, atol=1e-5)


def test_statistics_are_taken_anew_where_crops_are_given(tmp_path: Path) -> None:
    first, second = checkpoints(tmp_path)
    from training.torch_average import average
    from training.torch_finish import finish

    make_cache(tmp_path / "crops", cache_plan(100, rules=CropRules()), ColourTeacher())
    received = average(
        first, second, share=0.0, caches=[tmp_path / "crops"], architecture=TINY
    ).weights
    finished = finish(first, [tmp_path / "crops"], architecture=TINY)
    for name, expected in finished.weights.items():
        # Only the order of the memory differs, and so that of sums.
        np.testing.assert_allclose(received[name].kernel, expected.kernel, rtol=2e-3, atol=1e-4)
        np.testing.assert_allclose(received[name].bias, expected.bias, rtol=2e-3, atol=2e-3)


def test_a_share_beyond_one_is_refused(tmp_path: Path) -> None:
    first, second = checkpoints(tmp_path)
    from training.torch_average import average

    with pytest.raises(UsageError, match=r"share: 1\.5 is not between 0 and 1"):
        average(first, second, share=1.5, architecture=TINY)

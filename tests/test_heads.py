"""A linear head for features that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from imgsearch.distillation.folding import fold
from imgsearch.distillation.heads import RIDGE, fit_head

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_a_single_feature_by_hand() -> None:
    """Features 0 and 2, targets 1 and 5: the slope is 4 / (2 + 2 r), through the means (1, 3)."""
    head = fold(
        fit_head(np.array([[0.0], [2.0]], np.float32), np.array([[1.0], [5.0]], np.float32))
    )
    slope = 4 / (2 + 2 * RIDGE)
    assert float(head.kernel[0, 0, 0, 0]) == pytest.approx(slope, rel=1e-5)
    assert float(head.bias[0]) == pytest.approx(3 - slope, rel=1e-4)


def test_of_features_that_vary_alike_the_targets_are_found_a_little_shrunk() -> None:
    """Linear in independent features of one variance: 1 / (1 + the ridge) of each slope."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(5000, 5)).astype(np.float32)
    slopes = generator.normal(size=(5, 3)).astype(np.float32)
    targets = features @ slopes + np.float32(0.5)
    unit = fit_head(features, targets)
    assert unit.kernel.shape == (1, 1, 5, 3)
    head = fold(unit)
    np.testing.assert_allclose(head.kernel[0, 0], slopes / (1 + RIDGE), atol=0.05)
    received = features @ head.kernel[0, 0] + head.bias
    np.testing.assert_allclose(received.mean(axis=0), targets.mean(axis=0), atol=1e-3)


def test_the_normalisation_has_the_statistics_of_the_outputs() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(2, 3, size=(500, 4)).astype(np.float32)
    unit = fit_head(features, generator.normal(size=(500, 2)).astype(np.float32))
    outputs = features @ unit.kernel[0, 0]
    np.testing.assert_allclose(unit.mean, outputs.mean(axis=0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(unit.variance, outputs.var(axis=0), rtol=1e-3)


def test_what_an_earlier_head_knows_is_not_learnt_from_few_crops_again() -> None:
    """Forty crops do not say which three of fifty directions count; the earlier head does."""
    generator = np.random.default_rng(2)
    features = generator.normal(size=(540, 50)).astype(np.float32)
    earlier = generator.normal(size=(1, 1, 50, 3)).astype(np.float32)
    targets = features @ earlier[0, 0] @ generator.normal(size=(3, 3)).astype(np.float32)

    def error(head: NDArray[np.float32] | None) -> float:
        unit = fold(fit_head(features[:40], targets[:40], earlier=head))
        received = features[40:] @ unit.kernel[0, 0] + unit.bias
        return float(np.mean((received - targets[40:]) ** 2) / np.var(targets))

    assert error(earlier) < 0.02 < error(None)


def test_what_an_earlier_head_left_out_is_added() -> None:
    """It says one of two features; the targets are the other one."""
    features = np.random.default_rng(3).normal(size=(2000, 2)).astype(np.float32)
    earlier = np.array([[[[1.0], [0.0]]]], np.float32)
    unit = fold(fit_head(features, features[:, 1:], earlier=earlier))
    # The slope by hand: 1 / (1 + the ridge), as both variances are about 1.
    assert float(unit.kernel[0, 0, 1, 0]) == pytest.approx(1 / (1 + RIDGE), abs=0.03)
    assert float(unit.kernel[0, 0, 0, 0]) == pytest.approx(0, abs=0.03)

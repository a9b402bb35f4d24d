"""A linear head for features that are there already."""

from __future__ import annotations

import numpy as np
import pytest

from imgsearch.distillation.heads import RIDGE, fit_head
from imgsearch.distillation.weights import fold


def test_a_single_feature_by_hand() -> None:
    """Features 0 and 2, targets 1 and 5: the slope is 4 / (2 + 2 r), through the means (1, 3)."""
    head = fold(
        fit_head(np.array([[0.0], [2.0]], np.float32), np.array([[1.0], [5.0]], np.float32))
    )
    slope = 4 / (2 + 2 * RIDGE)
    assert float(head.kernel[0, 0, 0, 0]) == pytest.approx(slope, rel=1e-5)
    assert float(head.bias[0]) == pytest.approx(3 - slope, rel=1e-4)


def test_targets_that_are_linear_in_the_features_are_found_nearly_exactly() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(2000, 5)).astype(np.float32)
    targets = features @ generator.normal(size=(5, 3)).astype(np.float32) + np.float32(0.5)
    unit = fit_head(features, targets)
    assert unit.kernel.shape == (1, 1, 5, 3)
    head = fold(unit)
    received = features @ head.kernel[0, 0] + head.bias
    np.testing.assert_allclose(received, targets, atol=0.15)
    np.testing.assert_allclose(received.mean(axis=0), targets.mean(axis=0), atol=1e-3)


def test_the_normalisation_has_the_statistics_of_the_outputs() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(2, 3, size=(500, 4)).astype(np.float32)
    unit = fit_head(features, generator.normal(size=(500, 2)).astype(np.float32))
    outputs = features @ unit.kernel[0, 0]
    np.testing.assert_allclose(unit.mean, outputs.mean(axis=0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(unit.variance, outputs.var(axis=0), rtol=1e-3)

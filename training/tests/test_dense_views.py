"""Dense targets in long runs: what a view shows of them, and what the loss makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from distillation_fakes import ColourTeacher, blotches, cache_plan, make_cache, mean_colours

from imgsearch.distillation.dense import DenseTargets
from imgsearch.distillation.targets import CropCache
from imgsearch.vectors import projection, projection_fitting

if TYPE_CHECKING:
    from pathlib import Path


def fitted() -> projection.Projection:
    """Return a projection fitted on mean colours."""
    means = mean_colours(blotches(50, size=64)).mean(axis=(1, 2))
    rows = means / np.linalg.norm(means, axis=1, keepdims=True)
    return projection_fitting.fit(rows.astype(np.float32), dim=2, power=0.25)


def test_a_view_shows_the_same_part_in_pixels_and_in_targets_mirrored_or_not() -> None:
    """A crop whose colour rises along both axes: so do its targets, and they stay together."""
    pytest.importorskip("torch")
    from training.torch_views import Views

    side, grid = 128, 4
    ramp = np.arange(side, dtype=np.float32) + 0.5
    pixels = np.zeros((1, side, side, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = ramp[:, None], ramp[None, :]
    cells = ramp.reshape(grid, -1).mean(axis=1)
    targets = np.zeros((1, grid, grid, 3), np.float16)
    targets[..., 0], targets[..., 1] = cells[:, None], cells[None, :]
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    cache = CropCache(pixels, rows[:1].astype(np.float16), locations=targets)
    views = Views([cache], projection_fitting.fit(rows, dim=3, power=0.0), stride=32)
    mirrored = set()
    for seed in range(20):
        view = views.view(np.zeros(1, np.int64), 96, np.random.default_rng(seed))
        assert view.locations is not None
        assert view.locations.shape == (1, 3, 3, 3)
        seen = view.images.float().reshape(3, 3, 32, 3, 32).mean((2, 4))[:2]
        said = view.locations[0].permute(2, 0, 1)[:2]
        # Lighter or darker by one factor; what is left is what the coarse grid cannot say.
        light = float((seen * said).sum() / (said * said).sum())
        np.testing.assert_allclose(seen / light, said, atol=4)
        mirrored.add(bool(said[1, 0, 0] > said[1, 0, 2]))
    assert mirrored == {True, False}


def test_without_targets_in_one_of_the_caches_a_view_has_none(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from training.torch_views import Views

    with_targets = make_cache(
        tmp_path / "one", cache_plan(20, dense=DenseTargets(fitted())), ColourTeacher()
    )
    without = CropCache(with_targets.crops, with_targets.embeddings)
    views = Views([with_targets, without], fitted(), stride=32)
    view = views.view(np.arange(15, 25), 32, np.random.default_rng(0))
    assert view.locations is None
    assert view.images.shape == (10, 3, 32, 32)


def test_locations_of_the_pytorch_student_have_the_embedding_as_their_mean() -> None:
    torch = pytest.importorskip("torch")
    from distillation_fakes import TINY, images_of, random_units

    from training.torch_student import Student

    student = Student(TINY)
    student.set_units(random_units(TINY))
    images = torch.from_numpy(images_of(64)).permute(0, 3, 1, 2).float()
    for training in (False, True):
        student.train(training)
        with torch.no_grad():
            rows, locations = student.dense(images)
            assert locations.shape == (5, 8, 8, 8)
            np.testing.assert_allclose(locations.mean((1, 2)), rows, rtol=1e-3, atol=1e-4)
            student.set_units(random_units(TINY))
            np.testing.assert_allclose(student(images), rows, rtol=1e-3, atol=1e-3)


def test_the_dense_loss_is_a_cosine_over_all_locations_by_hand() -> None:
    """Of (3, 4) and (4, 3), spread over two locations: 1 - 24/25."""
    torch = pytest.importorskip("torch")
    from training.torch_student import dense_loss

    targets = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    locations = torch.tensor([8.0, 6.0]).reshape(1, 2, 1, 1)
    assert float(dense_loss(targets, locations)) == pytest.approx(1 / 25, rel=1e-5)


def test_the_loss_of_a_view_counts_its_locations_by_their_weight() -> None:
    torch = pytest.importorskip("torch")
    from distillation_fakes import TINY, images_of, random_units

    from training.torch_student import Student, dense_loss
    from training.torch_views import View
    from training.torch_worker import loss_of

    student = Student(TINY)
    student.set_units(random_units(TINY))
    student.eval()
    images = torch.from_numpy(images_of(64)).permute(0, 3, 1, 2).bfloat16()
    generator = torch.Generator().manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(20, 8, generator=generator))
    located = torch.randn(5, 8, 8, 8, generator=generator)
    with torch.no_grad():
        losses = [
            float(loss_of(student, View(images, unit[:5], where), unit[5:], dense_weight=weight))
            for where, weight in ((None, 2.0), (located, 0.0), (located, 2.0))
        ]
        with torch.autocast("cpu", torch.bfloat16):
            added = float(dense_loss(located, student.dense(images)[1]))
    assert losses[0] == losses[1]
    assert added > 0.1
    assert losses[2] == pytest.approx(losses[0] + 2 * added, rel=1e-3)

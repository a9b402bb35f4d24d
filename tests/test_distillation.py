"""Distillation: its losses, crops, caches, weights, loop, and one whole run on small pictures."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from imgsearch.cli.command import Command
from imgsearch.cli.distill import described
from imgsearch.cli.distill import distill as command
from imgsearch.cli.parameters import with_option_groups
from imgsearch.distillation import crops, folding, run, training, training_set
from imgsearch.distillation.batches import TrainingData, scaled
from imgsearch.distillation.figures import Figures, Measured, neighbour_agreement
from imgsearch.distillation.observer import Observer
from imgsearch.distillation.run import DistillReport, distill, work_folder
from imgsearch.distillation.settings import DistillOptions, TrainingSettings
from imgsearch.distillation.training import Trainer
from imgsearch.errors import UnreadableImageError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.networks.embedder import load_embedder
from imgsearch.recipe import RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


from distillation_fakes import (
    FAST,
    TINY,
    ColourTeacher,
    blotches,
    cache_plan,
    images_of,
    make_cache,
    random_units,
    student_of,
    unit,
)

pytestmark = pytest.mark.tensorflow

PHOTOS = Path(__file__).parents[1] / "sample_data" / "photos"


def write_pictures(folder: Path, pictures: Sequence[NDArray[np.uint8]]) -> list[Path]:
    """Write pictures as PNG files and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:03d}.png" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return paths


def trainer_of(settings: TrainingSettings = FAST) -> Trainer:
    """Return a trainer on 64 blotches with their colours for targets."""
    pictures = blotches(64, size=settings.final_size)
    targets = ColourTeacher().embed(pictures)[:, :8]
    targets = targets - targets.mean(axis=0)
    targets = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    return Trainer(TINY, TrainingData(pictures, targets), settings)


# Losses


def test_cosine_loss_of_known_angles_is_one_minus_the_mean_cosine() -> None:
    load_keras()
    from imgsearch.distillation.losses import cosine_loss

    targets = unit([[1, 0], [1, 0], [1, 0]])
    embeddings = unit([[1, 0], [0, 1], [-1, 0]])
    # cosines 1, 0 and -1
    assert float(cosine_loss(targets, embeddings)) == pytest.approx(1.0, abs=1e-6)


def test_distribution_loss_agrees_with_the_divergence_computed_in_float64() -> None:
    load_keras()
    from imgsearch.distillation.losses import distribution_loss

    generator = np.random.default_rng(0)
    targets, embeddings, bank = (unit(generator.normal(size=(n, 6))) for n in (5, 5, 9))

    def softmax(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        powers = np.exp(rows - rows.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    p = softmax(targets.astype(np.float64) @ bank.T / 0.07)
    q = softmax(embeddings.astype(np.float64) @ bank.T / 0.07)
    expected = np.mean(np.sum(p * np.log(p / q), axis=1))
    assert float(distribution_loss(targets, embeddings, bank)) == pytest.approx(expected, rel=1e-4)


def test_losses_of_a_perfect_student_are_zero_whatever_its_length() -> None:
    load_keras()
    from imgsearch.distillation.losses import distillation_loss

    generator = np.random.default_rng(0)
    targets, bank = unit(generator.normal(size=(4, 6))), unit(generator.normal(size=(7, 6)))
    assert float(distillation_loss(targets, 5 * targets, bank)) == pytest.approx(0, abs=1e-5)


# Crops


@given(height=st.integers(2, 90), width=st.integers(2, 90), seed=st.integers(0, 2**32 - 1))
def test_every_picture_gives_crops_of_the_sizes_that_were_asked_for(
    height: int, width: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    drawn = crops.draw(
        picture, np.random.default_rng(seed), sizes=(32, 64), rules=crops.CropRules()
    )
    again = crops.draw(
        picture, np.random.default_rng(seed), sizes=(32, 64), rules=crops.CropRules()
    )
    assert [image.shape for image in drawn] == [(32, 32, 3), (64, 64, 3)]
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_a_crop_shows_the_same_part_at_every_size() -> None:
    picture = blotches(1, size=64)[0]
    for seed in range(20):
        small, large = crops.draw(
            picture, np.random.default_rng(seed), sizes=(32, 128), rules=crops.CropRules()
        )
        shrunk = np.asarray(Image.fromarray(large).resize((32, 32), Image.Resampling.BOX))
        assert np.mean(np.abs(shrunk.astype(float) - small)) < 6


def test_mixing_takes_the_same_part_at_every_size_and_leaves_its_arguments_alone() -> None:
    black = [np.zeros((s, s, 3), np.uint8) for s in (32, 64)]
    white = [np.full((s, s, 3), 255, np.uint8) for s in (32, 64)]
    shares = []
    for seed in range(40):
        small, large = crops.mix(black, white, np.random.default_rng(seed))
        assert np.array_equal(small, large[::2, ::2])
        shares.append(small.mean() / 255)
    assert 0 < min(shares) < max(shares) < 1
    assert all(not image.any() for image in black)


def test_shares_outside_of_zero_to_one_are_refused() -> None:
    with pytest.raises(UsageError, match=r"grey: 1\.5 is not between 0 and 1"):
        crops.CropRules(grey=1.5)
    with pytest.raises(UsageError, match=r"widest_aspect: 0\.5"):
        crops.CropRules(widest_aspect=0.5)


# The cache of crops


def test_an_interrupted_cache_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    whole = make_cache(tmp_path / "whole", cache_plan(600), ColourTeacher())
    teacher = ColourTeacher()
    done: list[int] = []
    stopped = make_cache(
        tmp_path / "cut",
        cache_plan(600),
        teacher,
        stop=lambda: True,
        progress=lambda d, _: done.append(d),
    )
    assert stopped is None
    assert done == [256]
    resumed = make_cache(tmp_path / "cut", cache_plan(600), teacher)
    assert teacher.asked == 600
    assert np.array_equal(resumed.crops, whole.crops)
    assert np.array_equal(resumed.embeddings, whole.embeddings)


def test_a_finished_cache_asks_no_teacher_again(tmp_path: Path) -> None:
    make_cache(tmp_path, cache_plan(300), ColourTeacher())
    teacher = ColourTeacher()
    assert len(make_cache(tmp_path, cache_plan(300), teacher).crops) == 300
    assert teacher.asked == 0


@pytest.mark.parametrize(
    "changes",
    [{"seed": 1}, {"identity": "other pictures"}, {"size": 64}, {"rules": None}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_cache_of_another_plan_is_made_again(tmp_path: Path, changes: dict[str, Any]) -> None:
    make_cache(tmp_path, cache_plan(20), ColourTeacher())
    teacher = ColourTeacher()
    make_cache(tmp_path, cache_plan(20, **changes), teacher)
    assert teacher.asked == 20


def test_whole_pictures_are_cached_without_crops_or_mixtures(tmp_path: Path) -> None:
    cache = make_cache(tmp_path, cache_plan(10, rules=None), ColourTeacher())
    expected = np.stack([crops.whole(p, sizes=[32])[0] for p in blotches(10)])
    assert np.array_equal(cache.crops, expected)


def test_a_teacher_whose_size_is_no_multiple_of_32_is_refused() -> None:
    with pytest.raises(UsageError, match="299 pixels is not a multiple of 32"):
        ColourTeacher(size=299)


# Weights


def test_folding_one_channel_by_hand() -> None:
    folded = folding.fold(
        folding.UnitWeights(
            kernel=np.full((1, 1, 1, 1), 6, np.float32),
            scale=np.array([0.5], np.float32),
            offset=np.array([1], np.float32),
            mean=np.array([4], np.float32),
            variance=np.array([4 - weights.EPSILON], np.float32),
        )
    )
    # 0.5 (6 x - 4) / 2 + 1 = 1.5 x
    assert folded.kernel.item() == pytest.approx(1.5)
    assert folded.bias.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("size", [32, 64, 50])
def test_a_folded_student_pooled_equals_the_trained_one(size: int) -> None:
    load_keras()
    from imgsearch.distillation.student import build_student, set_units
    from imgsearch.networks.backbones.compact.network import build_folded

    units = random_units(TINY)
    trained = build_student(TINY)
    set_units(trained, units)
    images = images_of(size).astype(np.float32)
    expected = np.asarray(trained(images, training=False))
    maps = np.asarray(build_folded(folding.fold_all(TINY, units), size)(images))
    assert maps.ndim == 4
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), expected, rtol=1e-3, atol=1e-4)


def test_unfolding_gives_back_a_student_that_does_the_same_in_training_too() -> None:
    load_keras()
    from imgsearch.distillation.student import build_student, set_units, unfold

    units = random_units(TINY)
    student = folding.fold_all(TINY, units)
    images = images_of(32, 24)
    model, reference = build_student(TINY), build_student(TINY)
    set_units(model, unfold(student, images))
    set_units(reference, units)
    batch = images.astype(np.float32)
    expected = np.asarray(reference(batch, training=False))
    for in_training in (False, True):
        received = np.asarray(model(batch, training=in_training))
        np.testing.assert_allclose(received, expected, rtol=1e-2, atol=2e-3)


def test_statistics_taken_anew_are_means_over_the_batches_whatever_they_were() -> None:
    keras = load_keras()
    from imgsearch.distillation.student import build_student, set_units, take_statistics

    model = build_student(TINY)
    set_units(model, random_units(TINY))
    first = next(x for x in model.layers if isinstance(x, keras.layers.BatchNormalization))
    seen = keras.Model(model.input, first.input)
    batches = [images_of(32, 6)[:3], images_of(32, 6)[3:]]
    take_statistics(model, iter(batches))
    outputs = [np.asarray(seen(batch.astype(np.float32))) for batch in batches]
    np.testing.assert_allclose(
        np.asarray(first.moving_mean), np.mean([x.mean((0, 1, 2)) for x in outputs], 0), atol=1e-4
    )
    np.testing.assert_allclose(
        np.asarray(first.moving_variance),
        np.mean([x.var((0, 1, 2)) for x in outputs], 0),
        rtol=1e-3,
    )


@pytest.mark.slow
def test_an_averaged_student_does_not_keep_the_statistics_of_what_was_averaged() -> None:
    trainer = trainer_of()
    trainer.train(6)
    pictures = blotches(64, size=FAST.final_size)
    spoilt = trainer_of()
    spoilt.step = trainer.step
    spoilt._average = [np.array(values) for values in trainer._average]
    names = [weight.path for weight in spoilt._copy.weights]
    moved = [i for i, name in enumerate(names) if name.endswith(("moving_mean", "moving_variance"))]
    for i in moved:
        spoilt._average[i] += 3
    np.testing.assert_allclose(spoilt.embed(pictures), trainer.embed(pictures), atol=1e-4)
    assert moved
    trainer.close()
    spoilt.close()


def test_a_saved_student_comes_back_rounded_to_half_precision(tmp_path: Path) -> None:
    student = folding.fold_all(TINY, random_units(TINY))
    folding.save(tmp_path / "student.npz", student)
    loaded = weights.load(tmp_path / "student.npz")
    assert loaded.architecture == TINY
    for name, unit_weights in student.weights.items():
        np.testing.assert_allclose(
            loaded.weights[name].kernel, unit_weights.kernel, rtol=1e-3, atol=1e-7
        )
    assert [path.name for path in tmp_path.iterdir()] == ["student.npz"]


def test_files_that_are_no_students_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"gone\.npz: there is no such file"):
        weights.load(tmp_path / "gone.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(WeightsUnavailableError, match=r"text\.npz: not a student's file"):
        weights.load(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(WeightsUnavailableError, match=r"other\.npz: not a student's file"):
        weights.load(tmp_path / "other.npz")
    folding.save(tmp_path / "cut.npz", folding.fold_all(TINY, random_units(TINY)))
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsUnavailableError, match=r"cut\.npz: not a student's file"):
        weights.load(tmp_path / "cut.npz")


def test_parameters_are_those_of_the_folded_network() -> None:
    load_keras()
    from imgsearch.networks.backbones.compact.network import build_folded

    student = folding.fold_all(TINY, random_units(TINY))
    assert build_folded(student, 32).count_params() == TINY.parameters()


# Settings


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    settings = TrainingSettings(samples=1000, batch_size=10, warm_up=10, decay=0.2)
    assert settings.steps == 100
    rates = [settings.rate_at(step) / settings.learning_rate for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:81] == pytest.approx([1.0] * 72)
    assert rates[90] == pytest.approx(0.5)
    assert rates[100] == 0


def test_the_student_sees_larger_pictures_as_the_run_goes_on() -> None:
    settings = TrainingSettings(
        samples=1000, batch_size=10, sizes=((0.0, 64), (0.5, 96), (0.8, 128))
    )
    sizes = [settings.size_at(step) for step in range(100)]
    assert [sizes.count(side) for side in (64, 96, 128)] == [50, 30, 20]
    assert settings.final_size == 128


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"samples": 0}, "samples: 0 is below 2"),
        ({"batch_size": 1}, "batch_size: 1 is below 2"),
        ({"decay": 1.5}, r"decay: 1\.5 is not between 0 and 1"),
        ({"learning_rate": float("nan")}, "learning_rate: nan is not a finite number"),
        ({"sizes": ()}, "do not rise from 0"),
        ({"sizes": ((0.5, 64),)}, "do not rise from 0"),
        ({"sizes": ((0.0, 16),)}, "below 32 pixels"),
    ],
)
def test_settings_that_no_run_can_have_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainingSettings(**values)


# The loop


@pytest.mark.slow
def test_training_brings_the_student_nearer_to_its_targets() -> None:
    load_keras()
    sizes = ((0.0, 32), (0.5, 64))
    trainer = trainer_of(dataclasses.replace(FAST, samples=1600, sizes=sizes))
    first = trainer.train(5)
    while not trainer.finished:
        last = trainer.train(25)
    trainer.close()
    assert trainer.samples == 1600
    assert last < 0.6 * first


@pytest.mark.slow
def test_a_run_resumed_from_a_checkpoint_ends_as_the_uninterrupted_one(tmp_path: Path) -> None:
    load_keras()
    through = trainer_of()
    through.train(8)
    through.save(tmp_path / "checkpoint.npz")
    through.train(12)
    resumed = trainer_of()
    resumed.restore(tmp_path / "checkpoint.npz")
    assert resumed.step == 8
    resumed.train(100)
    for trainer in (through, resumed):
        trainer.close()
    assert resumed.finished
    images = images_of(32)
    np.testing.assert_allclose(resumed.embed(images), through.embed(images), atol=1e-3)


def test_a_checkpoint_of_other_settings_or_no_checkpoint_is_refused(tmp_path: Path) -> None:
    load_keras()
    trainer = trainer_of()
    path = tmp_path / "checkpoint.npz"
    trainer.save(path)
    other = trainer_of(dataclasses.replace(FAST, seed=4))
    with pytest.raises(UsageError, match="a run with other settings"):
        other.restore(path)
    data = dataclasses.replace(trainer._data, fingerprint="other pictures")
    others = Trainer(TINY, data, FAST)
    with pytest.raises(UsageError, match="other settings, images or teachers"):
        others.restore(path)
    others.close()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UsageError, match="not a checkpoint, or a damaged one"):
        trainer.restore(path)
    trainer.close()
    other.close()


def test_targets_that_do_not_fit_and_too_few_crops_are_refused() -> None:
    load_keras()
    pictures = blotches(8, size=32)
    with pytest.raises(UsageError, match=r"targets of shape \(8, 5\) do not fit"):
        Trainer(TINY, TrainingData(pictures, np.ones((8, 5), np.float32)), FAST)
    with pytest.raises(UsageError, match="8 crops are fewer than a batch of 16"):
        Trainer(TINY, TrainingData(pictures, np.ones((8, 8), np.float32)), FAST)


def test_scaling_to_the_same_size_copies() -> None:
    images = images_of(32)
    copy = scaled(images, 32)
    copy[:] = 0
    assert images.any()
    assert scaled(images, 64).shape == (5, 64, 64, 3)


def test_neighbour_agreement_of_a_space_with_itself_and_with_its_mirror() -> None:
    angles = np.linspace(0, 3, 30)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert neighbour_agreement(rows, rows, k=4) == 1
    assert neighbour_agreement(rows, rows[:, ::-1], k=4) == 1
    shuffled = rows[np.random.default_rng(0).permutation(30)]
    assert neighbour_agreement(rows, shuffled, k=4) < 0.5


# Whole runs


def options_of(**changes: Any) -> DistillOptions:
    """Return the options of a run of seconds."""
    options = DistillOptions(
        training=FAST, architecture=TINY, crops=2, held_out=0.25, checkpoint_seconds=0.0
    )
    return dataclasses.replace(options, **changes)


def run_on(
    paths: Sequence[Path], out: Path, *, observer: Observer | None = None, **changes: Any
) -> DistillReport:
    """Distil the colour teacher on these pictures."""
    load_keras()
    return distill(
        [paths],
        teachers=[ColourTeacher().teacher],
        out=out,
        options=options_of(**changes),
        observer=observer or Observer(),
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return 80 pictures of coloured quarters."""
    return write_pictures(tmp_path_factory.mktemp("pictures"), list(blotches(80)))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three labels with four noisy pictures each."""
    folder = tmp_path_factory.mktemp("labelled")
    generator = np.random.default_rng(5)
    for name, base in zip("abc", blotches(3, seed=9), strict=True):
        noise = generator.integers(-20, 20, size=(4, *base.shape))
        write_pictures(folder / name, list(np.clip(base + noise, 0, 255).astype(np.uint8)))
    return folder


def test_a_run_writes_a_student_and_its_figures_and_clears_up(
    tmp_path: Path, pictures: list[Path], labelled: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    out = tmp_path / "student.npz"
    report = run_on(
        pictures,
        out,
        observer=Observer(progress=lambda *step: told.append(step)),
        validate=labelled,
        training=dataclasses.replace(FAST, samples=1600),
    )
    assert report.out == out
    assert report.images == 80
    assert not report.interrupted
    assert not work_folder(out).exists()
    last = report.figures[-1]
    assert last.samples == 1600
    assert last.measured.teacher_maps == pytest.approx((1.0,))
    assert last.measured.student_map is not None
    assert 0 < last.measured.student_map <= 1
    assert last.measured.cosine > report.figures[0].measured.cosine
    assert [stage for stage, done, total in told if done == total] == ["read", "ask", "train"]

    from imgsearch.networks.backbones.compact.network import build_folded

    maps = np.asarray(build_folded(student_of(out), 64)(images_of(64).astype(np.float32)))
    assert maps.shape == (5, 8, 8, TINY.dim)


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_to_the_same_student(
    tmp_path: Path, pictures: list[Path]
) -> None:
    through = tmp_path / "through.npz"
    out = tmp_path / "student.npz"
    trained: list[int] = []

    def progress(stage: str, done: int, _: int) -> None:
        if stage == "train":
            trained.append(done)

    long = dataclasses.replace(FAST, samples=1120)
    report = run_on(
        pictures,
        out,
        observer=Observer(progress=progress, stop=lambda: bool(trained)),
        training=long,
    )
    assert report.interrupted
    assert report.out is None
    assert not out.exists()
    with pytest.raises(UsageError, match="continue it with --resume"):
        run_on(pictures, out, training=long)
    assert run_on(pictures, out, training=long, resume=True).out == out
    run_on(pictures, through, training=long)
    for name, expected in student_of(through).weights.items():
        np.testing.assert_allclose(student_of(out).weights[name].kernel, expected.kernel, atol=0.02)


@pytest.mark.slow
def test_a_run_stopped_while_it_asks_its_teachers_goes_on_there(
    tmp_path: Path, pictures: list[Path]
) -> None:
    out = tmp_path / "student.npz"
    asked: list[int] = []

    def progress(stage: str, done: int, _: int) -> None:
        if stage == "ask":
            asked.append(done)

    observer = Observer(progress=progress, stop=lambda: bool(asked))
    assert run_on(pictures, out, observer=observer, crops=8).interrupted
    assert work_folder(out).is_dir()
    report = run_on(pictures, out, resume=True, crops=8)
    assert report.out == out


def test_a_keras_file_loads_in_keras_and_gives_what_the_archive_gives(
    tmp_path: Path, pictures: list[Path]
) -> None:
    keras = load_keras()
    from imgsearch.networks.backbones.compact.network import build_folded

    student = folding.fold_all(TINY, random_units(TINY))
    run.write_student(tmp_path / "student.keras", student, size=64)
    model = keras.saving.load_model(tmp_path / "student.keras", safe_mode=True)
    images = images_of(64).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(model(images)), np.asarray(build_folded(student, 64)(images)), atol=1e-5
    )
    assert pictures


@pytest.mark.slow
def test_a_warm_start_begins_where_the_initial_student_was(
    tmp_path: Path, pictures: list[Path]
) -> None:
    first = tmp_path / "first.npz"
    trained = run_on(pictures, first, training=dataclasses.replace(FAST, samples=960))
    brief = dataclasses.replace(FAST, samples=32, learning_rate=1e-4)
    warm = run_on(pictures, tmp_path / "warm.npz", training=brief, initial=first)
    cold = run_on(pictures, tmp_path / "cold.npz", training=brief)
    reached = trained.figures[-1].measured.cosine
    assert warm.figures[-1].measured.cosine > (reached + cold.figures[-1].measured.cosine) / 2


@pytest.mark.slow
def test_a_warm_start_from_a_shallower_student_begins_where_it_was(
    tmp_path: Path, pictures: list[Path]
) -> None:
    stage = TINY.stages[1]
    shallow, deep = (
        dataclasses.replace(TINY, stages=(dataclasses.replace(stage, repeats=repeats),))
        for repeats in (2, 4)
    )
    longer = dataclasses.replace(FAST, samples=960)
    brief = dataclasses.replace(FAST, samples=32, learning_rate=1e-4)
    first = tmp_path / "first.npz"
    trained = run_on(pictures, first, training=longer, architecture=shallow)
    warm = run_on(pictures, tmp_path / "warm.npz", training=brief, initial=first, architecture=deep)
    assert warm.figures[-1].measured.cosine > trained.figures[-1].measured.cosine - 0.05


def test_unreadable_files_are_reported_and_left_out(tmp_path: Path, pictures: list[Path]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    report = run_on([*pictures, broken], tmp_path / "student.npz")
    assert report.images == 80
    assert [path for path, _ in report.unreadable] == [broken]


@pytest.mark.parametrize(
    ("changes", "out", "message"),
    [
        ({"resume": True}, "student.npz", "there is no run to resume"),
        ({}, "student.h5", r"ends neither in \.npz nor in \.keras"),
        ({}, "nowhere/student.npz", "does not exist; create it first"),
        ({}, "taken.npz", "already exists; choose another name or --overwrite"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_read(
    tmp_path: Path, changes: dict[str, Any], out: str, message: str
) -> None:
    (tmp_path / "taken.npz").write_bytes(b"")
    with pytest.raises(UsageError, match=message):
        run_on([tmp_path / "unread.png"], tmp_path / out, **changes)


def test_no_pictures_no_teachers_and_one_teacher_twice_are_refused(tmp_path: Path) -> None:
    teacher = ColourTeacher().teacher
    for sources, teachers, message in (
        ([[]], [teacher], "no image file was found"),
        ([[tmp_path / "a.png"]], [], "at least one is needed"),
        ([[tmp_path / "a.png"]], [teacher, teacher], "names one twice"),
    ):
        with pytest.raises(UsageError, match=message):
            distill(
                sources,
                teachers=teachers,
                out=tmp_path / "student.npz",
                options=options_of(),
                observer=Observer(),
            )


def test_too_few_pictures_are_refused_and_nothing_is_left_behind(
    tmp_path: Path, pictures: list[Path]
) -> None:
    with pytest.raises(UsageError, match="10 readable files are too few"):
        run_on(pictures[:10], tmp_path / "student.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_labelled_folder_without_labels_is_refused(tmp_path: Path, pictures: list[Path]) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        run_on(pictures, tmp_path / "student.npz", validate=tmp_path / "gone")
    (tmp_path / "flat").mkdir()
    with pytest.raises(UsageError, match="at least two subfolders"):
        run_on(pictures, tmp_path / "student.npz", validate=tmp_path / "flat")


def test_a_labelled_picture_that_cannot_be_read_is_named(
    tmp_path: Path, pictures: list[Path]
) -> None:
    for name in ("a", "b"):
        write_pictures(tmp_path / "labelled" / name, list(blotches(2)))
    broken = tmp_path / "labelled" / "a" / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError, match=r"validate: .*broken\.png"):
        run_on(pictures, tmp_path / "student.npz", validate=tmp_path / "labelled")


def test_an_initial_student_of_another_shape_is_refused(
    tmp_path: Path, pictures: list[Path]
) -> None:
    other = dataclasses.replace(TINY, features=20)
    folding.save(tmp_path / "other.npz", folding.fold_all(other, random_units(other)))
    with pytest.raises(UsageError, match=r"other features or .*, in .*other\.npz; leave it"):
        run_on(pictures, tmp_path / "student.npz", initial=tmp_path / "other.npz")


def test_small_sources_are_drawn_from_more_often_than_their_share(tmp_path: Path) -> None:
    sources = [[tmp_path / f"{i}.png" for i in range(900)], [tmp_path / f"{i}" for i in range(100)]]
    held_out, training = training_set.plans(sources, options_of(crops=10))
    share = np.mean(training.images >= 900)
    # counts about 675 and 75, to the power 0.6: 0.2 of the draws
    assert 0.17 < share < 0.24
    assert not np.intersect1d(held_out.images, training.images).size


ELSEWHERE = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_distillation import images_of, trainer_of
from imgsearch.distillation import folding
import keras
assert keras.config.backend() == sys.argv[2]
folder = Path(sys.argv[3])
trainer = trainer_of()
trainer.train(6)
trainer.save(folder / "checkpoint.npz")
trainer.train(6)
np.save(folder / "embeddings.npy", trainer.embed(images_of(32)))
folding.save(folder / "student.npz", trainer.averaged())
trainer.restore(folder / "checkpoint.npz")
trainer.train(6)
np.save(folder / "again.npy", trainer.embed(images_of(32)))
trainer.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_student_trained_on_another_backend_gives_the_same_in_tensorflow(
    tmp_path: Path, backend: str
) -> None:
    pytest.importorskip(backend)
    load_keras()
    from imgsearch.networks.backbones.compact.network import build_folded

    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent), backend, str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        check=True,
    )
    expected = np.load(tmp_path / "embeddings.npy")
    model = build_folded(student_of(tmp_path / "student.npz"), 32)
    maps = np.asarray(model(images_of(32).astype(np.float32)))
    np.testing.assert_allclose(unit(maps.mean(axis=(1, 2))), expected, atol=5e-3)
    np.testing.assert_allclose(np.load(tmp_path / "again.npy"), expected, atol=1e-3)


# The command line


def call(*arguments: str) -> Any:
    """Run `imgsearch distill` with these arguments."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(cls=Command)(with_option_groups(command))
    return CliRunner().invoke(app, list(arguments))


def test_figures_are_told_in_one_line() -> None:
    measured = Measured(cosine=0.5, agreement=0.25, student_map=0.3, teacher_maps=(0.6, 0.5))
    figures = Figures(samples=1_500_000, loss=2.0, measured=measured)
    assert described(figures) == (
        "1,500,000 samples: loss 2.000, held-out cosine 0.500, nearest neighbours shared 25%, "
        "mAP 30.0 (0.50 of the teacher's 60.0, 0.60 of the teacher's 50.0)"
    )
    without = dataclasses.replace(measured, student_map=None, teacher_maps=())
    assert "mAP" not in described(dataclasses.replace(figures, measured=without))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone",), "gone is neither a file nor a folder"),
        ((".", "--teacher", "compat"), "did you mean compact"),
        ((".", "--teacher", "mobilenet_v2", "--offline"), "downloads are forbidden"),
        ((".", "--student", "large"), "large"),
    ],
)
def test_the_command_refuses_wrong_arguments(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    given = arguments if "--teacher" in arguments else (*arguments, "--teacher", "compact")
    result = call(*given, "--out", "student.npz")
    assert result.exit_code != 0
    assert message in result.stderr


@pytest.mark.slow
def test_the_command_distils_the_bundled_backbone_into_a_network_that_can_be_indexed_with(
    tmp_path: Path, pictures: list[Path], labelled: Path
) -> None:
    out = tmp_path / "student.keras"
    arguments = ("--teacher", "compact", "--out", str(out), "--validate", str(labelled))
    few = ("--samples", "64", "--batch-size", "16", "--crops", "1", "--seed", "1")
    result = call(str(pictures[0].parent), *arguments, *few)
    assert result.exit_code == 0, result.stderr
    assert "64 samples: loss" in result.stderr
    assert "a student trained on 80 pictures" in result.stderr
    trust = hashlib.sha256(out.read_bytes()).hexdigest()
    assert f"--trust-model {trust}" in result.stderr
    request = RecipeRequest(backbone=str(out), preprocessing="raw", trusted_sha256=trust)
    recipe = resolve(request)
    embeddings = load_embedder(recipe, runtime="tensorflow").embed(images_of(128))
    assert recipe.size == 128
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_a_warm_start_from_the_bundled_weights_keeps_what_they_know(
    tmp_path: Path,
) -> None:
    """With so few pictures the dim is another, and the head is fitted to it.

    On rendered photographs: of coloured quarters it knows nothing that would outlast a new head.
    """
    reached = []
    for name, start in (("cold", ()), ("warm", ("--initial", "compact"))):
        result = call(
            str(PHOTOS),
            *("--teacher", "compact", "--out", str(tmp_path / f"{name}.npz"), "--crops", "1"),
            *(*start, "--samples", "64", "--batch-size", "16", "--learning-rate", "0.0001"),
        )
        assert result.exit_code == 0, result.stderr
        reached.append(float(re.findall(r"held-out cosine (-?[\d.]+)", result.stderr)[-1]))
    assert reached[1] > reached[0] + 0.3


@pytest.mark.parametrize("count", [1, training.BATCH, training.BATCH + 1])
def test_a_model_is_asked_in_batches_of_one_shape(count: int) -> None:
    """TensorFlow traces anew for every other shape, and warns of it on the user's stderr."""
    shapes = set()

    class Means:
        def predict_on_batch(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
            shapes.add(images.shape)
            return images.mean(axis=(1, 2))

    pictures = blotches(count, size=8)
    np.testing.assert_allclose(
        training.predicted(Means(), pictures), pictures.mean(axis=(1, 2)), rtol=1e-5
    )
    assert shapes == {(training.BATCH, 8, 8, 3)}

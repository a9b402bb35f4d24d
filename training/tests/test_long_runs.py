"""Development code for long runs: the PyTorch student, its workers, and caches of folders."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
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
from PIL import Image

from imgsearch.distillation import crops, folding, run
from imgsearch.distillation.targets import CropCache
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact.architecture import COMPACT
from imgsearch.networks.backbones.framework import load_keras
from training import ask_teachers, coloured_targets, pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_pytorch_and_keras_students_with_the_same_weights_give_the_same() -> None:
    torch = pytest.importorskip("torch")
    load_keras()
    from imgsearch.distillation.student import build_student, set_units
    from training.torch_student import Student

    units = random_units(COMPACT)
    in_keras, in_torch = build_student(COMPACT), Student(COMPACT)
    set_units(in_keras, units)
    in_torch.set_units(units)
    in_torch.eval()
    images = images_of(64, 3).astype(np.float32)
    with torch.no_grad():
        received = in_torch(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(
        received, np.asarray(in_keras(images, training=False)), rtol=1e-3, atol=1e-3
    )
    for name, expected in in_torch.units().items():
        assert np.array_equal(expected.kernel, units[name].kernel)


def test_pytorch_and_keras_losses_are_the_same() -> None:
    torch = pytest.importorskip("torch")
    load_keras()
    from imgsearch.distillation import losses
    from training import torch_student

    generator = np.random.default_rng(0)
    targets, bank = unit(generator.normal(size=(5, 6))), unit(generator.normal(size=(9, 6)))
    embeddings = generator.normal(size=(5, 6)).astype(np.float32)
    received = torch_student.distillation_loss(
        torch.from_numpy(targets), torch.from_numpy(embeddings), torch.from_numpy(bank)
    )
    expected = losses.distillation_loss(targets, embeddings, bank)
    assert float(received) == pytest.approx(float(expected), rel=1e-4)


def test_orthogonalised_matrices_have_singular_values_near_one_and_the_same_vectors() -> None:
    torch = pytest.importorskip("torch")
    from training.torch_optimisers import orthogonalised

    matrices = np.random.default_rng(0).normal(size=(3, 12, 40)).astype(np.float32)
    for values in (matrices, matrices.transpose(0, 2, 1)):
        received = orthogonalised(torch.tensor(values.copy())).numpy()
        singular = np.linalg.svd(received, compute_uv=False)
        # The quintic's coefficients leave them between 0.68 and 1.14.
        assert singular.min() > 0.6
        assert singular.max() < 1.25
        left, _, right = np.linalg.svd(values, full_matrices=False)
        assert np.mean(np.sum(received * (left @ right), axis=(1, 2))) / 12 > 0.8


def run_of(folder: Path) -> Any:
    """Return a run of a tiny student on two caches of crops, its files in this folder."""
    from imgsearch.vectors import projection_fitting
    from training.torch_settings import Run

    teacher = ColourTeacher()
    for name, rules in (("held-out", None), ("one", crops.CropRules()), ("two", crops.CropRules())):
        make_cache(folder / name, cache_plan(100, rules=rules), teacher)
    embeddings = CropCache.open(folder / "one").embeddings.astype(np.float32)
    fitted = projection_fitting.fit(embeddings, dim=8, power=0.25)
    (folder / "projection").write_bytes(fitted.to_bytes())
    return Run(
        caches=(folder / "one", folder / "two"),
        held_out=folder / "held-out",
        projection=folder / "projection",
        checkpoint=folder / "checkpoint.pt",
        log=folder / "log",
        out=folder / "student.npz",
        plateau=3200,
        decay=1600,
        sizes=((0, 32), (4000, 64)),
        settings=dataclasses.replace(FAST, batch_size=32),
        micro=8,
        architecture=dataclasses.replace(TINY, dim=fitted.out),
    )


@pytest.mark.slow
def test_workers_train_together_and_a_later_run_goes_on_from_their_checkpoint(
    tmp_path: Path,
) -> None:
    pytest.importorskip("torch")
    from training.torch_run import train

    plan = run_of(tmp_path)
    train(plan)
    train(plan)
    first, last = (
        json.loads(line)
        for line in (tmp_path / "log").read_text().splitlines()
        if '"size": 32' in line
    )
    assert last["samples"] > first["samples"]
    assert last["cosine"] > first["cosine"]
    assert student_of(plan.out).architecture == plan.architecture
    coloured_targets.fit(plan.caches, plan.projection, share=0.1, out=tmp_path / "colours")
    warm = dataclasses.replace(plan, initial=plan.out, plateau=0, decay=32)
    for name, colours in (("warm", None), ("coloured", tmp_path / "colours")):
        files = {"checkpoint": tmp_path / f"{name}.pt", "log": tmp_path / name}
        train(dataclasses.replace(warm, **files, colours=colours))
        begun = json.loads((tmp_path / name).read_text().splitlines()[-1])
        assert begun["cosine"] > first["cosine"]
    other = dataclasses.replace(warm, architecture=COMPACT, checkpoint=tmp_path / "other.pt")
    with pytest.raises(UsageError, match="another stem"):
        train(other)
    assert sorted(path.name for path in tmp_path.glob("checkpoint*")) == [
        "checkpoint-plateau.pt",
        "checkpoint.pt",
    ]


def test_a_finished_student_has_statistics_of_its_own_whatever_its_checkpoint_says(
    tmp_path: Path,
) -> None:
    torch = pytest.importorskip("torch")
    from training.torch_finish import finish
    from training.torch_student import Student

    make_cache(tmp_path / "crops", cache_plan(100, rules=crops.CropRules()), ColourTeacher())
    folded = []
    for moved in (0.0, 3.0):
        student = Student(TINY)
        student.set_units(random_units(TINY))
        for name, values in student.named_buffers():
            if "running" in name:
                values.add_(moved)
        torch.save({"ema": student.state_dict()}, tmp_path / "run.pt")
        folded.append(finish(tmp_path / "run.pt", [tmp_path / "crops"], architecture=TINY))
    for name, expected in folded[0].weights.items():
        np.testing.assert_array_equal(folded[1].weights[name].kernel, expected.kernel)
        np.testing.assert_array_equal(folded[1].weights[name].bias, expected.bias)


ENDLESS = """
import dataclasses, sys
from pathlib import Path
from test_long_runs import run_of
from training.torch_run import train
if __name__ == "__main__":
    train(dataclasses.replace(run_of(Path(sys.argv[1])), plateau=10**12))
"""


@pytest.mark.slow
def test_workers_end_when_their_run_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    killed = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until((tmp_path / "log").exists, seconds=90)
        killed.kill()
        killed.wait()
        wait_until(lambda: not is_alive(killed.pid), seconds=30)
    finally:
        if is_alive(killed.pid):
            os.killpg(killed.pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Wait for a condition to hold, and fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.1)


def is_alive(group: int) -> bool:
    """Tell whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def folders(tmp_path: Path, counts: dict[str, int]) -> list[pool.Source]:
    """Return sources of so many pictures, each drawn from as its name says."""
    for name, count in counts.items():
        (tmp_path / name.partition("=")[0]).mkdir()
        for number in range(count):
            picture = Image.new("RGB", (40, 40), (number, 3 * number, 90))
            picture.save(tmp_path / name.partition("=")[0] / f"{number:03}.png")
    return [pool.Source.parse(str(tmp_path / name)) for name in counts]


def test_a_source_is_drawn_from_by_its_size_to_the_power_and_its_factor(tmp_path: Path) -> None:
    """Of 32, 1 and, taken twice, 1 picture: 32^0.6 = 8, 1 and 2 parts of 11."""
    sources = folders(tmp_path, {"many": 32, "one": 1, "twice=2": 1})
    shares = pool.shares(sources, np.arange(34))
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares[:32], 8 / 11 / 32)
    np.testing.assert_allclose(shares[32:], [1 / 11, 2 / 11])


def test_pictures_that_are_held_out_are_in_no_crop_whatever_the_seed(tmp_path: Path) -> None:
    sources = folders(tmp_path, {"a": 12, "b=1.5": 8})
    apart = ask_teachers.plan(sources, crops=0, seed=5, rules=None)
    assert len(apart.images) == 10
    assert apart.rules is None
    plans = [ask_teachers.plan(sources, crops=300, seed=s, rules=crops.CropRules()) for s in (1, 2)]
    for drawn in plans:
        assert len(drawn.images) == 300
        assert not np.isin(drawn.images, apart.images).any()
        assert set(drawn.images) | set(apart.images) == set(range(20))
    assert not np.array_equal(plans[0].images, plans[1].images)


def test_a_projection_is_fitted_on_all_caches_and_a_source_without_pictures_is_refused(
    tmp_path: Path,
) -> None:
    from imgsearch.vectors.projection import Projection

    for name in ("one", "two"):
        make_cache(tmp_path / name, cache_plan(40), ColourTeacher())
    ask_teachers.fit([tmp_path / "one", tmp_path / "two"], tmp_path / "projection")
    fitted = Projection.from_bytes((tmp_path / "projection").read_bytes())
    assert fitted.fitted_count == 80
    with pytest.raises(UsageError, match="no pictures"):
        pool.Source.parse(str(tmp_path / "nowhere"))


def test_a_teacher_asked_in_bfloat16_says_nearly_the_same_under_another_name(
    tmp_path: Path,
) -> None:
    student = folding.fold_all(TINY, random_units(TINY))
    run.write_student(tmp_path / "student.keras", student, size=64)
    text = f"{tmp_path / 'student.keras'}:raw"
    exact, rough = (ask_teachers.teacher(text, bfloat16=given) for given in (False, True))
    assert rough.name == f"{exact.name}/bfloat16"
    pictures = blotches(4, size=64)
    cosines = np.sum(exact.embed(pictures) * rough.embed(pictures), axis=1)
    assert cosines.min() > 0.99

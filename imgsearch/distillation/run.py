"""One distillation from pictures to a student's file: what `imgsearch distill` does."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from imgsearch.distillation import folding
from imgsearch.distillation.crops import GRID
from imgsearch.distillation.figures import Figures, Labelled, measure, read_labelled
from imgsearch.distillation.heads import fit_head
from imgsearch.distillation.reshaping import units_from
from imgsearch.distillation.targets import CachePlan, CropCache, Teacher
from imgsearch.distillation.training import Trainer, TrainingData, scaled
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.images import loading
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.framework_noise import without_greetings
from imgsearch.vectors import projection_fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.settings import DistillOptions, TrainingSettings
    from imgsearch.networks.backbones.compact.architecture import Architecture

Stage = Literal["read", "ask", "train"]

POWER: Final = 0.25
SHRINKAGE: Final = 0.02
FITTED_ON: Final = 32_768
LEAST_PICTURES: Final = 64
LARGEST_SIDE: Final = 512
HEAD_CROPS: Final = 4096
"""Crops that a warm start's head is fitted on."""
STATISTICS_CROPS: Final = 256
"""Crops that its normalisations take their statistics from."""
BALANCE: Final = 0.6
CHECKPOINT: Final = "checkpoint.npz"
STEPS_A_ROUND: Final = 50
KERAS: Final = ".keras"
ARCHIVE: Final = ".npz"


@dataclass(frozen=True, kw_only=True)
class DistillReport:
    """What a run has done.

    Attributes:
        out: the student's file; None when the run was interrupted.
        pictures: pictures that were read.
        unreadable: files that could not be, with the reason.
        figures: from the first to the last.
        interrupted: stopped before the end; `resume` goes on.
    """

    out: Path | None
    pictures: int
    unreadable: tuple[tuple[Path, str], ...]
    figures: tuple[Figures, ...]
    interrupted: bool


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Who is told how a run goes, and asked whether to go on.

    Attributes:
        progress: is told the stage, how much of it is done, and of how much.
        figures: is told figures as they come.
        stop: is asked now and then whether to stop in good order.
    """

    progress: Callable[[Stage, int, int], None] = lambda _stage, _done, _total: None
    figures: Callable[[Figures], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


def work_folder(out: Path) -> Path:
    """Return where a run keeps its crops and checkpoints until its student is written."""
    return out.with_name(f"{out.name}.unfinished")


def distill(
    sources: Sequence[Sequence[Path]],
    *,
    teachers: Sequence[Teacher],
    out: Path,
    options: DistillOptions,
    observer: Observer,
) -> DistillReport:
    """Train a student on pictures, without labels, and write its file.

    Args:
        sources: the pictures, source by source: small sources are drawn from more often than
            their share (in proportion to count ** 0.6).
        teachers: whose geometry is learnt; several are put side by side.
        out: the student's file, ".npz", or ".keras" for `imgsearch index --backbone`.
        options: how.
        observer: who is told.

    Raises:
        UsageError: too few pictures, nothing to resume, something in the way, or options that
            make no sense together.
        WeightsUnavailableError: the initial file is no student's.
        OSError: a file cannot be written.
    """
    _check(sources, teachers=teachers, out=out, options=options)
    labelled = None
    if options.validate is not None:
        labelled = read_labelled(
            options.validate, size=options.training.final_size, teachers=teachers
        )
    folder = work_folder(out)
    folder.mkdir(exist_ok=True)
    readable, unreadable = _read_all(sources, observer)
    pictures = sum(map(len, readable))

    def report(*, written: Path | None, figures: Sequence[Figures] = ()) -> DistillReport:
        return DistillReport(
            out=written,
            pictures=pictures,
            unreadable=tuple(unreadable),
            figures=tuple(figures),
            interrupted=written is None,
        )

    if observer.stop():
        return report(written=None)
    if pictures < LEAST_PICTURES:
        folder.rmdir()
        raise UsageError(
            f"images: {pictures} readable pictures are too few to learn from; give at least "
            f"{LEAST_PICTURES}, and thousands for a student worth having"
        )
    caches = _ask(readable, teachers, folder, options, observer)
    if caches is None:
        return report(written=None)
    material = _Material(*caches, labelled, folder / CHECKPOINT)
    student, figures = _train(material, options, observer)
    if student is None:
        return report(written=None, figures=figures)
    write_student(out, student, size=options.training.final_size)
    shutil.rmtree(folder)
    return report(written=out, figures=figures)


def write_student(out: Path, student: weights.FoldedStudent, *, size: int) -> None:
    """Write a student as the suffix says: ".npz", or ".keras" with a fixed input size.

    Raises:
        OSError: the file cannot be written.
    """
    if out.suffix == ARCHIVE:
        folding.save(out, student)
        return
    from imgsearch.networks.backbones.compact.network import build_folded

    temporary = out.with_name(f".{os.getpid()}.{out.name}")
    try:
        # On another backend Keras imports TensorFlow to write a file, and TensorFlow greets.
        with without_greetings(), warnings.catch_warnings():
            # Keras 3.15 converts its weights in a way that NumPy 2 announces to end.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            build_folded(student, size).save(temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _check(
    sources: Sequence[Sequence[Path]],
    *,
    teachers: Sequence[Teacher],
    out: Path,
    options: DistillOptions,
) -> None:
    if not teachers:
        raise UsageError("teacher: at least one is needed")
    names = [teacher.name for teacher in teachers]
    if len(set(names)) < len(names):
        raise UsageError(f"teacher: {', '.join(names)} names one twice")
    if not any(sources):
        raise UsageError("images: no picture was found in what was given")
    if options.training.final_size % GRID:
        raise UsageError(f"size: {options.training.final_size} is no multiple of {GRID} pixels")
    if options.initial is not None:
        weights.load(options.initial)
    _check_out(out, options)


def _check_out(out: Path, options: DistillOptions) -> None:
    """Refuse a place for the student, and make room where that was asked for."""
    if out.suffix not in (ARCHIVE, KERAS):
        raise UsageError(f"out: {out} ends neither in {ARCHIVE} nor in {KERAS}")
    if not out.parent.is_dir():
        raise UsageError(f"out: the folder {out.parent} is not there; make it first")
    if out.exists() and not options.overwrite:
        raise UsageError(f"out: {out} is there already; choose another name or --overwrite")
    folder = work_folder(out)
    if options.resume and not folder.is_dir():
        raise UsageError(f"resume: {folder} is not there, so there is no run to go on with")
    if not options.resume and folder.exists():
        if not options.overwrite:
            raise UsageError(
                f"out: an unfinished run lies in {folder}; --resume goes on with it, --overwrite "
                "throws it away"
            )
        shutil.rmtree(folder)


def _read_all(
    sources: Sequence[Sequence[Path]], observer: Observer
) -> tuple[list[list[Path]], list[tuple[Path, str]]]:
    """Open every picture once, so that unreadable ones are known before the hours begin."""
    total = sum(map(len, sources))
    unreadable: list[tuple[Path, str]] = []
    readable: list[list[Path]] = []
    done = 0
    for source in sources:
        readable.append([])
        for path in source:
            if observer.stop():
                return readable, unreadable
            try:
                pixels(path)
                readable[-1].append(path)
            except UnreadableImageError as error:
                unreadable.append((path, error.reason))
            done += 1
            observer.progress("read", done, total)
    return readable, unreadable


def pixels(path: Path) -> NDArray[np.uint8]:
    """Return a picture for crops, uint8 (h, w, 3), its longer side 512 pixels at most.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    return loading.display(loading.read_file(path), longest=LARGEST_SIDE)


def _plans(sources: Sequence[Sequence[Path]], options: DistillOptions) -> list[CachePlan]:
    """Return what is held out, whole, and what is trained on, in crops."""
    seed, size = options.training.seed, options.training.final_size
    paths = [path for source in sources for path in source]
    identity = hashlib.sha256("\0".join(map(str, paths)).encode(errors="replace")).hexdigest()
    generator = np.random.default_rng((seed, 2))
    count = max(16, round(len(paths) * options.held_out))
    held_out = np.sort(generator.permutation(len(paths))[:count])
    of = np.repeat(np.arange(len(sources)), [len(source) for source in sources])
    kept = np.setdiff1d(np.arange(len(paths)), held_out)
    counts = np.bincount(of[kept], minlength=len(sources)).astype(float)
    share = (counts[of[kept]] ** (BALANCE - 1)) / np.sum(counts[counts > 0] ** BALANCE)
    drawn = generator.choice(kept, size=options.crops * len(kept), p=share / share.sum())
    return [
        CachePlan(
            pictures=pictures.astype(np.int64), size=size, rules=rules, seed=seed, identity=identity
        )
        for pictures, rules in ((held_out, None), (drawn, options.rules))
    ]


def _ask(
    sources: Sequence[Sequence[Path]],
    teachers: Sequence[Teacher],
    folder: Path,
    options: DistillOptions,
    observer: Observer,
) -> tuple[CropCache, CropCache] | None:
    """Return the held-out and the training crops with the teachers' word; None when stopped."""
    paths = [path for source in sources for path in source]
    plans = _plans(sources, options)
    total = sum(len(plan.pictures) for plan in plans)

    def fill(name: str, plan: CachePlan, before: int) -> CropCache | None:
        return CropCache.make(
            folder / name,
            plan,
            read=lambda index: pixels(paths[index]),
            teachers=teachers,
            progress=lambda done, _: observer.progress("ask", before + done, total),
            stop=observer.stop,
        )

    held_out = fill("held-out", plans[0], 0)
    if held_out is None:
        return None
    training = fill("training", plans[1], len(plans[0].pictures))
    return None if training is None else (held_out, training)


@dataclass(frozen=True)
class _Material:
    """What the stages before the training have made, and where its checkpoint goes."""

    held_out: CropCache
    training: CropCache
    labelled: Labelled | None
    checkpoint: Path


def _train(
    material: _Material, options: DistillOptions, observer: Observer
) -> tuple[weights.FoldedStudent | None, list[Figures]]:
    """Train to the end; None for the student when stopped before, with a checkpoint written."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        # Quietly; any other backend is its user's own affair.
        load_keras()
    embeddings = material.training.embeddings
    every = max(1, len(embeddings) // FITTED_ON)
    fitted = projection_fitting.fit(
        embeddings[::every].astype(np.float32),
        dim=options.architecture.dim,
        power=POWER,
        shrinkage=SHRINKAGE,
    )
    architecture = replace(options.architecture, dim=fitted.out)
    data = TrainingData(
        material.training.crops, fitted.apply(embeddings), material.training.fingerprint
    )
    expected = fitted.apply(material.held_out.embeddings)
    trainer = Trainer(architecture, data, options.training)
    try:
        if options.resume and material.checkpoint.exists():
            trainer.restore(material.checkpoint)
        elif options.initial is not None:
            _start_from(options.initial, trainer, architecture, data, options.training)
        figures: list[Figures] = []
        last = time.monotonic()
        while not trainer.finished:
            loss = trainer.train(STEPS_A_ROUND)
            observer.progress("train", trainer.samples, options.training.samples)
            stopping = observer.stop() and not trainer.finished
            due = time.monotonic() - last >= options.checkpoint_seconds
            if stopping or due:
                trainer.save(material.checkpoint)
            if stopping:
                return None, figures
            if due or trainer.finished:
                measured = measure(
                    trainer.embed,
                    crops=material.held_out.crops,
                    expected=expected,
                    labelled=material.labelled,
                )
                figures.append(Figures(samples=trainer.samples, loss=loss, measured=measured))
                observer.figures(figures[-1])
                last = time.monotonic()
        return trainer.averaged(), figures
    finally:
        trainer.close()


def _start_from(
    initial: Path,
    trainer: Trainer,
    architecture: Architecture,
    data: TrainingData,
    settings: TrainingSettings,
) -> None:
    student = weights.load(initial)
    crops = scaled(data.crops[:HEAD_CROPS], settings.size_at(0))
    try:
        trainer.initialise(units_from(student, architecture, crops[:STATISTICS_CROPS]))
    except UsageError as error:
        raise UsageError(f"{error}, in {initial}; leave it out") from error
    head = fit_head(trainer.features(crops), data.targets[: len(crops)])
    trainer.initialise({architecture.head_convolution().name: head})

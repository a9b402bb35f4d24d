"""One distillation, from image files to a student's file: what `imgsearch distill` does."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.distillation import folding
from imgsearch.distillation.batches import TrainingData, scaled
from imgsearch.distillation.crops import GRID
from imgsearch.distillation.figures import Figures, Labelled, measure, read_labelled
from imgsearch.distillation.heads import fit_head
from imgsearch.distillation.reshaping import units_from
from imgsearch.distillation.training import Trainer
from imgsearch.distillation.training_set import CropCaches, ask_teachers, read_all
from imgsearch.errors import UsageError
from imgsearch.networks.backbones.compact import weights
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.framework_noise import without_greetings
from imgsearch.vectors import projection_fitting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.distillation.observer import Observer
    from imgsearch.distillation.settings import DistillOptions, TrainingSettings
    from imgsearch.distillation.targets import Teacher

POWER: Final = 0.25
SHRINKAGE: Final = 0.02
FITTED_ON: Final = 32_768
"""Crops, at most twice as many, that the projection of the teachers' embeddings is fitted on."""
LEAST_IMAGES: Final = 64
HEAD_CROPS: Final = 4096
"""Crops that a warm start's head is fitted on."""
STATISTICS_CROPS: Final = 256
"""Crops that its normalisations take their statistics from."""
CHECKPOINT: Final = "checkpoint.npz"
STEPS_A_ROUND: Final = 50
KERAS: Final = ".keras"
ARCHIVE: Final = ".npz"


@dataclass(frozen=True, kw_only=True)
class DistillReport:
    """What a run has done.

    Attributes:
        out: the student's file; None when the run was interrupted and can be resumed.
        images: number of readable files.
        unreadable: (path, reason) of the other ones.
        figures: from the first to the last.
    """

    out: Path | None
    images: int
    unreadable: tuple[tuple[Path, str], ...]
    figures: tuple[Figures, ...]

    @property
    def interrupted(self) -> bool:
        """Whether it stopped before the end."""
        return self.out is None


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
    """Train a student on images, without labels, and write its file.

    Args:
        sources: image files, source by source; small sources are drawn from more often than
            their share (in proportion to count ** 0.6).
        teachers: whose geometry is learnt; the embeddings of several are concatenated.
        out: the student's file, ".npz", or ".keras" for `imgsearch index --backbone`.
        options: of the run.
        observer: callbacks.

    Raises:
        UsageError: too few readable files, nothing to resume, `out` exists, or options that
            contradict each other.
        WeightsUnavailableError: the initial file is not a student's.
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
    readable, unreadable = read_all(sources, observer)
    images = sum(map(len, readable))

    def report(*, written: Path | None, figures: Sequence[Figures] = ()) -> DistillReport:
        return DistillReport(
            out=written, images=images, unreadable=tuple(unreadable), figures=tuple(figures)
        )

    if observer.stop():
        return report(written=None)
    if images < LEAST_IMAGES:
        folder.rmdir()
        raise UsageError(
            f"images: {images} readable files are too few to learn from; give at least "
            f"{LEAST_IMAGES}, and thousands for a student worth having"
        )
    caches = ask_teachers(readable, teachers, folder=folder, options=options, observer=observer)
    if caches is None:
        return report(written=None)
    material = _Material(caches, labelled, folder / CHECKPOINT)
    student, figures = _train(material, options, observer)
    if student is None:
        return report(written=None, figures=figures)
    write_student(out, student, size=options.training.final_size)
    shutil.rmtree(folder)
    return report(written=out, figures=figures)


def write_student(out: Path, student: weights.FoldedStudent, *, size: int) -> None:
    """Write a student in the format of the suffix: ".npz", or ".keras" with a fixed input size.

    Raises:
        OSError: the file cannot be written.
    """
    if out.suffix == ARCHIVE:
        folding.save(out, student)
        return
    from imgsearch.networks.backbones.compact.network import build_folded

    temporary = out.with_name(f".{os.getpid()}.{out.name}")
    try:
        # On another backend Keras imports TensorFlow to write a file, which prints log lines.
        with without_greetings(), warnings.catch_warnings():
            # Keras 3.15 converts its weights in a way that NumPy 2 deprecates.
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
        raise UsageError("images: no image file was found in the given folders and files")
    if options.training.final_size % GRID:
        raise UsageError(f"size: {options.training.final_size} is not a multiple of {GRID} pixels")
    if options.initial is not None:
        weights.load(options.initial)
    _check_out(out, options)


def _check_out(out: Path, options: DistillOptions) -> None:
    """Refuse an unsuitable `out`, and delete an unfinished run that is to be overwritten."""
    if out.suffix not in (ARCHIVE, KERAS):
        raise UsageError(f"out: {out} ends neither in {ARCHIVE} nor in {KERAS}")
    if not out.parent.is_dir():
        raise UsageError(f"out: the folder {out.parent} does not exist; create it first")
    if out.exists() and not options.overwrite:
        raise UsageError(f"out: {out} already exists; choose another name or --overwrite")
    folder = work_folder(out)
    if options.resume and not folder.is_dir():
        raise UsageError(f"resume: {folder} does not exist, so there is no run to resume")
    if not options.resume and folder.exists():
        if not options.overwrite:
            raise UsageError(
                f"out: {folder} holds an unfinished run; continue it with --resume or delete it "
                "with --overwrite"
            )
        shutil.rmtree(folder)


@dataclass(frozen=True)
class _Material:
    """What training needs, and where its checkpoint goes."""

    caches: CropCaches
    labelled: Labelled | None
    checkpoint: Path


def _train(
    material: _Material, options: DistillOptions, observer: Observer
) -> tuple[weights.FoldedStudent | None, list[Figures]]:
    """Train to the end, or until stopped: then write a checkpoint and return no student."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        # Without TensorFlow's log lines; those of other backends are left to their users.
        load_keras()
    training, held_out = material.caches.training, material.caches.held_out
    embeddings = training.embeddings
    every = max(1, len(embeddings) // FITTED_ON)
    fitted = projection_fitting.fit(
        embeddings[::every].astype(np.float32),
        dim=options.architecture.dim,
        power=POWER,
        shrinkage=SHRINKAGE,
    )
    architecture = replace(options.architecture, dim=fitted.out)
    data = TrainingData(training.crops, fitted.apply(embeddings), training.fingerprint)
    expected = fitted.apply(held_out.embeddings)
    trainer = Trainer(architecture, data, options.training)
    try:
        if options.resume and material.checkpoint.exists():
            trainer.restore(material.checkpoint)
        elif options.initial is not None:
            _start_from(options.initial, trainer, data, options.training)
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
                    crops=held_out.crops,
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
    initial: Path, trainer: Trainer, data: TrainingData, settings: TrainingSettings
) -> None:
    student, architecture = weights.load(initial), trainer.architecture
    crops = scaled(data.crops[:HEAD_CROPS], settings.size_at(0))
    try:
        trainer.initialise(units_from(student, architecture, crops[:STATISTICS_CROPS]))
    except UsageError as error:
        raise UsageError(f"{error}, in {initial}; leave it out") from error
    head = fit_head(trainer.features(crops), data.targets[: len(crops)])
    trainer.initialise({architecture.head_convolution().name: head})

# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch distill`: a small custom backbone learns from a large one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli.distill_options import TeacherOptions, TrainingOptions, distill_options
from imgsearch.cli.interrupts import INTERRUPTED, interrupts
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.progress import working
from imgsearch.cli.settings import Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import counted
from imgsearch.cli.terminal import FAINT, PLAIN, Line
from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.distillation.figures import Figures
    from imgsearch.distillation.run import DistillReport
    from imgsearch.distillation.targets import Teacher

SHOWN_UNREADABLE: Final = 10
TENSORFLOW: Final = "tensorflow"
TITLES: Final = {"read": "Reading", "ask": "Asking the teachers", "train": "Training"}


def distill(
    *,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="Folders, searched recursively, and files. Small folders are sampled more often "
            "than their share of the pictures.",
        ),
    ],
    teachers: TeacherOptions,
    training: TrainingOptions,
    settings: Settings,
) -> None:
    """Train a small backbone to embed your photos as a large one does.

    Needs no labels, but thousands of pictures and hours of CPU time to be worth using. Ctrl-C
    stops safely, and --resume continues; a second Ctrl-C aborts at once. With KERAS_BACKEND=jax
    or KERAS_BACKEND=torch in the environment it trains with JAX or PyTorch, where installed, and
    on a GPU if they find one.
    """
    from imgsearch.distillation import observer, run

    terminal = settings.terminal
    options = distill_options(teachers, training)
    sources = _sources(images, training.exclude)
    announce = not terminal.animates and not settings.quiet
    with (
        native_stderr_held(terminal),
        interrupts(announce=announce) as asked,
        working(terminal, "Starting", asked) as steps,
    ):
        chosen = [_teacher(name, offline=teachers.offline) for name in teachers.teacher]

        def progress(stage: str, done: int, total: int) -> None:
            steps.at(TITLES[stage], done, total)

        report = run.distill(
            sources,
            teachers=chosen,
            out=teachers.out,
            options=options,
            observer=observer.Observer(
                progress=progress,
                figures=lambda figures: terminal.say(described(figures)),
                stop=asked.stop,
            ),
        )
    terminal.say_lines(summary(report, out=teachers.out, everything=settings.verbose))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def described(figures: "Figures") -> str:
    """Return a student's figures in one line."""
    measured = figures.measured
    line = (
        f"{figures.samples:,} samples: loss {figures.loss:.3f}, held-out cosine "
        f"{measured.cosine:.3f}, nearest neighbours shared {measured.agreement:.0%}"
    )
    if measured.student_map is None:
        return line
    ratios = ", ".join(
        f"{measured.student_map / teacher:.2f} of the teacher's {100 * teacher:.1f}"
        for teacher in measured.teacher_maps
    )
    return f"{line}, mAP {100 * measured.student_map:.1f} ({ratios})"


def summary(report: "DistillReport", *, out: Path, everything: bool) -> list[Line]:
    """Return what a run did.

    Args:
        report: of the run.
        out: the student's file, as it was given.
        everything: list every unreadable file instead of the first ten.
    """
    lines: list[Line] = []
    if report.unreadable:
        lines.append([(f"{counted(len(report.unreadable), 'file')} could not be read:", "yellow")])
        shown = report.unreadable if everything else report.unreadable[:SHOWN_UNREADABLE]
        lines += [
            [(f"  {short_path(path)}", PLAIN), (f"  {printable(reason)}", FAINT)]
            for path, reason in shown
        ]
    if report.out is None:
        lines.append([("Interrupted; the same command with --resume continues.", "bold")])
        return lines
    learnt = counted(report.images, "picture")
    lines.append([(f"{short_path(out)}: a student trained on {learnt}.", "bold")])
    if out.suffix == ".keras":
        from imgsearch.networks.backbones.weights import fingerprint

        trust = fingerprint(out).removeprefix("sha256:")
        use = f"--backbone {short_path(out)} --preprocessing raw --trust-model {trust}"
        lines.append([(f"Hint: imgsearch index PATH {use}", FAINT)])
    return lines


def _sources(named: Sequence[str], exclude: Sequence[str]) -> list[list[Path]]:
    """Return the image files of every argument.

    Raises:
        UsageError: an argument does not exist.
    """
    from imgsearch.images import formats
    from imgsearch.indexing.scan import ScanRules, walk
    from imgsearch.paths import ScannedFile

    rules = ScanRules(suffixes=formats.suffixes(), exclude=tuple(exclude))
    sources = []
    for name in named:
        path = Path(name).expanduser()
        if path.is_file():
            sources.append([path])
        elif path.is_dir():
            found = [file for file in walk(path, rules) if isinstance(file, ScannedFile)]
            sources.append([path / os.fsdecode(file.path) for file in found])
        else:
            raise UsageError(f"images: {path} is neither a file nor a folder")
    return sources


def _teacher(name: str, *, offline: bool) -> "Teacher":
    """Return a backbone of the catalogue as a teacher.

    Raises:
        UsageError: there is no such backbone, or preparing it needs TensorFlow.
        WeightsUnavailableError: its weights are not here and may or can not be fetched.
    """
    from imgsearch.distillation.targets import Teacher
    from imgsearch.networks.backbones.resolve import resolve
    from imgsearch.networks.embedder import load_embedder
    from imgsearch.recipe import RecipeRequest

    recipe = resolve(RecipeRequest(name), offline=offline)
    try:
        embedder = load_embedder(recipe)
    except ImgsearchError as error:
        backend = os.environ.get("KERAS_BACKEND", TENSORFLOW)
        if backend == TENSORFLOW:
            raise
        raise UsageError(
            f"teacher: {name} has not been used on this machine yet, and preparing it needs "
            f"TensorFlow, not {backend}. Start with KERAS_BACKEND={TENSORFLOW}, interrupt when "
            "training begins, and continue with --resume"
        ) from error
    return Teacher(
        name=f"{recipe.name} {recipe.identifier}",
        size=recipe.size,
        dim=recipe.dim,
        embed=embedder.embed,
    )

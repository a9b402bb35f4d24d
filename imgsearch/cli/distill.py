# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch distill`: a small backbone of one's own learns from a large one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from imgsearch.cli.boundary import INTERRUPTED
from imgsearch.cli.interrupts import interrupts
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
    from imgsearch.distillation.settings import DistillOptions
    from imgsearch.distillation.targets import Teacher

TRAINING_PANEL: Final = "Training"
SHOWN_UNREADABLE: Final = 10
TENSORFLOW: Final = "tensorflow"
TITLES: Final = {"read": "Reading", "ask": "Asking the teachers", "train": "Training"}


@dataclass(frozen=True)
class TeacherOptions:
    """Who teaches whom."""

    teacher: Annotated[
        list[str],
        typer.Option(
            "--teacher",
            metavar="NAME",
            help="A backbone whose similarities are learnt; may be repeated.",
        ),
    ]
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the student goes: .keras, for 'imgsearch index --backbone FILE', or "
            ".npz, to start from again with --initial.",
        ),
    ]
    student: Annotated[
        Literal["compact"],
        typer.Option("--student", metavar="NAME", help="The student's shape: compact."),
    ] = "compact"
    validate: Annotated[
        Path | None,
        typer.Option(
            "--validate",
            metavar="DIR",
            help="Compare student and teachers by mAP on a folder whose subfolders are labels.",
        ),
    ] = None
    offline: Annotated[bool, typer.Option("--offline", help="Never download weights.")] = False
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace what is at FILE, and throw away an unfinished run."
        ),
    ] = False
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the unfinished run beside FILE.")
    ] = False


@dataclass(frozen=True)
class TrainingOptions:
    """How the student is trained."""

    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            metavar="N",
            min=2,
            help="Crops that the student sees, repetitions counted (default: 2000000).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 2_000_000
    crops: Annotated[
        int,
        typer.Option(
            "--crops",
            metavar="N",
            min=1,
            help="Crops of each picture that the teachers are asked about (default: 4); each "
            "takes some 50 kB of disk until the run ends.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 4
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=2,
            help="Crops a step (default: 128).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 128
    learning_rate: Annotated[
        float,
        typer.Option(
            "--learning-rate",
            metavar="RATE",
            min=0,
            help="Of AdamW, before it falls (default: 0.003).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 3e-3
    initial: Annotated[
        Path | None,
        typer.Option(
            "--initial",
            metavar="FILE",
            help="Start from an earlier student (.npz), or from the one in the package with "
            "'compact', instead of from random weights.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            min=0,
            help="The same seed draws the same crops and batches (default: 0).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 0
    exclude: Annotated[
        list[str],
        typer.Option("--exclude", metavar="GLOB", help="Leave out what matches; may be repeated."),
    ] = field(default_factory=list)


def distill(
    *,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="Folders, searched recursively, and files. Small folders are drawn from more "
            "often than their share.",
        ),
    ],
    teachers: TeacherOptions,
    training: TrainingOptions,
    settings: Settings,
) -> None:
    """Train a small backbone to see your photos as a large one does.

    Needs no labels. Thousands of pictures and hours of a processor make a student worth having.
    Ctrl-C stops in good order, and --resume continues; a second Ctrl-C aborts at once. With
    KERAS_BACKEND=jax or KERAS_BACKEND=torch in the environment it trains with JAX or PyTorch, where
    these are installed, on a GPU if they see one.
    """
    from imgsearch.distillation import run

    terminal = settings.terminal
    options = _options(teachers, training)
    sources = _sources(images, training.exclude)
    announce = not terminal.animates and not settings.quiet
    with interrupts(announce=announce) as asked, working(terminal, "Starting", asked) as steps:
        chosen = [_teacher(name, offline=teachers.offline) for name in teachers.teacher]

        def progress(stage: str, done: int, total: int) -> None:
            steps.at(TITLES[stage], done, total)

        report = run.distill(
            sources,
            teachers=chosen,
            out=teachers.out,
            options=options,
            observer=run.Observer(
                progress=progress,
                figures=lambda figures: terminal.say(described(figures)),
                stop=asked.stop,
            ),
        )
    terminal.say_lines(summary(report, out=teachers.out, everything=settings.verbose))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def described(figures: "Figures") -> str:
    """Return one line about how far the student has come."""
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
    """Return what a run did, for a person.

    Args:
        report: of the run.
        out: where the student was wanted.
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
    learnt = counted(report.pictures, "picture")
    lines.append([(f"{short_path(out)}: a student of {learnt}.", "bold")])
    if out.suffix == ".keras":
        from imgsearch.networks.backbones.weights import fingerprint

        trust = fingerprint(out).removeprefix("sha256:")
        use = f"--backbone {short_path(out)} --preprocessing raw --trust-model {trust}"
        lines.append([(f"Hint: imgsearch index PATH {use}", FAINT)])
    return lines


def _options(teachers: TeacherOptions, training: TrainingOptions) -> "DistillOptions":
    from imgsearch.distillation.settings import DistillOptions, TrainingSettings
    from imgsearch.networks.backbones.compact import bundled

    from_bundled = training.initial == Path(bundled.NAME)
    return DistillOptions(
        training=TrainingSettings(
            samples=training.samples,
            batch_size=training.batch_size,
            learning_rate=training.learning_rate,
            seed=training.seed,
        ),
        crops=training.crops,
        initial=bundled.weights_path() if from_bundled else training.initial,
        validate=teachers.validate,
        resume=teachers.resume,
        overwrite=teachers.overwrite,
    )


def _sources(named: Sequence[str], exclude: Sequence[str]) -> list[list[Path]]:
    """Return the pictures of every argument.

    Raises:
        UsageError: an argument that is not there.
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
    """Return a backbone of the catalogue as a teacher, through the project's own embedder."""
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
            f"teacher: {name} was never used on this machine, and preparing it takes TensorFlow, "
            f"not {backend}. Start once with KERAS_BACKEND={TENSORFLOW}, interrupt when the "
            "training begins, and go on with --resume"
        ) from error
    return Teacher(
        name=f"{recipe.name} {recipe.identifier}",
        size=recipe.size,
        dim=recipe.dim,
        embed=embedder.embed,
    )

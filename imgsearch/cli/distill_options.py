# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch distill`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

if TYPE_CHECKING:
    from imgsearch.distillation.settings import DistillOptions

TRAINING_PANEL: Final = "Training"


@dataclass(frozen=True)
class TeacherOptions:
    """Teachers and student."""

    teacher: Annotated[
        list[str],
        typer.Option(
            "--teacher",
            metavar="NAME",
            help="A backbone to learn from; may be repeated.",
        ),
    ]
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The student's file: .keras, for 'imgsearch index --backbone FILE', or .npz, to "
            "start from with --initial.",
        ),
    ]
    student: Annotated[
        Literal["compact"],
        typer.Option("--student", metavar="NAME", help="The student's architecture: compact."),
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
        typer.Option("--overwrite", help="Replace FILE, and delete an unfinished run."),
    ] = False
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished run beside FILE.")
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
            help="Crops to train on, counting repetitions (default: 2000000).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 2_000_000
    crops: Annotated[
        int,
        typer.Option(
            "--crops",
            metavar="N",
            min=1,
            help="Crops of each picture that the teachers embed (default: 4); each takes about "
            "50 kB of disk until the run ends.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 4
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=2,
            help="Crops per step (default: 128).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 128
    learning_rate: Annotated[
        float,
        typer.Option(
            "--learning-rate",
            metavar="RATE",
            min=0,
            help="AdamW's, before it decays (default: 0.003).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 3e-3
    initial: Annotated[
        Path | None,
        typer.Option(
            "--initial",
            metavar="FILE",
            help="Start from an earlier student (.npz), or with 'compact' from the bundled one, "
            "instead of from random weights.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            min=0,
            help="Seed of crops and batches (default: 0).",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 0
    exclude: Annotated[
        list[str],
        typer.Option("--exclude", metavar="GLOB", help="Leave out what matches; may be repeated."),
    ] = field(default_factory=list)


def distill_options(teachers: TeacherOptions, training: TrainingOptions) -> "DistillOptions":
    """Return the options of the run.

    Raises:
        UsageError: a number is out of range.
    """
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

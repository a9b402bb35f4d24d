# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch duplicates` that say what is looked for, and how it is printed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from imgsearch import addresses
from imgsearch.cli import completion
from imgsearch.cli.query_options import OUTPUT_PANEL, FormOptions
from imgsearch.errors import UsageError

SAMENESS_PANEL: Final = "What counts as the same"


@dataclass(frozen=True)
class SamenessOptions:
    """What is looked for, and where."""

    kind: Annotated[
        list[str],
        typer.Option(
            "--kind",
            metavar="KIND",
            autocompletion=completion.kinds,
            help="identical (the same bytes), pixels (the same decoded picture), copy (another "
            "size, quality or format), edit (cropped, turned, mirrored, recoloured, written on, a "
            "screenshot), burst (another exposure moments apart), or similar (looks alike); may be "
            "repeated (default: all but similar).",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = field(default_factory=list)
    precision: Annotated[
        float,
        typer.Option(
            "--precision",
            metavar="SHARE",
            help="How many of those that are called the same must be so (default: 0.99); it is "
            "calibrated on your own pictures. Less finds more, and more that is wrong.",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = 0.99
    new: Annotated[
        list[str],
        typer.Option(
            "--new",
            metavar="PATH",
            help="Which of the pictures in this file or folder does the gallery have already? "
            "Nothing is added; may be repeated.",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = field(default_factory=list)
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between",
            metavar="FOLDER FOLDER",
            help="Only across two folders of the gallery: does one leak into the other?",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = None
    differ: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--not",
            metavar="IMAGE IMAGE",
            help="Remember that these two are not the same, and look for nothing.",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = None
    same: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--same",
            metavar="IMAGE IMAGE",
            help="Take back what --not said of these two.",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = None
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="Look among another recipe's embeddings: a backbone's name, or the first digits "
            "of an identifier that 'imgsearch info' shows.",
            rich_help_panel=SAMENESS_PANEL,
        ),
    ] = None

    def folders(self) -> tuple[Path, Path] | None:
        """Return the two folders across which alone is looked, or None."""
        return (
            None
            if self.between is None
            else (addresses.named(self.between[0]), addresses.named(self.between[1]))
        )

    def check(self) -> None:
        """Refuse what excludes each other.

        Raises:
            UsageError: names the options.
        """
        given = {
            "--not": self.differ, "--same": self.same, "--new": self.new,
            "--between": self.between,
        }  # fmt: skip
        names = [name for name, value in given.items() if value]
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names)} exclude each other; give one of them")


@dataclass(frozen=True)
class DuplicatesOutput(FormOptions):
    """How groups are printed."""

    json: Annotated[
        bool, typer.Option("--json", help="One JSON document.", rich_help_panel=OUTPUT_PANEL)
    ] = False
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="One JSON object per group, a line each.", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False
    csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Comma-separated values, a line for each file.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    paths: Annotated[
        bool,
        typer.Option(
            "--paths",
            help="One path per line: the members, without the one to keep.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    null: Annotated[
        bool,
        typer.Option(
            "--null", "-0", help="End paths with NUL (--paths).", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False

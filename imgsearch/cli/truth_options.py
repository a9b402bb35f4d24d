# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options for the ground truth of an evaluation."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.ground_truth.values import GroundTruth

TRUTH_PANEL: Final = "Ground truth (default: each folder is a class)"
NEEDS_EDITS: Final = "--edited is the number of images that --self-supervised edits; give both"


@dataclass(frozen=True)
class TruthOptions:
    """Which images, and which of them are relevant to which."""

    truth: Annotated[
        str | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="A table of queries with their relevant and junk images: .csv or .jsonl "
            "(docs/ground-truth.md).",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="REGEX",
            help=r"The text that its first group matches in a path is the class: '(.+)_\d+\.jpg'.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    revisited: Annotated[
        str | None,
        typer.Option(
            "--revisited",
            metavar="PKL",
            help="The annotation gnd_roxford5k.pkl or gnd_rparis6k.pkl: easy, medium and hard.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    holidays: Annotated[
        bool,
        typer.Option(
            "--holidays",
            help="Classes from the file names of INRIA Holidays.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = False
    ukbench: Annotated[
        bool,
        typer.Option(
            "--ukbench", help="Classes from the file names of UKBench.", rich_help_panel=TRUTH_PANEL
        ),
    ] = False
    self_supervised: Annotated[
        bool,
        typer.Option(
            "--self-supervised",
            help="No labels: edited copies of the images are queries for the originals.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = False
    edited: Annotated[
        int | None,
        typer.Option(
            "--edited",
            metavar="N",
            min=1,
            help="How many images are edited (default: 250).",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    captions: Annotated[
        str | None,
        typer.Option(
            "--captions",
            metavar="FILE",
            help="Measure words instead: a CSV table picture,caption. Says how many of a text's "
            "pictures are among the first 1, 5 and 10.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    exclude: Annotated[
        list[str],
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="Leave out matching files and folders; may be repeated.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = field(default_factory=list)
    follow_symlinks: Annotated[
        bool,
        typer.Option(
            "--follow-symlinks", help="Follow symbolic links.", rich_help_panel=TRUTH_PANEL
        ),
    ] = False

    def check(self) -> None:
        """Check that at most one kind of ground truth is given.

        Raises:
            UsageError: several are, or `--edited` without `--self-supervised`.
        """
        given = {
            "--truth": self.truth is not None,
            "--group": self.group is not None,
            "--revisited": self.revisited is not None,
            "--holidays": self.holidays,
            "--ukbench": self.ukbench,
            "--self-supervised": self.self_supervised,
            "--captions": self.captions is not None,
        }
        named = [name for name, there in given.items() if there]
        if len(named) > 1:
            raise UsageError(
                f"{' and '.join(named)} are different kinds of ground truth; give one of them"
            )
        if self.edited is not None and not self.self_supervised:
            raise UsageError(NEEDS_EDITS)

    def files(self, folder: str) -> "ImageFiles":
        """Return the image files of a folder.

        Raises:
            UsageError: there is none.
        """
        from imgsearch.evaluation.ground_truth.image_files import find_image_files

        return find_image_files(
            folder, exclude=tuple(self.exclude), follow_symlinks=self.follow_symlinks
        )

    def read(self, folder: str) -> "tuple[GroundTruth, ...]":
        """Return the ground truth of a folder of images.

        Raises:
            UsageError: options or annotations that make no sense, or a folder without images.
            OSError: an annotation file cannot be read.
        """
        self.check()
        photos = self.files(folder)
        if self.truth is not None:
            from imgsearch.evaluation.ground_truth.tables import read_table

            return read_table(photos, Path(self.truth))
        if self.revisited is not None:
            from imgsearch.evaluation.ground_truth.revisited import read_revisited

            return read_revisited(photos, Path(self.revisited))
        if self.self_supervised:
            from imgsearch.evaluation.ground_truth.self_supervised import (
                DEFAULT_ORIGINALS,
                ask_with_edits,
            )

            return ask_with_edits(photos, originals=self.edited or DEFAULT_ORIGINALS)
        from imgsearch.evaluation.ground_truth import file_names, folders

        if self.group is not None:
            return file_names.read_groups(photos, self.group)
        if self.holidays:
            return file_names.read_holidays(photos)
        return file_names.read_ukbench(photos) if self.ukbench else folders.read_folders(photos)

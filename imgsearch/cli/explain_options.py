# No postponed annotations here: Typer evaluates them when the commands are built.
"""The option of `imgsearch query` that says where pictures agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch import addresses
from imgsearch.cli.inputs import STANDARD_INPUT
from imgsearch.cli.query_options import OUTPUT_PANEL
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UnreadableImageError, UsageError

if TYPE_CHECKING:
    from imgsearch.gallery.explaining import Explanation
    from imgsearch.gallery.questioning import Questioning
    from imgsearch.images.geometry import CropBox
    from imgsearch.search.matches import Match

FORMS: Final = ("json", "jsonl")


@dataclass(frozen=True)
class ExplainOptions:
    """Whether matches are explained."""

    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="For each match, how much of its score every place of the two pictures makes up: "
            "drawn in the page of --sheet, two maps with --json or --jsonl. Takes one pass of the "
            "network for each picture.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

    def check_explained(
        self, images: Sequence[str], minus: Sequence[str], *, shown: bool, one_by_one: bool
    ) -> None:
        """Refuse what cannot be explained.

        Raises:
            UsageError: several pictures are one query, or no output has a place for maps.
        """
        if not self.explain:
            return
        if not shown:
            raise UsageError("--explain gives maps; show them with --sheet FILE, --json or --jsonl")
        if len(images) != 1 or minus or one_by_one:
            raise UsageError(
                "--explain is about two pictures, the one asked about and a match; ask about one, "
                "without --minus, --each or --files-from"
            )
        if STANDARD_INPUT in images:
            raise UsageError("--explain reads the picture twice; name a file, not standard input")

    def explanations(
        self,
        gallery: "Questioning",
        asked: Sequence[str],
        matches: "Sequence[Match]",
        *,
        crop: "CropBox | None",
        terminal: Terminal,
    ) -> "list[Explanation | None]":
        """Return the explanation of each match; None, with a warning, of one that is not there.

        Args:
            gallery: that has answered.
            asked: the one picture asked about; not looked at where nothing is to be explained.
            matches: the answer.
            crop: the part of the picture that was asked about.
            terminal: for warnings.
        """
        found: list[Explanation | None] = []
        for match in matches if self.explain else ():
            try:
                found.append(gallery.explain(addresses.named(asked[0]), match, crop=crop))
            except UnreadableImageError as error:
                terminal.warn(f"not explained: {error}")
                found.append(None)
        return found

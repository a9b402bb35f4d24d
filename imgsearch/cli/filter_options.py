# No postponed annotations here: Typer evaluates them when the commands are built.
"""The filters, as options of the commands that list files of a gallery."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch import addresses
from imgsearch.cli import completion

if TYPE_CHECKING:
    from imgsearch.storage.filters import Filters


FILTER_PANEL: Final = "Filters (inside the search: -k 10 stays 10)"


@dataclass(frozen=True)
class FilterOptions:
    """What matches must be besides similar."""

    under: Annotated[
        list[str],
        typer.Option(
            "--under",
            metavar="PATH",
            help="Under this folder; may be repeated: under any of them.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = field(default_factory=list)
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            metavar="DATE",
            help="Taken at or after: 2024, 2024-05, 2024-05-01 or 2024-05-01T12:00.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="DATE", help="Taken before.", rich_help_panel=FILTER_PANEL
        ),
    ] = None
    undated: Annotated[
        str,
        typer.Option(
            "--undated",
            metavar="include|exclude",
            help="What --after and --before do with pictures without a date (default: exclude).",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = "exclude"
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera",
            metavar="TEXT",
            autocompletion=completion.cameras,
            help="Part of the camera's name, in any case.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    lens: Annotated[
        str | None,
        typer.Option(
            "--lens",
            metavar="TEXT",
            autocompletion=completion.lenses,
            help="Part of the lens's name, in any case.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    near: Annotated[
        str | None,
        typer.Option(
            "--near",
            metavar="LAT,LON,KM",
            help="Taken within so many kilometres of a place: 48.85,2.35,10.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    min_width: Annotated[
        int | None,
        typer.Option(
            "--min-width",
            metavar="PX",
            min=1,
            help="At least this many pixels wide, as displayed.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    min_height: Annotated[
        int | None,
        typer.Option(
            "--min-height",
            metavar="PX",
            min=1,
            help="At least this many pixels high, as displayed.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = None
    format: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar="NAME",
            autocompletion=completion.formats,
            help="Of this format, such as jpeg; may be repeated.",
            rich_help_panel=FILTER_PANEL,
        ),
    ] = field(default_factory=list)

    def filters(self) -> "Filters":
        """Return the filters that the gallery takes.

        Raises:
            UsageError: a date or place that makes no sense.
        """
        from imgsearch.storage.filters import Filters
        from imgsearch.storage.places import Near

        return Filters(
            under=tuple(map(addresses.named, self.under)),
            after=self.after,
            before=self.before,
            camera=self.camera,
            lens=self.lens,
            near=None if self.near is None else Near.parse(self.near),
            min_width=self.min_width,
            min_height=self.min_height,
            formats=tuple(self.format),
            undated=self.undated,  # type: ignore[arg-type]  # which Filters checks
        )

# No postponed annotations here: Typer evaluates them when the commands are built.
"""Options of the commands that write what they found as a page to look at."""

import webbrowser
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli.answers import AnswerWriter
from imgsearch.cli.inputs import STANDARD_INPUT
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.cli.answers import Explanations, Images
    from imgsearch.duplicates.groups import Group
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.gallery.questioning import Questioning
    from imgsearch.plans.plan import Plan
    from imgsearch.search.matches import Match

SHEET_PANEL: Final = "A page to look at"


@dataclass(frozen=True)
class SheetOptions:
    """Where the page is written, and whether a browser shows it."""

    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="Also write a page with the pictures: one HTML file that needs nothing else.",
            rich_help_panel=SHEET_PANEL,
        ),
    ] = None
    open_sheet: Annotated[
        bool,
        typer.Option("--open", help="Show that page in the browser.", rich_help_panel=SHEET_PANEL),
    ] = False

    def check(self) -> None:
        """Refuse what makes no sense, before any work is done.

        Raises:
            UsageError: names the option.
        """
        if self.open_sheet and self.sheet is None:
            raise UsageError("--open shows a page; give --sheet FILE too")
        if self.sheet is not None and not Path(self.sheet).absolute().parent.is_dir():
            raise UsageError(f"--sheet {self.sheet}: there is no such folder")

    def write_groups(
        self,
        gallery: "Gallery",
        groups: Iterable["Group"],
        terminal: Terminal,
        *,
        plan: "Plan | None" = None,
    ) -> None:
        """Write groups of duplicates as a page, if one is wanted, with a plan's decisions."""
        if self.sheet is None:
            return
        from imgsearch.sheets.group_sheet import GroupSheet

        page = GroupSheet(gallery, plan=plan)
        for group in groups:
            page.add(group)
        page.write(Path(self.sheet))
        self.written(terminal)

    def written(self, terminal: Terminal) -> None:
        """Say that the page is there, and show it if that is wanted."""
        if self.sheet is None:
            return
        terminal.say(f"{self.sheet} shows the pictures.")
        if self.open_sheet and not webbrowser.open(Path(self.sheet).absolute().as_uri()):
            terminal.warn(f"no browser could be started; open {self.sheet} yourself")


class WithSheet(AnswerWriter):
    """Writes answers as another writer does, and collects them for a page."""

    def __init__(
        self,
        writer: AnswerWriter,
        path: Path,
        gallery: "Questioning",
        images_of: Callable[[str | Path], Path | bytes],
        *,
        words: Sequence[str],
    ) -> None:
        from imgsearch.sheets.match_sheet import MatchSheet

        self._words = words
        self._writer = writer
        self._path = path
        self._images_of = images_of
        self._sheet = MatchSheet(gallery)

    def write(
        self,
        images: "Images",
        matches: Sequence["Match"],
        explanations: "Explanations" = (),
    ) -> None:
        """Write the matches of one query, and where they agree where that was asked for."""
        self._writer.write(images, matches, explanations)
        self._sheet.add(self._named(images), matches, words=self._words, explanations=explanations)

    def fail(self, images: "Images", reason: str) -> None:
        """Write that an image could not be read."""
        self._writer.fail(images, reason)
        self._sheet.add(self._named(images), (), words=self._words, reason=reason)

    def finish(self) -> None:
        """Write what comes after the last answer, and the page."""
        self._writer.finish()
        self._sheet.write(self._path)

    def _named(self, images: "Images") -> list[Path | bytes]:
        return [self._images_of(STANDARD_INPUT if image is None else image) for image in images]

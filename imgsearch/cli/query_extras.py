# No postponed annotations here: Typer evaluates them when the commands are built.
"""Options of `imgsearch query` besides those of `query_options`: weights, and copying matches."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from imgsearch.addresses import Address
from imgsearch.cli.query_options import OUTPUT_PANEL, SEARCH_PANEL
from imgsearch.cli.terminal import Terminal
from imgsearch.cli.word_options import WordOptions
from imgsearch.errors import UsageError
from imgsearch.files import free_name

if TYPE_CHECKING:
    from imgsearch.search.matches import Match


@dataclass(frozen=True)
class WeightOptions(WordOptions):
    """What is asked in words, and how much each picture and text counts."""

    weight: Annotated[
        list[float],
        typer.Option(
            "--weight",
            metavar="W",
            help="How much a picture counts beside the others (default: 1); one for each IMAGE and "
            "--text in order, then, if you like, one for each --minus and --minus-text.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = field(default_factory=list)

    def check(self, images: Sequence[str], minus: Sequence[str], *, one_by_one: bool) -> None:
        """Refuse weights that are not one for each picture.

        Raises:
            UsageError: says how many there should be.
        """
        if self.weight and one_by_one:
            raise UsageError("--weight is for several pictures that are one query, without --each")
        asked, avoided = len(images) + len(self.text), len(minus) + len(self.minus_text)
        if self.weight and len(self.weight) not in {asked, asked + avoided}:
            raise UsageError(
                f"--weight: received {len(self.weight)}, expected one for each of {len(images)} "
                f"IMAGE{self._and('text', self.text)}, and then none or one for each of "
                f"{len(minus)} --minus{self._and('minus-text', self.minus_text)}"
            )

    @staticmethod
    def _and(option: str, texts: Sequence[str]) -> str:
        return f" and {len(texts)} --{option}" if texts else ""

    def weighted(self, pictures: Sequence[Any], *, after: int = 0) -> list[Any]:
        """Return pictures with their weights, the first of which is that after so many others."""
        weights = self.weight[after : after + len(pictures)]
        if not weights:
            return list(pictures)
        from imgsearch.search.query_inputs import Weighted

        return [Weighted(image, weight) for image, weight in zip(pictures, weights, strict=True)]


@dataclass(frozen=True)
class CopyOptions:
    """Where matches are copied to."""

    copy_to: Annotated[
        str | None,
        typer.Option(
            "--copy-to",
            metavar="DIR",
            help="Copy the matches' files into this folder, their ranks before their names (with "
            "--each into a folder for each image); nothing is overwritten.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None


def copy_matches(matches: Iterable["Match"], folder: Path, terminal: Terminal) -> int:
    """Copy the files of matches into a folder; return how many could not be read.

    A file is called by its rank and its own name, and gets a number where that is taken.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for match in matches:
        try:
            source = _opened(match.path)
        except OSError as error:
            terminal.warn(f"{match.path}: not copied: {(error.strerror or str(error)).lower()}")
            failed += 1
            continue
        with source:
            target = free_name(folder, f"{match.rank:03}-{match.path.name}")
            with target.open("xb") as copy:
                shutil.copyfileobj(source, copy)
        if not isinstance(match.path, Address):
            shutil.copystat(match.path, target)
    return failed


def _opened(path: Path) -> IO[bytes]:
    """Open a file, or what lies at an address.

    Raises:
        OSError: it can't be read.
    """
    if isinstance(path, Address):
        from imgsearch.sources import finding

        return BytesIO(finding.read(path))
    return path.open("rb")


def folder_of(copy_to: Path, number: int, name: str) -> Path:
    """Return the folder for the matches of one of several images."""
    return copy_to / f"{number:03}-{Path(name).stem or 'image'}"

# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch query`: find the images most similar to one or several others."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.answers import AnswerWriter, answer_writer
from imgsearch.cli.boundary import SOME_UNREADABLE
from imgsearch.cli.explain_options import FORMS as EXPLAINING_FORMS
from imgsearch.cli.explain_options import ExplainOptions
from imgsearch.cli.filter_options import FilterOptions
from imgsearch.cli.inputs import (
    STANDARD_INPUT,
    check_path,
    listed_files,
    missing_files_are_usage,
    standard_input_bytes,
)
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.progress import Unwatched, working
from imgsearch.cli.query_extras import CopyOptions, WeightOptions, copy_matches, folder_of
from imgsearch.cli.query_options import OutputOptions, SearchOptions
from imgsearch.cli.settings import Settings
from imgsearch.cli.sheet_options import SheetOptions, WithSheet
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UnreadableImageError, UsageError

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.images.geometry import CropBox
    from imgsearch.search.local_engine import LocalEngine
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.storage.filters import Filters


@dataclass(frozen=True)
class QueryOutput(OutputOptions, SheetOptions, ExplainOptions):
    """How matches are printed, shown and explained."""


def query(
    *,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help="An image file, or '-' for an image on standard input. Several make one query, "
            "the mean of their embeddings.",
        ),
    ] = None,
    search: SearchOptions,
    matching: FilterOptions,
    output: QueryOutput,
    weights: WeightOptions,
    copying: CopyOptions,
    settings: Settings,
) -> None:
    """Find the images most similar to one or several others.

    Scores are cosine similarities, at most 1; higher is more similar. A file of the gallery is
    left out of its own matches; exact copies of it come first.
    """
    form = output.form()
    _check(images or [], search, null=output.null, prints_paths=form == "paths")
    output.check()
    one_by_one = search.each or search.files_from is not None
    weights.check(images or [], search.minus, one_by_one=one_by_one)
    output.check_explained(
        images or [],
        search.minus,
        shown=output.sheet is not None or form in EXPLAINING_FORMS,
        one_by_one=one_by_one,
    )
    terminal = settings.terminal
    images_of = _Images()
    ask = _Question(
        images_of=images_of,
        k=search.k,
        minus=tuple(map(check_path, search.minus)),
        weights=weights,
        crop=None if search.crop is None else _crop(search.crop),
        where=matching.filters(),
        min_score=search.min_score,
        include_self=search.include_self,
        expand=None if search.expand is None else _expansion(search.expand),
        all_files=output.all_files,
    )
    if not one_by_one:
        for name in images or []:
            if name != STANDARD_INPUT:
                check_path(name)
    folder = None if copying.copy_to is None else Path(copying.copy_to)
    with (
        native_stderr_held(terminal),
        settings.open_gallery(
            terminal,
            runtime=search.runtime,
            recipe=search.recipe,
            projection=search.projection,
            engine=_engine(exact=search.exact),
            offline=search.offline,
        ) as gallery,
    ):
        writer = answer_writer(
            form, terminal, gallery=gallery.path, null=output.null, several=one_by_one
        )
        if output.sheet is not None:
            writer = WithSheet(writer, Path(output.sheet), gallery, images_of)
        if one_by_one:
            names = _listed(images or [], search, null=output.null)
            # Whoever writes names to standard input waits for each answer.
            ahead = search.files_from is not None and STANDARD_INPUT not in (
                *(images or []),
                search.files_from,
            )
            answers = ask.each(gallery, names, ahead=ahead)
            failed = _write_each(answers, writer, terminal=terminal, copy_to=folder)
        else:
            named = [*(images or []), *search.minus]
            with working(terminal, "Searching"), missing_files_are_usage(named):
                matches = ask(gallery, images or [])
                explanations = output.explanations(
                    gallery, Path(named[0]), matches, crop=ask.crop, terminal=terminal
                )
            writer.write(_paths(images or []), matches, explanations)
            failed = explanations.count(None)
            failed += 0 if folder is None else copy_matches(matches, folder, terminal)
        writer.finish()
    output.written(terminal)
    if failed:
        raise typer.Exit(SOME_UNREADABLE)


class _Images:
    """The images that names stand for; what is on standard input can be read only once."""

    _given: bytes | None = None

    def __call__(self, name: Path | str) -> Path | bytes:
        if os.fspath(name) != STANDARD_INPUT:
            return Path(name)
        if self._given is None:
            self._given = standard_input_bytes()
        return self._given


@dataclass(frozen=True)
class _Question:
    """A query without its images."""

    images_of: _Images
    k: int
    minus: tuple[Path, ...]
    weights: WeightOptions
    crop: "CropBox | None"
    where: "Filters"
    min_score: float | None
    include_self: bool
    expand: "Expansion | None"
    all_files: bool

    def __call__(self, gallery: "Gallery", names: Sequence[str]) -> list["Match"]:
        """Return the matches of one query."""
        images = [self.images_of(name) for name in names]
        try:
            matches = gallery.query(
                *self.weights.weighted(images),
                k=self.k,
                minus=self.weights.weighted(self.minus, after=len(images)),
                crop=self.crop,
                where=self.where,
                min_score=self.min_score,
                include_self=self.include_self,
                expand=self.expand,
            )
        except UnreadableImageError as error:
            if str(error) != error.reason:
                raise
            raise UnreadableImageError(error.reason, name="standard input") from error
        return self._shown(matches)

    def each(
        self, gallery: "Gallery", names: Iterable[str], *, ahead: bool
    ) -> Iterator[tuple[str, "list[Match] | UnreadableImageError"]]:
        """Yield names with the matches of each, or why it cannot be read.

        Args:
            gallery: that is asked.
            names: of images.
            ahead: draw several names before the first is answered, and answer them at once.
        """
        if not ahead or self.minus:
            for name in names:
                try:
                    yield name, self(gallery, [name])
                except UnreadableImageError as error:
                    yield name, error
            return
        here, there = tee(names)
        answers = gallery.query_many(
            map(self.images_of, there),
            k=self.k,
            crop=self.crop,
            where=self.where,
            min_score=self.min_score,
            include_self=self.include_self,
            expand=self.expand,
        )
        for name, answer in zip(here, answers, strict=True):
            if answer.reason is not None:
                yield name, UnreadableImageError(answer.reason, name=name)
            else:
                yield name, self._shown(list(answer.matches))

    def _shown(self, matches: list["Match"]) -> list["Match"]:
        if not self.all_files:
            return matches
        from imgsearch.search.held_files import each_file

        return [copy for match in matches for copy in each_file(match)]


def _engine(*, exact: bool) -> "LocalEngine":
    from imgsearch.search.local_engine import LocalEngine

    return LocalEngine(exact=exact)


def _crop(text: str) -> "CropBox":
    # Most queries have neither a crop nor an expansion and need not import NumPy and Pillow here.
    from imgsearch.images.geometry import CropBox

    return CropBox.parse(text)


def _expansion(text: str) -> "Expansion":
    from imgsearch.search.query_expansion import Expansion

    return Expansion.parse(text)


def _check(names: Sequence[str], search: SearchOptions, *, null: bool, prints_paths: bool) -> None:
    if not names and search.files_from is None:
        raise UsageError("no image given: name one, or '-' for an image on standard input")
    from_input = [*names, search.files_from].count(STANDARD_INPUT)
    if from_input > 1:
        raise UsageError("'-' may stand for standard input only once")
    if STANDARD_INPUT in search.minus:
        raise UsageError("--minus takes a file, not standard input")
    if null and not prints_paths and search.files_from is None:
        raise UsageError("--null says how --paths or --files-from separate paths; give one of them")


def _listed(names: Sequence[str], search: SearchOptions, *, null: bool) -> Iterator[str]:
    yield from names
    if search.files_from is not None:
        yield from map(os.fspath, listed_files(search.files_from, null=null))


def _paths(names: Sequence[str]) -> list[Path | None]:
    return [None if name == STANDARD_INPUT else Path(name) for name in names]


def _write_each(
    answers: Iterable[tuple[str, "list[Match] | UnreadableImageError"]],
    writer: AnswerWriter,
    *,
    terminal: Terminal,
    copy_to: Path | None,
) -> int:
    """Write answers one by one as they come; return how many files could not be read."""
    failed = 0
    # Progress and answers on one terminal would overwrite each other.
    drawing = (
        nullcontext(Unwatched()) if terminal.out_is_terminal else working(terminal, "Searching")
    )
    with drawing as steps:
        for done, (name, found) in enumerate(answers, start=1):
            if isinstance(found, UnreadableImageError):
                failed += 1
                writer.fail(_paths([name]), found.reason)
                terminal.warn(str(found))
            else:
                writer.write(_paths([name]), found)
                if copy_to is not None:
                    failed += copy_matches(found, folder_of(copy_to, done, name), terminal)
            steps.at("Searching", done, None)
    return failed

# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch query`: find the images most similar to one or several others."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch import addresses
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
)
from imgsearch.cli.native_stderr import native_stderr_held
from imgsearch.cli.progress import Unwatched, working
from imgsearch.cli.query_extras import CopyOptions, WeightOptions, copy_matches, folder_of
from imgsearch.cli.query_options import OutputOptions, SearchOptions
from imgsearch.cli.question import Images, Question
from imgsearch.cli.settings import Settings
from imgsearch.cli.sheet_options import SheetOptions, WithSheet
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.recipe import AUTO

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.gallery.published import PublishedGallery
    from imgsearch.images.geometry import CropBox
    from imgsearch.search.local_engine import LocalEngine
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion


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
    """Find the images most similar to one or several others, or to a description in words.

    Scores are cosine similarities, at most 1; higher is more similar. A file of the gallery is
    left out of its own matches; exact copies of it come first.
    """
    form = output.form()
    if not weights.text:
        _check(images or [], search)
    _check_together(images or [], search, null=output.null, prints_paths=form == "paths")
    weights.check_words(copies=search.copies, explain=output.explain, crop=bool(search.crop))
    output.check()
    one_by_one = search.each or search.files_from is not None
    weights.check(images or [], search.minus, one_by_one=one_by_one)
    if search.anywhere:
        _check_anywhere(search, explained=output.explain)
    output.check_explained(
        images or [],
        search.minus,
        shown=output.sheet is not None or form in EXPLAINING_FORMS,
        one_by_one=one_by_one,
    )
    service = settings.service
    if service is not None:
        _check_published(search, explained=output.explain)
    terminal = settings.terminal
    images_of = Images()
    ask = Question(
        images_of=images_of,
        k=search.k,
        minus=tuple(map(check_path, search.minus)),
        weights=weights,
        crop=None if search.crop is None else _crop(search.crop),
        where=matching.filters(),
        min_score=search.min_score,
        include_self=search.include_self,
        expand=None if search.expand is None else _expansion(search.expand),
        anywhere=search.anywhere,
        all_files=output.all_files,
        copies=search.copies,
        # Paths alone do not say them, and to judge takes decoders.
        kinds=form != "paths" or output.sheet is not None,
    )
    if not one_by_one:
        for name in images or []:
            if name != STANDARD_INPUT:
                check_path(name)
    folder = None if copying.copy_to is None else Path(copying.copy_to)
    with (
        native_stderr_held(terminal),
        _opened(settings, search, service, terminal) as gallery,
    ):
        writer = answer_writer(
            form, terminal, gallery=gallery.path, null=output.null, several=one_by_one, said=weights
        )
        if output.sheet is not None:
            words = weights.labels
            writer = WithSheet(writer, Path(output.sheet), gallery, images_of, words=words)
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
                    gallery, named[:1], matches, crop=ask.crop, terminal=terminal
                )
            writer.write(_paths(images or []), matches, explanations)
            failed = explanations.count(None)
            failed += 0 if folder is None else copy_matches(matches, folder, terminal)
        writer.finish()
    output.written(terminal)
    if failed:
        raise typer.Exit(SOME_UNREADABLE)


def _opened(
    settings: Settings, search: SearchOptions, service: str | None, terminal: Terminal
) -> "Gallery | PublishedGallery":
    if service is not None:
        return settings.open_published(
            terminal, service, runtime=search.runtime, recipe=search.recipe
        )
    return settings.open_gallery(
        terminal,
        runtime=search.runtime,
        recipe=search.recipe,
        projection=search.projection,
        engine=_engine(exact=search.exact),
        offline=search.offline,
    )


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


def _check(names: Sequence[str], search: SearchOptions) -> None:
    if not names and search.files_from is None:
        raise UsageError(
            "no image given: name one, '-' for an image on standard input, or words with --text"
        )


def _check_together(
    names: Sequence[str], search: SearchOptions, *, null: bool, prints_paths: bool
) -> None:
    from_input = [*names, search.files_from].count(STANDARD_INPUT)
    if from_input > 1:
        raise UsageError("'-' may stand for standard input only once")
    if STANDARD_INPUT in search.minus:
        raise UsageError("--minus takes a file, not standard input")
    several = len(names) > 1 and not (search.each or search.files_from)
    if search.copies and (several or search.minus or search.crop):
        raise UsageError("--copies is for one whole picture: leave out the others, --minus, --crop")
    if null and not prints_paths and search.files_from is None:
        raise UsageError("--null says how --paths or --files-from separate paths; give one of them")


def _check_anywhere(search: SearchOptions, *, explained: bool) -> None:
    """Refuse what parts of pictures cannot be asked with.

    Raises:
        UsageError: names the option.
    """
    for option, given, why in (
        ("--expand", search.expand is not None, "a question about parts stays as it is"),
        ("--copies", search.copies, "copies are the same as wholes"),
        ("--projection", search.projection != AUTO, "parts have a projection of their own"),
        ("--exact", search.exact, "parts are searched through their own index"),
        ("--explain", explained, "it explains the score of whole pictures"),
    ):
        if given:
            raise UsageError(f"{option} does not go with --anywhere: {why}; leave out one of them")


def _check_published(search: SearchOptions, *, explained: bool) -> None:
    """Refuse what a search service cannot be asked.

    Raises:
        UsageError: names the option.
    """
    for option, given, why in (
        ("--anywhere", search.anywhere, "parts of pictures are not published"),
        ("--copies", search.copies, "what tells copies and edits is not published"),
        ("--explain", explained, "it takes the gallery"),
        ("--exact", search.exact, "the engine chooses how it searches"),
        ("--projection", search.projection != AUTO, "'imgsearch publish' chose it"),
    ):
        if given:
            raise UsageError(
                f"{option} is not for a search service: {why}; name the gallery's folder instead"
            )


def _listed(names: Sequence[str], search: SearchOptions, *, null: bool) -> Iterator[str]:
    yield from names
    if search.files_from is not None:
        yield from map(os.fspath, listed_files(search.files_from, null=null))


def _paths(names: Sequence[str]) -> list[Path | None]:
    return [None if name == STANDARD_INPUT else addresses.named(name) for name in names]


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

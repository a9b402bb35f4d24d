"""Writing matches: as a table, JSON, JSON Lines, CSV or paths."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from imgsearch.cli import comma_separated
from imgsearch.cli.shown_paths import short_path, single_line
from imgsearch.cli.tables import align
from imgsearch.cli.terminal import FAINT, PLAIN, flush_data, write_data
from imgsearch.documents import gallery_documents
from imgsearch.text import path_keys, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.cli.terminal import Line, Span, Terminal
    from imgsearch.cli.word_options import WordOptions
    from imgsearch.gallery.explaining import Explanation
    from imgsearch.search.matches import Match

    Images = Sequence[Path | None]  # None is the image on standard input
    Explanations = Sequence[Explanation | None]  # none, or one for each match

SHOWN_DUPLICATES: Final = 3


class AnswerWriter:
    """Writes answers to standard output, each as soon as it is known."""

    def write(
        self, images: Images, matches: Sequence[Match], explanations: Explanations = ()
    ) -> None:
        """Write the matches of one query, and where they agree where that was asked for."""
        raise NotImplementedError

    def fail(self, images: Images, reason: str) -> None:
        """Write that an image could not be read, where the format has a place for it."""

    def finish(self) -> None:
        """Write what comes after the last answer."""


def answer_writer(
    form: str,
    terminal: Terminal,
    *,
    gallery: Path,
    null: bool,
    several: bool,
    said: WordOptions,
) -> AnswerWriter:
    """Return the writer of an output format.

    Args:
        form: "table", "json", "jsonl", "csv" or "paths".
        terminal: for the table.
        gallery: the gallery's folder, named in JSON documents.
        null: paths end with NUL.
        several: there may be more than one answer.
        said: the words that were asked, which are part of every answer.
    """
    words = {"texts": said.text, "minus_texts": said.minus_text}
    if form == "json":
        where = {**path_keys(gallery, "gallery"), **words}
        return _Documents(where) if several else _Document(where)
    if form == "jsonl":
        return _JsonLines(words)
    if form == "csv":
        return _Csv(said.labels)
    if form == "paths":
        return _Paths(null=null)
    return _Table(terminal, several=several, words=said.labels)


class _Document(AnswerWriter):
    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where

    def write(
        self, images: Images, matches: Sequence[Match], explanations: Explanations = ()
    ) -> None:
        answer = gallery_documents.answer_keys(images, matches, explanations=explanations)
        content = {**self._where, **answer}
        write_data(gallery_documents.dump("query", content))


class _Documents(AnswerWriter):
    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where

    def write(
        self, images: Images, matches: Sequence[Match], explanations: Explanations = ()
    ) -> None:
        self._write(gallery_documents.answer_keys(images, matches, explanations=explanations))

    def fail(self, images: Images, reason: str) -> None:
        self._write(gallery_documents.answer_keys(images, (), reason))

    def _write(self, keys: dict[str, Any]) -> None:
        write_data(gallery_documents.dump_on_a_line("query", {**self._where, **keys}))
        flush_data()


class _JsonLines(AnswerWriter):
    def __init__(self, words: dict[str, list[str]]) -> None:
        self._words = words

    def write(
        self, images: Images, matches: Sequence[Match], explanations: Explanations = ()
    ) -> None:
        answer = gallery_documents.answer_keys(images, matches, explanations=explanations)
        for match in answer["matches"]:
            asked = {"images": answer["images"], **self._words}
            write_data(gallery_documents.dump_line({**asked, **match}))
        flush_data()


class _Csv(AnswerWriter):
    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._head = comma_separated.head()

    def write(
        self,
        images: Images,
        matches: Sequence[Match],
        explanations: Explanations = (),  # noqa: ARG002 - the format has no place for them
    ) -> None:
        named = ["-" if image is None else printable(str(image)) for image in images]
        names = " + ".join([*named, *map(printable, self._words)])
        write_data(self._head + comma_separated.rows(names, matches))
        self._head = b""
        flush_data()

    def finish(self) -> None:
        write_data(self._head)


class _Paths(AnswerWriter):
    def __init__(self, *, null: bool) -> None:
        self._null = null

    def write(
        self,
        images: Images,  # noqa: ARG002 - the format has no place for them
        matches: Sequence[Match],
        explanations: Explanations = (),  # noqa: ARG002 - likewise
    ) -> None:
        write_data(b"".join(self._record(match.path) for match in matches))
        flush_data()

    def _record(self, path: Path) -> bytes:
        return os.fsencode(path) + b"\0" if self._null else single_line(path) + b"\n"


class _Table(AnswerWriter):
    def __init__(self, terminal: Terminal, *, several: bool, words: Sequence[str]) -> None:
        self._terminal = terminal
        self._words = words
        self._several = several
        self._first = True

    def write(
        self,
        images: Images,
        matches: Sequence[Match],
        explanations: Explanations = (),  # noqa: ARG002 - the format has no place for them
    ) -> None:
        lines = _table(matches)
        if self._several:
            head: list[Line] = [] if self._first else [[]]
            named = ["-" if image is None else short_path(image) for image in images]
            names = " + ".join([*named, *map(printable, self._words)])
            lines = [*head, [(names, "bold")], *(lines or [[("  no match", FAINT)]])]
        elif not matches:
            self._terminal.say("No image in the gallery matches.")
        self._first = False
        self._terminal.show(lines)


def _table(matches: Sequence[Match]) -> list[Line]:
    rows: list[Sequence[Span]] = []
    for match in matches:
        rows.append(
            [
                (str(match.rank), FAINT),
                (f"{match.score:.3f}", "bold"),
                ((match.taken or "-")[:10], PLAIN if match.taken else FAINT),
                (f"{match.width}x{match.height}", FAINT),
                (short_path(match.path), _link(match.path)),
                (_note(match), "yellow"),
            ]
        )
        copies = match.duplicates[:SHOWN_DUPLICATES]
        rows += [_beneath(f"= {short_path(copy.path)}", offline=copy.offline) for copy in copies]
        if len(match.duplicates) > len(copies):
            more = len(match.duplicates) - len(copies)
            rows.append(_beneath(f"= and {more} more (--all-files lists them)", offline=False))
    # The path is the last aligned column and never cut, so that it can be copied whole.
    return [
        [*line, (f"  {note}", style)] if note else line
        for line, (note, style) in zip(
            align([row[:-1] for row in rows], ">><><"), [row[-1] for row in rows], strict=True
        )
    ]


def _note(match: Match) -> str:
    notes = [match.kind] if match.kind else []
    if match.box is not None:
        left, top, width, height = match.box
        notes.append(f"at {left},{top} {width}x{height}")
    notes += ["offline"] if match.offline else []
    return f"({', '.join(notes)})" if notes else ""


def _beneath(text: str, *, offline: bool) -> Sequence[Span]:
    empty: Span = ("", PLAIN)
    return [*[empty] * 4, (text, FAINT), ("(offline)" if offline else "", "yellow")]


def _link(path: Path) -> str:
    """Return the style of a hyperlink to the file, which some terminals open on a click."""
    return f"link {path.as_uri()}" if path.is_absolute() else PLAIN

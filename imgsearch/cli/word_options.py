# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch query` that ask in words."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.query_options import SEARCH_PANEL
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.search.query_inputs import Words


@dataclass(frozen=True)
class WordOptions:
    """What is asked in words."""

    text: Annotated[
        list[str],
        typer.Option(
            "--text",
            metavar="WORDS",
            help="Ask in words, alone or with pictures; may be repeated. Needs a recipe with a text"
            " encoder ('imgsearch backbones --hub').",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = field(default_factory=list)
    minus_text: Annotated[
        list[str],
        typer.Option(
            "--minus-text",
            metavar="WORDS",
            help="Stay away from what these words describe; may be repeated.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = field(default_factory=list)

    @property
    def words(self) -> "list[Words]":
        """What is asked about.

        Raises:
            UsageError: a text that says nothing.
        """
        return _words(self.text)

    @property
    def minus_words(self) -> "list[Words]":
        """What to stay away from.

        Raises:
            UsageError: a text that says nothing.
        """
        return _words(self.minus_text)

    @property
    def labels(self) -> tuple[str, ...]:
        """The words as an answer's heading shows them."""
        return (
            *(f'"{text}"' for text in self.text),
            *(f'not "{text}"' for text in self.minus_text),
        )

    def check_words(self, *, copies: bool, explain: bool, crop: bool) -> None:
        """Refuse what makes no sense with words.

        Raises:
            UsageError: an option that is about one picture alone.
        """
        given = [*self.text, *self.minus_text]
        for option, there in (("--copies", copies), ("--explain", explain), ("--crop", crop)):
            if given and there:
                raise UsageError(f"{option} is about pictures alone; leave out the words, or it")
        _words(given)


def _words(texts: list[str]) -> "list[Words]":
    if not texts:
        return []
    from imgsearch.search.query_inputs import Words

    return [Words(text) for text in texts]

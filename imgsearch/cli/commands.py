"""The commands: what `--help` says of each, and where it is.

To import all of them takes longer than most of them run, so only the one that is asked for is
imported, and the table holds what the list of them shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer

from imgsearch.cli.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Row:
    """A command that has not been imported.

    Attributes:
        place: its module in this room and the function in it, "module:function".
        help: the first paragraph of the function's docstring, as one line.
    """

    place: str
    help: str

    def short_help(self, limit: int) -> str:
        """Return what is said of the command in so many characters, as Typer shortens it."""
        return Command(name=None, help=self.help).get_short_help_str(limit)


COMMANDS: Final[dict[str, Row]] = {
    "index": Row(
        "index:index",
        "Create the gallery, or bring it up to date with your folders.",
    ),
    "query": Row(
        "query:query",
        "Find the images most similar to one or several others, or to a description in words.",
    ),
    "serve": Row(
        "serve:serve",
        "Show the gallery in the browser: search, browse, take pictures away.",
    ),
    "compare": Row(
        "compare:compare",
        "Say how alike two pictures are: as this gallery's queries would, and before any "
        "projection.",
    ),
    "duplicates": Row(
        "duplicates:duplicates",
        "Show which pictures of the gallery are the same, the surest first.",
    ),
    "list": Row(
        "list:list_",
        "List the files of the gallery, those taken last first, those without a date last.",
    ),
    "info": Row(
        "info:info",
        "Show what is in the gallery: roots, files, recipes, sizes.",
    ),
    "backbones": Row(
        "backbones:backbones",
        "List the pretrained networks, or the layers of one.",
    ),
    "apply": Row(
        "apply:apply",
        "Put the files of a plan into the trash, or show which; nothing is deleted.",
    ),
    "undo": Row(
        "undo:undo",
        "Put back what 'imgsearch apply' put elsewhere.",
    ),
    "evaluate": Row(
        "evaluate:evaluate",
        "Measure how well backbones retrieve on your own labelled photos, and what they cost.",
    ),
    "recommend": Row(
        "recommend:recommend",
        "Recommend a recipe for these photos, and say why.",
    ),
    "remove": Row(
        "maintenance:remove",
        "Take files, folders or whole roots out of the gallery.",
    ),
    "prune": Row(
        "maintenance:prune",
        "Delete what no file needs any more.",
    ),
    "check": Row(
        "maintenance:check",
        "Check the gallery for damage, and repair it.",
    ),
    "relocate": Row(
        "maintenance:relocate",
        "Tell the gallery that a root has moved.",
    ),
    "merge": Row(
        "merge:merge",
        "Join galleries that were indexed apart into one, such as the shares of index --shard.",
    ),
    "publish": Row(
        "publish:publish",
        "Send what is searched to a search service, where others can ask it.",
    ),
    "export": Row(
        "export:export",
        "Write the embeddings for other programs.",
    ),
    "import": Row(
        "import_:import_",
        "Take in embeddings that were made elsewhere, with the paths of their pictures.",
    ),
    "map": Row(
        "map:map_",
        "Draw the map of the gallery: every picture as a point, near those that it looks like.",
    ),
    "distill": Row(
        "distill:distill",
        "Train a small backbone to embed your photos as a large one does.",
    ),
}


class Commands(Mapping[str, Any]):
    """Typer's commands by name, in the table's order, each built when it is asked for."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer's class for it is private
        if name not in self._built:
            self._built[name] = _command(name, COMMANDS[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


def _command(name: str, row: Row) -> Any:  # noqa: ANN401 - Typer's class for it is private
    from imgsearch.cli.parameters import with_option_groups

    module, _, function = row.place.partition(":")
    command = getattr(import_module(f"imgsearch.cli.{module}"), function)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=Command)(with_option_groups(command))
    return typer.main.get_command(alone)

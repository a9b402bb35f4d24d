"""Commands: help with options under headings, errors turned into exit codes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand, TyperGroup

from imgsearch.cli.boundary import boundary
from imgsearch.cli.settings import COMMON_FLAGS, COMMON_PANEL, COMMON_VALUES
from imgsearch.cli.terminal import wants_colour

if TYPE_CHECKING:
    from typer import Context

    Formatter = Any  # the help formatter is private to Typer

COLUMN: Final = 24
# What is not spelt like the command that it stands for, or like another one.
OTHER_NAMES: Final = {
    "find": "query",
    "search": "query",
    "similar": "query",
    "add": "index",
    "scan": "index",
    "update": "index",
    "status": "info",
    "stats": "info",
    "models": "backbones",
    "delete": "remove",
    "rm": "remove",
    "clean": "prune",
    "move": "relocate",
    "mv": "relocate",
    "verify": "check",
    "repair": "check",
    "train": "distill",
    "trash": "apply",
    "restore": "undo",
    "web": "serve",
    "browse": "serve",
    "ui": "serve",
    "gui": "serve",
}
_HEADING: Final = re.compile(r"^(\S[^\n]*):$", re.MULTILINE)
_USAGE: Final = re.compile(r"^(Usage:)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^(  )(-{1,2}\w\S*(?:,? \S+)*|[a-z]\w*)(?=  |\n)", re.MULTILINE)


def _coloured(text: str) -> str:
    if not wants_colour(sys.stdout):
        return text
    text = _HEADING.sub("\x1b[1m\\1:\x1b[0m", text)
    text = _USAGE.sub("\x1b[1m\\1\x1b[0m", text)
    return _ENTRY.sub("\\1\x1b[36m\\2\x1b[0m", text)


def _sections(command: Any, context: Context) -> dict[str, list[tuple[str, str]]]:  # noqa: ANN401 - Typer's private base class
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        if getattr(parameter, "hidden", False):
            continue
        if parameter.param_type_name == "argument":
            names = parameter.metavar or parameter.name
            heading = "Arguments"
        else:
            names = ", ".join(sorted(parameter.opts, key=len))
            if not parameter.is_flag:
                names += f" {parameter.metavar or parameter.name.upper()}"
            heading = getattr(parameter, "rich_help_panel", None) or "Options"
        if parameter.name == "help":
            heading = COMMON_PANEL if isinstance(command, Command) else "Options"
        sections.setdefault(heading, []).append((names, parameter.help or ""))
    common = sections.pop(COMMON_PANEL, [])
    sections[COMMON_PANEL] = common
    width = max((len(names) for rows in sections.values() for names, _ in rows), default=0)
    # One width for all sections, so that the explanations align.
    return {
        heading: [(names.ljust(min(width, COLUMN)), text) for names, text in rows]
        for heading, rows in sections.items()
    }


class Command(TyperCommand):
    """A command whose help groups its options, and whose errors become exit codes."""

    def format_options(self, ctx: Context, formatter: Formatter) -> None:  # type: ignore[override]
        """Write arguments and options, each group under its heading."""
        for heading, rows in _sections(self, ctx).items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=COLUMN)

    def get_help(self, ctx: Context) -> str:  # type: ignore[override]
        """Return the help text, coloured when standard output is a terminal."""
        return _coloured(super().get_help(ctx))

    def invoke(self, ctx: Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - as the base class has it
        """Run the command; an error becomes a message and an exit code."""
        with boundary(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


class Group(TyperGroup):
    """The program; common options may also stand before the command."""

    command_class = Command

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Move common options from before the command's name to after it."""
        return super().parse_args(ctx, _common_options_last(args))

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:  # type: ignore[override]  # noqa: ANN401 - as the base class has it
        """Find the command; a name that other programs use for it is answered with its own."""
        meant = OTHER_NAMES.get(args[0])
        if meant is not None and args[0] not in self.commands:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {meant!r}?")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Context, formatter: Formatter) -> None:  # type: ignore[override]
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        for heading, rows in _sections(self, ctx).items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def get_help(self, ctx: Context) -> str:  # type: ignore[override]
        """Return the help text, coloured when standard output is a terminal."""
        return _coloured(super().get_help(ctx))


def _common_options_last(args: list[str]) -> list[str]:
    """Return the arguments with leading common options moved after the command's name."""
    moved: list[str] = []
    rest = list(args)
    while rest:
        if rest[0] in COMMON_FLAGS or rest[0].startswith(tuple(f"{o}=" for o in COMMON_VALUES)):
            moved.append(rest.pop(0))
        elif rest[0] in COMMON_VALUES and len(rest) > 1:
            moved += [rest.pop(0), rest.pop(0)]
        else:
            break
    return [*rest[:1], *moved, *rest[1:]] if rest and not rest[0].startswith("-") else args

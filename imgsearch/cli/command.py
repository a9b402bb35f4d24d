"""Commands: help with options under headings, errors turned into exit codes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand

from imgsearch.cli.boundary import boundary
from imgsearch.cli.quick_values import quicken
from imgsearch.cli.settings import COMMON_PANEL
from imgsearch.cli.terminal import wants_colour

if TYPE_CHECKING:
    from typer import Context

    Formatter = Any  # the help formatter is private to Typer

COLUMN: Final = 24
_HEADING: Final = re.compile(r"^(\S[^\n]*):$", re.MULTILINE)
_USAGE: Final = re.compile(r"^(Usage:)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^(  )(-{1,2}\w\S*(?:,? \S+)*|[a-z]\w*)(?=  |\n)", re.MULTILINE)


def coloured(text: str) -> str:
    """Return a help text, in colour where standard output is a terminal."""
    if not wants_colour(sys.stdout):
        return text
    text = _HEADING.sub("\x1b[1m\\1:\x1b[0m", text)
    text = _USAGE.sub("\x1b[1m\\1\x1b[0m", text)
    return _ENTRY.sub("\\1\x1b[36m\\2\x1b[0m", text)


def sections_of(command: Any, context: Context) -> dict[str, list[tuple[str, str]]]:  # noqa: ANN401 - Typer's private base class
    """Return what a command takes, by heading: its names, padded to one width, and its help."""
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
        for heading, rows in sections_of(self, ctx).items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=COLUMN)

    def get_help(self, ctx: Context) -> str:  # type: ignore[override]
        """Return the help text, coloured when standard output is a terminal."""
        return coloured(super().get_help(ctx))

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Read the arguments; pydantic checks only those that it must."""
        quicken(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:  # type: ignore[override]  # noqa: ANN401 - as the base class has it
        """Run the command; an error becomes a message and an exit code."""
        with boundary(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)

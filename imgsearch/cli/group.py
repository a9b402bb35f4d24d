"""The program: its commands, and common options before their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperGroup

from imgsearch.cli.command import Command, coloured, sections_of
from imgsearch.cli.commands import COMMANDS, Commands
from imgsearch.cli.quick_values import quicken
from imgsearch.cli.settings import COMMON_FLAGS, COMMON_VALUES

if TYPE_CHECKING:
    from typer import Context

    from imgsearch.cli.command import Formatter

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


class Group(TyperGroup):
    """The program; common options may also stand before the command."""

    command_class = Command

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - whatever Typer gives it
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]  # nothing adds to them

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Move common options from before the command's name to after it."""
        quicken(self.get_params(ctx))
        return super().parse_args(ctx, _common_options_last(args))

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:  # type: ignore[override]  # noqa: ANN401 - as the base class has it
        """Find the command; a name that other programs use for it is answered with its own."""
        meant = OTHER_NAMES.get(args[0])
        if meant is not None and args[0] not in self.commands:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {meant!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Context, formatter: Formatter) -> None:  # type: ignore[override]  # noqa: ARG002 - as the base class has it
        """Write every command with what it does, importing none."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.short_help(limit)) for name, row in COMMANDS.items()])

    def format_options(self, ctx: Context, formatter: Formatter) -> None:  # type: ignore[override]
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        for heading, rows in sections_of(self, ctx).items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def get_help(self, ctx: Context) -> str:  # type: ignore[override]
        """Return the help text, coloured when standard output is a terminal."""
        return coloured(super().get_help(ctx))


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

"""The command line: a thin layer over the library, and the only part that prints.

Importing it loads no command, and neither NumPy nor a framework nor Rich: `commands` is the table
of what there is, and a command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated

import typer

from imgsearch import __version__
from imgsearch.cli.group import Group
from imgsearch.cli.interrupts import INTERRUPTED, leave_at_once

HELP = """Find the photos that look like this one.

\b
  imgsearch index ~/Photos            create or update the gallery
  imgsearch query sunset.jpg -k 5     what looks like this?
  imgsearch serve                     look through it in the browser
  imgsearch duplicates                which pictures are the same?
  imgsearch recommend labelled/       which network is best for these photos?
"""
EPILOG = """\b
Every command takes --gallery DIR, -v, -q, --debug and -h, before or after its name.

\b
Exit codes: 0 done, 1 failed, 2 usage, 3 some files could not be read,
10 no gallery, 11 gallery locked by another writer, 130 interrupted.
"""

app = typer.Typer(
    name="imgsearch",
    cls=Group,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag's value
    if wanted:
        typer.echo(f"imgsearch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line with the arguments of the process, and exit with its code."""
    if "--debug" not in sys.argv:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
    # Typer checks some arguments with pydantic, which would first search all installed packages
    # for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        app(prog_name="imgsearch")
    except SystemExit as left:
        if left.code == INTERRUPTED or _some_decode_for_ever():
            _settle_output()
            leave_at_once(left.code if isinstance(left.code, int) else 0)
        raise
    finally:
        _settle_output()


def _some_decode_for_ever() -> bool:
    """Tell whether a thread was given up: native code in it would crash a shutdown."""
    threads = sys.modules.get("imgsearch.indexing.decoding_threads")
    return threads is not None and threads.some_given_up()


def _settle_output() -> None:
    """Flush standard output; if its reader has gone, make Python's final flush succeed."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch serve`: the gallery in the browser."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.interrupts import leave_at_once
from imgsearch.cli.log_lines import log_as_details
from imgsearch.cli.settings import Settings
from imgsearch.cli.terminal import PLAIN
from imgsearch.errors import UsageError
from imgsearch.networks.runtimes.runtime import RuntimeChoice
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.web.server import PageServer

REACH_PANEL = "Who may use it"
PASSWORD_VARIABLE = "IMGSEARCH_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class ServeOptions:
    """How the page is served."""

    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Listen on this port; 0 for a free one (default: 8737, or a free one).",
        ),
    ] = None
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Only print the address, do not open the browser.")
    ] = False
    links: Annotated[
        str | None,
        typer.Option(
            "--links",
            metavar="DIR",
            help="Let the page make folders of symbolic links in this folder.",
        ),
    ] = None
    no_idle_work: Annotated[
        bool,
        typer.Option(
            "--no-idle-work", help="Make thumbnails as they are looked at, not while idle."
        ),
    ] = False
    runtime: Annotated[
        RuntimeChoice,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="What runs the network: quick (default), auto, litert, openvino or tensorflow.",
        ),
    ] = "quick"
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Listen on this address of the machine, for other machines; needs a password "
            "(default: 127.0.0.1, this machine alone).",
            rich_help_panel=REACH_PANEL,
        ),
    ] = "127.0.0.1"
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="The password is the first line of this file (default: $IMGSEARCH_PASSWORD).",
            rich_help_panel=REACH_PANEL,
        ),
    ] = None

    def password(self) -> str | None:
        """Return the password that lets people in, or None.

        Raises:
            UsageError: the file's first line is empty.
            OSError: the file cannot be read.
        """
        if self.password_file is None:
            return os.environ.get(PASSWORD_VARIABLE) or None
        with Path(self.password_file).open(encoding="utf-8") as file:
            password = file.readline().rstrip("\r\n")
        if not password:
            raise UsageError(f"{self.password_file}: the first line, the password, is empty")
        return password


def serve(*, options: ServeOptions, settings: Settings) -> None:
    """Show the gallery in the browser: search, browse, take pictures away.

    The page is for this machine and this user alone: the address has a random token. Nothing of
    it is loaded from elsewhere, and pictures are only read. Ctrl-C ends it, with exit code 0.
    """
    terminal = settings.terminal
    from imgsearch.web.server import PageServer, ServerOptions, is_local
    from imgsearch.web.service import ServiceOptions

    links = None if options.links is None else Path(options.links).expanduser().absolute()
    if links is not None and not links.is_dir():
        raise UsageError(f"--links {links}: no such folder; make it first")

    def open_gallery(recipe: str | None) -> "Gallery":
        return settings.open_gallery(terminal, runtime=options.runtime, recipe=recipe, offline=True)

    with open_gallery(None) as gallery:
        gallery.overview()  # a gallery that is not there is an error here and now
    server = PageServer(
        open_gallery,
        ServerOptions(
            host=options.host,
            port=options.port,
            password=options.password(),
            service=ServiceOptions(
                links=links, idle_work=not options.no_idle_work, local=is_local(options.host)
            ),
        ),
    )
    if not is_local(options.host):
        terminal.warn(
            f"whoever reaches {printable(options.host)} and knows the password or the address sees "
            "every picture of the gallery, and so does whoever listens on the network: the "
            "connection is not encrypted"
        )
    terminal.show([[(server.address, PLAIN)]])
    terminal.say("Ctrl-C ends it.")
    _run(server, opening=not options.no_open)


def _run(server: "PageServer", *, opening: bool) -> None:
    if opening:
        import webbrowser

        # The port takes connections already; they are answered once the server runs.
        webbrowser.open(server.address)
    try:
        # What the library says of each question is for the page, not for the terminal.
        with log_as_details():
            server.run()
    except KeyboardInterrupt:
        # Not waiting for a search for duplicates, which may go on for minutes.
        leave_at_once(0)
    finally:
        server.close()

# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options that every command takes."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imgsearch.cli import completion
from imgsearch.cli.log_lines import show_log
from imgsearch.cli.terminal import Terminal
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.networks.runtimes.runtime import RuntimeChoice

COMMON_PANEL: Final = "Common options"
COMMON_FLAGS: Final = frozenset({"-v", "--verbose", "-q", "--quiet", "--debug"})
COMMON_VALUES: Final = ("--gallery",)

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on standard output.")
]


@dataclass(frozen=True)
class Settings:
    """The gallery, and which messages are shown."""

    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            autocompletion=completion.galleries,
            help="The gallery's folder (default: $IMGSEARCH_GALLERY, else in your user data).",
            rich_help_panel=COMMON_PANEL,
        ),
    ] = None
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Show more messages on stderr.", rich_help_panel=COMMON_PANEL
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Show only warnings and errors on stderr.",
            rich_help_panel=COMMON_PANEL,
        ),
    ] = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Show the traceback of an error, and what libraries write.",
            rich_help_panel=COMMON_PANEL,
        ),
    ] = False

    def command(self, command: str) -> str:
        """Return a command of imgsearch's that is to be shown, for the same gallery."""
        given = "" if self.gallery is None else f" --gallery {shlex.quote(printable(self.gallery))}"
        return f"{command}{given}"

    @property
    def terminal(self) -> Terminal:
        """The terminal for messages and data; the library's log goes there too."""
        terminal = Terminal(verbose=self.verbose, quiet=self.quiet, debug=self.debug)
        show_log(terminal)
        return terminal

    def open_gallery(
        self,
        terminal: Terminal,
        *,
        runtime: "RuntimeChoice" = "auto",
        threads: int | None = None,
        **choices: Any,  # noqa: ANN401 - Gallery's own keyword arguments
    ) -> "Gallery":
        """Return the gallery that these options name."""
        from imgsearch.gallery.gallery import Gallery
        from imgsearch.networks.source import PretrainedNetworks

        source = PretrainedNetworks(runtime=runtime, threads=threads)
        gallery = Gallery(self.gallery, source=source, **choices)
        terminal.detail(f"gallery: {gallery.path}")
        return gallery

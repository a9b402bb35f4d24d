# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options that every command takes."""

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from imgsearch.cli import completion
from imgsearch.cli.log_lines import show_log
from imgsearch.cli.terminal import Terminal
from imgsearch.errors import UsageError
from imgsearch.services.finding import is_service
from imgsearch.text import printable

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.gallery.published import PublishedGallery
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
            help="The gallery's folder (default: $IMGSEARCH_GALLERY, else in your user data); for "
            "query and info also the address of a collection, postgresql://HOST/DATABASE/NAME or "
            "milvus://HOST/NAME.",
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
        """Return the gallery that these options name.

        Raises:
            UsageError: they name a search service, which this command does not ask.
        """
        from imgsearch.gallery.gallery import Gallery
        from imgsearch.networks.source import PretrainedNetworks

        if self.service is not None:
            raise UsageError(
                "--gallery: query and info ask a search service; this command works on the "
                "gallery's folder: name that"
            )
        source = PretrainedNetworks(runtime=runtime, threads=threads)
        gallery = Gallery(self.gallery, source=source, **choices)
        terminal.detail(f"gallery: {gallery.path}")
        return gallery

    @property
    def service(self) -> str | None:
        """The address of a search service, where that is named in the place of a folder."""
        named = self.gallery or os.environ.get("IMGSEARCH_GALLERY", "")
        return named if is_service(named) else None

    def open_published(
        self, terminal: Terminal, address: str, *, runtime: "RuntimeChoice", recipe: str | None
    ) -> "PublishedGallery":
        """Return what was published at an address."""
        from imgsearch.gallery.published import PublishedGallery
        from imgsearch.networks.source import PretrainedNetworks

        source = PretrainedNetworks(runtime=runtime, threads=None)
        published = PublishedGallery(address, recipe=recipe, source=source)
        terminal.detail(f"gallery: {published.path}")
        return published

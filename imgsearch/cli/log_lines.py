"""What the library logs becomes lines on standard error.

The module `logging` is loaded by the first command that shows a log, and not by `--help`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from imgsearch.cli.terminal import Terminal

LIBRARY: Final = "imgsearch"


class _Shown:
    """Where the library's log is shown at present.

    Attributes:
        handler: of the logger of the whole library, or None.
        details_only: whether records below a warning are shown with `--verbose` only.
    """

    handler: logging.Handler | None = None
    details_only: bool = False


def show_log(terminal: Terminal) -> None:
    """Show what the library logs on this terminal from now on, and on no other."""
    import logging

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if record.levelno >= logging.WARNING:
                terminal.warn(message)
            elif record.levelno < logging.INFO or _Shown.details_only:
                terminal.detail(message)
            else:
                terminal.say(message)

    library = logging.getLogger(LIBRARY)
    if _Shown.handler is not None:
        library.removeHandler(_Shown.handler)
    _Shown.handler = Lines()
    library.addHandler(_Shown.handler)
    library.setLevel(logging.DEBUG if terminal.verbose else logging.INFO)
    # TensorFlow gives the root logger a handler, which would say every line again.
    library.propagate = False


@contextmanager
def log_as_details() -> Iterator[None]:
    """Show what is logged within the block with `--verbose` only, unless it is a warning."""
    _Shown.details_only = True
    try:
        yield
    finally:
        _Shown.details_only = False

"""The trash of Windows and macOS, through Send2Trash. Owner of Send2Trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.errors import MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path


def send(path: Path) -> None:
    """Send a file to the system's trash.

    Raises:
        MissingExtraError: Send2Trash is not installed.
        OSError: the system refuses.
    """
    try:
        from send2trash import send2trash
    except ImportError as error:
        raise MissingExtraError(
            "the system's trash needs a package that is not installed: pip install Send2Trash"
        ) from error
    send2trash(path)

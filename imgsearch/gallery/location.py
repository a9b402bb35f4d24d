"""Where the gallery is when nobody names one."""

from __future__ import annotations

import os
from pathlib import Path

from imgsearch.errors import UsageError


def default_gallery_path() -> Path:
    """Return `IMGSEARCH_GALLERY`, or a folder of the platform's for the user's data.

    Raises:
        UsageError: neither is known, as in a container whose user has no home.
    """
    named = os.environ.get("IMGSEARCH_GALLERY")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    try:
        return user_data_path("imgsearch", appauthor=False) / "gallery"
    except RuntimeError as error:
        raise UsageError(
            "gallery: this user has no home folder to keep one in; name a folder with --gallery "
            "or IMGSEARCH_GALLERY, or set HOME"
        ) from error

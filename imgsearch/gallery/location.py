"""Where the gallery is when nobody names one."""

from __future__ import annotations

import os
from pathlib import Path


def default_gallery_path() -> Path:
    """Return `IMGSEARCH_GALLERY`, or a folder of the platform's for the user's data."""
    named = os.environ.get("IMGSEARCH_GALLERY")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("imgsearch", appauthor=False) / "gallery"

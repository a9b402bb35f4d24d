"""What a folder of photos holds that is not read, told by its names, so that it can be counted."""

from __future__ import annotations

import os
from typing import Final

NO_SUFFIX: Final = "without a suffix"

# Kinds whose usual suffixes differ; others are called by their one suffix.
_SAME: Final = {
    "jxr": "JPEG XR", "wdp": "JPEG XR", "hdp": "JPEG XR", "jls": "JPEG-LS", "svgz": "SVG",
    "m4v": "MP4", "qt": "MOV", "mpeg": "MPG", "m2ts": "MTS", "psdt": "PSB",
    "ps": "EPS", "dcm": "DICOM", "fts": "FITS", "fit": "FITS",
}  # fmt: skip
_OWN_NAME: Final = frozenset({
    "3gp", "afphoto", "ai", "avi", "bpg", "cur", "dds", "djvu", "emf", "eps", "exr", "fits",
    "flv", "hdr", "icns", "insp", "insv", "jng", "lrv", "mkv", "mng", "mov", "mp4", "mpg",
    "mts", "nii", "pdf", "pict", "psb", "qoi", "svg", "vob", "webm", "wmf", "wmv", "xbm",
    "xcf", "xpm",
})  # fmt: skip


def unread_kind(name: bytes) -> str | None:
    """Return what kind of picture, drawing or film a file is that is not read, by its name.

    Returns:
        such as "MP4", `NO_SUFFIX` for a name without one, and None for anything else.
    """
    suffix = os.path.splitext(os.fsdecode(name))[1].lower().lstrip(".")  # noqa: PTH122 - as in the scan
    if not suffix:
        return NO_SUFFIX
    return _SAME.get(suffix) or (suffix.upper() if suffix in _OWN_NAME else None)

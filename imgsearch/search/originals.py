"""The bytes of a content, from whichever of its files is there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from imgsearch.errors import NotThereError, UnreadableImageError
from imgsearch.images import loading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_content(content: str, files: Sequence[Path]) -> bytes:
    """Return the bytes of a content.

    Args:
        content: their SHA-256, 64 hexadecimal digits.
        files: that held it when they were indexed.

    Raises:
        NotThereError: none of them is there with these bytes; it says why of the last.
    """
    reason = "no file holds it any more"
    for path in files:
        try:
            data = loading.read_file(path)
        except UnreadableImageError as error:
            reason = str(error)
            continue
        if hashlib.sha256(data).hexdigest() == content:
            return data
        reason = f"{path}: changed since it was indexed; run `imgsearch index`"
    raise NotThereError(reason, name=f"content {content[:12]}")

"""What the façade's public arguments may be; whatever else is refused by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from imgsearch.errors import UsageError
from imgsearch.storage.filters import EVERYTHING, Filters

if TYPE_CHECKING:
    from imgsearch.images.geometry import CropBox
    from imgsearch.search.query_expansion import Expansion


def whole_number(name: str, value: object) -> int:
    """Return a whole number above 0.

    Raises:
        UsageError: it is none.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise _wrong(name, value, "a whole number") from None
    if isinstance(value, bool):
        raise _wrong(name, value, "a whole number")
    if number < 1:
        raise UsageError(f"{name}: {number} is not a whole number above 0")
    return number


def checked_score(value: object) -> float | None:
    """Return a least score, or None.

    Raises:
        UsageError: no cosine similarity can be that.
    """
    if value is None:
        return None
    try:
        score = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise _wrong("min_score", value, "a number from -1 to 1") from None
    if isinstance(value, str | bytes | bool):
        raise _wrong("min_score", value, "a number from -1 to 1")
    if not -1 <= score <= 1:
        raise UsageError(
            f"min_score: {value} is not a cosine similarity, which goes from -1 to 1 (the same)"
        )
    return score


def checked_precision(value: object) -> float:
    """Return a precision.

    Raises:
        UsageError: it is no share between 0 and 1.
    """
    try:
        share = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise _wrong("precision", value, "a share such as 0.99") from None
    if isinstance(value, str | bytes | bool):
        raise _wrong("precision", value, "a share such as 0.99")
    if not 0 < share < 1:
        raise UsageError(f"precision: {value} is not a share above 0 and below 1, such as 0.99")
    return share


def checked_crop(value: object) -> CropBox | None:
    """Return a crop, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is None:
        return None
    # Most queries have no crop, and start without Pillow.
    from imgsearch.images.geometry import CropBox

    if not isinstance(value, CropBox):
        raise _wrong("crop", value, "CropBox(left, top, width, height)")
    return value


def checked_expansion(value: object) -> Expansion | None:
    """Return an expansion, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is None:
        return None
    from imgsearch.search.query_expansion import Expansion

    if not isinstance(value, Expansion):
        raise _wrong("expand", value, "Expansion(k)")
    return value


def checked_filters(value: object) -> Filters:
    """Return filters; None stands for those that let everything pass.

    Raises:
        UsageError: it is something else.
    """
    if value is None:
        return EVERYTHING
    if not isinstance(value, Filters):
        raise _wrong("where", value, "Filters(...)")
    return value


def several_images(value: object) -> list[Any]:
    """Return images in a list; one may stand by itself."""
    alone = isinstance(value, str | bytes | bytearray | memoryview)
    if alone or hasattr(value, "read") or hasattr(value, "dtype"):  # a file, an array
        return [value]
    return list(value) if isinstance(value, Iterable) else [value]


def _wrong(name: str, value: object, wanted: str) -> UsageError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."  # noqa: PLR2004 - fits a line
    return UsageError(f"{name}: {shown} is of type {type(value).__name__}; give {wanted}")

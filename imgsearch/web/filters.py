"""Filters as a request says them: parameters of an address, or an object of JSON."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.storage.filters import Filters
from imgsearch.storage.places import Near
from imgsearch.web import fields
from imgsearch.web.refusals import usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

SEVERAL: Final = {"under": "under", "format": "format"}
MOST_VALUES: Final = 100
MOST_PIXELS: Final = 10_000_000
_NEAR: Final = 3


def folder(name: str, value: object) -> Path:
    """Take a folder, by its id or its absolute path."""
    given = fields.text(name, value)
    if os.path.isabs(given):  # noqa: PTH117 - a text may be no path at all
        path = given
    else:
        try:
            padded = given.encode("ascii") + b"=" * (-len(given) % 4)
            path = os.fsdecode(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, binascii.Error):
            path = ""
    if "\0" in path or not os.path.isabs(path):  # noqa: PTH117 - likewise
        raise usage(f"{name}: neither the id of a folder nor an absolute path")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise usage(f"{name}: no path can have such characters") from None
    return Path(path)


def of_fields(given: fields.Fields) -> Filters:
    """Return the filters of a JSON object; nothing else may be in it."""
    found = _of(given, fields.numbers(_NEAR), fields.integer(1, MOST_PIXELS))
    given.end()
    return found


def of_query(given: fields.Fields) -> Filters:
    """Return the filters among the parameters of an address; others stay to be taken."""
    return _of(given, _three_numbers, fields.digits(1, MOST_PIXELS))


def of_address(request: Request) -> tuple[fields.Fields, Filters]:
    """Return the parameters of an address and the filters among them."""
    given = fields.query_fields(request, SEVERAL)
    return given, of_query(given)


def _of(
    given: fields.Fields,
    near: Callable[[str, object], tuple[float, ...]],
    pixels: Callable[[str, object], int],
) -> Filters:
    place = given.take("near", near, None)
    return Filters(
        under=tuple(given.each("under", folder, most=MOST_VALUES)),
        after=given.take("after", fields.text, None),
        before=given.take("before", fields.text, None),
        undated=given.take("undated", fields.one_of("include", "exclude"), "exclude"),  # type: ignore[arg-type]  # one of the two
        camera=given.take("camera", fields.text, None),
        lens=given.take("lens", fields.text, None),
        near=None if place is None else Near(*place),
        min_width=given.take("min_width", pixels, None),
        min_height=given.take("min_height", pixels, None),
        formats=tuple(given.each("format", fields.text, most=MOST_VALUES)),
    )


def _three_numbers(name: str, value: object) -> tuple[float, ...]:
    place = Near.parse(str(value))
    return tuple(
        fields.number(name, part) for part in (place.latitude, place.longitude, place.kilometres)
    )

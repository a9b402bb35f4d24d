"""What a request may say: each value is of the type that its field has, or is refused by name."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

from imgsearch.web.refusals import RefusalError, not_found, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

T = TypeVar("T")
HASH_DIGITS: Final = 64
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_SHOWN: Final = 60
_REQUIRED: Final = object()


class Fields:
    """The fields of a JSON object, taken one by one; what nobody takes is refused by `end`.

    Each `take` of a field that is absent or null gives its default; without one it is refused.
    """

    def __init__(self, content: object, name: str = "") -> None:
        """Begin with an object.

        Args:
            content: what JSON had.
            name: of the field that holds it, "" for the whole body.

        Raises:
            RefusalError: it is no object.
        """
        if not isinstance(content, dict):
            raise usage(f"{name or 'the body'}: {_shown(content)} is no object")
        self._left: dict[str, Any] = dict(content)
        self._name = name

    def end(self) -> None:
        """Refuse fields that nobody took.

        Raises:
            RefusalError: there is one.
        """
        for name in self._left:
            raise usage(f"{self._full(name[:_SHOWN])}: there is no such field")

    def take(
        self, name: str, convert: Callable[[str, object], T], default: object = _REQUIRED
    ) -> T:
        """Return a field, converted by a function that is called with its name and value.

        Raises:
            RefusalError: it is absent and has no default, or the function refuses it.
        """
        value = self._left.pop(name, None)
        if value is None:
            if default is _REQUIRED:
                raise usage(f"{self._full(name)}: missing")
            return default  # type: ignore[return-value]
        return convert(self._full(name), value)

    def each(
        self,
        name: str,
        convert: Callable[[str, object], T],
        *,
        most: int,
        required: bool = False,
    ) -> list[T]:
        """Return a field that is a list, each entry converted; absent is empty, unless required.

        Raises:
            RefusalError: it is no list, is longer than `most`, or an entry is refused.
        """

        def converted(full: str, value: object) -> list[T]:
            if not isinstance(value, list):
                raise usage(f"{full}: {_shown(value)} is no list")
            if len(value) > most:
                raise usage(f"{full}: {len(value):,} entries; {most:,} at most")
            return [convert(f"{full}[{index}]", entry) for index, entry in enumerate(value)]

        return self.take(name, converted, _REQUIRED if required else [])

    def _full(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name


def integer(least: int, most: int) -> Callable[[str, object], int]:
    """Return what takes a whole number within bounds."""

    def convert(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise usage(f"{name}: {_shown(value)} is not a whole number from {least} to {most}")
        return value

    return convert


def number(name: str, value: object) -> float:
    """Take a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise usage(f"{name}: {_shown(value)} is not a number")
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not math.isfinite(real):
        raise usage(f"{name}: {_shown(value)} is not a finite number")
    return real


def numbers(count: int) -> Callable[[str, object], tuple[float, ...]]:
    """Return what takes a list of so many numbers."""

    def convert(name: str, value: object) -> tuple[float, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise usage(f"{name}: {_shown(value)} is not a list of {count} numbers")
        return tuple(number(name, entry) for entry in value)

    return convert


def text(name: str, value: object) -> str:
    """Take a text; one that no file name or camera could hold is refused."""
    if not isinstance(value, str):
        raise usage(f"{name}: {_shown(value)} is not a text")
    return value


def flag(name: str, value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise usage(f"{name}: {_shown(value)} is neither true nor false")
    return value


def one_of(*choices: str) -> Callable[[str, object], str]:
    """Return what takes one of some texts."""

    def convert(name: str, value: object) -> str:
        if value not in choices:
            raise usage(f"{name}: {_shown(value)} is none of {', '.join(choices)}")
        return str(value)

    return convert


def content(name: str, value: object) -> str:
    """Take a content's hash."""
    if not isinstance(value, str) or not is_hash(value):
        raise usage(f"{name}: {_shown(value)} is not a content, 64 hexadecimal digits")
    return value


def is_hash(value: str) -> bool:
    """Whether a text is a content's hash."""
    return len(value) == HASH_DIGITS and _HEXADECIMAL.issuperset(value)


def content_in_address(request: Request) -> str:
    """Return the content that an address names.

    Raises:
        RefusalError: it is none.
    """
    value: str = request.path_params["content"]
    if not is_hash(value):
        raise not_found("content: the address names none; 64 hexadecimal digits are wanted")
    return value


def query_fields(request: Request, several: Mapping[str, str]) -> Fields:
    """Return the parameters of an address as fields.

    Args:
        request: of the address.
        several: names of those that may be repeated, and become lists of that name.

    Raises:
        RefusalError: another one is repeated.
    """
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in several:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise usage(f"{name[:_SHOWN]}: given more than once")
        else:
            found[name] = value
    return Fields(found)


def digits(least: int, most: int) -> Callable[[str, object], int]:
    """Return what takes a whole number within bounds, written out."""
    check = integer(least, most)

    def convert(name: str, value: object) -> int:
        written = str(value)
        plain = written.isascii() and written.isdigit() and len(written) <= len(str(most))
        return check(name, int(written) if plain else value)

    return convert


async def json_body(request: Request, *, most: int) -> Fields:
    """Return the fields of a body.

    Args:
        request: with a JSON object.
        most: bytes.

    Raises:
        RefusalError: it is longer, something else, or not what its type says.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusalError(415, "usage", "the body's Content-Type must be application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise RefusalError(413, "too-large", f"the body: {most:,} bytes of JSON at most")
    try:
        return Fields(json.loads(bytes(body), parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise usage(f"the body is no JSON: {str(error)[:_SHOWN]}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _shown(value: object) -> str:
    """Return a value for a message, as JSON has it, cut off where it is long."""
    try:
        shown = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        shown = type(value).__name__
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"

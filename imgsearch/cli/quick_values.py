"""The values of options, taken as they are where nothing can be wrong with them.

Typer has pydantic check the value of every option, also of those that were not given, and to import
pydantic and build its checks takes longer than many a command. What is plainly valid, such as a
text where any text will do, does not need it; everything else, and with it every message about a
wrong value, is Typer's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # Private to Typer, all three: its parameter, its context, and how it converts a value.
    Parameter = Any
    Context = Any
    Conversion = Any

_WHOLE: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)


class Unsure(Exception):  # noqa: N818 - no error: Typer decides
    """A value about which only Typer can tell."""


class QuickConversion:
    """Stands where Typer looks for its own conversion of a parameter's values."""

    def __init__(self, own: Callable[[], Conversion]) -> None:
        """Take Typer's way to make its own conversion, which is dear."""
        self._own = own

    def itself(self) -> QuickConversion:
        """Return this conversion, as Typer's method that it replaces returns Typer's."""
        return self

    def coerce(self, value: Any, param: Parameter, ctx: Context) -> Any:  # noqa: ANN401 - as Typer has it
        """Return the value as Typer would return it.

        Raises:
            BadParameter: Typer's, if it is wrong.
        """
        try:
            return plain_value(value, param)
        except Unsure:
            return self._own().coerce(value, param=param, ctx=ctx)


def quicken(parameters: Iterable[Parameter]) -> None:
    """Let parameters of Typer's take plain values without pydantic.

    Where another version of Typer has no such method, nothing asks for the conversion that is put
    in its place, and all is as Typer does it.
    """
    for parameter in parameters:
        own = getattr(parameter, "get_runtime_param", None)
        if own is not None and "get_runtime_param" not in vars(parameter):
            parameter.get_runtime_param = QuickConversion(own).itself


def plain_value(value: Any, parameter: Parameter) -> Any:  # noqa: ANN401 - of the type that the option has
    """Return what Typer makes of a value with which nothing can be wrong.

    Args:
        value: a text or texts as they were typed, or an option's default.
        parameter: the option or argument.

    Raises:
        Unsure: only Typer can tell.
    """
    several = parameter.multiple or parameter.nargs == -1
    if value is None:
        return () if several else None
    described = getattr(parameter, "type_descriptor", None)
    if described is None or described.parameter_info.parser is not None:
        raise Unsure
    if not several:
        return _one(value, described.annotation, described.parameter_info)
    if get_origin(described.annotation) is not list or not isinstance(value, list | tuple):
        raise Unsure
    (kind,) = get_args(described.annotation)
    return [_one(part, kind, described.parameter_info) for part in value]


def _one(value: Any, kind: Any, limits: Any) -> Any:  # noqa: ANN401 - values and types of any kind
    if kind is str and type(value) is str:
        return value
    if kind in (int, float) and limits.clamp is False:
        return _number(value, kind, limits)
    if get_origin(kind) is Literal and value in get_args(kind) and limits.case_sensitive:
        return value
    raise Unsure


def _number(value: Any, kind: Any, limits: Any) -> Any:  # noqa: ANN401 - an int or a float
    spelt = _WHOLE if kind is int else _DECIMAL
    if type(value) is not kind and not (isinstance(value, str) and spelt.fullmatch(value)):
        raise Unsure
    number = kind(value)
    if limits.min is not None and not number >= limits.min:
        raise Unsure
    if limits.max is not None and not number <= limits.max:
        raise Unsure
    return number

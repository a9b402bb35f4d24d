"""What stands for the functions that a pickled array names.

It is code of this module, looked up in a table: nothing that a file names is imported or called.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_NUMBERS: Final = re.compile(r"[iuf][1248]|b1")
_BYTE_ORDERS: Final = frozenset("<>|=")


class PlainPickleError(UsageError):
    """A pickle that is damaged, or holds more than plain values."""


@dataclass(slots=True)
class Global:
    """A name that an array's pickle may use, and what stands for the function behind it."""

    name: str
    call: Callable[..., Any]


@dataclass(slots=True)
class DataType:
    """A NumPy data type under construction."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> DataType:  # noqa: ANN401 - whatever the file holds
        """Take in the byte order; everything else in the state belongs to compound types."""
        order = text_of(state[1]) if isinstance(state, tuple) and len(state) > 1 else ""
        if order not in _BYTE_ORDERS or any(part is not None for part in state[2:5]):
            raise PlainPickleError("holds an array of something else than numbers")
        self.order = order
        return self

    @property
    def numpy(self) -> np.dtype[Any]:
        """The data type, whole."""
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]  # one of four


class Array:
    """A NumPy array under construction: it becomes one when its state arrives."""

    def set_state(self, state: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
        """Return the array that (version, shape, data type, column order, data) describe."""
        match state:
            case (int(), tuple() as shape, DataType() as kind, column_order, data):
                return _array(data, kind, shape, "F" if column_order else "C")
            case _:
                raise PlainPickleError("holds an array in a form that is not known")


def text_of(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    """Return a value that must be text; bytes are what Python 2 wrote as text.

    Raises:
        PlainPickleError: it is something else.
    """
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise PlainPickleError(f"holds {type(value).__name__} where text is expected")
    return value


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - whatever the file holds
    """Return bytes; Python 2 wrote them as text."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if not isinstance(value, bytes):
        raise PlainPickleError("holds an array of something else than numbers")
    return value


def _array(data: Any, kind: DataType, shape: tuple[Any, ...], order: str) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
    """Return an array from its bytes, which must be exactly as many as its shape needs."""
    raw = _bytes(data)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise PlainPickleError(f"holds an array of the shape {shape!r}")
    if math.prod(shape) * kind.numpy.itemsize != len(raw):
        raise PlainPickleError(f"holds an array of shape {shape} with {len(raw)} bytes")
    values = np.frombuffer(raw, dtype=kind.numpy).reshape(shape, order="F" if order == "F" else "C")
    return values.astype(kind.numpy.newbyteorder("="))


def _data_type(code: Any, *_flags: Any) -> DataType:  # noqa: ANN401 - whatever the file holds
    text = text_of(code)
    if not _NUMBERS.fullmatch(text) or text == "f1":
        raise PlainPickleError(f"holds an array of {text!r}, which is no number")
    return DataType(text)


def _scalar(kind: Any, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    if type(kind) is not DataType:
        raise PlainPickleError("holds a number of a kind that is not known")
    return _array(data, kind, (1,), "C")[0].item()


def _reconstruct(*_arguments: Any) -> Array:  # noqa: ANN401 - whatever the file holds
    return Array()


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any, *_rest: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
    if type(kind) is not DataType or type(shape) is not tuple:
        raise PlainPickleError("holds an array in a form that is not known")
    return _array(data, kind, shape, text_of(order))


def _encode(text: Any, encoding: Any) -> bytes:  # noqa: ANN401 - whatever the file holds
    """Stand for `_codecs.encode`, by which protocols 0 to 2 spell bytes."""
    if text_of(encoding) not in {"latin1", "latin-1"}:
        raise PlainPickleError(f"asks for the encoding {encoding!r}")
    return text_of(text).encode("latin-1")


def _no_bytes() -> bytes:
    return b""


def _never(*_arguments: Any) -> None:  # noqa: ANN401 - whatever the file holds
    raise PlainPickleError("makes an array in a form that is not known")


_GLOBALS: Final[Mapping[str, Callable[..., Any]]] = {
    **{
        f"numpy.{core}.{name}": call
        for core in ("core", "_core")
        for name, call in (
            ("multiarray _reconstruct", _reconstruct),
            ("multiarray scalar", _scalar),
            ("numeric _frombuffer", _from_buffer),
        )
    },
    "numpy ndarray": _never,
    "numpy dtype": _data_type,
    "_codecs encode": _encode,
    "__builtin__ bytes": _no_bytes,
    "builtins bytes": _no_bytes,
}


def stand_in(name: str) -> Global:
    """Return what stands for a name, written "module name".

    Raises:
        PlainPickleError: the name is none of those that arrays of numbers need.
    """
    call = _GLOBALS.get(name)
    if call is None:
        shown = name.replace(" ", ".")
        raise PlainPickleError(
            f"names {shown!r}, which plain values do not need; nothing of the file was executed"
        )
    return Global(name, call)

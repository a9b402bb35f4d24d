"""Pickle files that hold plain values, read without running anything.

Python's own unpickler calls whatever a file tells it to call; even with its imports restricted
it runs NumPy's C code on the file's claims, hashes what the file nests, and makes room for as
many memo entries as the file says. Here the file is only taken apart (by `pickletools`, which
executes nothing), and its instructions are carried out on lists, dictionaries, text, bytes,
numbers and arrays of numbers. The few names of functions that an array's pickle needs are looked
up in a table and stand for code of this module; every other name, and every instruction beyond
the ones below, is refused. Memory stays within a small multiple of the file's length.

Instructions and their meaning: the comments of Python's `pickletools`, protocols 0 to 5.
"""

from __future__ import annotations

import math
import pickletools
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_NUMBERS: Final = re.compile(r"[iuf][1248]|b1")
_BYTE_ORDERS: Final = frozenset("<>|=")
_TUPLES: Final = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# Instructions that push what they carry.
_LITERAL_NAMES: Final = (
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
)
_LITERALS: Final = frozenset(_LITERAL_NAMES.split())
_MARK: Final = object()


class PlainPickleError(UsageError):
    """A pickle that is damaged, or holds more than plain values."""


@dataclass(slots=True)
class _Global:
    """A name that an array's pickle may use, and what stands for the function behind it."""

    name: str
    call: Callable[..., Any]


@dataclass(slots=True)
class _DataType:
    """A NumPy data type under construction."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> _DataType:  # noqa: ANN401 - whatever the file holds
        """Take in the byte order; everything else in the state belongs to compound types."""
        order = _text(state[1]) if isinstance(state, tuple) and len(state) > 1 else ""
        if order not in _BYTE_ORDERS or any(part is not None for part in state[2:5]):
            raise PlainPickleError("holds an array of something else than numbers")
        self.order = order
        return self

    @property
    def numpy(self) -> np.dtype[Any]:
        """The data type, whole."""
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]  # one of four


class _Array:
    """A NumPy array under construction: it becomes one when its state arrives."""

    def set_state(self, state: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
        """Return the array that (version, shape, data type, column order, data) describe."""
        match state:
            case (int(), tuple() as shape, _DataType() as kind, column_order, data):
                return _array(data, kind, shape, "F" if column_order else "C")
            case _:
                raise PlainPickleError("holds an array in a form that is not known")


def read_plain_pickle(data: bytes) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a pickle of plain values holds.

    Args:
        data: the bytes of the file. Text that Python 2 wrote is read as Latin-1.

    Returns:
        None, numbers, text, bytes, NumPy arrays of numbers, and lists, tuples and dictionaries
        (with text as keys) of them. A file made for mischief may leave an inert object of this
        module among them: check what you use.

    Raises:
        PlainPickleError: it is damaged, or holds anything else; nothing of it was executed.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            # Python warns of escapes in old pickles' texts that it does not know.
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, _position in pickletools.genops(data):
                if opcode.name == "STOP":
                    return machine.result()
                machine.step(opcode.name, argument)
    except PlainPickleError:
        raise
    # The file decides what goes wrong where: each of these means that it makes no sense.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise PlainPickleError(f"is no pickle, or a damaged one: {error}") from error
    except (MemoryError, RecursionError) as error:
        raise PlainPickleError("is too large or too deep") from error
    raise PlainPickleError("is no pickle, or a damaged one: it ends early")


class _Machine:
    """A stack and a memo, and what each instruction does to them."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:  # noqa: ANN401 - whatever the file holds
        """Return what is left at the end."""
        if len(self._stack) != 1:
            raise ValueError(f"{len(self._stack)} values are left")
        return self._take(1)[0]

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - whatever the file holds
        """Carry out one instruction."""
        if name in _LITERALS:
            self._stack.append(bytes(argument) if name == "BYTEARRAY8" else argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            count = _TUPLES[name]
            self._stack.append(tuple(self._take(count)))
        else:
            action = _ACTIONS.get(name)
            if action is None:
                raise PlainPickleError(f"asks for {name}, which plain values do not need")
            action(self, argument)

    def _take(self, count: int) -> list[Any]:
        """Take the topmost values off the stack."""
        if count > len(self._stack):
            raise IndexError("the stack is empty")
        start = len(self._stack) - count
        taken = self._stack[start:]
        del self._stack[start:]
        if any(value is _MARK for value in taken):
            raise ValueError("a mark where a value is expected")
        return taken

    def _take_to_mark(self) -> list[Any]:
        """Take everything above the topmost mark off the stack, and the mark."""
        start = len(self._stack) - 1
        while self._stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise IndexError("there is no mark")
        taken = self._stack[start + 1 :]
        del self._stack[start:]
        return taken

    def nothing(self, _argument: object) -> None:
        """PROTO and FRAME: of no meaning to values."""

    def mark(self, _argument: object) -> None:
        """Push a mark."""
        self._stack.append(_MARK)

    def push_list(self, _argument: object) -> None:
        """Push an empty list."""
        self._stack.append([])

    def push_dict(self, _argument: object) -> None:
        """Push an empty dictionary."""
        self._stack.append({})

    def make_list(self, _argument: object) -> None:
        """Push a list of what lies above the mark."""
        self._stack.append(self._take_to_mark())

    def make_tuple(self, _argument: object) -> None:
        """Push a tuple of what lies above the mark."""
        self._stack.append(tuple(self._take_to_mark()))

    def make_dict(self, _argument: object) -> None:
        """Push a dictionary of the keys and values above the mark."""
        made: dict[str, Any] = {}
        _fill(made, self._take_to_mark())
        self._stack.append(made)

    def append(self, _argument: object) -> None:
        """Append one value to the list beneath it."""
        self._extend(self._take(1))

    def appends(self, _argument: object) -> None:
        """Append the values above the mark to the list beneath it."""
        self._extend(self._take_to_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise TypeError("values are appended to something else than a list")
        target.extend(values)

    def set_item(self, _argument: object) -> None:
        """Put one key and value into the dictionary beneath them."""
        self._update(self._take(2))

    def set_items(self, _argument: object) -> None:
        """Put the keys and values above the mark into the dictionary beneath it."""
        self._update(self._take_to_mark())

    def _update(self, pairs: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict:
            raise TypeError("keys are put into something else than a dictionary")
        _fill(target, pairs)

    def pop(self, _argument: object) -> None:
        """Drop the topmost value or mark."""
        self._stack.pop()

    def pop_to_mark(self, _argument: object) -> None:
        """Drop everything above the topmost mark, and the mark."""
        self._take_to_mark()

    def put(self, key: int) -> None:
        """Remember the topmost value under a number."""
        if self._stack[-1] is _MARK:
            raise ValueError("a mark where a value is expected")
        self._memo[key] = self._stack[-1]

    def memoize(self, _argument: object) -> None:
        """Remember the topmost value under the next number."""
        self.put(len(self._memo))

    def get(self, key: int) -> None:
        """Push what was remembered under a number."""
        self._stack.append(self._memo[key])

    def push_global(self, name: str) -> None:
        """Push what stands for a name, written "module name"."""
        self._stack.append(_global(name))

    def push_stacked_global(self, _argument: object) -> None:
        """Push what stands for the module and name on the stack."""
        module, name = self._take(2)
        self._stack.append(_global(f"{_text(module)} {_text(name)}"))

    def reduce(self, _argument: object) -> None:
        """Call what stands for a name with a tuple of arguments."""
        function, arguments = self._take(2)
        if type(function) is not _Global or type(arguments) is not tuple:
            raise PlainPickleError("calls something that plain values do not need")
        self._stack.append(function.call(*arguments))

    def build(self, _argument: object) -> None:
        """Complete an array or a data type by its state."""
        made, state = self._take(2)
        if type(made) not in (_DataType, _Array):
            raise PlainPickleError("sets the state of something that plain values do not need")
        whole = made.set_state(state)
        # A pickle remembers an array before its state; whoever refers to it means the whole.
        if whole is not made:
            self._memo = {key: whole if v is made else v for key, v in self._memo.items()}
        self._stack.append(whole)


_ACTIONS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": _Machine.nothing,
    "FRAME": _Machine.nothing,
    "MARK": _Machine.mark,
    "EMPTY_LIST": _Machine.push_list,
    "EMPTY_DICT": _Machine.push_dict,
    "LIST": _Machine.make_list,
    "TUPLE": _Machine.make_tuple,
    "DICT": _Machine.make_dict,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_to_mark,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.push_global,
    "STACK_GLOBAL": _Machine.push_stacked_global,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise PlainPickleError(f"holds {type(value).__name__} where text is expected")
    return value


def _fill(target: dict[str, Any], pairs: list[Any]) -> None:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        target[_text(key)] = value


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - whatever the file holds
    """Return bytes; Python 2 wrote them as text."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if not isinstance(value, bytes):
        raise PlainPickleError("holds an array of something else than numbers")
    return value


def _array(data: Any, kind: _DataType, shape: tuple[Any, ...], order: str) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
    """Return an array from its bytes, which must be exactly as many as its shape needs."""
    raw = _bytes(data)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise PlainPickleError(f"holds an array of the shape {shape!r}")
    if math.prod(shape) * kind.numpy.itemsize != len(raw):
        raise PlainPickleError(f"holds an array of shape {shape} with {len(raw)} bytes")
    values = np.frombuffer(raw, dtype=kind.numpy).reshape(shape, order="F" if order == "F" else "C")
    return values.astype(kind.numpy.newbyteorder("="))


def _data_type(code: Any, *_flags: Any) -> _DataType:  # noqa: ANN401 - whatever the file holds
    text = _text(code)
    if not _NUMBERS.fullmatch(text) or text == "f1":
        raise PlainPickleError(f"holds an array of {text!r}, which is no number")
    return _DataType(text)


def _scalar(kind: Any, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    if type(kind) is not _DataType:
        raise PlainPickleError("holds a number of a kind that is not known")
    return _array(data, kind, (1,), "C")[0].item()


def _reconstruct(*_arguments: Any) -> _Array:  # noqa: ANN401 - whatever the file holds
    return _Array()


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any, *_rest: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
    if type(kind) is not _DataType or type(shape) is not tuple:
        raise PlainPickleError("holds an array in a form that is not known")
    return _array(data, kind, shape, _text(order))


def _encode(text: Any, encoding: Any) -> bytes:  # noqa: ANN401 - whatever the file holds
    """Stand for `_codecs.encode`, by which protocols 0 to 2 spell bytes."""
    if _text(encoding) not in {"latin1", "latin-1"}:
        raise PlainPickleError(f"asks for the encoding {encoding!r}")
    return _text(text).encode("latin-1")


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


def _global(name: str) -> _Global:
    call = _GLOBALS.get(name)
    if call is None:
        shown = name.replace(" ", ".")
        raise PlainPickleError(
            f"names {shown!r}, which plain values do not need; nothing of the file was executed"
        )
    return _Global(name, call)

"""Pickle files that hold plain values, read without running anything.

Python's own unpickler calls whatever a file tells it to call; even with its imports restricted
it runs NumPy's C code on the file's claims, hashes what the file nests, and makes room for as
many memo entries as the file says. Here the file is only taken apart (by `pickletools`, which
executes nothing), and its instructions are carried out on lists, dictionaries, text, bytes,
numbers and arrays of numbers. The few names of functions that an array's pickle needs are looked
up in a table and stand for code of `pickled_arrays.py`; every other name, and every instruction
beyond the ones below, is refused. Memory stays within a small multiple of the file's length.

Instructions and their meaning: the comments of Python's `pickletools`, protocols 0 to 5.
"""

from __future__ import annotations

import pickletools
import warnings
from typing import TYPE_CHECKING, Any, Final

from imgsearch.evaluation.ground_truth.pickled_arrays import (
    Array,
    DataType,
    Global,
    PlainPickleError,
    stand_in,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TUPLES: Final = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# Instructions that push what they carry.
_LITERAL_NAMES: Final = (
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"
)
_LITERALS: Final = frozenset(_LITERAL_NAMES.split())
_MARK: Final = object()


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
        self._stack.append(stand_in(name))

    def push_stacked_global(self, _argument: object) -> None:
        """Push what stands for the module and name on the stack."""
        module, name = self._take(2)
        self._stack.append(stand_in(f"{text_of(module)} {text_of(name)}"))

    def reduce(self, _argument: object) -> None:
        """Call what stands for a name with a tuple of arguments."""
        function, arguments = self._take(2)
        if type(function) is not Global or type(arguments) is not tuple:
            raise PlainPickleError("calls something that plain values do not need")
        self._stack.append(function.call(*arguments))

    def build(self, _argument: object) -> None:
        """Complete an array or a data type by its state."""
        made, state = self._take(2)
        if type(made) not in (DataType, Array):
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


def _fill(target: dict[str, Any], pairs: list[Any]) -> None:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        target[text_of(key)] = value

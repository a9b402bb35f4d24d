"""Pickles of plain values and NumPy arrays of numbers, read without running anything of the file.

An unpickler calls what the file names; this one knows nothing but the functions below, which stand
for those that an array's pickle names. It builds on the standard library's unpickler in Python,
because the one in C can't be told to leave alone what a small file crashes it with: a memo number
of two billion takes 32 GiB, and hashing a deeply nested key overflows its stack.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

# Reading takes up to 90 bytes for one of the file, so below 1 GiB. Revisited Paris (6,322 names and
# 70 queries) takes 3.1 MiB in the most wordy protocol, though every query listed every name.
MAX_PICKLE_BYTES: Final = 8 << 20

_NUMBERS: Final = re.compile(r"[iu][1248]|f[248]|b1")
# No sets, classes, instances, registered extensions, persistent ids or buffers from elsewhere.
_INSTRUCTIONS: Final = """
    PROTO FRAME STOP MARK POP POP_MARK PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT GLOBAL STACK_GLOBAL
"""
_Base = pickle._Unpickler  # noqa: SLF001 - see the module's docstring


class PlainPickleError(UsageError):
    """A pickle that is damaged, or holds more than plain values; the message lacks its path."""


def read_plain_pickle(data: bytes) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a pickle of plain values holds.

    Args:
        data: the bytes of the file. Text that Python 2 wrote is read as Latin-1.

    Returns:
        None, numbers, text, bytes, NumPy arrays of numbers, and lists, tuples and dictionaries
        (with text as keys) of them. A file made for mischief may leave an inert object of this
        module among them, or share and nest values without bound: check what you use.

    Raises:
        PlainPickleError: it is too large or damaged, or holds anything else.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise PlainPickleError(f"is larger than {MAX_PICKLE_BYTES >> 20} MiB")
    try:
        with warnings.catch_warnings():
            # Python warns of escapes in old pickles' texts that it does not know.
            warnings.simplefilter("ignore", DeprecationWarning)
            return _Unpickler(io.BytesIO(data), encoding="latin-1").load()
    except PlainPickleError:
        raise
    except Exception as error:
        reason = str(error) or "it ends early"
        if isinstance(error, KeyError):
            reason = f"it has an instruction {reason}, which they do not need"
        raise PlainPickleError(
            f"is no pickle of plain values, or a damaged one: {reason}"
        ) from error


class _DataType:
    """A NumPy data type under construction: the byte order arrives later."""

    def __init__(self, code: str, _align: object, _copy: object) -> None:
        if not _NUMBERS.fullmatch(code):
            raise PlainPickleError(f"holds an array of {code!r}, which is no number")
        self.numpy = np.dtype(code)


def _array(data: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever the file holds
    """Return an array from its bytes, which must be exactly as many as its shape needs."""
    raw = data.encode("latin-1") if isinstance(data, str) else data
    values = np.frombuffer(raw, dtype=kind.numpy).reshape(shape, order=order)
    if values.shape != shape:
        raise PlainPickleError(f"holds an array of the shape {shape!r}")
    return values.astype(kind.numpy.newbyteorder("="))


def _scalar(kind: Any, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    return _array(data, kind, (), "C").item()


def _reconstruct(_subtype: object, _shape: object, _kind: object) -> NDArray[Any]:
    return np.empty(0)


def _encode(text: str, encoding: str) -> bytes:
    """Stand for `_codecs.encode`, by which protocols 0 to 2 spell bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise PlainPickleError("asks for an encoding other than Latin-1")
    return text.encode("latin-1")


_STAND_INS: Final[Mapping[str, Callable[..., Any] | None]] = {
    "numpy.core.multiarray._reconstruct": _reconstruct,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy.core.numeric._frombuffer": _array,
    "numpy.ndarray": None,
    "numpy.dtype": _DataType,
    "_codecs.encode": _encode,
    "__builtin__.bytes": lambda: b"",
}


class _Unpickler(_Base):
    """Takes the named functions from the table, and checks what it is told to change."""

    stack: list[Any]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = {
        code: _Base.dispatch[code]
        for code in (getattr(pickle, name)[0] for name in _INSTRUCTIONS.split())
    }
    _made = 0

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - of any kind
        full = f"{module}.{name}"
        known = full.replace("numpy._core.", "numpy.core.")  # as NumPy 2 calls it
        if known not in _STAND_INS:
            raise PlainPickleError(
                f"names {full!r}, which plain values do not need; nothing of the file was executed"
            )
        return _STAND_INS[known]

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.stack[-1](*arguments)
        self._count(self.stack[-1])

    def load_build(self) -> None:
        state = self.stack.pop()
        match self.stack[-1], state:
            case _DataType() as kind, (_, str(order), None, None, None, *_):
                kind.numpy = kind.numpy.newbyteorder(order)  # type: ignore[arg-type]  # it checks
            case np.ndarray() as array, (_, shape, kind, column_order, data):
                whole = _array(data, kind, shape, "F" if column_order else "C")
                array.__setstate__(whole.__reduce__()[2])  # type: ignore[arg-type]  # NumPy's own
                self._count(array)
            case _:
                raise PlainPickleError("sets the state of something that plain values do not need")

    def _count(self, made: object) -> None:
        """Add up what calls make: one that is short may copy a large value again and again."""
        if isinstance(made, (bytes, np.ndarray)):
            self._made += len(made) if isinstance(made, bytes) else made.nbytes
        if self._made > 2 * MAX_PICKLE_BYTES:
            raise PlainPickleError("makes far more of its data than it holds")

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([key, value])

    def load_setitems(self) -> None:
        self._fill(self.pop_mark())

    def load_dict(self) -> None:
        pairs = self.pop_mark()
        self.stack.append({})
        self._fill(pairs)

    def _fill(self, pairs: list[Any]) -> None:
        """Put keys and values into the dictionary beneath them; what nests can't be hashed."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise PlainPickleError("puts keys into something else than a dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) not in (str, bytes):
                raise PlainPickleError(f"holds {type(key).__name__} where text is expected")
            self._count(key)
            target[key.decode("latin-1") if type(key) is bytes else key] = value

    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
        # Its own makes room for as many bytes as are claimed, before it reads them.
        pickle.BYTEARRAY8[0]: _Base.dispatch[pickle.BINBYTES8[0]],
    }

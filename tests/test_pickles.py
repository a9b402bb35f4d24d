"""Pickles of plain values are read as Python reads them, and nothing in a file is executed."""

from __future__ import annotations

import os
import pickle
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.evaluation.ground_truth.pickled_arrays import PlainPickleError
from imgsearch.evaluation.ground_truth.pickles import read_plain_pickle

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        st.text(max_size=8),
        st.binary(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=4), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(plain, st.sampled_from(PROTOCOLS))
def test_plain_values_are_read_as_python_reads_them(value: Any, protocol: int) -> None:
    assert read_plain_pickle(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["i1", "u2", "<i4", ">i8", "f2", "<f4", ">f8", "?"])
@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), ()])
def test_arrays_of_numbers_are_read_in_every_protocol(
    protocol: int, kind: str, shape: tuple[int, ...]
) -> None:
    values = np.full(shape, 5, dtype=kind)
    values[...] *= np.arange(values.size).reshape(shape).astype(kind)
    for array in (values, np.asfortranarray(values)):
        found = read_plain_pickle(pickle.dumps([array, array], protocol))
        for copy in found:
            np.testing.assert_array_equal(copy, array)
            assert copy.dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numbers_of_numpy_become_pythons(protocol: int) -> None:
    values = [np.int64(-5), np.float32(0.5), np.bool_(1), np.uint8(7)]
    found = read_plain_pickle(pickle.dumps(values, protocol))
    assert found == [-5, 0.5, True, 7]
    assert [type(value) for value in found] == [int, float, bool, int]


def test_what_python_2_wrote_is_read() -> None:
    """Spelled out by hand: an array and a Latin-1 text under protocol 2, a list under 0."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        b"(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02i8K\x00K\x01\x87Rq\x05"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10"
        + struct.pack("<2q", 1, 2)
        + b"tb"
    )
    found = read_plain_pickle(b"\x80\x02}q\x00(U\x01a" + array + b"U\x01bU\x04caf\xe9u.")
    assert found["a"].tolist() == [1, 2]
    assert found["b"] == "café"
    oldest = b"(dp0\nS'a'\np1\n(lp2\nI1\naI01\naF0.5\nas."
    assert read_plain_pickle(oldest) == {"a": [1, True, 0.5]}


def test_keys_in_bytes_become_text() -> None:
    assert read_plain_pickle(pickle.dumps({b"imlist": 1})) == {"imlist": 1}


class Touch:
    """What every unpickler executes: it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Ask for `open(path, "w")`."""
        return open, (str(self._path), "w")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_is_refused_and_not_made(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "trap"
    data = pickle.dumps({"imlist": [Touch(trap)]}, protocol)
    with pytest.raises(PlainPickleError, match=r"names '(io|__builtin__|_io)\.open'"):
        read_plain_pickle(data)
    assert not trap.exists()
    pickle.loads(data)["imlist"][0].close()  # noqa: S301 - shows that the trap is one
    assert trap.exists()


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


SHELL = short(f"touch {os.devnull}") + b"\x85R."
NDARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
INT64 = (
    b"cnumpy\ndtype\n\x8c\x02i8\x89\x88\x87R"
    b"(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
OBJECT = b"cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"cos\nsystem\n" + SHELL, "names 'os.system'"),
        (b"cposix\nsystem\n" + SHELL, "names 'posix.system'"),
        (b"\x80\x04" + short("os") + short("system") + b"\x93" + SHELL, "names 'os.system'"),
        (
            b"\x80\x04" + short("numpy") + short("dtype.__class__") + b"\x93.",
            "names 'numpy.dtype.__",
        ),
        (b"cbuiltins\neval\n" + SHELL, "names 'builtins.eval'"),
        (b"cnumpy\nload\n" + SHELL, "names 'numpy.load'"),
        (b"cnumpy.core.multiarray\nfromfile\n" + SHELL, "names 'numpy.core.multiarray.fromfile'"),
        (b"c_codecs\nencode\n" + short("x") + short("zlib") + b"\x86R.", "the encoding 'zlib'"),
        (b"(S'true'\nios\nsystem\n.", "asks for INST"),
        (b"(cos\nsystem\nS'true'\no.", "names 'os.system'"),
        (b"(cnumpy\ndtype\nS'i8'\no.", "asks for OBJ"),
        (b"cnumpy\ndtype\n)\x81.", "asks for NEWOBJ"),
        (b"cnumpy\ndtype\n)}\x92.", "asks for NEWOBJ_EX"),
        (b"Pos.system\n.", "asks for PERSID"),
        (b"K\x01Q.", "asks for BINPERSID"),
        (b"\x82\x01.", "asks for EXT1"),
        (b"\x97.", "asks for NEXT_BUFFER"),
        (b"K\x012.", "asks for DUP"),
        # Values where functions are expected, and the other way round.
        (short("os.system") + SHELL, "calls something"),
        (b"cnumpy\ndtype\n}b.", "sets the state of something"),
        (b"}}b.", "sets the state of something"),
        (b"cnumpy\nndarray\n)R.", "makes an array in a form"),
        (b"cnumpy\ndtype\nK\x01R.", "calls something"),
        # Arrays that are none.
        (OBJECT + b".", "'O8', which is no number"),
        (b"cnumpy\ndtype\n\x8c\x03V16\x89\x88\x87R.", "'V16', which is no number"),
        (NDARRAY + b"(K\x01K\x01\x85" + OBJECT + b"\x89]K\x05atb.", "'O8'"),
        (NDARRAY + b"(K\x01K\x01\x85" + INT64 + b"\x89]K\x05atb.", "something else than numbers"),
        (NDARRAY + b"(K\x01K\x02\x85" + INT64 + b"\x89C\x01xtb.", r"shape \(2,\) with 1 bytes"),
        (
            NDARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + INT64 + b"\x89C\x00tb.",
            r"of the shape \(-1,\)",
        ),
        (
            NDARRAY + b"(K\x01\x8a\x09" + b"\xff" * 8 + b"\x00\x85" + INT64 + b"\x89C\x00tb.",
            "with 0",
        ),
        (NDARRAY + b"K\x05b.", "a form that is not known"),
        # Claims of much memory with little behind them.
        (b"\x8d" + struct.pack("<Q", 2**62) + b"x.", "is no pickle, or a damaged one"),
        (b"\x8e" + struct.pack("<Q", 2**40) + b"x.", "is no pickle, or a damaged one"),
        (b"\x96" + struct.pack("<Q", 2**40) + b"x.", "is no pickle, or a damaged one"),
        (b"T" + struct.pack("<i", 2**31 - 1) + b"x.", "is no pickle, or a damaged one"),
        (b"I" + b"9" * 10_000 + b"\n.", "is no pickle, or a damaged one"),
        # Nonsense.
        (b"", "is no pickle"),
        (b"not a pickle", "is no pickle"),
        (b"K\x01", "is no pickle, or a damaged one"),
        (b".", "is no pickle"),
        (b"K\x01K\x02.", "is no pickle"),
        (b"a.", "is no pickle"),
        (b"(.", "a mark where a value is expected"),
        (b"(q\x00.", "a mark where a value is expected"),
        (b"(\x85.", "a mark where a value is expected"),
        (b"K\x01t.", "there is no mark"),
        (b"h\x05.", "is no pickle"),
        (b"K\x01K\x02a.", "something else than a list"),
        (b"K\x01K\x02K\x03s.", "something else than a dictionary"),
        (b"}K\x01K\x02s.", "int where text is expected"),
        (b"}(\x8c\x01au.", "is no pickle"),
    ],
)
def test_hostile_and_damaged_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PlainPickleError, match=reason):
        read_plain_pickle(data)


def test_a_huge_memo_number_takes_no_memory() -> None:
    """Python's own unpickler makes room for two billion entries here."""
    assert read_plain_pickle(b"K\x01r\xff\xff\xff\x7f.") == 1


def test_what_is_nested_deeply_neither_overflows_nor_hangs() -> None:
    """As a key it would be hashed: a crash of Python's own unpickler where it is a tuple."""
    deep = b")" + b"\x85" * 200_000
    with pytest.raises(PlainPickleError, match="tuple where text is expected"):
        read_plain_pickle(b"}" + deep + b"Ns.")
    doubled = b")" + b"".join(b"q%ch%c\x86" % (at, at) for at in range(60))
    with pytest.raises(PlainPickleError, match="tuple where text is expected"):
        read_plain_pickle(b"}" + doubled + b"Ns.")


def test_a_text_with_an_unknown_escape_is_read_without_a_warning() -> None:
    """Python keeps the backslash and warns; a file decides nothing about what is said."""
    assert read_plain_pickle(b"S'\\u'\n.") == "\\u"


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damage_anywhere_gives_values_or_a_refusal(data: st.DataObject) -> None:
    whole = pickle.dumps({"imlist": ["a"], "gnd": [{"easy": np.arange(3), "bbx": [1.5]}]}, 2)
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    with suppress(PlainPickleError):
        read_plain_pickle(damaged)

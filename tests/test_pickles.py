"""Pickles of plain values are read as Python reads them, and nothing in a file is executed."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.evaluation.ground_truth.pickles import (
    MAX_PICKLE_BYTES,
    PlainPickleError,
    read_plain_pickle,
)

if TYPE_CHECKING:
    from collections.abc import Callable
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


def named_as_by_numpy_1(data: bytes) -> bytes:
    """Return a pickle with the module names of NumPy before 2, and without its frame."""
    if data[2:3] == pickle.FRAME:
        data = data[:2] + data[11:]
    for module in (b"numpy._core.multiarray", b"numpy._core.numeric"):
        old = module.replace(b"_core", b"core")
        data = data.replace(b"%c%b" % (len(module), module), b"%c%b" % (len(old), old))
        data = data.replace(module, old)
    assert b"_core" not in data
    return data


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("write", [bytes, named_as_by_numpy_1])
def test_arrays_of_numbers_are_read_in_every_protocol(
    protocol: int, write: Callable[[bytes], bytes]
) -> None:
    for kind in ("i1", "u2", "<i4", ">i8", "f2", "<f4", ">f8", "?"):
        for shape in ((0,), (3,), (2, 3), ()):
            values = np.full(shape, 5, dtype=kind)
            values[...] *= np.arange(values.size).reshape(shape).astype(kind)
            for array in (values, np.asfortranarray(values)):
                found, again = read_plain_pickle(write(pickle.dumps([array, array], protocol)))
                np.testing.assert_array_equal(found, array)
                assert found.dtype == array.dtype.newbyteorder("=")
                assert again is found


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("write", [bytes, named_as_by_numpy_1])
def test_numbers_of_numpy_become_pythons(protocol: int, write: Callable[[bytes], bytes]) -> None:
    values = [np.int64(-5), np.float32(0.5), np.bool_(1), np.uint8(7)]
    found = read_plain_pickle(write(pickle.dumps(values, protocol)))
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
    assert read_plain_pickle(b"S'caf\\xe9'\n.") == "café"


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
INT8 = (
    b"cnumpy\ndtype\n\x8c\x02i1\x89\x88\x87R"
    b"(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
OBJECT = b"cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R"
ENCODE = b"c_codecs\nencode\n"
DOUBLED = b")" + b"".join(b"q%ch%c\x86" % (at, at) for at in range(60))
TRILLION = b"\x8a\x06" + (10**12).to_bytes(6, "little")


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "posix.system",
        "subprocess.Popen",
        "builtins.eval",
        "builtins.getattr",
        "builtins.bytearray",
        "__builtin__.object",
        "functools.partial",
        "copyreg._reconstructor",
        "_codecs.decode",
        "numpy.load",
        "numpy.dtype.__class__",
        "numpy.core.multiarray.fromfile",
        "numpy._core.multiarray.frombuffer",
    ],
)
def test_a_function_that_arrays_do_not_need_is_refused(name: str) -> None:
    module, _, function = name.rpartition(".")
    for said in (
        f"c{module}\n{function}\n".encode(),
        b"\x80\x04" + short(module) + short(function) + b"\x93",
    ):
        with pytest.raises(PlainPickleError, match=f"names '{name}', which plain values do not"):
            read_plain_pickle(said + SHELL)


@pytest.mark.parametrize(
    "data",
    [
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cnumpy\ndtype\nS'i8'\no.",  # OBJ
        b"cnumpy\ndtype\n)\x81.",  # NEWOBJ
        b"cnumpy\ndtype\n)}\x92.",  # NEWOBJ_EX
        b"Pos.system\n.",  # PERSID
        b"K\x01Q.",  # BINPERSID
        b"\x82\x01.",  # EXT1
        b"\x97.",  # NEXT_BUFFER
        b"\x8f(K\x01\x90.",  # EMPTY_SET
        b"(K\x01\x91.",  # FROZENSET
    ],
)
def test_an_instruction_that_plain_values_do_not_need_is_refused(data: bytes) -> None:
    with pytest.raises(PlainPickleError, match=r"an instruction [0-9]+, which they do not need"):
        read_plain_pickle(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ENCODE + short("x") + short("zlib") + b"\x86R.", "an encoding other than Latin-1"),
        # Values where functions are expected, and the other way round.
        (short("os.system") + SHELL, "'str' object is not callable"),
        (b"cnumpy\nndarray\n)R.", "'NoneType' object is not callable"),
        (b"cnumpy\ndtype\nK\x01R.", "must be an iterable, not int"),
        (b"}}b.", "sets the state of something"),
        # Arrays that are none.
        (OBJECT + b".", "'O8', which is no number"),
        (b"cnumpy\ndtype\n\x8c\x04i8,O\x89\x88\x87R.", "'i8,O', which is no number"),
        (b"cnumpy\ndtype\n\x8c\x03V16\x89\x88\x87R.", "'V16', which is no number"),
        (NDARRAY + b"(K\x01K\x01\x85" + OBJECT + b"\x89]K\x05atb.", "'O8'"),
        (NDARRAY + b"(K\x01K\x01\x85" + INT8 + b"\x89]K\x05atb.", "bytes-like object is required"),
        (NDARRAY + b"(K\x01K\x02\x85" + INT8 + b"\x89C\x01xtb.", r"size 1 into shape \(2,\)"),
        (NDARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + INT8 + b"\x89C\x01xtb.", r"shape \(-1,\)"),
        (NDARRAY + b"(K\x01" + TRILLION + b"\x85" + INT8 + b"\x89C\x01xtb.", "size 1 into shape"),
        (NDARRAY + b"K\x05b.", "sets the state of something"),
        # Nonsense.
        (b"", "it ends early"),
        (b"not a pickle", "is no pickle"),
        (b"I" + b"9" * 10_000 + b"\n.", "is no pickle"),
        (b".", "is no pickle"),
        (b"a.", "is no pickle"),
        (b"(.", "is no pickle"),
        (b"K\x01t.", "is no pickle"),
        (b"h\x05.", "Memo value not found at index 5"),
        (b"K\x01K\x02a.", "is no pickle"),
        (b"K\x01K\x02K\x03s.", "something else than a dictionary"),
        (NDARRAY + b"K\x00K\x02s.", "something else than a dictionary"),
        (b"}K\x01K\x02s.", "int where text is expected"),
        (b"}(\x8c\x01au.", "is no pickle"),
    ],
)
def test_hostile_and_damaged_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PlainPickleError, match=reason):
        read_plain_pickle(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_ends_early_is_refused(protocol: int) -> None:
    whole = pickle.dumps({"imlist": ["a"], "gnd": [{"easy": np.arange(3), "bbx": [1.5]}]}, protocol)
    for length in range(len(whole)):
        with pytest.raises(PlainPickleError):
            read_plain_pickle(whole[:length])


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    data = b"N.".ljust(MAX_PICKLE_BYTES, b"x")
    assert read_plain_pickle(data) is None
    with pytest.raises(PlainPickleError, match="is larger than 8 MiB"):
        read_plain_pickle(data + b"x")


def test_a_name_stands_for_nothing_that_a_file_can_change() -> None:
    """Python's own unpickler sets attributes of functions, for the rest of the process."""
    state = b"(N}" + short("__defaults__") + b"K\x01\x85stb."
    with pytest.raises(PlainPickleError, match="sets the state of something"):
        read_plain_pickle(ENCODE + state)
    assert read_plain_pickle(ENCODE + short("x") + short("latin1") + b"\x86R.") == b"x"
    with pytest.raises(PlainPickleError, match="missing 1 required"):
        read_plain_pickle(ENCODE + short("x") + b"\x85R.")


@pytest.mark.parametrize("instruction", [b"\x8d", b"\x8e", b"\x95", b"\x96"])
def test_a_claimed_length_takes_no_memory(instruction: bytes) -> None:
    """Of a text, bytes, a frame and a byte array, each of 128 MiB."""
    tracemalloc.start()
    try:
        with pytest.raises(PlainPickleError, match="is no pickle"):
            read_plain_pickle(instruction + struct.pack("<Q", 2**27) + b"x")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_huge_memo_number_takes_no_memory() -> None:
    """The unpickler in C makes room for four billion entries here."""
    assert read_plain_pickle(b"K\x01r\xff\xff\xff\x7f.") == 1


MEBIBYTE = struct.pack("<I", 2**20) + b"x" * 2**20


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"X" + MEBIBYTE + b"q\x00", ENCODE + b"h\x00" + short("latin1") + b"\x86R"),
        (
            b"B" + MEBIBYTE + b"q\x00" + INT8 + b"q\x01",
            b"cnumpy.core.numeric\n_frombuffer\n(h\x00h\x01J\x00\x00\x10\x00\x85\x8c\x01CtR",
        ),
        (
            b"B" + MEBIBYTE + b"q\x00" + INT8 + b"q\x01",
            NDARRAY + b"(K\x01J\x00\x00\x10\x00\x85h\x01\x89h\x00tb",
        ),
        (b"B" + MEBIBYTE + b"q\x00}", b"h\x00Ns"),
    ],
)
def test_one_large_value_is_not_copied_again_and_again(start: bytes, again: bytes) -> None:
    """A text encoded, bytes made an array in two ways, and bytes made a key."""
    read_plain_pickle(start + again * 16 + b".")
    with pytest.raises(PlainPickleError, match="makes far more of its data than it holds"):
        read_plain_pickle(start + again * 17 + b".")


@pytest.mark.parametrize("begin_end", [(b"}", b"Ns."), (b"}(", b"Nu."), (b"(", b"Nd.")])
def test_a_nested_key_neither_overflows_nor_hangs(begin_end: tuple[bytes, bytes]) -> None:
    """As a key it would be hashed: a crash of Python where it is deep, for ever where doubled."""
    begin, end = begin_end
    deep = b")" + b"\x85" * 200_000
    for key in (deep, DOUBLED):
        with pytest.raises(PlainPickleError, match="tuple where text is expected"):
            read_plain_pickle(begin + key + end)


@pytest.mark.parametrize(
    "data",
    [
        NDARRAY + b"(K\x01" + DOUBLED + INT8 + b"\x89C\x00tb.",
        ENCODE + short("x") + DOUBLED + b"\x86R.",
        b"cnumpy\ndtype\n" + DOUBLED + b"\x89\x88\x87R.",
        short("os") + DOUBLED + b"\x93.",
        DOUBLED + b"b.",
    ],
)
def test_a_refusal_does_not_spell_out_what_doubles_itself(data: bytes) -> None:
    """Sixty pairs, each twice in the next, would be a text of 2**60 letters."""
    with pytest.raises(PlainPickleError) as refusal:
        read_plain_pickle(data)
    assert len(str(refusal.value)) < 200


def test_values_that_nest_deeply_are_read() -> None:
    value = read_plain_pickle(b"]" * 200_000 + b"a" * 199_999 + b".")
    depth = 0
    while value:
        (value,) = value
        depth += 1
    assert depth == 199_999


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

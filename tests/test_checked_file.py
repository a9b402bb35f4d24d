"""A checked file is believed only as it was written."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from imgsearch import checked_file
from imgsearch.checked_file import FileFormat
from imgsearch.errors import DamagedCacheError, UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

NUMBERED = FileFormat(
    name="a list", magic=b"\x89LIST", version=3, lengths="IQ", remedy="throw it away"
)
PLAIN = FileFormat(name="a note", magic=b"note", lengths="B", remedy="write it again")


@dataclass(frozen=True)
class Facts:
    """What a header says."""

    name: str
    size: int
    share: float = 0.5


def with_digest(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def test_the_bytes_of_a_file_are_those_of_the_drawing(tmp_path: Path) -> None:
    front = b"\x89LIST" + struct.pack("<IIQ", 3, 8, 77) + b'{"a": 1}' + b"onetwo"
    path = tmp_path / "list"
    checksum = checked_file.write(
        path,
        NUMBERED,
        b'{"a": 1}',
        [b"one", memoryview(b"two")],
        lengths=(77,),
        rest=iter([b"re", b"st"]),
    )
    assert path.read_bytes() == with_digest(front) + b"rest"
    assert checksum == hashlib.sha256(front).hexdigest()
    assert NUMBERED.end(b'{"a": 1}', [b"one", b"two"]) == len(with_digest(front))
    checked_file.write(path, PLAIN, b"{}", [b"text"])
    assert path.read_bytes() == with_digest(b"note\x02{}text")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list"
    checksum = checked_file.write(path, NUMBERED, b'{"a": 1} ', [b"one"], lengths=(77,))
    content = checked_file.parse(path.read_bytes(), NUMBERED)
    assert (content.header, content.lengths) == ({"a": 1}, (77,))
    assert (bytes(content.payload), content.checksum) == (b"one", checksum)


def test_a_rest_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "note"
    checked_file.write(path, PLAIN, b'{"size": 3}', [b"one"], rest=[b"behind"])
    data = path.read_bytes()

    def size(header: dict[str, Any]) -> int:
        return int(header["size"])

    for whole in (data, data[: -len(b"behind")], data[:-1] + b"?"):
        assert bytes(checked_file.parse(whole, PLAIN, payload_length=size).payload) == b"one"
    with pytest.raises(ValueError, match="checksum"):
        checked_file.parse(data, PLAIN)
    with pytest.raises(ValueError, match="add up"):
        checked_file.parse(data, PLAIN, payload_length=lambda _: len(data))


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "list"
    checked_file.write(path, NUMBERED, b'{"a": 1}', [b"one"], lengths=(0,))
    whole = path.read_bytes()
    for place in range(len(whole)):
        with pytest.raises(ValueError, match=r"checksum|begin|version"):
            checked_file.parse(
                whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], NUMBERED
            )
        with pytest.raises(ValueError, match=r"checksum|cut short"):
            checked_file.parse(whole[:place], NUMBERED)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "0 bytes are too few for a note"),
        (with_digest(b"nota\x02{}"), "does not begin as a note does"),
        (with_digest(b"note\x09{}"), "add up"),
        (with_digest(b"note\x02[]"), "not a JSON object"),
        (with_digest(b"note\x01{"), "Expecting"),
    ],
)
def test_what_is_none_is_named_in_spite_of_its_checksum(body: bytes, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        checked_file.parse(body, PLAIN)


def test_another_version_is_named(tmp_path: Path) -> None:
    newer = FileFormat(name="a list", magic=b"\x89LIST", version=4, lengths="IQ", remedy="")
    checked_file.write(tmp_path / "a", newer, b"{}", [], lengths=(0,))
    with pytest.raises(ValueError, match="format version 4 where this imgsearch reads 3"):
        checked_file.parse((tmp_path / "a").read_bytes(), NUMBERED)


def test_a_header_is_the_record_that_it_was() -> None:
    good = {"name": "a", "size": 1}
    assert checked_file.record_of(Facts, good) == Facts("a", 1)
    for change in ({"size": True}, {"size": 1.0}, {"name": None}, {"share": 1}, {"surplus": 1}):
        with pytest.raises(TypeError):
            checked_file.record_of(Facts, good | change)
    with pytest.raises(TypeError):
        checked_file.record_of(Facts, {"name": "a"})


@pytest.mark.parametrize("error", [ValueError, TypeError, RuntimeError, UsageError])
def test_damage_is_named_with_path_and_remedy(tmp_path: Path, error: type[Exception]) -> None:
    with (
        pytest.raises(DamagedCacheError, match=r"/a: it is odd; write it again"),
        checked_file.damage_named(tmp_path / "a", PLAIN),
    ):
        raise error("it is odd")


def test_a_seal_is_a_checksum_behind_the_parts() -> None:
    whole = b"".join(checked_file.sealed([b"one", b"two"]))
    assert whole == with_digest(b"onetwo")
    assert bytes(checked_file.unsealed(memoryview(whole))) == b"onetwo"
    with pytest.raises(ValueError, match="checksum"):
        checked_file.unsealed(memoryview(whole[1:]))

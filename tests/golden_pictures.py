"""Pictures whose bytes are the same on every machine and with every version of every library.

Golden galleries know their pictures by hash, size and time. So no encoder has a hand in them: PNG,
TIFF, BMP and PPM are written here byte by byte, uncompressed, and colours come from a hash.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GRID = 4
# A whole second, which every file system keeps: 2024-06-01T00:00:00Z.
WRITTEN_NS = 1_717_200_000 * 10**9

_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_Entry = tuple[int, int, int, bytes]  # tag, type, count, value


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What a picture's EXIF says.

    Attributes:
        taken: as EXIF writes it, `2023:07:01 10:00:00`.
        maker: of the camera.
        model: of the camera.
        lens: its name.
        place: latitude and longitude in thousandths of a degree, north and east positive.
        orientation: 1 to 8.
    """

    taken: str
    maker: str = "Canon"
    model: str = "Canon EOS R5"
    lens: str = "RF24-105mm F4 L"
    place: tuple[int, int] | None = None
    orientation: int = 1


@dataclass(frozen=True)
class Photo:
    """A picture of 4 × 4 coloured fields.

    Attributes:
        path: relative to the folder of all roots; its suffix says the format.
        seed: of its colours.
        size: width and height in pixels, as stored.
        shot: its EXIF; only PNG and TIFF carry one.
    """

    path: str
    seed: int
    size: tuple[int, int] = (16, 16)
    shot: Shot | None = None

    def encoded(self) -> bytes:
        """Return the bytes of the file."""
        return _encoded(self)

    def draw(self, folder: Path) -> Path:
        """Write the file beneath a folder, and return its path."""
        return write(folder / self.path, self.encoded())


@cache
def _encoded(photo: Photo) -> bytes:
    suffix = Path(photo.path).suffix
    return {".png": _png, ".tiff": _tiff, ".bmp": _bmp, ".ppm": _ppm}[suffix](photo)


def write(path: Path, data: bytes) -> Path:
    """Write a file as it was when the golden galleries were made, its time included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(WRITTEN_NS, WRITTEN_NS))
    return path


def _rows(photo: Photo) -> list[bytes]:
    """Return the rows of RGB bytes, from the top."""
    width, height = photo.size
    colours = hashlib.shake_128(f"golden {photo.seed}".encode()).digest(3 * GRID**2)
    rows = []
    for y in range(height):
        places = [GRID * (y * GRID // height) + x * GRID // width for x in range(width)]
        rows.append(b"".join(colours[3 * place : 3 * place + 3] for place in places))
    return rows


def _ppm(photo: Photo) -> bytes:
    width, height = photo.size
    return f"P6\n{width} {height}\n255\n".encode() + b"".join(_rows(photo))


def _bmp(photo: Photo) -> bytes:
    width, height = photo.size
    padding = bytes(-3 * width % 4)
    pixels = b"".join(
        b"".join(row[place : place + 3][::-1] for place in range(0, 3 * width, 3)) + padding
        for row in reversed(_rows(photo))
    )
    start = 14 + 40
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    about = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return head + about + pixels


def _png(photo: Photo) -> bytes:
    width, height = photo.size
    pixels = b"".join(b"\0" + row for row in _rows(photo))
    blocks = [pixels[start : start + 65535] for start in range(0, len(pixels), 65535)]
    stored = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block
        for block in blocks
    )
    deflated = b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(pixels))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    if photo.shot is not None:
        chunks.append((b"eXIf", _tagged([], photo.shot)))
    chunks += [(b"IDAT", deflated), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _tiff(photo: Photo) -> bytes:
    assert photo.shot is not None, "give a TIFF a shot"
    width, height = photo.size
    pixels = b"".join(_rows(photo))

    def entries(offset: int) -> list[_Entry]:
        return [
            _shorts(256, width),
            _shorts(257, height),
            _shorts(258, 8, 8, 8),
            _shorts(259, 1),
            _shorts(262, 2),
            _long(273, offset),
            _shorts(277, 3),
            _shorts(278, height),
            _long(279, len(pixels)),
        ]

    return _tagged(entries(len(_tagged(entries(0), photo.shot))), photo.shot) + pixels


def _tagged(entries: list[_Entry], shot: Shot) -> bytes:
    """Return a TIFF header and its directories: the main one, Exif's, and that of the place."""
    exif = [_text(0x9003, shot.taken), _text(0xA434, shot.lens)]
    own = [
        *entries,
        _text(0x010F, shot.maker),
        _text(0x0110, shot.model),
        _shorts(0x0112, shot.orientation),
    ]
    pointers = [0x8769] + [0x8825] * (shot.place is not None)
    at = 8 + len(_directory([*own, *(_long(tag, 0) for tag in pointers)], 8))
    details = _directory(exif, at)
    places = [at, at + len(details)]
    main = _directory([*own, *map(_long, pointers, places)], 8)
    gps = b""
    if shot.place is not None:
        latitude, longitude = shot.place
        gps = _directory(
            [
                _text(1, "N" if latitude >= 0 else "S"),
                _thousandths(2, abs(latitude)),
                _text(3, "E" if longitude >= 0 else "W"),
                _thousandths(4, abs(longitude)),
            ],
            places[1],
        )
    return b"II*\0" + struct.pack("<I", 8) + main + details + gps


def _directory(entries: list[_Entry], at: int) -> bytes:
    """Return a directory that lies at an offset, with the values that are too long for it."""
    beyond = at + 2 + 12 * len(entries) + 4
    table, values = struct.pack("<H", len(entries)), b""
    for tag, kind, count, value in sorted(entries):
        short = len(value) <= 4
        place = value.ljust(4, b"\0") if short else struct.pack("<I", beyond + len(values))
        table += struct.pack("<HHI", tag, kind, count) + place
        values += b"" if short else value + bytes(len(value) % 2)
    return table + struct.pack("<I", 0) + values


def _text(tag: int, text: str) -> _Entry:
    data = text.encode("ascii") + b"\0"
    return tag, _ASCII, len(data), data


def _shorts(tag: int, *numbers: int) -> _Entry:
    return tag, _SHORT, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers)


def _long(tag: int, number: int) -> _Entry:
    return tag, _LONG, 1, struct.pack("<I", number)


def _thousandths(tag: int, number: int) -> _Entry:
    """Return degrees as degrees, minutes and seconds, of which the last two are zero."""
    return tag, _RATIONAL, 3, struct.pack("<6I", number, 1000, 0, 1, 0, 1)

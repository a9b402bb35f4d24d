"""HEIF and AVIF files put together box by box, for what no encoder here writes.

tiled_heic(image)          a grid of HEVC tiles, as phones write it (ISO/IEC 23008-12, 6.6.2.3)
sequence(image)            a HEIF sequence of one frame, without a still item
with_clean_aperture(avif)  the same AVIF with a `clap` property
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import picture_files

from imgsearch.images import boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

TILE: Final = 64


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">L", 8 + len(body)) + kind + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">L", version << 24 | flags), *parts)


def item_data(heic: bytes) -> bytes:
    """Return what the `mdat` box of a file holds, which is its one item."""
    found = boxes.first(heic, "mdat")
    assert found is not None
    return heic[found.start : found.end]


def tiled_heic(image: Image.Image) -> bytes:
    """Return the image as a grid of tiles, 64 pixels a side; its sides are multiples of that."""
    columns, rows = image.width // TILE, image.height // TILE
    tiles = []
    for row in range(rows):
        for column in range(columns):
            left, top = TILE * column, TILE * row
            tile = image.crop((left, top, left + TILE, top + TILE))
            tiles.append(picture_files.encode(tile, "HEIF"))
    config = boxes.first(tiles[0], "meta/iprp/ipco/hvcC")
    assert config is not None
    return _grid(
        [item_data(tile) for tile in tiles],
        box(b"hvcC", tiles[0][config.start : config.end]),
        columns=columns,
        rows=rows,
    )


def _grid(tiles: Sequence[bytes], config: bytes, *, columns: int, rows: int) -> bytes:
    width, height = TILE * columns, TILE * rows
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    first = len(tiles) + 1  # the grid's item comes after its tiles
    entries = [
        full(b"infe", struct.pack(">HH", number, 0), b"hvc1\0", version=2, flags=1)
        for number in range(1, first)
    ]
    entries.append(full(b"infe", struct.pack(">HH", first, 0), b"grid\0", version=2))
    references = struct.pack(f">HH{len(tiles)}H", first, len(tiles), *range(1, first))
    properties = box(
        b"ipco",
        config,
        full(b"ispe", struct.pack(">LL", TILE, TILE)),
        full(b"ispe", struct.pack(">LL", width, height)),
        full(b"pixi", bytes((3, 8, 8, 8))),
    )
    associations = [struct.pack(">HB3B", number, 3, 0x81, 2, 4) for number in range(1, first)]
    associations.append(struct.pack(">HB2B", first, 2, 3, 4))
    head = full(b"hdlr", bytes(4), b"pict", bytes(13)) + full(b"pitm", struct.pack(">H", first))
    tail = (
        full(b"iinf", struct.pack(">H", len(entries)), *entries)
        + full(b"iref", box(b"dimg", references))
        + box(
            b"iprp",
            properties,
            full(b"ipma", struct.pack(">L", len(associations)), *associations),
        )
    )
    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def iloc(offset: int) -> bytes:
        places = []
        for number, content in enumerate([*tiles, grid], start=1):
            places.append(struct.pack(">HHHLL", number, 0, 1, offset, len(content)))
            offset += len(content)
        return full(b"iloc", b"\x44\0", struct.pack(">H", len(places)), *places)

    before = len(start) + len(full(b"meta", head, iloc(0), tail)) + 8
    return start + full(b"meta", head, iloc(before), tail) + box(b"mdat", *tiles, grid)


def sequence(image: Image.Image) -> bytes:
    """Return a HEIF sequence of one frame (ISO/IEC 14496-12, brands msf1 and hevc)."""
    heic = picture_files.encode(image, "HEIF")
    config = boxes.first(heic, "meta/iprp/ipco/hvcC")
    assert config is not None
    frame = item_data(heic)
    entry = box(
        b"hvc1",
        bytes(6) + struct.pack(">H", 1) + bytes(16),
        struct.pack(">HH", image.width, image.height),
        bytes(50),
        box(b"hvcC", heic[config.start : config.end]),
    )
    start = box(b"ftyp", b"msf1", bytes(4), b"msf1hevc")

    def moov(offset: int) -> bytes:
        tables = box(
            b"stbl",
            full(b"stsd", struct.pack(">L", 1), entry),
            full(b"stsz", struct.pack(">LLL", 0, 1, len(frame))),
            full(b"stco", struct.pack(">LL", 1, offset)),
        )
        return box(b"moov", box(b"trak", box(b"mdia", box(b"minf", tables))))

    return start + moov(len(start) + len(moov(0)) + 8) + box(b"mdat", frame)


def with_clean_aperture(avif: bytes, width: int, height: int, *, across: int, down: int) -> bytes:
    """Return an AVIF of one item with a clean aperture around its centre, moved by some pixels."""
    clap = box(b"clap", struct.pack(">LLLLlLlL", width, 1, height, 1, across, 1, down, 1))
    ipco, ipma = boxes.first(avif, "meta/iprp/ipco"), boxes.first(avif, "meta/iprp/ipma")
    assert ipco is not None
    assert ipma is not None
    index = len(list(boxes.boxes(avif, ipco.start, ipco.end))) + 1
    grown = bytearray(avif)
    # The one item's associations: how many, and then their indexes.
    grown[ipma.start + 10] += 1
    grown[ipma.end : ipma.end] = bytes((0x80 | index,))
    grown[ipco.end : ipco.end] = clap
    added = {"meta": len(clap) + 1, "meta/iprp": len(clap) + 1}
    added |= {"meta/iprp/ipco": len(clap), "meta/iprp/ipma": 1}
    for path, count in added.items():
        found = boxes.first(avif, path)
        assert found is not None
        place = found.start - 8 + (len(clap) if path.endswith("ipma") else 0)
        (length,) = struct.unpack_from(">L", grown, place)
        struct.pack_into(">L", grown, place, length + count)
    return _moved(bytes(grown), avif, len(clap) + 1)


def _moved(grown: bytes, avif: bytes, by: int) -> bytes:
    """Return the file with the offset in its `iloc` box raised."""
    data = boxes.first(avif, "mdat")
    assert data is not None
    before, after = struct.pack(">L", data.start), struct.pack(">L", data.start + by)
    iloc = boxes.first(grown, "meta/iloc")
    assert iloc is not None
    content = grown[iloc.start : iloc.end]
    assert before in content
    return grown[: iloc.start] + content.replace(before, after) + grown[iloc.end :]

"""Pictures and broken files that tests make for themselves, in memory or in a folder of theirs.

corners()                  a picture whose four quarters tell up from down and left from right
encode(image, "JPEG")      its bytes in any format that this machine writes
stored_as(image, 6)        what a camera stores so that EXIF orientation 6 displays `image`
exif(taken=..., ...)       an EXIF block
raw_photo(pixels)          a camera's RAW file (DNG), with or without a preview
rgb_profile(), ink_profile()   ICC profiles: a matrix profile, a CMYK profile
png(width, height, ...)    a PNG built chunk by chunk, for what no encoder would write
write_broken_files(folder) one file of every kind that cannot be read, with the reason
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import ExifTags, Image, features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Colour = tuple[int, int, int]
RED: Final = (220, 40, 30)
GREEN: Final = (40, 180, 60)
BLUE: Final = (30, 60, 200)
YELLOW: Final = (230, 210, 40)

LOSSLESS_FORMATS: Final = ("PNG", "BMP", "TIFF", "PPM", "WEBP", "JPEG2000")
_LOSSLESS_OPTIONS: Final[dict[str, dict[str, Any]]] = {"WEBP": {"lossless": True, "exact": True}}
_NEEDED_FEATURES: Final = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}

_INVERSE_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Return a picture that is red, green, blue and yellow from top left to bottom right."""
    image = Image.new("RGB", (width, height), RED)
    middle, half = width // 2, height // 2
    image.paste(GREEN, (middle, 0, width, half))
    image.paste(BLUE, (0, half, middle, height))
    image.paste(YELLOW, (middle, half, width, height))
    return image


def photograph(width: int, height: int, *, seed: int = 0) -> Image.Image:
    """Return a smooth random picture whose spectrum falls off as a photograph's does."""
    generator = np.random.default_rng(seed)
    across, down = np.fft.rfftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    falloff = np.maximum(np.hypot(across, down), 1 / max(width, height)) ** 1.2
    channels = []
    for _ in range(3):
        spectrum = np.fft.rfft2(generator.standard_normal((height, width))) / falloff
        channel = np.fft.irfft2(spectrum, s=(height, width))
        channels.append(128 + 45 * (channel - channel.mean()) / max(float(channel.std()), 1e-9))
    return Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))


def can_write(picture_format: str) -> bool:
    """Tell whether this machine can write, and so test, a format."""
    if picture_format == "HEIF":
        try:
            import pillow_heif
        except ImportError:
            return False
        return bool(pillow_heif.libheif_info()["encoders"])
    needed = _NEEDED_FEATURES.get(picture_format)
    return needed is None or bool(features.check(needed))


def encode(image: Image.Image, picture_format: str, **options: Any) -> bytes:
    """Return the picture's bytes in a format; lossless where the format can be.

    Args:
        image: a picture in a mode that the format holds.
        picture_format: Pillow's name of it, "MPO" or "HEIF".
        options: what Pillow's `save` (or pillow_heif's) takes besides.
    """
    file = BytesIO()
    if picture_format == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(file, **{"quality": 95, "chroma": 444, **options})
    else:
        if picture_format == "ICO":
            options.setdefault("sizes", [image.size])
        image.save(file, picture_format, **{**_LOSSLESS_OPTIONS.get(picture_format, {}), **options})
    return file.getvalue()


def stored_as(image: Image.Image, orientation: int) -> Image.Image:
    """Return the pixels that a viewer turns into `image` when EXIF says `orientation`."""
    method = _INVERSE_TRANSPOSITIONS.get(orientation)
    return image if method is None else image.transpose(method)


def exif(  # noqa: PLR0913 - one keyword for every tag that tests set
    *,
    orientation: int | None = None,
    taken: str | None = None,
    digitized: str | None = None,
    changed: str | None = None,
    make: str | None = None,
    model: str | None = None,
    lens: str | None = None,
    gps: dict[int, Any] | None = None,
) -> bytes:
    """Return an EXIF block with the tags that are given, text as it stands.

    `gps` maps GPS tags (1 and 2 latitude's reference and value, 3 and 4 longitude's) to values.
    """
    block = Image.Exif()
    base = ExifTags.Base
    main = {base.Orientation: orientation, base.DateTime: changed}
    main |= {base.Make: make, base.Model: model}
    for tag, value in main.items():
        if value is not None:
            block[tag] = value
    details = {base.DateTimeOriginal: taken, base.DateTimeDigitized: digitized}
    details |= {base.LensModel: lens}
    for tag, text in details.items():
        if text is not None:
            block.get_ifd(ExifTags.IFD.Exif)[tag] = text
    if gps:
        block.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    return block.tobytes()


# ── PNG, chunk by chunk ─────────────────────────────────────────────────────────────────────


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Return a PNG chunk with its length and checksum."""
    return (
        struct.pack(">L", len(content))
        + name
        + content
        + struct.pack(">L", zlib.crc32(name + content))
    )


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    depth: int = 8,
    colour: int = 2,
    chunks: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """Return a PNG whose every figure is the caller's, right or wrong.

    Args:
        width: as the header announces it.
        height: as the header announces it.
        rows: uncompressed scan lines, each led by its filter byte.
        depth: bits a sample.
        colour: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        chunks: (name, content) of what comes between the header and the pixels.
    """
    header = struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + b"".join(png_chunk(name, content) for name, content in chunks)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


# ── ICC profiles ────────────────────────────────────────────────────────────────────────────

# Primaries in XYZ relative to D50, one column a channel: the published matrix of Adobe RGB (1998)
# after Bradford adaptation, http://www.brucelindbloom.com/index.html?Eqn_RGB_XYZ_Matrix.html
WIDE_PRIMARIES: Final = (
    (0.6097559, 0.2052401, 0.1492240),
    (0.3111242, 0.6256560, 0.0632197),
    (0.0194811, 0.0608902, 0.7448387),
)
SRGB_PRIMARIES: Final = (
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
)
WIDE_GAMMA: Final = 2.19921875
_D50: Final = (0.9642, 1.0, 0.8249)


def rgb_profile(
    primaries: Sequence[Sequence[float]] = WIDE_PRIMARIES, gamma: float = WIDE_GAMMA
) -> bytes:
    """Return an ICC v2 matrix profile for RGB (ICC.1:2001-04, section 6.3.1.2)."""
    columns = list(zip(*primaries, strict=True))
    curve = b"curv" + struct.pack(">LLH", 0, 1, round(gamma * 256)) + b"\0\0"
    tags = [(b"wtpt", _xyz(_D50))]
    tags += [(name, _xyz(c)) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    """Return an ICC v2 profile for greyscale with a pure power curve."""
    curve = b"curv" + struct.pack(">LLH", 0, 1, round(gamma * 256)) + b"\0\0"
    return _profile(b"mntr", b"GRAY", b"XYZ ", [(b"wtpt", _xyz(_D50)), (b"kTRC", curve)])


def ink_profile(full: Sequence[int] = (60, 128, 128)) -> bytes:
    """Return an ICC v2 profile for CMYK: paper is white, black ink black, any colour one Lab.

    Args:
        full: Lab as 8-bit figures (L x 255 / 100, a + 128, b + 128) of every solid coloured ink.
    """
    identity = bytes(range(256))
    nodes = bytearray()
    for node in range(16):  # bits 8, 4, 2, 1: cyan, magenta, yellow, black
        nodes += bytes((255, 128, 128) if node == 0 else (0, 128, 128) if node % 2 else full)
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0))
    table += struct.pack(">9l", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += identity * 4 + bytes(nodes) + identity * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", [(b"wtpt", _xyz(_D50)), (b"A2B0", table)])


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3l", *(round(value * 65536) for value in values))


def _profile(
    device: bytes, space: bytes, connection: bytes, tags: list[tuple[bytes, bytes]]
) -> bytes:
    name = b"a profile of the tests\0"
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">L", len(name)) + name + bytes(78)),
        (b"cprt", b"text\0\0\0\0CC0\0"),
        *tags,
    ]
    offset = 128 + 4 + 12 * len(tags)
    table, contents = struct.pack(">L", len(tags)), b""
    for tag, content in tags:
        padded = content + bytes(-len(content) % 4)
        table += tag + struct.pack(">LL", offset + len(contents), len(content))
        contents += padded
    header = struct.pack(
        ">L4sL4s4s4s", offset + len(contents), b"\0" * 4, 0x02400000, device, space, connection
    )
    header += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3l", *(round(value * 65536) for value in _D50))
    return header.ljust(128, b"\0") + table + contents


# ── RAW ─────────────────────────────────────────────────────────────────────────────────────


def raw_photo(
    colour: Colour = (120, 200, 60),
    *,
    size: tuple[int, int] = (128, 96),
    preview: bytes | None = None,
    orientation: int = 1,
    taken: str = "2024:05:01 12:00:00",
) -> bytes:
    """Return a RAW file of one colour: an uncompressed Bayer DNG (DNG 1.4, chapters 2 to 4).

    Args:
        colour: linear sensor values, 8 bits.
        size: width and height of the sensor; LibRaw wants at least 22 pixels.
        preview: a JPEG to carry as the camera's own rendering.
        orientation: EXIF orientation of sensor and preview.
        taken: DateTime of the first directory.
    """
    width, height = size
    mosaic: NDArray[np.uint16] = np.empty((height, width), "<u2")
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = colour[0] * 257, colour[2] * 257
    mosaic[0::2, 1::2] = mosaic[1::2, 0::2] = colour[1] * 257
    sensor = mosaic.tobytes()
    # XYZ to linear sRGB, IEC 61966-2-1.
    matrix = (32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570)
    camera: list[tuple[int, str, Any]] = [
        (271, "ascii", b"Imaginary\0"),
        (272, "ascii", b"Imaginary One\0"),
        (274, "short", [orientation]),
        (306, "ascii", taken.encode() + b"\0"),
        (50706, "byte", [1, 4, 0, 0]),
        (50708, "ascii", b"Imaginary One\0"),
        (50721, "srational", [part for value in matrix for part in (value, 10000)]),
        (50728, "rational", [1, 1, 1, 1, 1, 1]),
        (50778, "short", [21]),
    ]
    bayer: list[tuple[int, str, Any]] = [
        (254, "long", [0]),
        (256, "long", [width]),
        (257, "long", [height]),
        (258, "short", [16]),
        (259, "short", [1]),
        (262, "short", [32803]),
        (273, "data", sensor),
        (277, "short", [1]),
        (278, "long", [height]),
        (279, "long", [len(sensor)]),
        (33421, "short", [2, 2]),
        (33422, "byte", [0, 1, 1, 2]),
        (50714, "short", [0]),
        (50717, "long", [65535]),
    ]
    if preview is None:
        return _tiff([camera + bayer])
    with Image.open(BytesIO(preview)) as shown:
        across, down = shown.size
    rendering: list[tuple[int, str, Any]] = [
        (254, "long", [1]),
        (256, "long", [across]),
        (257, "long", [down]),
        (258, "short", [8, 8, 8]),
        (259, "short", [7]),
        (262, "short", [6]),
        (273, "data", preview),
        (277, "short", [3]),
        (278, "long", [down]),
        (279, "long", [len(preview)]),
        (330, "directory", 1),
    ]
    return _tiff([camera + rendering, bayer])


_TYPES: Final = {
    "byte": (1, "B", 1),
    "short": (3, "H", 1),
    "long": (4, "L", 1),
    "rational": (5, "L", 2),
    "srational": (10, "l", 2),
}


def _tiff(directories: list[list[tuple[int, str, Any]]]) -> bytes:
    """Return a little-endian TIFF; "directory" names another one, "data" is stored elsewhere."""
    starts, offset = [], 8
    for directory in directories:
        starts.append(offset)
        offset += 2 + 12 * len(directory) + 4
    body, extra = b"", b""
    for directory in directories:
        body += struct.pack("<H", len(directory))
        for tag, kind, value in sorted(directory, key=lambda entry: entry[0]):
            if kind == "directory":
                number, count, field = 4, 1, struct.pack("<L", starts[value])
            elif kind == "data":
                number, count, field = 4, 1, struct.pack("<L", offset + len(extra))
                extra += value + bytes(len(value) % 2)
            elif kind == "ascii":
                number, count, field = 2, len(value), value
            else:
                number, code, parts = _TYPES[kind]
                count, field = len(value) // parts, struct.pack(f"<{len(value)}{code}", *value)
            if len(field) > 4:
                place = struct.pack("<L", offset + len(extra))
                extra += field + bytes(len(field) % 2)
                field = place
            body += struct.pack("<HHL", tag, number, count) + field.ljust(4, b"\0")
        body += bytes(4)
    return b"II*\0" + struct.pack("<L", 8) + body + extra


# ── Broken files ────────────────────────────────────────────────────────────────────────────


def damage(data: bytes, generator: np.random.Generator, *, flips: int) -> bytes:
    """Return the bytes with `flips` of them replaced at random."""
    broken = bytearray(data)
    for place in generator.integers(0, len(broken), flips):
        broken[place] = int(generator.integers(0, 256))
    return bytes(broken)


def write_broken_files(folder: Path) -> dict[str, str]:
    """Write one file of every kind that cannot be read.

    Returns:
        file name -> a word that the reason for refusing it must hold.
    """
    jpeg = encode(photograph(160, 120), "JPEG")
    whole_png = encode(photograph(160, 120), "PNG")
    files: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"These are only words.\n" * 40, "not a picture"),
        "page.jpg": (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "web page"),
        "document.png": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        "script.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        "film.heic": (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video"),
        "zeros.jpg": (bytes(5000), "zero bytes"),
        "noise.jpg": (np.random.default_rng(7).bytes(5000), "not a picture"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "half.png": (whole_png[: len(whole_png) // 2], "truncated"),
        "header_only.jpg": (jpeg[:20], "truncated"),
        "half.bmp": (encode(corners(), "BMP")[:3000], "truncated"),
        "half.gif": (encode(photograph(160, 120), "GIF")[:2000], "truncated"),
        "half.tif": (encode(photograph(160, 120), "TIFF")[:9000], "truncated"),
        "half.ppm": (encode(corners(), "PPM")[:3000], "truncated"),
        "gigantic.png": (png(100_000, 100_000, b"\0" * 10), "too large"),
        "no_width.png": (png(0, 10, b"\0" * 10), "damaged"),
        "scans.jpg": (_endless_scans(), "scans"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return {name: reason for name, (_, reason) in files.items()}


def _endless_scans() -> bytes:
    """Return a small progressive JPEG whose last scan is repeated thousands of times."""
    jpeg = encode(photograph(64, 64), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * 2000 + b"\xff\xd9"

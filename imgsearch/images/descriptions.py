"""What XMP and IPTC tell about an image, and where they lie in a file. Nothing here raises.

XMP: ISO 16684-1 and the specification's part 2 for its properties. IPTC: Information Interchange
Model 4.2, chapter 6. XMP that is continued in further segments of a JPEG is not read, and no
orientation is taken from XMP: viewers obey that of EXIF alone.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

from imgsearch.images import boxes
from imgsearch.images.tiff_directories import Tiff

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_XMP: Final = 4 << 20
_XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC_UUID: Final = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_EXIF_UUID: Final = b"JpgTiffExif->JP2"
_XMP_START: Final = re.compile(rb"<x:xmpmeta|<rdf:RDF")
_PHOTOSHOP_IPTC: Final = 0x0404
_TIFF_IPTC: Final = 33723
_PSD: Final = b"8BPS"
# Where TIFF, GIF, Photoshop and RAW hold XMP there is no box or chunk to ask for.
_SEARCHED: Final = (b"II", b"MM", b"GIF8", _PSD, b"FUJIFILM")

_PLACE: Final = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?\s*([NSEW])")


class Xmp:
    """The properties of an XMP packet, by their qualified names."""

    def __init__(self, packet: bytes | str | None) -> None:
        """Keep a packet for look-ups; one of more than 4 MiB counts as none."""
        packet = packet or ""
        if isinstance(packet, bytes):
            encoding = "utf-16" if packet[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
            packet = packet[: LONGEST_XMP + 1].decode(encoding, "replace")
        self._packet = packet if len(packet) <= LONGEST_XMP else ""

    def get(self, *names: str) -> str | None:
        """Return the text of the first of these properties that is there, None without any."""
        for name in names if self._packet else ():
            found = re.search(
                rf"""[\s<]{name}\s*(?:=\s*["']([^"'<>]*)["']|>\s*(?:<rdf:\w+>\s*)*([^<>]+)<)""",
                self._packet,
            )
            text = unescape(found[1] or found[2] or "").strip() if found else ""
            if text:
                return text
        return None

    def degrees(self, name: str) -> float | None:
        """Return a coordinate such as "48,51.49N" in degrees, north and east positive."""
        found = _PLACE.fullmatch(self.get(name) or "")
        if not found:
            return None
        degrees = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
        if degrees > (90 if found[4] in "NS" else 180):
            return None
        return -degrees if found[4] in "SW" else degrees


def find_xmp(info: Mapping[Any, Any], data: bytes) -> bytes | str | None:
    """Return a file's XMP packet, which its decoder has found or which lies in its bytes."""
    known = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(known, (bytes, str)):
        return known
    if data[4:8] in {b"jP  ", b"JXL "}:
        return boxes.content(data, "uuid", identity=_XMP_UUID) or boxes.content(data, "xml ")
    if not data.startswith(_SEARCHED) and data[4:8] != b"ftyp":
        return None
    found = _XMP_START.search(data)
    if not found:
        return None
    end = data.find(b"</rdf:RDF>", found.start(), found.start() + LONGEST_XMP)
    return data[found.start() : end] if end >= 0 else None


def find_iptc(info: Mapping[Any, Any], data: bytes) -> bytes | None:
    """Return a file's IPTC records, wherever its format keeps them."""
    resources = info.get("photoshop")
    if isinstance(resources, dict) and isinstance(resources.get(_PHOTOSHOP_IPTC), bytes):
        return bytes(resources[_PHOTOSHOP_IPTC])
    text = info.get("Raw profile type iptc")
    if isinstance(text, str):  # in a PNG, as ImageMagick writes it: three lines, then digits
        return _in_resource(text)
    if data[4:8] == b"jP  ":
        return boxes.content(data, "uuid", identity=_IPTC_UUID)
    if data[:2] in {b"II", b"MM"}:
        tiff = Tiff.of(data)
        found = tiff.directory(tiff.first_offset()).get(_TIFF_IPTC)
        return data[found.place : found.place + found.length] if found else None
    return None


def _in_resource(profile: str) -> bytes | None:
    try:
        resources = bytes.fromhex("".join(profile.split("\n")[3:]))
    except ValueError:
        return None
    _, found, records = resources.partition(b"8BIM\4\4\0\0")
    return records[4:] if found else None


def find_exif(data: bytes) -> bytes | None:
    """Return the EXIF of a JPEG 2000, which Pillow does not look for."""
    if data[4:8] != b"jP  ":
        return None
    return boxes.content(data, "uuid", identity=_EXIF_UUID)


def iptc_date(records: bytes | None, day: int, time: int) -> str | None:
    """Return a date of IPTC's second record as "20240501 120000", or without the time.

    Args:
        records: the bytes that `find_iptc` returns.
        day: number of the data set with the day, CCYYMMDD.
        time: number of the one with the time, HHMMSS±HHMM.
    """
    values: dict[int, str] = {}
    position, records = 0, records or b""
    while records[position : position + 1] == b"\x1c" and len(records) >= position + 5:
        length = int.from_bytes(records[position + 3 : position + 5], "big")
        if records[position + 1] == 2:  # noqa: PLR2004 - the application record
            text = records[position + 5 : position + 5 + length]
            values.setdefault(records[position + 2], text.decode("ascii", "replace"))
        position += 5 + length
    if day not in values:
        return None
    return f"{values[day]} {values.get(time, '')[:6]}"

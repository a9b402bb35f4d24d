"""Dates, cameras, lenses and places are found in whichever block of a file they stand."""

from __future__ import annotations

import struct
from typing import Any

import picture_files
import pytest
import test_rare_formats
from hypothesis import given
from hypothesis import strategies as st
from picture_checks import needs
from PIL import ExifTags, Image, TiffImagePlugin

from imgsearch.images.capture_dates import first_date, iso
from imgsearch.images.descriptions import Xmp, iptc_date
from imgsearch.images.lenses import lens_of
from imgsearch.images.loading import load
from imgsearch.images.metadata import Metadata


def packet(**properties: str) -> bytes:
    """Return an XMP packet; "exif_DateTimeOriginal" is the property exif:DateTimeOriginal."""
    texts = [f'{name.replace("_", ":")}="{text}"' for name, text in properties.items()]
    return (
        f"<x:xmpmeta><rdf:RDF><rdf:Description {' '.join(texts)}/></rdf:RDF></x:xmpmeta>".encode()
    )


def iptc(**values: str) -> bytes:
    """Return IPTC records of the second kind; "n55" is the data set 2:55."""
    return b"".join(
        struct.pack(">BBBH", 0x1C, 2, int(name[1:]), len(text)) + text.encode()
        for name, text in values.items()
    )


def photoshop(records: bytes) -> bytes:
    """Return the segment of a JPEG that holds IPTC records."""
    resource = b"8BIM\4\4\0\0" + struct.pack(">L", len(records)) + records
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content


def jpeg(*, xmp: bytes = b"", records: bytes = b"", **tags: Any) -> Metadata:
    options = {"xmp": xmp} if xmp else {}
    data = picture_files.encode(
        picture_files.corners(), "JPEG", exif=picture_files.exif(**tags), **options
    )
    return load(data[:2] + photoshop(records) + data[2:], size=8, resize="squash").metadata


def test_the_originals_date_comes_first_whichever_block_it_stands_in() -> None:
    """Each date is read once all those before it are gone."""
    sources: list[dict[str, Any]] = [
        {"taken": "2001:01:01 00:00:00"},
        {"xmp": {"exif_DateTimeOriginal": "2002-01-01T00:00:00"}},
        {"xmp": {"photoshop_DateCreated": "2003-01-01T00:00:00+02:00"}},
        {"records": {"n55": "20040101", "n60": "000000+0000"}},
        {"digitized": "2005:01:01 00:00:00"},
        {"xmp": {"xmp_CreateDate": "2006-01-01"}},
        {"records": {"n62": "20070101"}},
        {"changed": "2008:01:01 00:00:00"},
        {"xmp": {"xmp_ModifyDate": "2009-01-01T00:00:00Z"}},
    ]
    for first in range(len(sources)):
        tags: dict[str, Any] = {}
        xmp: dict[str, str] = {}
        records: dict[str, str] = {}
        for source in sources[first:]:
            xmp |= source.get("xmp", {})
            records |= source.get("records", {})
            tags |= {k: v for k, v in source.items() if k not in {"xmp", "records"}}
        found = jpeg(xmp=packet(**xmp) if xmp else b"", records=iptc(**records), **tags)
        assert found.taken == f"{2001 + first}-01-01T00:00:00"


def test_an_original_date_in_xmp_outranks_a_last_change_in_exif() -> None:
    xmp = packet(exif_DateTimeOriginal="2010-07-11T10:00:00")
    assert jpeg(xmp=xmp, changed="2010:08:15 09:00:00").taken == "2010-07-11T10:00:00"


def test_iptc_holds_day_and_time_apart() -> None:
    assert jpeg(records=iptc(n55="20100711", n60="101112+0200")).taken == "2010-07-11T10:11:12"
    assert jpeg(records=iptc(n55="20100711")).taken == "2010-07-11T00:00:00"
    assert jpeg(records=iptc(n55="00000000", n60="101112")).taken is None


def test_iptc_in_the_text_of_a_png_and_in_a_photoshop_document_is_found() -> None:
    resource = photoshop(iptc(n55="20100711", n60="101112+0200"))[18:]
    text = f"\niptc\n{len(resource):8}\n{resource.hex()}\n".encode()
    png = picture_files.encode(picture_files.corners(), "PNG")
    chunk = picture_files.png_chunk(b"tEXt", b"Raw profile type iptc\0" + text)
    assert load(png[:33] + chunk + png[33:], size=8, resize="squash").metadata.taken == (
        "2010-07-11T10:11:12"
    )
    document = test_rare_formats.photoshop(picture_files.corners(8, 8), resources=resource + b"\0")
    assert load(document, size=8, resize="squash").metadata.taken == "2010-07-11T10:11:12"


@pytest.mark.parametrize(
    "picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "JPEG2000", "AVIF"]
)
def test_xmp_is_found_in_every_format_that_holds_it(picture_format: str) -> None:
    needs(picture_format)
    xmp = packet(
        exif_DateTimeOriginal="2010-07-11T10:00:00", tiff_Make="Imaginary", tiff_Model="One",
        aux_Lens="50 mm", exif_GPSLatitude="48,51.5N", exif_GPSLongitude="2,30,0W",
    )  # fmt: skip
    image = picture_files.corners(96, 64)
    if picture_format == "PNG":
        png = picture_files.encode(image, "PNG")
        text = picture_files.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        data = png[:33] + text + png[33:]
    elif picture_format == "TIFF":
        data = picture_files.encode(image, "TIFF", tiffinfo={700: xmp})
    elif picture_format == "GIF":
        gif = picture_files.encode(image, "GIF")
        start = 13 + (3 << (gif[10] & 7) + 1)
        trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
        data = gif[:start] + b"!\xff\x0bXMP DataXMP" + xmp + trailer + gif[start:]
    elif picture_format == "JPEG2000":
        uuid = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
        jp2 = picture_files.encode(image, "JPEG2000")
        data = jp2[:32] + struct.pack(">L", 24 + len(xmp)) + b"uuid" + uuid + xmp + jp2[32:]
    else:
        data = picture_files.encode(image, picture_format, xmp=xmp)
    assert load(data, size=8, resize="squash").metadata == Metadata(
        96, 64, picture_format, "2010-07-11T10:00:00", "Imaginary One", "50 mm", 48.8583333, -2.5
    )


def test_the_exif_of_jpeg_2000_tells_the_date_and_does_not_turn_the_image() -> None:
    needs("JPEG2000")
    block = picture_files.exif(
        orientation=6, taken="2024:05:01 12:34:56", make="Imaginary", model="One"
    ).removeprefix(b"Exif\0\0")
    jp2 = picture_files.encode(picture_files.corners(96, 64), "JPEG2000")
    uuid = struct.pack(">L", 24 + len(block)) + b"uuidJpgTiffExif->JP2" + block
    metadata = load(jp2[:32] + uuid + jp2[32:], size=8, resize="squash").metadata
    assert metadata == Metadata(96, 64, "JPEG2000", "2024-05-01T12:34:56", "Imaginary One")


def test_xmp_may_write_properties_as_elements() -> None:
    xmp = Xmp(
        b"<rdf:Description><exif:DateTimeOriginal>2010-07-11</exif:DateTimeOriginal>"
        b"<photoshop:DateCreated><rdf:Seq> <rdf:li>2011</rdf:li></rdf:Seq></photoshop:DateCreated>"
        b"<tiff:Make> </tiff:Make><tiff:Model>A &amp; B</tiff:Model></rdf:Description>"
    )
    assert xmp.get("exif:DateTimeOriginal") == "2010-07-11"
    assert xmp.get("photoshop:DateCreated") == "2011"
    assert xmp.get("tiff:Make", "tiff:Model") == "A & B"
    assert xmp.get("aux:Lens") is None


def test_a_place_beyond_the_pole_is_none() -> None:
    for text, degrees in (("91,0.0N", None), ("48,51.49", None), ("1,30.0S", -1.5)):
        assert Xmp(packet(exif_GPSLatitude=text)).degrees("exif:GPSLatitude") == degrees


@pytest.mark.parametrize(
    ("texts", "date"),
    [
        (["2006:10:29", "2006:10:29 06:27:51"], "2006-10-29T06:27:51"),
        (["2006:10:29", None, "2006:10:30 06:27:51"], "2006-10-29T00:00:00"),
        (["2006:10:29 00:00:00", "2006:10:29 06:27:51"], "2006-10-29T00:00:00"),
        (["2006:10:29 24:00:00", "2006:10:29 06:27:51"], "2006-10-29T06:27:51"),
        (["", "nonsense"], None),
    ],
)
def test_a_day_takes_the_time_of_another_text_of_that_day(
    texts: list[str | None], date: str | None
) -> None:
    assert first_date(texts) == date


@given(st.binary(), st.text())
def test_blocks_of_any_bytes_raise_nothing(block: bytes, text: str) -> None:
    Xmp(block).get("exif:DateTimeOriginal")
    Xmp(text).degrees("exif:GPSLatitude")
    iptc_date(b"\x1c\2\x37" + block, day=55, time=60)
    iso(text)
    for head in (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b""):
        lens_of(head + block)
    assert first_date([None, "", text, "2024:05:01"]) is not None


# ── Lenses ──────────────────────────────────────────────────────────────────────────────────


def noted(make: str, note: bytes) -> str | None:
    """Return the lens of a JPEG with a maker's note."""
    block = Image.Exif()
    block[ExifTags.Base.Make] = make
    block.get_ifd(ExifTags.IFD.Exif)[0x927C] = note
    data = picture_files.encode(picture_files.corners(), "JPEG", exif=block.tobytes())
    if make == "Canon":  # its offsets count from the start of the EXIF
        start = data.index(b"MM\0*")
        place = data.index(b"@@@@")
        data = data.replace(b"@@@@", struct.pack(">L", data.index(b"EF50mm") - start))
        assert place
    return load(data, size=8, resize="squash").metadata.lens


def test_lenses_are_found_in_makers_notes() -> None:
    canon = struct.pack(">HHHL", 1, 0x0095, 2, 14) + b"@@@@" + bytes(4) + b"EF50mm f/1.8 II\0"
    assert noted("Canon", canon) == "EF50mm f/1.8 I"
    inner = struct.pack(">HHHLL", 1, 0x0084, 5, 4, 26) + bytes(4)
    inner += struct.pack(">8L", 18, 1, 55, 1, 35, 10, 56, 10)
    nikon = b"Nikon\0\2\x10\0\0MM\0*" + struct.pack(">L", 8) + inner
    assert noted("NIKON CORPORATION", nikon) == "18-55mm f/3.5-5.6"
    equipment = struct.pack("<HHHLL", 1, 0x0203, 2, 12, 48) + bytes(4)
    olympus = b"OLYMPUS\0II\3\0" + struct.pack("<HHHLL", 1, 0x2010, 13, 1, 30) + bytes(4)
    assert noted("OLYMPUS", olympus + equipment + b"17mm F1.8\0\0\0") == "17mm F1.8"
    assert noted("Sony", b"SONY DSC \0\0\0") is None


def test_a_lens_without_a_name_is_told_by_its_range() -> None:
    block = Image.Exif()
    rationals = [TiffImagePlugin.IFDRational(*pair) for pair in ((24, 1), (70, 1), (28, 10))]
    block.get_ifd(ExifTags.IFD.Exif)[0xA432] = (*rationals, rationals[-1])
    data = picture_files.encode(picture_files.corners(), "JPEG", exif=block.tobytes())
    assert load(data, size=8, resize="squash").metadata.lens == "24-70mm f/2.8"

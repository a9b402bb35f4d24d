"""A format is one row of a table, whoever adds it; today's rows are what galleries rely on."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import picture_files
import pytest
from picture_checks import reason_for, squash
from PIL import Image, ImageFile

from imgsearch.errors import UsageError
from imgsearch.images import formats, signatures
from imgsearch.images.decoding import Decoded, admit
from imgsearch.images.format_row import Format
from imgsearch.images.metadata import Metadata
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from imgsearch.gallery.gallery import Gallery
    from imgsearch.images.decoding import Needed

    Register = Callable[[Format], None]

BUILT_IN = {
    "JPEG": ".jpg .jpeg .jpe .jfif .jif .mpo",
    "PNG": ".png .apng",
    "GIF": ".gif",
    "JPEG2000": ".jp2 .j2k .j2c .jpc .jpf .jpx",
    "WEBP": ".webp",
    "RAW": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf "
    ".pef .raf .rw2 .rwl .sr2 .srf .srw .x3f",
    "TIFF": ".tif .tiff",
    "AVIF": ".avif .avifs",
    "HEIF": ".heic .heif .heics .heifs .hif",
    "BMP": ".bmp .dib",
    "PPM": ".ppm .pgm .pbm .pnm .pfm",
    "JXL": ".jxl",
    "PSD": ".psd",
    "SGI": ".sgi",
    "PCX": ".pcx",
    "ICO": ".ico",
    "TGA": ".tga",
}


IMPORTED = {"pillow-heif": "pillow_heif", "rawpy": "rawpy", "pillow-jxl-plugin": "pillow_jxl"}


@pytest.fixture
def register() -> Iterator[Register]:
    """Return what adds a row for the length of a test."""
    added: list[Callable[[], None]] = []
    yield lambda row: added.append(formats.register(row))
    for take_out in added:
        take_out()


# ── A format from outside ───────────────────────────────────────────────────────────────────


def toy(image: Image.Image) -> bytes:
    """Return a file of a format that this test invents: a magic, width, height, RGB bytes."""
    width, height = image.size
    return b"TOY!" + bytes((width, height)) + image.tobytes()


def decode_toy(data: bytes, row: Format, _needed: Needed, turn: ExitStack) -> Decoded:
    """Decode such a file."""
    size = (data[4], data[5])
    admit(size, row.name, turn)
    image = Image.frombytes("RGB", size, data[6:])
    return Decoded(image, Metadata(*size, row.name))


def toy_ends_early(data: bytes) -> bool:
    """Compare the file with its header."""
    return len(data) < 6 or len(data) < 6 + 3 * data[4] * data[5]


TOY = Format(
    "TOY",
    (".toy",),
    matches=signatures.begins_with(b"TOY!"),
    decoder=decode_toy,
    ends_early=toy_ends_early,
)


def test_a_gallery_finds_files_of_a_format_from_outside(
    gallery: Gallery, photos: Path, register: Register
) -> None:
    query = photos / "trip0" / "00.png"
    with Image.open(query) as image:
        whole = toy(image.convert("RGB"))
    (photos / "whole.toy").write_bytes(whole)
    assert gallery.index(photos).embedded == 12
    register(TOY)
    (photos / "cut.toy").write_bytes(whole[:-1])
    report = gallery.index(photos)
    assert (report.new, report.embedded) == (2, 1)
    assert [(file.path.name, file.reason) for file in report.unreadable_files] == [
        ("cut.toy", "truncated: the file ends before the picture does")
    ]
    best, *_ = gallery.query(query, k=2)
    assert best.path.name == "whole.toy"
    assert best.score == pytest.approx(1, abs=1e-3)
    for name in ("toy", "TOY", ".toy"):
        (found,) = gallery.query(query, k=5, where=Filters(formats=(name,)))
        assert found.path.name == "whole.toy"


def test_a_missing_package_of_a_format_from_outside_is_named(register: Register) -> None:
    def decode(data: bytes, row: Format, needed: Needed, turn: ExitStack) -> Decoded:
        import no_such_codec

        assert no_such_codec
        return decode_toy(data, row, needed, turn)

    magic = signatures.begins_with(b"TOY!")
    register(Format("TOY", (".toy",), matches=magic, decoder=decode, package="toy-codec"))
    assert reason_for(toy(picture_files.corners(8, 8))) == (
        "TOY needs a package that is not installed: pip install toy-codec"
    )


def test_a_decoder_may_be_named_and_is_loaded_by_the_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register: Register
) -> None:
    (tmp_path / "toy_reader.py").write_text("from test_formats import decode_toy as decode\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    magic = signatures.begins_with(b"TOY!")
    register(Format("TOY", (".toy",), matches=magic, decoder="toy_reader:decode"))
    assert "toy_reader" not in sys.modules
    image = picture_files.corners(8, 8)
    np.testing.assert_array_equal(squash(toy(image)), np.asarray(image))
    monkeypatch.delitem(sys.modules, "toy_reader")


@pytest.mark.parametrize("lenient", [False, True])
def test_another_of_pillows_formats_is_one_row(
    *, lenient: bool, monkeypatch: pytest.MonkeyPatch, register: Register
) -> None:
    """It is as strict about files that end early as the rows that are built in."""
    image = picture_files.corners(8, 8)
    data = picture_files.encode(image, "DDS")
    assert "not a picture" in reason_for(data)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    register(
        Format(
            "DDS",
            (".dds",),
            matches=signatures.begins_with(b"DDS "),
            opener="PIL.DdsImagePlugin:DdsImageFile",
        )
    )
    np.testing.assert_array_equal(squash(data), np.asarray(image))
    assert "truncated" in reason_for(data[:200])


def test_a_row_from_outside_is_asked_first_and_leaves_no_trace(register: Register) -> None:
    before = formats.all_formats(), formats.suffixes(), formats.decoders_fingerprint()
    whole = picture_files.encode(picture_files.corners(), "PNG")
    take_out = formats.register(
        Format("SCREENSHOT", (".png",), matches=lambda data: data == whole, decoder=decode_toy)
    )
    found = formats.identify(whole)
    assert found is not None
    assert found.name == "SCREENSHOT"
    register(TOY)
    assert formats.suffixes() == before[1] | {".toy"}
    with pytest.raises(UsageError, match="format TOY: there is one of that name"):
        formats.register(TOY)
    take_out()
    assert TOY in formats.all_formats()
    assert formats.decoders_fingerprint() == f"{before[2]}+toy-registered"


def test_files_refused_before_are_tried_again_once_a_row_is_added(
    gallery: Gallery, photos: Path, register: Register
) -> None:
    image = picture_files.corners(8, 8)
    (photos / "really_a_toy.png").write_bytes(toy(image))
    (refused,) = gallery.index(photos).unreadable_files
    assert refused.reason == "not a picture that can be read (no known format)"
    register(TOY)
    report = gallery.index(photos)
    assert (report.embedded, report.unreadable_files) == (1, ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"suffixes": ("toy",), "decoder": decode_toy}, "'toy' must begin with a dot"),
        ({"suffixes": (".TOY",), "decoder": decode_toy}, "'.TOY' must begin with a dot"),
        ({"suffixes": (".toy",)}, "give it a decoder, or one of Pillow's classes"),
    ],
)
def test_a_row_that_could_never_work_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Format("TOY", matches=TOY.matches, **options)


# ── The rows that are built in ──────────────────────────────────────────────────────────────


def test_the_names_that_galleries_hold_and_the_suffixes_are_these() -> None:
    assert {row.name: " ".join(row.suffixes) for row in formats.FORMATS} == BUILT_IN
    assert formats.suffixes() == {s for names in BUILT_IN.values() for s in names.split()}
    assert not {".eps", ".ps", ".pdf", ".svg"} & formats.suffixes()


def test_no_suffix_is_in_two_rows() -> None:
    listed = [suffix for row in formats.FORMATS for suffix in row.suffixes]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("row", formats.FORMATS, ids=lambda row: row.name)
def test_what_a_row_names_is_there(row: Format) -> None:
    if row.package:
        pytest.importorskip(IMPORTED[row.package])
    assert callable(formats.decoder_of(row))
    assert row.opener is None or callable(formats.named(row.opener))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jpg", "JPEG"),
        ("JPEG", "JPEG"),
        (".Heic", "HEIF"),
        ("tif", "TIFF"),
        ("jp2", "JPEG2000"),
        ("png", "PNG"),
        ("dng", "RAW"),
        ("raw", "RAW"),
        ("xyz", "XYZ"),
        ("", ""),
    ],
)
def test_a_name_or_suffix_in_any_case_means_a_format(text: str, name: str) -> None:
    assert formats.name_of(text) == name


def test_the_fingerprint_is_the_text_that_galleries_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another text would have every file that was refused read again."""
    versions = {"pillow": "13.0.0", "pillow-heif": "1.8.1"}

    def version(package: str) -> str:
        if package not in versions:
            raise importlib.metadata.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert formats.decoders_fingerprint() == "reader-3+pillow-13.0.0+heif-1.8.1+jxl-none+raw-none"


def test_the_table_loads_neither_pillow_nor_numpy() -> None:
    program = (
        "import sys; from imgsearch.images import formats; "
        "formats.suffixes(); formats.identify(b'II*\\0' + bytes(40)); formats.name_of('jpg'); "
        "print({'PIL', 'numpy', 'pillow_heif', 'rawpy', 'importlib.metadata'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"

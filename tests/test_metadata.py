"""EXIF tells when, where and with what a picture was taken, or nothing, and never fails."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import picture_files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_checks import EXIF_FORMATS, needs, squash
from PIL import ExifTags, Image, TiffImagePlugin

from imgsearch.images.exif import clean_text, read_metadata
from imgsearch.images.loading import load
from imgsearch.images.metadata import TEXT_LIMIT, Metadata
from imgsearch.images.quiet import quietly

Rational = TiffImagePlugin.IFDRational


def metadata_of(**tags: Any) -> Metadata:
    """Return what is read from a JPEG with these tags."""
    data = picture_files.encode(picture_files.corners(), "JPEG", exif=picture_files.exif(**tags))
    return load(data, size=8, resize="squash").metadata


def gps(latitude: Any, north: Any, longitude: Any, east: Any) -> tuple[float | None, float | None]:
    tags = {1: north, 2: latitude, 3: east, 4: longitude}
    metadata = metadata_of(gps={tag: value for tag, value in tags.items() if value is not None})
    return metadata.latitude, metadata.longitude


@pytest.mark.parametrize("picture_format", EXIF_FORMATS)
def test_every_format_that_holds_exif_gives_all_of_it(picture_format: str) -> None:
    needs(picture_format)
    block = picture_files.exif(
        orientation=1,
        taken="2024:05:01 12:34:56",
        make="Imaginary",
        model="One",
        lens="50 mm f/1.8",
        gps={1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)},
    )
    data = picture_files.encode(picture_files.corners(96, 64), picture_format, exif=block)
    assert load(data, size=8, resize="squash").metadata == Metadata(
        width=96,
        height=64,
        format=picture_format,
        taken="2024-05-01T12:34:56",
        camera="Imaginary One",
        lens="50 mm f/1.8",
        latitude=48.8582222,
        longitude=2.2945,
        orientation=1,
    )


def test_a_picture_without_exif_has_a_size_and_a_format() -> None:
    data = picture_files.encode(picture_files.corners(96, 64), "PNG")
    assert load(data, size=8, resize="squash").metadata == Metadata(96, 64, "PNG")


def test_a_reduced_jpeg_keeps_the_size_of_the_whole() -> None:
    data = picture_files.encode(picture_files.photograph(803, 601), "JPEG")
    metadata = load(data, size=16, resize="squash").metadata
    assert (metadata.width, metadata.height) == (803, 601)


# ── Time ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024:05:01 12:00:00", "2024-05-01T12:00:00"),
        ("2024:05:01 12:00:00.789", "2024-05-01T12:00:00"),
        ("2024:05:01 12:00:00+02:00", "2024-05-01T12:00:00"),
        ("2024-05-01 12:00:00", "2024-05-01T12:00:00"),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00"),
        ("2024/05/01 12:00", "2024-05-01T12:00:00"),
        ("2024:05:01", "2024-05-01T00:00:00"),
        ("2024:5:1 7:03:09", "2024-05-01T07:03:09"),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2024:13:01 12:00:00", None),
        ("2023:02:29 12:00:00", None),
        ("2024:05:01 24:00:00", "2024-05-01T00:00:00"),
        ("2024:05:01 12:60:00", "2024-05-01T12:00:00"),
        ("2024:05:01 12:30:60", "2024-05-01T12:30:00"),
        ("2024:05:01 12:30:70", "2024-05-01T12:30:00"),
        ("20200615 12:30:45", "2020-06-15T12:30:45"),
        ("20200615", "2020-06-15T00:00:00"),
        ("20200615T123045", "2020-06-15T12:30:45"),
        ("2024:05:01 noon", "2024-05-01T00:00:00"),
        ("1066:10:14 09:00:00", None),
        ("202006151", None),
        ("2024-05", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_read_as_they_are_written_or_not_at_all(text: str, expected: str | None) -> None:
    assert metadata_of(taken=text).taken == expected


def test_the_moment_of_exposure_comes_first_then_scanning_then_the_last_change() -> None:
    exposed, scanned, changed = (f"200{n}:01:01 00:00:00" for n in (1, 2, 3))
    assert metadata_of(taken=exposed, digitized=scanned, changed=changed).taken == (
        "2001-01-01T00:00:00"
    )
    assert metadata_of(digitized=scanned, changed=changed).taken == "2002-01-01T00:00:00"
    assert metadata_of(changed=changed).taken == "2003-01-01T00:00:00"
    unset = "0000:00:00 00:00:00"
    assert metadata_of(taken=unset, digitized=scanned).taken == "2002-01-01T00:00:00"


# ── Camera and lens ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("Apple", "iPhone 13", "Apple iPhone 13"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("EASTMAN KODAK COMPANY", "KODAK DX6490", "KODAK DX6490"),
        ("samsung", "SM-G991B", "samsung SM-G991B"),
        ("HUAWEI", "huawei P30", "huawei P30"),
        ("SONY   ", "  ILCE-7M3 ", "SONY ILCE-7M3"),
        ("SONY\0rubbish", "ILCE-7M3\0\0\0", "SONY ILCE-7M3"),
        (None, "Pixel 8", "Pixel 8"),
        ("Google", None, "Google"),
        ("   ", "\0", None),
        (None, None, None),
    ],
)
def test_a_camera_is_its_make_and_model_said_once(
    make: str | None, model: str | None, expected: str | None
) -> None:
    assert metadata_of(make=make, model=model).camera == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        ("caf\u00c3\u00a9", "café"),
        ("naïve 日本", "naïve 日本"),
        (b"\x1b[31mred\x1b[0m\r\nline\ttab", "[31mred [0m line tab"),
        ("\u202egnp.exe", "gnp.exe"),
        (b"x" * 1000, "x" * TEXT_LIMIT),
        (b"\0after", None),
        (17, None),
        (("a", "b"), None),
        (None, None),
    ],
)
def test_text_is_decoded_leniently_and_holds_nothing_that_a_terminal_obeys(
    value: object, expected: str | None
) -> None:
    assert clean_text(value) == expected


@given(st.one_of(st.binary(), st.text()))
def test_any_text_becomes_one_printable_line(value: bytes | str) -> None:
    text = clean_text(value)
    assert text is None or (text.isprintable() and 0 < len(text) <= TEXT_LIMIT)


# ── Place ───────────────────────────────────────────────────────────────────────────────────


def test_degrees_minutes_and_seconds_add_up_with_the_hemispheres_sign() -> None:
    """33° 51' 24" S is -(33 + 51/60 + 24/3600) = -33.8566667; 151° 12' 54" E is 151.215."""
    south = (Rational(33), Rational(51), Rational(24))
    east = (Rational(151), Rational(12), Rational(54))
    assert gps(south, "S", east, "E") == (-33.8566667, 151.215)
    assert gps(south, "N", east, "W") == (33.8566667, -151.215)


def test_decimal_minutes_and_single_degrees_are_places_too() -> None:
    assert gps((10.0, 30.0), "N", (20.0, 15.0), "E") == (10.5, 20.25)
    assert gps((10.0, 30.6, 0.0), "n", (20.0, 15.0, 36.0), "w\0") == (10.51, -20.26)


@pytest.mark.parametrize(
    ("latitude", "north", "longitude", "east"),
    [
        ((Rational(0, 0), Rational(0, 0), Rational(0, 0)), "N", (1.0, 2.0, 3.0), "E"),
        ((1.0, 2.0, Rational(5, 0)), "N", (1.0, 2.0, 3.0), "E"),
        ((91.0, 0.0, 0.0), "N", (1.0, 2.0, 3.0), "E"),
        ((90.0, 0.0, 1.0), "S", (1.0, 2.0, 3.0), "E"),
        ((1.0, 2.0, 3.0), "N", (181.0, 0.0, 0.0), "E"),
        ((1.0, 2.0, 3.0), None, (1.0, 2.0, 3.0), "E"),
        ((1.0, 2.0, 3.0), "X", (1.0, 2.0, 3.0), "E"),
        ((1.0, 2.0, 3.0), "N", None, "E"),
        ((0.0, 0.0, 0.0), "N", (0.0, 0.0, 0.0), "E"),
    ],
    ids=[
        "no fix", "zero denominator", "beyond the pole", "a second beyond", "beyond the date line",
        "no hemisphere", "wrong hemisphere", "no longitude", "null island",
    ],
)  # fmt: skip
def test_half_a_place_is_none(latitude: Any, north: Any, longitude: Any, east: Any) -> None:
    assert gps(latitude, north, longitude, east) == (None, None)


@given(st.floats(-89.9, 89.9), st.floats(-179.9, 179.9))
@settings(max_examples=50, deadline=None)
def test_a_place_written_in_sexagesimal_is_read_back(latitude: float, longitude: float) -> None:
    def parts(value: float) -> tuple[float, float, float]:
        minutes, seconds = divmod(abs(value) * 3600, 60)
        degrees, minutes = divmod(minutes, 60)
        return degrees, minutes, seconds

    got = gps(
        parts(latitude), "N" if latitude >= 0 else "S",
        parts(longitude), "E" if longitude >= 0 else "W",
    )  # fmt: skip
    if got != (None, None):  # null island
        assert got == pytest.approx((latitude, longitude), abs=1e-4)
    else:
        assert abs(latitude) + abs(longitude) < 1e-6


# ── Rubbish ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0",
    ],
    ids=["nothing", "no TIFF", "words", "far away", "endless", "a directory within itself"],
)
def test_broken_exif_is_no_exif(block: bytes) -> None:
    image = picture_files.corners()
    image.info["exif"] = block
    assert read_metadata(image, image_format="JPEG") == Metadata(96, 64, "JPEG")


def test_damaged_exif_never_raises() -> None:
    block = picture_files.exif(
        orientation=6,
        taken="2024:05:01 12:34:56",
        make="Imaginary",
        model="One",
        lens="50 mm",
        gps={1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)},
    )
    generator = np.random.default_rng(5)
    for _ in range(600):
        image = Image.new("RGB", (3, 2))
        flips = int(generator.integers(1, 12))
        image.info["exif"] = picture_files.damage(block, generator, flips=flips)
        metadata = read_metadata(image, image_format="JPEG")
        assert metadata.orientation in range(1, 9)
        assert {metadata.width, metadata.height} == {2, 3}
        assert metadata.latitude is None or abs(metadata.latitude) <= 90
        assert metadata.longitude is None or abs(metadata.longitude) <= 180


@pytest.mark.parametrize("picture_format", EXIF_FORMATS)
def test_broken_exif_costs_no_picture(picture_format: str) -> None:
    needs(picture_format)
    block = picture_files.exif(orientation=6, make="Maker", taken="2024:05:01 12:00:00")
    whole = picture_files.encode(picture_files.corners(), picture_format, exif=block)
    if picture_format == "PNG":
        header, _, pixels = whole.partition(b"eXIf")
        broken = (
            header[:-4] + picture_files.png_chunk(b"eXIf", b"rubbish") + pixels[len(block) - 2 :]
        )
    elif picture_format == "TIFF":
        broken = whole.replace(b"2024:05:01 12:00:00", b"\xff" * 19)
    else:
        broken = whole.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\x08")
    assert broken != whole
    assert squash(broken).shape == (8, 8, 3)


# ── Warnings ────────────────────────────────────────────────────────────────────────────────


def test_a_library_that_copies_the_filters_of_warnings_can_copy_ours() -> None:
    """As scikit-learn does for its threads; it failed in every program that had read an image."""
    from sklearn.manifold import trustworthiness

    with warnings.catch_warnings():
        with quietly():
            pass
        points = np.random.default_rng(0).normal(size=(20, 2))
        assert trustworthiness(points, points, n_neighbors=3) == 1


def test_other_threads_and_modules_warn_as_before() -> None:
    heard: list[str] = []
    inside, done = threading.Event(), threading.Event()

    def decode() -> None:
        with quietly():
            inside.set()
            done.wait(10)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=decode)
        thread.start()
        inside.wait(10)
        warnings.warn_explicit("another thread", UserWarning, "x.py", 1, module="PIL.Image")
        with quietly():
            warnings.warn_explicit("hidden", UserWarning, "x.py", 2, module="PIL.Image")
            warnings.warn_explicit("another module", UserWarning, "x.py", 3, module="numpy")
        done.set()
        thread.join()
        heard = [str(warning.message) for warning in caught]
    assert heard == ["another thread", "another module"]


def test_a_date_of_the_original_counts_wherever_exif_holds_it() -> None:
    """Some editors write it into the first directory, where the date of the last change is."""
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = "2020:01:01 01:00:00"
    exif[ExifTags.Base.DateTimeOriginal] = "2006:05:27 12:37:03"
    jpeg = picture_files.encode(Image.new("RGB", (8, 8)), "JPEG", exif=exif)
    assert load(jpeg, size=8, resize="squash").metadata.taken == "2006-05-27T12:37:03"

"""Every file that cannot be read is refused with one short reason, and nothing else."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import picture_files
import pytest
from picture_checks import ALL_FORMATS, EXIF_FORMATS, needs
from PIL import Image

from imgsearch.errors import UnreadableImageError
from imgsearch.images.loading import load, read_file

if TYPE_CHECKING:
    from pathlib import Path


def test_every_broken_file_is_refused_with_its_reason(tmp_path: Path) -> None:
    for name, word in picture_files.write_broken_files(tmp_path).items():
        with pytest.raises(UnreadableImageError) as refusal:
            load(read_file(tmp_path / name), size=8, resize="squash")
        assert word in refusal.value.reason, name
        assert "\n" not in refusal.value.reason
        assert len(refusal.value.reason) < 160


@pytest.mark.parametrize("picture_format", [*ALL_FORMATS, "RAW"])
def test_damaged_bytes_raise_nothing_but_the_one_error(picture_format: str) -> None:
    if picture_format == "RAW":
        pytest.importorskip("rawpy")
        preview = picture_files.encode(picture_files.photograph(64, 48), "JPEG")
        whole = picture_files.raw_photo(size=(64, 48), preview=preview)
    else:
        needs(picture_format)
        options: dict[str, Any] = {}
        if picture_format in EXIF_FORMATS:
            gps = {1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (4.0, 5.0, 6.0)}
            options["exif"] = picture_files.exif(orientation=6, make="M", gps=gps)
        if picture_format in {"PNG", "JPEG", "TIFF", "WEBP"}:
            options["icc_profile"] = picture_files.rgb_profile()
        whole = picture_files.encode(picture_files.photograph(64, 48), picture_format, **options)
    generator = np.random.default_rng(11)
    reasons: list[str] = []
    for attempt in range(150):
        if attempt % 3 == 0:
            data = whole[: int(generator.integers(0, len(whole)))]
        elif attempt % 3 == 1:
            data = picture_files.damage(whole, generator, flips=int(generator.integers(1, 20)))
        else:
            head = picture_files.damage(whole[:300], generator, flips=3)
            data = head + whole[300:]
        try:
            picture = load(data, size=8, resize="squash")
        except UnreadableImageError as error:
            reasons.append(error.reason)
        else:
            assert picture.pixels.shape == (8, 8, 3)
    assert len(reasons) >= 25
    assert all(0 < len(reason) < 160 for reason in reasons)


def warned_of(jpeg: bytes) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(io.BytesIO(jpeg)) as image:
            image.getexif().get_ifd(0x8769)
    return caught


def test_what_pillow_warns_of_reaches_nobody() -> None:
    """The same bytes make Pillow warn when it is called directly."""
    block = picture_files.exif(make="A maker of cameras", taken="2024:05:01 12:00:00")
    broken = block.replace(struct.pack(">HHL", 271, 2, 19), struct.pack(">HHL", 271, 2, 9999))
    assert broken != block
    jpeg = picture_files.encode(picture_files.corners(), "JPEG", exif=broken)
    assert warned_of(jpeg)
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)
            load(jpeg, size=8, resize="squash")
        assert not caught


def test_a_wrong_argument_is_not_called_damage() -> None:
    sound = picture_files.encode(picture_files.corners(), "PNG")
    with pytest.raises(AttributeError, match="within"):
        load(sound, size=8, resize="squash", crop=(0, 0, 1, 1))  # type: ignore[arg-type]

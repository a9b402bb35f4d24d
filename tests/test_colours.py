"""Any mode, depth, transparency and colour profile becomes the sRGB that a viewer shows."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import picture_files
import pytest
from picture_checks import flat, largest_difference, needs, squash
from PIL import Image

from imgsearch.images import colours


def over_white(colour: tuple[int, ...], alpha: int) -> list[float]:
    return [(value * alpha + 255 * (255 - alpha)) / 255 for value in colour]


def palette_picture(*, transparency: bytes | int | None = None) -> bytes:
    """Two stripes of palette entries 0 and 1: (200, 30, 40) and (0, 100, 250)."""
    image = Image.new("P", (8, 8), 0)
    image.putpalette([200, 30, 40, 0, 100, 250])
    image.paste(1, (4, 0, 8, 8))
    options = {} if transparency is None else {"transparency": transparency}
    return picture_files.encode(image, "PNG", **options)


@pytest.mark.parametrize(
    ("picture_format", "mode", "colour", "expected"),
    [
        ("PNG", "1", 1, (255, 255, 255)),
        ("PNG", "1", 0, (0, 0, 0)),
        ("PNG", "L", 77, (77, 77, 77)),
        ("PNG", "LA", (77, 255), (77, 77, 77)),
        ("PNG", "LA", (0, 51), (204, 204, 204)),
        ("PNG", "RGB", (1, 2, 3), (1, 2, 3)),
        ("PNG", "RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("PNG", "RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("PNG", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("PNG", "I;16", 32768, (128, 128, 128)),
        ("PNG", "I;16", 257, (1, 1, 1)),
        ("PNG", "I;16", 65535, (255, 255, 255)),
        ("TIFF", "1", 1, (255, 255, 255)),
        ("TIFF", "L", 77, (77, 77, 77)),
        ("TIFF", "LA", (0, 51), (204, 204, 204)),
        ("TIFF", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("TIFF", "I;16", 32768, (128, 128, 128)),
        ("TIFF", "I;16B", 32768, (128, 128, 128)),
        ("TIFF", "I", 128, (128, 128, 128)),
        ("TIFF", "I", 32768, (128, 128, 128)),
        ("TIFF", "F", 0.5, (128, 128, 128)),
        ("TIFF", "CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("TIFF", "CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("TIFF", "CMYK", (0, 51, 102, 51), (204, 163, 122)),
        ("TIFF", "YCbCr", (128, 128, 128), (128, 128, 128)),
        ("TIFF", "LAB", (255, 128, 128), (255, 255, 255)),
        ("TIFF", "LAB", (153, 128, 128), (145, 145, 145)),
        ("PPM", "1", 0, (0, 0, 0)),
        ("PPM", "L", 77, (77, 77, 77)),
        ("PPM", "I", 32768, (128, 128, 128)),
        ("PPM", "F", 0.25, (64, 64, 64)),
        ("WEBP", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("JPEG2000", "L", 77, (77, 77, 77)),
        ("JPEG2000", "LA", (0, 51), (204, 204, 204)),
        ("JPEG2000", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("JPEG2000", "I;16", 32768, (128, 128, 128)),
        ("JPEG", "L", 77, (77, 77, 77)),
        ("JPEG", "CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("JPEG", "CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("JPEG", "CMYK", (0, 51, 102, 51), (204, 163, 122)),
        ("AVIF", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("AVIF", "L", 77, (77, 77, 77)),
        ("HEIF", "RGBA", (200, 100, 0, 51), over_white((200, 100, 0), 51)),
        ("HEIF", "L", 77, (77, 77, 77)),
        ("HEIF", "I;16", 32768, (128, 128, 128)),
    ],
)  # fmt: skip
def test_a_flat_picture_of_any_mode_has_its_colour(
    picture_format: str, mode: str, colour: Any, expected: tuple[float, ...]
) -> None:
    needs(picture_format)
    tolerance = 4 if picture_format in {"AVIF", "HEIF", "JPEG"} else 1
    pixels = squash(picture_files.encode(flat(mode, colour), picture_format))
    assert np.abs(pixels - np.asarray(expected)).max() <= tolerance


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("HSV", (0, 255, 255), (255, 0, 0)),
        ("RGBX", (10, 20, 30, 0), (10, 20, 30)),
        ("RGBa", (40, 20, 0, 51), (244, 224, 204)),
        ("La", (0, 51), (204, 204, 204)),
        ("PA", (0, 255), (0, 0, 0)),
        ("PA", (0, 0), (255, 255, 255)),
    ],
)
def test_modes_that_no_file_here_holds_are_flattened_too(
    mode: str, colour: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """RGBa and La hold colours already multiplied by alpha: (40, 20, 0) of 51 is 40 + 204."""
    flattened = colours.over_white(colours.in_resizable_mode(flat(mode, colour)))
    assert largest_difference(flattened.convert("RGB"), expected) <= 1


def test_palettes_with_any_kind_of_transparency_lie_over_white() -> None:
    first, second = (200, 30, 40), (0, 100, 250)
    for transparency, left, right in (
        (None, first, second),
        (0, (255, 255, 255), second),
        (1, first, (255, 255, 255)),
        (b"\x33\xff", over_white(first, 51), second),
        (b"\xff\x00", first, (255, 255, 255)),
    ):
        pixels = squash(palette_picture(transparency=transparency))
        assert np.abs(pixels[:, 0] - np.asarray(left)).max() <= 1
        assert np.abs(pixels[:, 7] - np.asarray(right)).max() <= 1


def test_a_transparent_gif_lies_over_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([200, 30, 40, 0, 100, 250])
    image.paste(1, (4, 0, 8, 8))
    pixels = squash(picture_files.encode(image, "GIF", transparency=0))
    assert pixels[3, 0].tolist() == [255, 255, 255]
    assert pixels[3, 7].tolist() == [0, 100, 250]


def test_sixteen_bits_a_channel_are_scaled_and_not_clipped() -> None:
    row = struct.pack(">12H", *(level for level in (0, 20000, 40000, 65535) for _ in range(3)))
    data = picture_files.png(4, 1, b"\0" + row, depth=16, colour=2)
    assert largest_difference(squash(data, 4)[0, :, 0], (0, 78, 156, 255)) <= 1


def test_sixteen_bit_grey_with_alpha_lies_over_white() -> None:
    row = struct.pack(">4H", 0, 65535, 0, 13107)
    data = picture_files.png(2, 1, b"\0" + row, depth=16, colour=4)
    assert largest_difference(squash(data, 2)[0, :, 0], (0, 204)) <= 1


def ramp(low: float, high: float, dtype: Any) -> bytes:
    values = np.linspace(low, high, 16).reshape(4, 4).astype(dtype)
    return picture_files.encode(Image.fromarray(values), "TIFF")


@pytest.mark.parametrize(
    ("low", "high", "dtype", "darkest", "brightest"),
    [
        (0, 65535, np.uint16, 0, 255),
        (0, 200, np.int32, 0, 200),
        (0, 40000, np.int32, 0, 156),
        (0, 2_000_000, np.int32, 0, 255),
        (1_000_000, 2_000_000, np.int32, 128, 255),
        (-1000, 1000, np.int32, 0, 255),
        (0, 1, np.float32, 0, 255),
        (0.25, 0.5, np.float32, 64, 128),
        (0, 800, np.float32, 0, 255),
        (-3, 1, np.float32, 0, 255),
        (-3e38, 3e38, np.float32, 0, 255),
    ],
)
def test_wide_greyscale_keeps_its_steps(
    low: float, high: float, dtype: Any, darkest: int, brightest: int
) -> None:
    levels = squash(ramp(low, high, dtype), 4)[..., 0].ravel()
    assert abs(levels[0] - darkest) <= 1
    assert abs(levels[-1] - brightest) <= 1
    assert (np.diff(levels) > 0).all()


def test_what_is_no_number_is_black_and_spoils_nothing_else() -> None:
    values = np.array([[np.nan, 0.0], [0.5, 1.0]], np.float32)
    levels = squash(picture_files.encode(Image.fromarray(values), "TIFF"), 2)[..., 0]
    assert levels.tolist() == [[0, 0], [128, 255]]
    values[0] = (np.inf, -np.inf)
    levels = squash(picture_files.encode(Image.fromarray(values), "TIFF"), 2)[..., 0]
    assert levels.tolist() == [[255, 0], [128, 255]]
    nothing = np.full((4, 4), np.nan, np.float32)
    assert squash(picture_files.encode(Image.fromarray(nothing), "TIFF"), 2).max() == 0


def test_a_tiff_whose_zero_is_white_is_turned_over() -> None:
    image = Image.fromarray(np.full((4, 4), 65535, np.uint16))
    data = picture_files.encode(image, "TIFF", tiffinfo={262: 0})
    assert squash(data, 2).max() == 0


# ── Colour profiles ─────────────────────────────────────────────────────────────────────────


def by_hand_in_srgb(colour: tuple[int, int, int]) -> list[float]:
    """Adobe RGB (1998) to sRGB in float64 by the published matrices and curves."""
    wide = np.array(picture_files.WIDE_PRIMARIES)
    standard = np.linalg.inv(np.array(picture_files.SRGB_PRIMARIES))
    light = (np.array(colour) / 255) ** picture_files.WIDE_GAMMA
    linear = (standard @ wide @ light).clip(0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return list(255 * curve)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("colour", [(180, 90, 60), (90, 140, 100), (60, 70, 160), (128, 128, 128)])
def test_a_wide_gamut_profile_is_converted_to_srgb(
    picture_format: str, colour: tuple[int, int, int]
) -> None:
    needs(picture_format)
    data = picture_files.encode(
        flat("RGB", colour), picture_format, icc_profile=picture_files.rgb_profile()
    )
    tolerance = 2 if picture_format in picture_files.LOSSLESS_FORMATS else 5
    assert np.abs(squash(data) - by_hand_in_srgb(colour)).max() <= tolerance


def test_the_profile_changes_what_alpha_does_not_hide() -> None:
    data = picture_files.encode(
        flat("RGBA", (180, 90, 60, 0)), "PNG", icc_profile=picture_files.rgb_profile()
    )
    assert largest_difference(squash(data), (255, 255, 255)) <= 1


def test_a_grey_profile_changes_the_curve_of_grey() -> None:
    """Gamma 1.0 stores light itself: half the light is level 188 in sRGB (0.5 -> 0.7354)."""
    profile = picture_files.grey_profile(1.0)
    data = picture_files.encode(flat("L", 128), "PNG", icc_profile=profile)
    assert largest_difference(squash(data), (188, 188, 188)) <= 2


def test_grey_with_an_rgb_profile_obeys_it() -> None:
    profile = picture_files.rgb_profile(picture_files.SRGB_PRIMARIES, 1.0)
    data = picture_files.encode(flat("L", 128), "JPEG", icc_profile=profile)
    assert largest_difference(squash(data), (188, 188, 188)) <= 2


@pytest.mark.parametrize("picture_format", ["JPEG", "TIFF"])
def test_inks_with_a_profile_become_the_colours_that_it_says(picture_format: str) -> None:
    """The profile makes every solid colour Lab (60, 0, 0), which is grey 145 in sRGB.

    L = 60 is Y = ((60 + 16) / 116)^3 = 0.2812, and sRGB's curve makes that 0.5672, level 145.
    Without the profile cyan would be (0, 255, 255).
    """
    profile = picture_files.ink_profile(full=(153, 128, 128))
    for inks, level in (((0, 0, 0, 0), 255), ((255, 0, 0, 0), 145), ((0, 0, 0, 255), 0)):
        data = picture_files.encode(flat("CMYK", inks), picture_format, icc_profile=profile)
        assert largest_difference(squash(data), (level, level, level)) <= 2


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        b"\0" * 400,
        picture_files.rgb_profile()[:200],
        picture_files.ink_profile(),
        picture_files.grey_profile(1.0),
    ],
    ids=["words", "zeros", "cut", "of inks", "of grey"],
)
def test_a_profile_that_cannot_apply_is_ignored(profile: bytes) -> None:
    data = picture_files.encode(flat("RGB", (180, 90, 60)), "PNG", icc_profile=profile)
    assert largest_difference(squash(data), (180, 90, 60)) == 0


def test_a_profile_that_is_srgb_changes_nothing() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture_files.photograph(32, 32)
    plain = picture_files.encode(image, "PNG")
    tagged = picture_files.encode(image, "PNG", icc_profile=profile)
    np.testing.assert_array_equal(squash(plain, 32), squash(tagged, 32))

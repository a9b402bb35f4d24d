"""The second look at originals: what moved between two exposures, and what was done to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scenes import cropped, save, scene

from imgsearch.duplicates.groups import Kind
from imgsearch.duplicates.judge import Judge
from imgsearch.duplicates.parallax import MOST, parallax
from imgsearch.images.loading import display, fingerprint
from imgsearch.images.renderings import Rendering

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch import Gallery

SIZE = (480, 360)
PLAIN = scene(3, SIZE)


def moved(image: Image.Image, pixels: int) -> Image.Image:
    """Return a picture whose right half has moved: near things, when the camera has."""
    width, height = image.size
    half = image.crop((width // 2 - pixels, 0, width - pixels, height))
    found = image.copy()
    found.paste(half, (width // 2, 0))
    return found


def off(tmp_path: Path, one: Image.Image, other: Image.Image, *, quality: int = 95) -> float | None:
    """Return how far patches of two pictures are off their places, as their files have them."""
    files = [
        save(image, tmp_path / f"{number}.jpg", quality=quality).read_bytes()
        for number, image in enumerate((one, other))
    ]
    renderings = {number: fingerprint(data).rendering for number, data in enumerate(files)}
    laid = Judge(renderings.get).lay(0, 1)
    assert laid is not None
    below, above = (Rendering.of(display(data, longest=512)) for data in files)
    return parallax(below, above, laid.agreement.placement)


@pytest.mark.parametrize("pixels", [3, 6])
def test_halves_that_moved_apart_are_off_by_half_of_that(tmp_path: Path, pixels: int) -> None:
    """The affine map goes through the middle; what bends around it remains."""
    found = off(tmp_path, PLAIN, moved(PLAIN, pixels))
    assert found is not None
    assert MOST < found < pixels


@pytest.mark.parametrize(
    "edited",
    [
        PLAIN.resize((240, 180), Image.Resampling.BICUBIC),
        ImageOps.mirror(PLAIN),
        PLAIN.transpose(Image.Transpose.ROTATE_90),
        cropped(PLAIN, 0.15, 0.1, 0.95, 0.9),
        ImageOps.expand(PLAIN, 30, "white"),
        ImageEnhance.Brightness(PLAIN).enhance(0.6).convert("L"),
        PLAIN.rotate(1, Image.Resampling.BICUBIC),
        PLAIN.resize((500, 340), Image.Resampling.BICUBIC),
    ],
    ids=["small", "mirrored", "turned", "cropped", "framed", "dark", "askew", "stretched"],
)
def test_what_is_done_to_one_exposure_leaves_all_of_it_in_place(
    tmp_path: Path, edited: Image.Image
) -> None:
    for one, other in ((PLAIN, edited), (edited, PLAIN)):
        found = off(tmp_path, one, other, quality=60)
        assert found is not None
        assert found < MOST / 2


def test_pictures_without_detail_tell_nothing() -> None:
    flat = Rendering.of(np.full((300, 400, 3), 120, np.uint8))
    placement = Judge({0: _kept(), 1: _kept()}.get).lay(0, 1)
    assert placement is not None
    assert parallax(flat, flat, placement.agreement.placement) is None


def _kept() -> bytes:
    from io import BytesIO

    written = BytesIO()
    PLAIN.save(written, "PNG")
    return fingerprint(written.getvalue()).rendering


@pytest.mark.parametrize(("second", "expected"), [("2024:05:01 12:00:02", Kind.BURST), ("", None)])
def test_another_exposure_is_no_copy(
    gallery: Gallery,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    second: str,
    expected: Kind | None,
) -> None:
    monkeypatch.setattr("imgsearch.duplicates.calibrating.EDITED", 3)
    folder = tmp_path / "album"
    for seed in range(10, 16):
        save(scene(seed), folder / f"{seed}.png")
    first = "2024:05:01 12:00:00" if second else ""
    save(PLAIN, folder / "a.jpg", taken=first, camera="Lumora")
    save(moved(PLAIN, 2), folder / "b.jpg", taken=second, camera="Lumora")
    gallery.index(folder)

    def kinds() -> list[Kind]:
        return [
            m.evidence.kind for group in gallery.duplicates(precision=0.5) for m in group.members
        ]

    monkeypatch.setattr("imgsearch.duplicates.parallax.PLAIN", -100.0)  # no second look
    before = kinds()
    assert len(before) == 1
    # However sure the renderings are, and however little has moved.
    monkeypatch.setattr("imgsearch.duplicates.parallax.MOST", 0.4)
    monkeypatch.setattr("imgsearch.duplicates.parallax.PLAIN", 100.0)
    assert kinds() == ([expected] if expected else [])
    folder.rename(tmp_path / "unplugged")
    assert kinds() == before, "without the originals there is no second look"

"""Images of a gallery by the hash of their content, for sheets and pages that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import write_picture
from PIL import Image

from imgsearch.errors import NoGalleryError, UnreadableImageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch import Gallery


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """Return a folder with one wide file whose EXIF turns it, red at its stored top."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:10, :, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored top is the right side
    (tmp_path / "photos").mkdir()
    Image.fromarray(pixels).save(tmp_path / "photos/turned.png", exif=exif)
    return tmp_path / "photos"


def content_of(gallery: Gallery, path: Path) -> str:
    """Return the hash of a file's content."""
    (match,) = gallery.query(path, k=1, include_self=True)
    return match.content


def test_an_image_is_given_upright_and_no_larger_than_wanted(
    gallery: Gallery, turned: Path
) -> None:
    gallery.index(turned)
    content = content_of(gallery, turned / "turned.png")
    whole = gallery.image(content)
    assert (whole.shape, whole.dtype) == ((40, 20, 3), np.uint8)
    assert whole[20, 19].tolist() == [255, 0, 0]
    assert whole[20, 0].tolist() == [0, 0, 0]
    assert gallery.image(content, longest=10).shape == (10, 5, 3)


def test_another_file_with_the_same_bytes_serves_when_the_first_is_gone(
    gallery: Gallery, photos: Path
) -> None:
    first = photos / "trip0/00.png"
    (photos / "copy.png").write_bytes(first.read_bytes())
    gallery.index(photos)
    content = content_of(gallery, first)
    (photos / "copy.png").unlink()
    write_picture(first, seed=99)
    with pytest.raises(UnreadableImageError, match="changed since it was indexed"):
        gallery.image(content)
    (photos / "copy.png").write_bytes(write_picture(first, seed=0).read_bytes())
    assert gallery.image(content).shape == (24, 24, 3)


def test_what_the_gallery_does_not_hold_is_refused(gallery: Gallery, photos: Path) -> None:
    with pytest.raises(NoGalleryError):
        gallery.image("0" * 64)
    gallery.index(photos)
    with pytest.raises(UsageError, match="none of hash"):
        gallery.image("../../etc/passwd")

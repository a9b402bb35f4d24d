"""HEIC and its kin to a picture, with pillow_heif, which is imported when such a file is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from imgsearch.images.geometry import whole
from imgsearch.images.metadata import read_metadata
from imgsearch.images.pillow_decoder import Decoded, Needed, admit
from imgsearch.images.refusals import missing_package

if TYPE_CHECKING:
    from contextlib import ExitStack


def decode_heif(data: bytes, kind: str, _needed: Needed, turn: ExitStack) -> Decoded:
    """Decode HEIC and its kin; libheif has turned the picture, whatever its EXIF says.

    Args:
        data: the bytes of the whole file.
        kind: "HEIF".
        turn: what a giant picture holds until it is done with; see `decoders.admit`.

    Raises:
        UnreadableImageError: pillow_heif is not installed, or the picture is too large.
        Exception: whatever pillow_heif raises for damaged files.
    """
    try:
        import pillow_heif
    except ImportError:
        raise missing_package("HEIC", "heif") from None
    opened = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    admit(opened.size, kind, turn)
    exif = _load_exif(opened.info.get("exif"))  # as stored; `to_pillow` takes the orientation out
    image: Image.Image = opened.to_pillow()
    metadata = read_metadata(image, picture_format=kind, upright=True, exif=exif)
    return Decoded(image, metadata, whole(image.size), image.info.get("icc_profile"))


def _load_exif(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    try:
        exif.load(block or b"")
    except Exception:  # noqa: BLE001 - a broken EXIF block raises nearly anything
        return Image.Exif()
    return exif

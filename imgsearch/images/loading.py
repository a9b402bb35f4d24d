"""From a file's bytes to RGB pixels: what the other rooms call.

The bytes decide, never the file's name. Each image becomes what a viewer shows, in sRGB: the
first frame, turned by EXIF, alpha over white, colour profile applied.

    loading ─► formats ─► signatures, truncation            the table: which format is it?
               the row's decoder ─► decoding, metadata      from bytes to an image
            ─► geometry, colours                            its size, turn and colours
            ─► refusals                                     why a file cannot be read
"""

from __future__ import annotations

import stat
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from imgsearch.addresses import Address
from imgsearch.errors import UnreadableImageError
from imgsearch.images.colours import in_resizable_mode, over_white, to_srgb
from imgsearch.images.fingerprints import SIDE, fingerprint_of
from imgsearch.images.formats import decoder_of, identify
from imgsearch.images.geometry import (
    CropBox,
    plan_display,
    plan_square,
    resized,
    rules_of,
)
from imgsearch.images.refusals import TRUNCATED, refusing, what_else
from imgsearch.recipe import DECODER_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.images.fingerprints import Fingerprint
    from imgsearch.images.geometry import Plan, Size
    from imgsearch.images.metadata import Metadata
    from imgsearch.recipe import Resize


MAX_FILE_BYTES: Final = 2 << 30

# ImageNet's mean colour: the pretrained networks subtract it or were trained around it, so that
# a border of it is as near to "nothing here" as a colour gets.
PAD_COLOUR: Final = (124, 116, 104)


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A decoded image, resized for a network.

    Attributes:
        pixels: uint8 (size, size, 3), C-contiguous, RGB in sRGB.
        metadata: what is known besides the pixels, of the full image.
        fingerprint: what is kept of the full image; None if that was not asked for.
    """

    pixels: NDArray[np.uint8]
    metadata: Metadata
    fingerprint: Fingerprint | None = None


def read_file(path: Path) -> bytes:
    """Return the bytes of a file, or of what lies at an address.

    Raises:
        UnreadableImageError: it vanished, is no regular file, is empty, is larger than 2 GiB,
            has a name that no file can have, or the operating system refuses.
    """
    if isinstance(path, Address):
        return _read_address(path)
    try:
        size = _checked_size(path)
        with path.open("rb") as file:
            # Python takes all the memory that it is told to read, before it reads.
            data = file.read(size + 1)
            if len(data) > size:  # it has grown meanwhile
                data += file.read(MAX_FILE_BYTES + 1 - len(data))
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file (it may have vanished)", name=str(path)) from error
    except PermissionError as error:
        raise UnreadableImageError("permission denied", name=str(path)) from error
    except OSError as error:
        reason = (error.strerror or "the operating system refuses").lower()
        raise UnreadableImageError(f"cannot be read: {reason}", name=str(path)) from error
    except ValueError as error:
        # A zero character or half a surrogate pair, as a table of ground truth may hold.
        raise UnreadableImageError("no file can have such a name", name=str(path)) from error
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to read it", name=str(path)) from error
    if not data:
        raise UnreadableImageError("empty (0 bytes)", name=str(path))
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableImageError("larger than 2 GiB", name=str(path))
    return data


def _read_address(address: Address) -> bytes:
    from imgsearch.sources import finding, protocol

    try:
        data = finding.read(address)
    except protocol.SourceError as error:
        raise UnreadableImageError(error.reason, name=str(address)) from error
    if not data:
        raise UnreadableImageError("empty (0 bytes)", name=str(address))
    return data


def _checked_size(path: Path) -> int:
    """Return a file's size; refuse what is no file or too large before a byte is read."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImageError("a folder, not a file", name=str(path))
    # A pipe or a device would block for ever where a file is expected.
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file", name=str(path))
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableImageError("larger than 2 GiB", name=str(path))
    return status.st_size


def load(
    data: bytes,
    *,
    size: int,
    resize: Resize,
    crop: CropBox | None = None,
    decoder: int = DECODER_VERSION,
    fingerprint: bool = False,
) -> LoadedImage:
    """Decode a file's bytes to a square of RGB pixels, for a network.

    "squash" fits the whole image into the square whatever its shape; "pad" keeps its shape
    and fills the rest with ImageNet's mean colour; "crop" takes the largest centred square.
    How it is resized, the decoding rules say.

    Args:
        data: the bytes of a whole file.
        size: side of the square in pixels.
        resize: how the image becomes a square.
        crop: only this part of the displayed image.
        decoder: version of the decoding rules, a recipe's where there is one.
        fingerprint: make that of the whole image too.

    Raises:
        UnreadableImageError: the bytes cannot be decoded; its reason says why.
        UsageError: the crop reaches beyond the image, or covers less than one pixel of it.
    """
    rules = rules_of(decoder)

    def square(displayed: Size) -> Plan:
        return plan_square(displayed, crop, size=size, resize=resize, rules=rules)

    plans = (square, _plan_fingerprint) if fingerprint else (square,)
    floor = _plan_fingerprint if rules.one_scale else None
    (rgb, *renderings), metadata = _render(data, *plans, floor=floor)
    if rgb.size != (size, size):
        padded = Image.new("RGB", (size, size), PAD_COLOUR)
        padded.paste(rgb, ((size - rgb.width) // 2, (size - rgb.height) // 2))
        rgb = padded
    kept = fingerprint_of(renderings[0]) if renderings else None
    return LoadedImage(np.array(rgb), metadata, kept)


def display(data: bytes, *, longest: int) -> NDArray[np.uint8]:
    """Decode a file's bytes for showing them: uint8 (height, width, 3) RGB in sRGB.

    The image keeps its shape; its longer side is at most `longest` pixels, and it is never
    enlarged.

    Raises:
        UnreadableImageError: the bytes cannot be decoded; its reason says why.
    """
    (rgb,), _ = _render(data, lambda displayed: plan_display(displayed, longest=longest))
    return np.array(rgb)


def fingerprint(data: bytes) -> Fingerprint:
    """Return what is kept of an image, as `fingerprinted`."""
    return fingerprinted(data)[0]


def fingerprinted(data: bytes) -> tuple[Fingerprint, Metadata]:
    """Return what is kept of an image, and what is known besides the pixels.

    Raises:
        UnreadableImageError: the bytes cannot be decoded; its reason says why.
    """
    (rgb,), metadata = _render(data, _plan_fingerprint)
    return fingerprint_of(rgb), metadata


def _plan_fingerprint(displayed: Size) -> Plan:
    return plan_display(displayed, longest=SIDE)


def _render(
    data: bytes, *plans: Callable[[Size], Plan], floor: Callable[[Size], Plan] | None = None
) -> tuple[list[Image.Image], Metadata]:
    """Decode what the plans want, which they say once they know the image's displayed size.

    Args:
        data: the bytes of a whole file.
        plans: what is returned.
        floor: a plan that is not carried out, but for which enough is decoded.
    """
    row = identify(data)
    if row is None:
        raise UnreadableImageError(what_else(data))
    if row.is_cut and row.is_cut(data):
        raise UnreadableImageError(TRUNCATED)

    def needed(displayed: Size) -> Size:
        asked = plans if floor is None else (*plans, floor)
        sizes = [plan(displayed).needed(displayed) for plan in asked]
        return max(width for width, _ in sizes), max(height for _, height in sizes)

    with ExitStack() as turn, refusing(data, row):
        decoded = decoder_of(row)(data, row, needed, turn)
        displayed = decoded.metadata.width, decoded.metadata.height
        flat = in_resizable_mode(decoded.image)
        rendered = []
        for plan in plans:
            planned = plan(displayed)
            place = decoded.locate(planned.box)
            resampling = planned.rules.resampling if decoded.is_reduced else Resampling.BICUBIC
            small = over_white(resized(flat, place, planned.target, resampling))
            rendered.append(to_srgb(small, decoded.profile))
        return rendered, decoded.metadata

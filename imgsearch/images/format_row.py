"""What is to be known of a file format: one row of the table in `formats`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.images import truncation

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from io import BytesIO

    from PIL import ImageFile

    from imgsearch.images.decoding import Decoded, Needed

    Predicate = Callable[[bytes], bool]
    Opener = Callable[[BytesIO], ImageFile.ImageFile]
    Decode = Callable[[bytes, "Format", Needed, ExitStack], Decoded]

_WITH_PILLOW: Final = "imgsearch.images.pillow_decoder:decode_with_pillow"


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table.

    Attributes:
        name: as galleries store it, such as "JPEG"; never changed once a version was published.
        suffixes: in lower case with their dots; a scan takes files that end in one of them.
        matches: whether the bytes of a whole file are of this format; never raises.
        decoder: `Decode`, or "module:function" that names one.
        opener: for Pillow's formats: its class, or a function that opens such a file without
            decoding the pixels; or "module:name" of one.
        package: PyPI's name of the package that the decoder imports, where that is optional.
        bounded: returns bytes that show the same image and that Pillow opens at once, or raises
            `UnreadableImageError`.
        is_cut: asked before decoding: whether the file was cut short, for decoders that fill in
            what is missing. Never raises.
        ends_early: the same, asked once decoding has failed.
        pixel_bytes: memory that decoding takes for each pixel, at its peak.
        holds_lock: whether its decoder holds the interpreter's lock all the time, so that no
            other thread goes on meanwhile.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Predicate
    decoder: str | Decode = _WITH_PILLOW
    opener: str | Opener | None = None
    package: str | None = None
    bounded: Callable[[bytes], bytes] | None = None
    is_cut: Predicate | None = None
    ends_early: Predicate = truncation.lacks_header
    pixel_bytes: int = 8
    holds_lock: bool = False

    def __post_init__(self) -> None:
        """Refuse a row that would fail only once there is a file of its format.

        Raises:
            UsageError: a suffix that no scan would find, or nothing that decodes.
        """
        for suffix in self.suffixes:
            if not suffix.startswith(".") or suffix != suffix.lower():
                raise UsageError(
                    f"format {self.name}: the suffix {suffix!r} must begin with a dot and be "
                    "lower case"
                )
        if self.decoder == _WITH_PILLOW and self.opener is None:
            raise UsageError(
                f"format {self.name}: give it a decoder, or one of Pillow's classes as its opener"
            )

"""Read any folder's files as imgsearch does, and as others do, and print what differs, by kind.

    python benchmarks/field_files.py FOLDER [FOLDER...]

Pixels, sizes and refusals are compared with Pillow (upright, alpha over white) and with libvips
(`pip install pyvips pyvips-binary`), dates, cameras, orientations and places with exiftool
(Debian's libimage-exiftool-perl), where these are installed. A difference is no fault by itself:
a broken file that Pillow reads by halves is refused here, and other readers apply no colour
profile. It is what is worth a look.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import warnings
from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[1]))

from imgsearch.images import formats
from imgsearch.indexing.file_loader import LoadedFile, load_files
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.images.metadata import Metadata

SIDE: Final = 48
# Mean absolute difference of the pixels, of 255, up to which two decoders agree.
TOLERANCE: Final = 8.0
DEGREES: Final = 1e-3
SHOWN: Final = 5
BATCH: Final = 500
DATES: Final = ("DateTimeOriginal", "CreateDate", "DateCreated", "ModifyDate")
RECIPE: Final = Recipe(
    backbone="none",
    weights="sha256:" + "0" * 64,
    layer="none",
    size=SIDE,
    resize="squash",
    pooling="gap",
    dim=1,
    preprocessing="raw",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What another reader makes of a file.

    Attributes:
        size: as displayed.
        pixels: uint8 (48, 48, 3).
        reason: why it cannot read the file.
    """

    size: tuple[int, int] | None = None
    pixels: NDArray[np.uint8] | None = None
    reason: str = ""


def main() -> int:
    """Run as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each file (default: 30)")
    parser.add_argument("--all", action="store_true", help="name every file of a kind")
    options = parser.parse_args()
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    paths = list(_files(options.folders))
    read = 0
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        told = _exiftool(part)
        for loaded in load_files(
            part,
            lambda path: path,
            recipe=RECIPE,
            is_embedded=lambda _: False,
            seconds=options.seconds,
        ):
            read += loaded.image is not None
            for kind, detail in differences(loaded, told.get(str(loaded.item))):
                kinds[kind].append(f"{loaded.item}: {detail}")
    others = [name for name, there in _others().items() if there]
    print(f"{len(paths):,} files, {read:,} read; compared with {', '.join(others)}")
    for kind in sorted(kinds, key=lambda kind: -len(kinds[kind])):
        found = kinds[kind]
        print(f"\n{len(found):,} x {kind}")
        for line in found if options.all else found[:SHOWN]:
            print(f"    {line}")
    return 0


def differences(loaded: LoadedFile[Path], told: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield the kinds of difference of a file, with what they are."""
    data = b""
    if loaded.hash:
        data = loaded.item.read_bytes()
        for name, seen in (("Pillow", _with_pillow(data)), ("libvips", _with_libvips(data))):
            if seen is not None:
                yield from _compared(loaded, name, seen)
    elif loaded.reason:
        yield "not read from the disk", loaded.reason
    if loaded.image is not None and told is not None:
        yield from _metadata(loaded.image.metadata, told)


def _compared(loaded: LoadedFile[Path], name: str, seen: Seen) -> Iterator[tuple[str, str]]:
    image = loaded.image
    if image is None:
        if seen.pixels is not None:
            yield f"refused here, read by {name}", str(loaded.reason)
        return
    if seen.pixels is None or seen.size is None:
        yield f"read here, refused by {name}", seen.reason
        return
    size = (image.metadata.width, image.metadata.height)
    if size != seen.size:
        yield f"another size in {name}", f"{size} here, {seen.size} there"
    apart = float(np.abs(image.pixels.astype(np.int16) - seen.pixels).mean())
    if apart > TOLERANCE:
        yield f"other pixels in {name}", f"{apart:.0f} of 255 on average"


def _metadata(ours: Metadata, told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    date = next((str(told[tag]) for tag in DATES if told.get(tag)), "")[:19]
    date = date.replace(":", "-", 2).replace(" ", "T")
    if date.startswith("0000") or not date[:4].isdigit():
        date = ""
    if (ours.taken or "")[:19] != date:
        yield "another date in exiftool", f"{ours.taken or 'none'} here, {date or 'none'} there"
    camera = " ".join(str(told[tag]).strip() for tag in ("Make", "Model") if told.get(tag))
    if camera and not ours.camera:
        yield "a camera in exiftool alone", camera
    place = told.get("GPSLatitude"), told.get("GPSLongitude")
    if isinstance(place[0], float | int) and isinstance(place[1], float | int):
        if ours.latitude is None or ours.longitude is None:
            yield "a place in exiftool alone", f"{place}"
        elif abs(ours.latitude - place[0]) > DEGREES or abs(ours.longitude - place[1]) > DEGREES:
            yield "another place in exiftool", f"{(ours.latitude, ours.longitude)}, {place} there"
    orientation = told.get("Orientation")
    if isinstance(orientation, int) and orientation in range(2, 9) and ours.orientation == 1:
        yield "an orientation in exiftool alone", str(orientation)


def _with_pillow(data: bytes) -> Seen:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data)) as opened:
                turned = ImageOps.exif_transpose(opened).convert("RGBA")
        return Seen(turned.size, _on_white(turned))
    except Exception as error:  # noqa: BLE001 - it raises nearly anything
        return Seen(reason=f"{type(error).__name__}: {error}")


def _with_libvips(data: bytes) -> Seen | None:
    if not _others()["libvips"]:
        return None
    import pyvips

    try:
        image = pyvips.Image.new_from_buffer(data, "").autorot()
        size = image.width, image.height
        array = image.colourspace("srgb").cast("uchar").numpy()
    except pyvips.Error as error:
        return Seen(reason=str(error).split("\n", maxsplit=1)[0])
    array = array.reshape(*array.shape[:2], -1)
    if array.shape[2] in {1, 2}:
        array = np.concatenate([array[:, :, :1]] * 3 + [array[:, :, 1:]], axis=2)
    flat = Image.fromarray(np.ascontiguousarray(array[:, :, :4]))
    return Seen(size, _on_white(flat.convert("RGBA")))


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, image).convert("RGB")
    return np.array(flat.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _others() -> dict[str, bool]:
    """Return who is installed."""
    try:
        import pyvips
    except (ImportError, OSError):
        vips = False
    else:
        vips = bool(pyvips.__version__)
    return {"Pillow": True, "libvips": vips, "exiftool": shutil.which("exiftool") is not None}


def _exiftool(paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return what exiftool tells of some files: numbers, not words."""
    if not _others()["exiftool"]:
        return {}
    tags = (*DATES, "Make", "Model", "GPSLatitude", "GPSLongitude", "Orientation")
    command = ["exiftool", "-json", "-n", "-fast", *(f"-{tag}" for tag in tags), "-@", "-"]
    done = subprocess.run(
        command,
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return {entry["SourceFile"]: entry for entry in json.loads(done.stdout or "[]")}


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    suffixes = formats.suffixes()
    for folder in folders:
        for path in sorted([folder] if folder.is_file() else folder.rglob("*")):
            if path.suffix.lower() in suffixes and path.is_file():
                yield path.absolute()


if __name__ == "__main__":
    sys.exit(main())

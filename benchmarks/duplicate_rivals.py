"""What others call duplicates among the same pictures: perceptual hashes at their thresholds."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import MagicMock

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

# Bits of 64 up to which each calls two pictures duplicates: imagededup's own default, and what the
# documentation of imagehash and most of what is written about it uses.
DEFAULTS: Final = {
    "imagededup PHash": 10,
    "imagededup DHash": 10,
    "imagehash pHash": 8,
    "imagehash dHash": 8,
}


def rivals(work: Path) -> dict[str, Any]:
    """Return, by rival, the nearest original of every edit and its distance in bits."""
    photos = sorted(path for path in (work / "photos").rglob("*") if path.is_file())
    edits = sorted((work / "edits").rglob("*.jpg"))
    found: dict[str, Any] = {}
    for name, hashed in _hashes().items():
        held = np.stack([_bits(hashed, path) for path in photos])
        rows = []
        for path in edits:
            distances = np.bitwise_count(held ^ _bits(hashed, path)).sum(axis=1)
            best = int(distances.argmin())
            rows.append(
                [
                    str(path.relative_to(work)),
                    str(photos[best].relative_to(work)),
                    int(distances[best]),
                    int((distances <= DEFAULTS[name]).sum()),
                ]
            )
        found[name] = rows
    return found


def _bits(hashed: Callable[[Image.Image], NDArray[np.bool_]], path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.packbits(hashed(image.convert("RGB")).reshape(-1))


def _hashes() -> dict[str, Callable[[Image.Image], NDArray[np.bool_]]]:
    """Return the rivals that are installed."""
    found: dict[str, Callable[[Image.Image], NDArray[np.bool_]]] = {}
    try:
        import imagehash
    except ImportError:
        pass
    else:
        found["imagehash pHash"] = lambda image: np.asarray(imagehash.phash(image).hash)
        found["imagehash dHash"] = lambda image: np.asarray(imagehash.dhash(image).hash)
    # Its hashes need neither of these, which it imports for its network.
    for name in ("", ".models", ".models.vision_transformer", ".transforms"):
        sys.modules.setdefault(f"torchvision{name}", MagicMock())
    try:
        from imagededup.methods import DHash, PHash
    except ImportError:
        pass
    else:
        found["imagededup PHash"] = partial(_of_imagededup, PHash())
        found["imagededup DHash"] = partial(_of_imagededup, DHash())
    return found


def _of_imagededup(method: Any, image: Image.Image) -> NDArray[np.bool_]:  # noqa: ANN401 - one of its methods
    return _from_hex(method.encode_image(image_array=np.asarray(image)))


def _from_hex(text: str) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(bool)

"""A large gallery for the page: every content has a file that can be shown, and grown embeddings.

The pictures are copies of the given ones with a number behind their last byte, so that each is a
content of its own; dates, cameras, lenses and places are spread over twenty years. Embeddings are
grown (`grown_embeddings.py`) from those of the bundled network.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

import numpy as np
from grown_embeddings import Grown, embed
from PIL import Image

from imgsearch.images.metadata import Metadata
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.paths import look_up
from imgsearch.recipe import RecipeRequest
from imgsearch.search.space_cache import refresh_cache
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.records import ScannedRow
from imgsearch.storage.writer_lock import writer_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BACKBONE: Final = "compact"
YEARS: Final = 20
ALBUMS: Final = 25
TOWNS: Final = 300
BLOCK: Final = 5_000
CAMERAS: Final = (
    ("Canon EOS R6", "RF24-105mm F4"),
    ("Apple iPhone 12", None),
    ("NIKON D750", "50.0 mm f/1.8"),
    (None, None),
)


def pictures_in(folders: Sequence[Path]) -> list[Path]:
    """Return the JPEG files in folders, by path."""
    found = sorted(path for folder in folders for path in folder.rglob("*.jp*g"))
    if not found:
        raise SystemExit(f"no JPEG file in {', '.join(map(str, folders))}")
    return found


def grow(workspace: Path, folders: Sequence[Path], count: int) -> Path:
    """Make the gallery and its pictures, unless they are there; return its folder."""
    gallery, photos = workspace / f"{count}.gallery", workspace / f"photos-{count}"
    if (gallery / "gallery.db").is_file():
        return gallery
    photos.mkdir(parents=True)
    gallery.mkdir()
    pictures = pictures_in(folders)
    data = [path.read_bytes() for path in pictures]
    sizes = [Image.open(path).size for path in pictures]
    rows = _rows(folders, count)
    chance = np.random.default_rng(0)
    with writer_lock(gallery):
        store = Store.create(gallery)
        with store.transaction():
            stored = store.add_recipe(resolve(RecipeRequest(backbone=BACKBONE), offline=True))
            root = store.add_root(photos, recursive=True)
        for start in range(0, count, BLOCK):
            with store.transaction():
                for number in range(start, min(start + BLOCK, count)):
                    base = number % len(data)
                    name, facts = _described(number, count, sizes[base], chance)
                    whole = data[base] + number.to_bytes(8, "big")
                    file = photos / name
                    _add(store, (stored.id, root.id), file, photos, whole, facts, next(rows))
                store.raise_generation(stored.id)
        (stored,) = store.recipes()
        refresh_cache(Embeddings(store, gallery, stored))
        store.close()
    return gallery


def _rows(folders: Sequence[Path], count: int) -> Iterator[NDArray[np.float32]]:
    grown = Grown.calibrated(embed(folders, BACKBONE), projected=True)
    for block in grown.blocks(count):
        yield from block


def _described(
    number: int, count: int, size: tuple[int, int], chance: np.random.Generator
) -> tuple[str, Metadata]:
    year = 2005 + number * YEARS // count
    month, day, hour, minute = chance.integers((1, 1, 0, 0), (13, 29, 24, 60)).tolist()
    camera, lens = CAMERAS[int(chance.integers(len(CAMERAS)))]
    taken = f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00" if number % 50 else None
    town = np.random.default_rng(int(chance.integers(TOWNS)))
    latitude, longitude = town.uniform((-40, -120), (60, 140)) + chance.normal(0, 0.05, 2)
    located = number % 3 == 0
    facts = Metadata(
        width=size[0],
        height=size[1],
        format="JPEG",
        taken=taken,
        camera=camera,
        lens=lens,
        latitude=float(latitude) if located else None,
        longitude=float(longitude) if located else None,
    )
    return f"{year}/album{number % ALBUMS:02}/{number:07}.jpg", facts


def _add(
    store: Store,
    ids: tuple[int, int],
    path: Path,
    photos: Path,
    data: bytes,
    facts: Metadata,
    row: NDArray[np.float32],
) -> None:
    recipe_id, root_id = ids
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    content = store.add_content(hashlib.sha256(data).hexdigest(), len(data), facts)
    store.add_embedding(recipe_id, content, row)
    seen = look_up(photos, os.fsencode(path.relative_to(photos)))
    if seen is None:
        raise SystemExit(f"{path}: vanished")
    scanned = ScannedRow(root_id, seen.path, seen.size, seen.mtime_ns, seen.inode, seen.ctime_ns)
    store.put_file(None, scanned, content_id=content)

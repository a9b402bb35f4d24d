"""The galleries that the crash rounds break: a backbone that costs nothing, and what rows hold.

Nothing here goes through the library's own reading of a gallery, which is what is examined.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from imgsearch.gallery.gallery import Gallery
from imgsearch.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from imgsearch.recipe import RecipeRequest
    from imgsearch.search.matches import Match

SIDE: Final = 16
DIM: Final = 48
BATCH: Final = 8
RENAMES: Final = 5
RECIPE: Final = Recipe(
    backbone="colour-grid",
    weights="sha256:" + "0" * 64,
    layer="grid",
    size=SIDE,
    resize="squash",
    pooling="gap",
    dim=DIM,
    preprocessing="raw",
)


class ColourGrid:
    """A backbone that costs next to nothing: the mean colours of a 4 x 4 grid."""

    def __init__(self, pause: float = 0.0, recipe: Recipe = RECIPE) -> None:
        self.pause = pause
        self.recipe = recipe
        self.embedded = 0

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, 48)` of images `(n, 16, 16, 3)`."""
        time.sleep(self.pause)
        self.embedded += len(images)
        grid = images.reshape(len(images), 4, 4, 4, 4, 3).mean(axis=(2, 4)) + 1
        if self.recipe.layer != RECIPE.layer:
            grid = grid**2
        rows = grid.reshape(len(images), DIM)
        unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit.astype(np.float32)


class ColourGrids:
    """A source of this backbone: of any layer's name, which makes another recipe."""

    def __init__(self, pause: float = 0.0) -> None:
        self.embedder = ColourGrid(pause)

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:  # noqa: ARG002 - the protocol's
        """Return the recipe of a layer."""
        return replace(RECIPE, layer=request.layer or RECIPE.layer)

    def load(self, recipe: Recipe) -> ColourGrid:
        """Return the backbone, up to a recipe's layer."""
        self.embedder.recipe = recipe
        return self.embedder


def make_pictures(folder: Path, count: int, *, seed: int = 0) -> None:
    """Write small images that all differ, in ten folders."""
    random = np.random.default_rng(seed)
    for number in range(count):
        path = folder / f"album{number % 10}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)


def stored_vectors(gallery: Path, *, layer: str = RECIPE.layer) -> dict[str, bytes]:
    """Return a recipe's stored embeddings by content hash, straight from the rows."""
    if not (gallery / "gallery.db").is_file():
        return {}
    with closing(read_only(gallery)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("embedding",) not in tables:
            return {}
        return dict(
            connection.execute(
                "SELECT hash, vector FROM embedding JOIN content ON content.id = content_id "
                "JOIN recipe ON recipe.id = recipe_id WHERE recipe LIKE ?",
                (f'%"layer": "{layer}"%',),
            )
        )


def file_count(gallery: Path) -> int:
    """Return the number of files in the gallery."""
    if not stored_vectors(gallery):
        return 0
    with closing(read_only(gallery)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM file").fetchone()[0])


def shuffle_names(folder: Path, random: np.random.Generator, copies: Iterable[int]) -> None:
    """Rename some images, move some to another album, copy some."""
    paths = sorted(folder.rglob("*.png"))
    for place in random.choice(len(paths), RENAMES, replace=False):
        path = paths[place]
        album = folder / f"album{random.integers(10)}"
        path.rename(album / f"r{random.integers(10**9):09}.png")
    left = sorted(folder.rglob("*.png"))
    for number in copies:
        shutil.copyfile(left[number % len(left)], folder / f"copy{number}.png")


def answers(gallery: Path, queries: list[Path], k: int) -> list[list[Match]]:
    """Return the answers to some queries."""
    with Gallery(gallery, source=ColourGrids()) as opened:
        return [opened.query(query, k=k) for query in queries]


def read_only(gallery: Path) -> sqlite3.Connection:
    """Open the database so that it is not recovered, as one that can write would when it closes."""
    return sqlite3.connect(f"{(gallery / 'gallery.db').as_uri()}?mode=ro", uri=True)


def file_rows(gallery: Path) -> list[tuple[Any, ...]]:
    """Return the folder, path, size, time and content of every file."""
    with closing(read_only(gallery)) as connection:
        return connection.execute(
            "SELECT root.path, file.path, size, mtime_ns, hash FROM file "
            "JOIN content ON content.id = content_id JOIN root ON root.id = root_id "
            "ORDER BY root.path, file.path"
        ).fetchall()


def stranger() -> bytes:
    """Return a picture that no gallery holds."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8), (1, 200, 30)).save(buffer, "PNG")
    return buffer.getvalue()

"""A source of embeddings that needs no network, and ways to run the command line with it.

`command` gives the command line with the fake source as a process of its own, for tests in which
the process itself matters. Environment variables steer it:

    FAKE_DELAY    seconds that every batch takes
    FAKE_BATCHES  a file that grows by one byte when a batch begins
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from typer.testing import CliRunner

import imgsearch.networks.source
from imgsearch.cli import app, main
from imgsearch.recipe import DECODER_VERSION, Recipe, RecipeRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typer.testing import Result

GRID = 4
SIZE = 16
DIM = GRID * GRID * 3

LOG = logging.getLogger("imgsearch.fakes")


class FakeEmbedder:
    """Embeds a picture as its colours on a coarse grid."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit rows `(n, 48)`."""
        if "FAKE_BATCHES" in os.environ:
            with Path(os.environ["FAKE_BATCHES"]).open("ab") as file:
                file.write(b".")
        time.sleep(float(os.environ.get("FAKE_DELAY", "0")))
        n, side = images.shape[:2]
        cell = side // GRID
        cells = images.reshape(n, GRID, cell, GRID, cell, 3).mean(axis=(2, 4))
        rows = cells.reshape(n, DIM).astype(np.float32) + 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class FakeSource:
    """Resolves every request to one small recipe."""

    def __init__(self, *, runtime: str = "auto", threads: int | None = None) -> None:
        self.runtime = runtime
        self.threads = threads

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return a recipe named after the request."""
        LOG.info("backbone %s: a fake%s", request.backbone, " (offline)" if offline else "")
        return Recipe(
            backbone="fake" if request.backbone == "auto" else request.backbone,
            weights="sha256:" + "0" * 64,
            layer=request.layer or "grid",
            size=request.size or SIZE,
            resize=request.resize,
            pooling=request.pooling,
            dim=DIM,
            preprocessing="raw",
            precision=request.precision,
            decoder=request.decoder or DECODER_VERSION,
        )

    def load(self, recipe: Recipe) -> FakeEmbedder:
        """Return the fake embedder."""
        LOG.info("loading the fake")
        return FakeEmbedder(recipe)


def install() -> None:
    """Make every gallery of this process take its embeddings from the fake source."""
    imgsearch.networks.source.PretrainedNetworks = FakeSource  # type: ignore[assignment,misc]


def run(*arguments: str | Path, given: bytes | None = None, **environment: str) -> Result:
    """Run the command line in this process; no stream of it is a terminal."""
    return CliRunner(env=environment).invoke(
        app, [str(argument) for argument in arguments], input=given, prog_name="imgsearch"
    )


def command(*arguments: str | Path) -> list[str]:
    """Return the command line with the fake source, to be run as a process of its own."""
    places = [str(Path(__file__).parent), str(Path(imgsearch.__file__).parent.parent)]
    code = f"import sys; sys.path[:0] = {places!r}; import cli_fakes; cli_fakes.start()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def start() -> None:
    """Be the command line with the fake source."""
    install()
    main()


def picture(path: Path, seed: int, *, side: int = 24, **saving: object) -> Path:
    """Write a picture of random colours, the same for the same seed; return its path."""
    colours = np.random.default_rng(seed).integers(0, 256, (GRID, GRID, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        image.save(file, format="PNG", **saving)
    return path

"""Fakes and fixtures that several test modules share."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from imgsearch.gallery.gallery import Gallery
from imgsearch.recipe import DECODER_VERSION, Recipe, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LOG = logging.getLogger("imgsearch.fakes")
SIZE = 16
STARTED = pytest.StashKey[bool]()
T = TypeVar("T")


def pytest_configure() -> None:
    """Let idle threads of OpenMP sleep, here and in what tests start, and examples take any time.

    By default such threads spin, and those of several workers take the cores from each other. How
    long an example takes says more about what else the machine does than about what is tried.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settings.register_profile("any time", deadline=None)
    settings.load_profile("any time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start TensorFlow first.

    Workers begin with stretches of neighbouring tests, and take over from the end of one another's:
    so only one of two workers spends the seconds and the memory that TensorFlow takes.
    """
    items.sort(key=lambda item: item.get_closest_marker("tensorflow") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember whether an earlier test started TensorFlow."""
    item.stash[STARTED] = "tensorflow" in sys.modules


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that starts TensorFlow, itself or by its fixtures, and is not marked so."""
    outcome = yield
    started = "tensorflow" in sys.modules and not item.stash[STARTED]
    if started and item.get_closest_marker("tensorflow") is None:
        pytest.fail("this starts TensorFlow: mark it with pytest.mark.tensorflow", pytrace=False)
    return outcome


@dataclass
class FakeEmbedder:
    """A tiny deterministic backbone: the colours of a 4 × 4 grid. Counts what it embeds."""

    recipe: Recipe
    embedded: int = 0
    batches: list[int] = field(default_factory=list)

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit rows of 48 mean colours, one more than black."""
        self.embedded += len(images)
        self.batches.append(len(images))
        side = self.recipe.size // 4
        grid = images.reshape(len(images), 4, side, 4, side, 3).mean(axis=(2, 4)) + 1
        rows = grid.reshape(len(images), -1)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class FakeSource:
    """Gives fake embedders, and remembers what was asked of it."""

    requests: list[RecipeRequest] = field(default_factory=list)
    embedders: list[FakeEmbedder] = field(default_factory=list)
    runtime: str = "auto"
    threads: int | None = None
    decoder: int = DECODER_VERSION

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return a recipe whose name is the request's backbone."""
        self.requests.append(request)
        LOG.info("resolved %s%s", request.backbone, " offline" if offline else "")
        return Recipe(
            backbone="fake-1" if request.backbone == "auto" else request.backbone,
            weights="sha256:" + "0" * 64,
            layer=request.layer or "last",
            size=request.size or SIZE,
            resize=request.resize,
            pooling=request.pooling,
            precision=request.precision,
            decoder=request.decoder or self.decoder,
            dim=48,
            preprocessing="raw",
        )

    def load(self, recipe: Recipe) -> FakeEmbedder:
        """Return a fresh embedder."""
        LOG.info("loaded %s", recipe.backbone)
        self.embedders.append(FakeEmbedder(recipe))
        return self.embedders[-1]

    @property
    def embedded(self) -> int:
        """How many images all embedders have embedded."""
        return sum(embedder.embedded for embedder in self.embedders)


@pytest.fixture
def source() -> FakeSource:
    """Return a source of fake embedders."""
    return FakeSource()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of twelve pictures in three folders, in differing colours."""
    folder = tmp_path / "photos"
    for number in range(12):
        write_picture(folder / f"trip{number % 3}" / f"{number:02}.png", seed=number)
    return folder


@pytest.fixture
def gallery(tmp_path: Path, source: FakeSource) -> Gallery:
    """Return an empty gallery over the fake source."""
    return Gallery(tmp_path / "test.gallery", source=source)


def write_picture(path: Path, *, seed: int, side: int = 24) -> Path:
    """Write a picture of 4 × 4 coloured squares drawn from a seed, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(grid).resize((side, side), Image.Resampling.NEAREST).save(path)
    return path


def touch_later(path: Path, *, seconds: float = 10) -> None:
    """Move a file's time of change without changing its bytes."""
    status = path.stat()
    later = status.st_mtime_ns + int(seconds * 1e9)
    os.utime(path, ns=(later, later))


class _Collected(logging.Handler):
    """Collects messages."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Give the list of what the library logs within the block, debugging apart."""
    library = logging.getLogger("imgsearch")
    messages: list[str] = []
    handler, level = _Collected(messages), library.level
    library.addHandler(handler)
    library.setLevel(logging.INFO)
    try:
        yield messages
    finally:
        library.removeHandler(handler)
        library.setLevel(level)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Return the list of what the library logs during the test."""
    with collected_log() as messages:
        yield messages


def silently(function: Callable[..., T], *arguments: object, **options: object) -> T:
    """Call a function, and fail when the library logs anything meanwhile."""
    with collected_log() as messages:
        returned = function(*arguments, **options)
    assert messages == []
    return returned

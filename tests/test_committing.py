"""The end of the pipeline: the network works while batches are committed, and nothing is lost."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeEmbedder, FakeSource, write_picture

from imgsearch.gallery.gallery import Gallery
from imgsearch.images import loading
from imgsearch.indexing.report import IndexOptions
from imgsearch.storage.database import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

PATIENCE = 30.0


def give(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, make: Callable[[Recipe], FakeEmbedder]
) -> None:
    """Let a source load what `make` makes."""
    monkeypatch.setattr(source, "load", make)


def test_the_network_has_its_next_batch_before_the_last_one_is_committed(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    seven_taken, second_began = threading.Event(), threading.Event()
    asked: list[int] = []
    overlapped: list[bool] = []

    class Watched(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            # Else the first batch might be committed before the second one, of four, is whole.
            seven_taken.wait(PATIENCE)
            if self.batches:
                second_began.set()
            return super().embed(images)

    def stop() -> bool:
        asked.append(1)
        if len(asked) == 12 + 7:  # twelve files scanned, and seven taken in
            seven_taken.set()
        return False

    real = Store.raise_generation

    def raise_generation(store: Store, recipe_id: int) -> None:
        overlapped.append(second_began.wait(PATIENCE))
        real(store, recipe_id)

    monkeypatch.setattr(Store, "raise_generation", raise_generation)
    give(source, monkeypatch, Watched)
    report = gallery.index(photos, options=IndexOptions(batch_size=4), stop=stop)
    assert overlapped == [True] * 3
    assert report.embedded == 12


def test_no_more_than_two_batches_and_the_window_wait_for_a_slow_network(
    gallery: Gallery, tmp_path: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        write_picture(tmp_path / f"p/{number:03}.png", seed=number)
    loads: list[int] = []
    ahead: list[int] = []
    real_load = loading.load

    def load(*arguments: object, **options: object) -> loading.LoadedImage:
        loads.append(1)
        return real_load(*arguments, **options)  # type: ignore[arg-type]

    class Counting(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            ahead.append(len(loads) - self.embedded)
            return super().embed(images)

    monkeypatch.setattr(loading, "load", load)
    give(source, monkeypatch, Counting)
    gallery.index(tmp_path / "p", options=IndexOptions(batch_size=5, jobs=2))
    assert len(ahead) == 24
    # In the network, being collected, and the window of 8 files for each of two threads.
    assert max(ahead) <= 5 + 5 + 16


@pytest.mark.parametrize(("jobs", "batch_size"), [(1, 1), (2, 3), (5, 7), (3, 32)])
def test_the_network_sees_the_same_pixels_whatever_the_jobs_and_the_batch(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, batch_size: int
) -> None:
    seen: list[bytes] = []
    sizes: list[int] = []

    class Recording(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            seen.extend(image.tobytes() for image in images)
            sizes.append(len(images))
            return super().embed(images)

    source = FakeSource()
    give(source, monkeypatch, Recording)
    with Gallery(tmp_path / "gallery", source=source) as gallery:
        gallery.index(photos, options=IndexOptions(jobs=jobs, batch_size=batch_size))
        recipe = gallery.information().recipes[0].recipe
    expected = [
        loading.load(path.read_bytes(), size=recipe.size, resize=recipe.resize).pixels.tobytes()
        for path in sorted(photos.rglob("*.png"))
    ]
    assert seen == expected
    assert max(sizes) <= batch_size


def test_a_copy_of_what_is_in_the_network_is_not_embedded_again(
    gallery: Gallery, tmp_path: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_picture(tmp_path / f"p/{number}.png", seed=number % 2)
    release = threading.Event()

    class Held(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            release.wait(PATIENCE)
            return super().embed(images)

    def stop() -> bool:
        asked.append(1)
        if len(asked) == 12:  # six files scanned, and six taken in
            release.set()
        return False

    asked: list[int] = []
    give(source, monkeypatch, Held)
    report = gallery.index(tmp_path / "p", options=IndexOptions(batch_size=2), stop=stop)
    assert (report.new, report.embedded) == (6, 2)


def test_a_content_that_the_network_cannot_do_is_tried_once_and_every_copy_says_so(
    gallery: Gallery, tmp_path: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        write_picture(tmp_path / f"p/{number}.png", seed=0 if number in {0, 7} else number)
    bad = (tmp_path / "p/0.png").read_bytes()
    pixels = loading.load(bad, size=16, resize="squash").pixels
    tried: list[int] = []

    class Picky(FakeEmbedder):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            rows = super().embed(images)
            for row, image in zip(rows, images, strict=True):
                if np.array_equal(image, pixels):
                    tried.append(1)
                    row[:] = np.nan
            return rows

    give(source, monkeypatch, Picky)
    report = gallery.index(tmp_path / "p", options=IndexOptions(batch_size=2))
    assert (report.new, report.embedded, len(tried)) == (8, 6, 1)
    assert [file.path.name for file in report.unreadable_files] == ["0.png", "7.png"]
    assert hashlib.sha256(bad).hexdigest() not in {
        match.content for match in gallery.query(tmp_path / "p/1.png", k=20)
    }


def test_a_network_that_cannot_be_loaded_ends_the_run_and_leaves_no_thread(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos / "trip0")
    gallery.close()

    def fail(_recipe: Recipe) -> FakeEmbedder:
        raise MemoryError("no room for the network")

    give(source, monkeypatch, fail)
    with pytest.raises(MemoryError):
        gallery.index(photos)
    assert gallery.information().files == 4
    assert not [thread for thread in threading.enumerate() if "imgsearch" in thread.name]


def test_the_network_is_loaded_while_files_are_read(
    gallery: Gallery, photos: Path, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading waits here for a file that is read after the first one was taken in."""
    gallery.index(photos / "trip0")
    gallery.close()
    for number in range(100, 160):
        write_picture(photos / f"trip1/{number}.png", seed=number)
    last_read, in_time = threading.Event(), []
    real = loading.read_file

    def read(path: Path) -> bytes:
        if path.name == "150.png":
            last_read.set()
        return real(path)

    def load(recipe: Recipe) -> FakeEmbedder:
        in_time.append(last_read.wait(PATIENCE))
        return FakeEmbedder(recipe)

    monkeypatch.setattr(loading, "read_file", read)
    give(source, monkeypatch, load)
    gallery.index(photos, options=IndexOptions(batch_size=64, jobs=1))
    assert in_time == [True]

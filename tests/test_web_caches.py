"""What the page's server keeps: thumbnails on disk, lists and answers in memory."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeSource, write_picture

from imgsearch import Filters, Gallery, Timeline
from imgsearch.images import thumbnails
from imgsearch.web.generation import Generation, KeptLists
from imgsearch.web.refusals import RefusalError
from imgsearch.web.thumbnail_files import ThumbnailFiles
from imgsearch.web.thumbnails import Thumbnails, mean_colour
from imgsearch.web.workers import Crew, Workers

if TYPE_CHECKING:
    from pathlib import Path


def content(number: int) -> str:
    """Return a hash."""
    return f"{number:064x}"[::-1]


def image(seed: int) -> bytes:
    """Return a thumbnail of noise, some kilobytes long."""
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return thumbnails.encode(pixels)


# On disk


def test_a_thumbnail_is_read_as_it_was_written_and_its_colour_is_known(tmp_path: Path) -> None:
    files = ThumbnailFiles(tmp_path / "cache")
    assert files.read(content(1), 256) is None
    assert files.colour(content(1)) is None
    files.write(content(1), 256, image(1), 0x123456)
    assert files.read(content(1), 256) == image(1)
    assert files.read(content(1), 512) is None
    assert ThumbnailFiles(tmp_path / "cache").colour(content(1)) == 0x123456


def test_a_thumbnail_that_was_cut_short_is_none(tmp_path: Path) -> None:
    files = ThumbnailFiles(tmp_path)
    files.write(content(1), 256, image(1), 0)
    (path,) = tmp_path.rglob("*.webp")
    path.write_bytes(path.read_bytes()[:-1])
    assert files.read(content(1), 256) is None
    (tmp_path / "colours").write_bytes(b"x" * 30)
    assert ThumbnailFiles(tmp_path).colour(content(1)) is None


def test_the_cache_is_bounded_and_keeps_what_was_looked_at_last(tmp_path: Path) -> None:
    size = len(image(0))
    files = ThumbnailFiles(tmp_path, most_bytes=10 * size)
    old = time.time() - 10 * 86_400
    for number in range(8):
        files.write(content(number), 256, image(0), 0)
    for path in tmp_path.rglob("*.webp"):
        os.utime(path, (old, old))
    assert files.read(content(3), 256) is not None
    for number in range(8, 13):
        files.write(content(number), 256, image(0), 0)
        held = sum(path.stat().st_size for path in tmp_path.rglob("*.webp"))
        assert held <= 10 * size
    assert files.read(content(3), 256) is not None
    assert files.read(content(12), 256) is not None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    files = ThumbnailFiles(tmp_path / "file")
    files.write(content(1), 256, image(1), 0)
    assert files.read(content(1), 256) is None


def test_the_mean_colour_is_that_of_the_pixels() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = (255, 100, 3)
    assert mean_colour(pixels) == (64 << 16 | 25 << 8 | 1)


# While nobody asks


def test_thumbnails_are_made_while_nobody_asks_and_only_then(
    gallery: Gallery, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    workers = Workers()
    files = ThumbnailFiles(tmp_path / "cache")
    made = Thumbnails(gallery, files, workers)
    idle = 0.0
    monkeypatch.setattr("imgsearch.web.thumbnails.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("imgsearch.web.thumbnails.REST", 0.05)

    def count() -> int:
        return len(list(tmp_path.rglob("*.webp")))

    async def watch() -> tuple[int, int]:
        nonlocal idle
        generation = Generation(gallery, workers.looking)
        lists = KeptLists(generation, workers.looking, most=4)

        async def timeline(where: Filters) -> tuple[str, Timeline]:
            return await lists.get(where, lambda: gallery.timeline(where))

        task = asyncio.create_task(made.make_all(timeline, lambda: idle))
        await asyncio.sleep(0.3)
        before = count()
        idle = 10.0
        for _ in range(200):
            await asyncio.sleep(0.05)
            if count() == 12:
                break
        task.cancel()
        return before, count()

    try:
        assert asyncio.run(watch()) == (0, 12)
    finally:
        workers.close()


# In memory


def test_a_list_is_made_once_for_all_who_ask_and_anew_when_the_gallery_changes(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    crew = Crew("test", 2, 16)
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    async def ask() -> tuple[list[Any], Any, Any]:
        generation = Generation(reader, crew)
        lists = KeptLists(generation, crew, most=2)
        together = await asyncio.gather(*(lists.get("a", make) for _ in range(5)))
        generation.pause = 0.0
        write_picture(photos / "new.png", seed=5)
        gallery.index(photos)
        after = await lists.get("a", make)
        generation.pause = 100.0
        write_picture(photos / "newer.png", seed=6)
        gallery.index(photos)
        return together, after, await lists.get("a", make)

    with Gallery(gallery.path, source=FakeSource()) as reader:
        together, after, soon = asyncio.run(ask())
    crew.close()
    assert {value for _, value in together} == {1}
    assert (after[1], soon) == (2, after)
    assert after[0] != together[0][0]


def test_what_failed_is_tried_again(gallery: Gallery, photos: Path) -> None:
    gallery.index(photos)
    crew = Crew("test", 1, 16)
    outcomes = iter([UserWarning("first"), 2])

    def make() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def ask() -> int:
        lists = KeptLists(Generation(gallery, crew), crew, most=2)
        with pytest.raises(UserWarning):
            await lists.get("a", make)
        return (await lists.get("a", make))[1]

    assert asyncio.run(ask()) == 2
    crew.close()


def test_a_crew_refuses_what_would_wait_too_long() -> None:
    crew = Crew("test", 1, 3)

    async def ask() -> list[Any]:
        calls = [crew.run(time.sleep, 0.05) for _ in range(5)]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(ask())
    assert outcomes[:3] == [None, None, None]
    assert all(isinstance(outcome, RefusalError) for outcome in outcomes[3:])
    assert outcomes[3].headers == {"Retry-After": "1"}
    assert crew.idle
    crew.close()

"""A collection follows its gallery, and no crash of either side is seen by readers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from conftest import FakeSource, write_picture

from imgsearch import Gallery, PublishedGallery
from imgsearch.errors import GalleryLockedError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch import PublishReport
    from services.engines import Server

PATIENCE: Final = 60
REPOSITORY: Final = Path(__file__).parents[2]
# Publishes a gallery and tells before it sends each block; in a process that can be killed.
PUBLISHING: Final = """
import sys, time
sys.path[:0] = ["tests"]
from conftest import FakeSource
from imgsearch import Gallery
from imgsearch.gallery import publishing
publishing._BLOCK = publishing._SENT_AT_ONCE = 20
def tell(done, total):
    print(done, flush=True)
    time.sleep(0.05)
gallery = Gallery(sys.argv[1], projection=sys.argv[3], source=FakeSource())
gallery.publish(sys.argv[2], progress=tell)
"""


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Return a gallery of forty pictures."""
    for number in range(40):
        write_picture(tmp_path / f"photos/{number % 4}/{number:02}.png", seed=number)
    gallery = Gallery(tmp_path / "own.gallery", source=FakeSource())
    gallery.index(tmp_path / "photos")
    yield gallery
    gallery.close()


def agree(gallery: Gallery, address: str, picture: Path) -> None:
    """Compare all of what both find."""
    with PublishedGallery(address, source=FakeSource()) as published:
        assert published.query(picture, k=500) == gallery.query(picture, k=500)


def test_what_changes_is_sent_and_nothing_else(
    gallery: Gallery, address: str, tmp_path: Path
) -> None:
    """Renamed, removed, replaced, added, copied; then a moved root, which costs no entry."""
    photos = tmp_path / "photos"
    asked = write_picture(tmp_path / "asked.png", seed=500)
    assert gallery.publish(address).sent == 40
    again = gallery.publish(address)
    assert (again.sent, again.removed, again.anew) == (0, 0, False)
    (photos / "0/00.png").rename(photos / "1/renamed.png")
    (photos / "0/04.png").unlink()
    write_picture(photos / "1/05.png", seed=600)
    write_picture(photos / "new.png", seed=601)
    (photos / "2/copy.png").write_bytes((photos / "2/02.png").read_bytes())
    gallery.index()
    report = gallery.publish(address)
    # Gone are 04 and the former 05; sent are what was renamed, replaced, added and copied.
    assert (report.sent, report.removed, report.contents) == (4, 2, 40)
    agree(gallery, address, asked)
    photos.rename(tmp_path / "elsewhere")
    gallery.relocate(photos, tmp_path / "elsewhere")
    report = gallery.publish(address)
    assert (report.sent, report.removed) == (0, 0)
    agree(gallery, address, asked)
    with PublishedGallery(address, source=FakeSource()) as published:
        assert published.information().roots == (tmp_path / "elsewhere",)


def test_another_projection_is_another_space_in_the_same_place(
    gallery: Gallery, address: str, tmp_path: Path
) -> None:
    asked = write_picture(tmp_path / "asked.png", seed=500)
    gallery.publish(address)
    projected = Gallery(gallery.path, projection="8", source=FakeSource())
    with PublishedGallery(address, source=FakeSource()) as reader:
        before = reader.query(asked)
        report = projected.publish(address)
        assert report.anew
        assert report.sent == 40
        assert reader.query(asked) == projected.query(asked) != before
        assert reader.information().dim == 8
        gallery.publish(address)
        assert reader.query(asked) == before
    projected.close()


def test_readers_see_one_state_or_the_other_while_a_publish_runs(
    gallery: Gallery, address: str, tmp_path: Path
) -> None:
    """A reader asks all the time while everything is renamed again and again."""
    photos = tmp_path / "photos"
    asked = write_picture(tmp_path / "asked.png", seed=500)
    gallery.publish(address)
    seen: list[set[str]] = []
    done = threading.Event()

    def read() -> None:
        with PublishedGallery(address, source=FakeSource()) as published:
            while not done.is_set():
                found = published.query(asked, k=500)
                seen.append({match.path.suffixes[0] for match in found})
                assert len(found) == 40

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(4):
            for path in photos.glob("*/*.png"):
                path.rename(path.with_name(f"{path.name[:2]}.{turn}.png"))
            gallery.index()
            assert gallery.publish(address).sent == 40
    finally:
        done.set()
        reader.join()
    assert len(seen) > 1
    assert all(len(suffixes) == 1 for suffixes in seen)


def started(
    gallery: Gallery, address: str, *, blocks: int, projection: str = "auto"
) -> subprocess.Popen[str]:
    """Start a publish in a process of its own, and wait until it has begun with some blocks."""
    gallery.close()
    until = time.monotonic() + PATIENCE
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHING, str(gallery.path), address, projection],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(blocks)]
        if all(told):
            return process
        # The server may not know yet that the writer before is gone.
        said = process.communicate()[1]
        assert "GalleryLockedError" in said, said
        assert time.monotonic() < until


def grow(gallery: Gallery, photos: Path) -> None:
    """Replace some pictures and add many."""
    for number in range(10):
        (photos / f"{number % 4}/{number:02}.png").unlink()
    for number in range(100, 220):
        write_picture(photos / f"more/{number}.png", seed=number)
    gallery.index()


@pytest.mark.services
@pytest.mark.parametrize("fresh", [False, True], ids=["brought up to date", "anew"])
def test_a_publish_that_was_killed_is_not_seen_and_the_next_one_completes(
    gallery: Gallery, server: Server, address: str, tmp_path: Path, *, fresh: bool
) -> None:
    """The client is killed with SIGKILL after 1, 2 and so on blocks, the server stays."""
    if server.address("").startswith("memory:"):
        pytest.skip("the toy is in one process")
    address = f"{address}_{fresh}".lower()
    asked = write_picture(tmp_path / "asked.png", seed=500)
    gallery.publish(address)
    before = gallery.query(asked, k=500)
    grow(gallery, tmp_path / "photos")
    projection = "8" if fresh else "auto"
    wanted = Gallery(gallery.path, projection=projection, source=FakeSource())
    with PublishedGallery(address, source=FakeSource()) as reader:
        for blocks in range(1, 8, 2):
            process = started(gallery, address, blocks=blocks, projection=projection)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert reader.query(asked, k=500) == before
    report = published_at_last(wanted, address)
    # What went into a new space before a kill need not be sent again.
    assert (report.sent, report.removed) == (120, 10) if not fresh else report.sent < 100
    agree(wanted, address, asked)
    wanted.close()


def published_at_last(gallery: Gallery, address: str) -> PublishReport:
    """Publish as soon as the server has noticed that the writer before is gone."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return gallery.publish(address)
        except GalleryLockedError:
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.mark.services
def test_a_server_that_was_killed_has_the_old_state_and_the_next_publish_completes(
    gallery: Gallery, server: Server, address: str, tmp_path: Path
) -> None:
    """SIGKILL while a publish is sending; the client says so in one line; then it starts again."""
    if server.address("").startswith("memory:"):
        pytest.skip("the toy has no server")
    asked = write_picture(tmp_path / "asked.png", seed=500)
    gallery.publish(address)
    before = gallery.query(asked, k=500)
    grow(gallery, tmp_path / "photos")
    with PublishedGallery(address, source=FakeSource()) as reader:
        for _ in range(2):
            process = started(gallery, address, blocks=3)
            server.kill()
            said = process.communicate()[1]
            assert process.returncode != 0
            assert "ServiceError" in said.splitlines()[-1]
            with pytest.raises(ServiceError):
                reader.query(asked)
            server.start()
            assert reader.query(asked, k=500) == before
        gallery.publish(address)
        assert reader.query(asked, k=500) == gallery.query(asked, k=500) != before
        server.kill()
        server.start()
        assert reader.query(asked, k=500) == gallery.query(asked, k=500)


def test_nothing_of_the_description_is_the_machines_own(gallery: Gallery, address: str) -> None:
    """No path of weights, and what is there reads back the same."""
    from imgsearch.services.description_text import from_text, to_text
    from imgsearch.services.finding import open_service

    gallery.publish(address)
    service = open_service(address)
    with service.reading() as collection:
        text = to_text(collection.description)
        assert to_text(from_text(text, address)) == text
        assert json.loads(json.loads(text)["recipe"])["weights_path"] is None
    service.close()
    with pytest.raises(ServiceError, match="publish"):
        from_text(text[:-20], address)

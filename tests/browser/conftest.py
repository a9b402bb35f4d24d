"""A served collection, a browser, and pages that watch what goes wrong in them."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from conftest import FakeSource

from browser.collection import write_collection, write_drive
from browser.visitor import Visitor
from browser.waiting import WAIT_MS
from imgsearch.gallery.gallery import Gallery
from imgsearch.recipe import RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

    from imgsearch.web.server import PageServer

CHROMIUM: Final = os.environ.get("IMGSEARCH_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
START_SECONDS: Final = 20


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, or skip the test."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM}; IMGSEARCH_CHROMIUM names another")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep thumbnails of tests apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGSEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def gallery_path(tmp_path_factory: pytest.TempPathFactory, cache: None) -> Path:  # noqa: ARG001
    """Index the collection under two recipes; a part of it then goes offline."""
    folder = tmp_path_factory.mktemp("browser")
    photos = write_collection(folder / "photos")
    drive = write_drive(folder / "unplugged")
    for backbone in ("fake-1", "fake-2"):
        with Gallery(
            folder / "seen.gallery", recipe=RecipeRequest(backbone=backbone), source=FakeSource()
        ) as gallery:
            gallery.index(photos, drive)
    shutil.rmtree(drive)
    return folder / "seen.gallery"


@contextmanager
def serving(
    gallery_path: Path,
    *,
    port: int = 0,
    links: Path | None = None,
    source: FakeSource | None = None,
) -> Iterator[PageServer]:
    """Serve a gallery from a thread for as long as the block runs."""
    from imgsearch.web.server import PageServer, ServerOptions
    from imgsearch.web.service import ServiceOptions

    server = PageServer(
        lambda recipe: Gallery(gallery_path, recipe=recipe, source=source or FakeSource()),
        ServerOptions(port=port, service=ServiceOptions(links=links, idle_work=False)),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < end
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()


@pytest.fixture(scope="session")
def served(gallery_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """Serve the collection, to everybody in turn."""
    with serving(gallery_path, links=tmp_path_factory.mktemp("links")) as server:
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a browser's profile of its own, at the size of a laptop's window."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    yield context
    context.close()


@pytest.fixture
def visitor(context: BrowserContext, served: PageServer) -> Iterator[Visitor]:
    """Return somebody who may use the pages.

    Whatever the test does: the console must stay clean, no dialog may come up as it does when
    markup in a name runs, and nothing may be asked of another host.
    """
    visitor = Visitor(context, served.address)
    yield visitor
    assert visitor.said == []
    assert visitor.dialogs == []
    assert {urlsplit(url).netloc for url in visitor.requested} <= {f"127.0.0.1:{served.port}"}

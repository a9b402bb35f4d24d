"""Take the documents' pictures of the pages, by serving the sample pictures to a real browser.

    python docs/figures/pages.py

* `page_search.webp`: a part of a lighthouse, and its likes;
* `page_browse.webp`: the month under the scrubber;
* `page_map.webp`: the samples by likeness, and a lasso;
* `page_duplicates.webp`: an edited copy laid over its original.

It needs `pip install '.[browser]'` and the system's Chromium. The samples' folder, which is another
on every machine, is shown as `/home/you/Pictures`; all else is as it is served.
"""

# ruff: noqa: INP001  # a script beside the documents that it illustrates

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

FIGURES: Final = Path(__file__).parent
SAMPLES: Final = FIGURES.parents[1] / "sample_data"
CHROMIUM: Final = os.environ.get("IMGSEARCH_CHROMIUM", "/usr/bin/chromium")
SIZE: Final = {"width": 1280, "height": 760}
QUALITY: Final = 82
SHOWN: Final = "/home/you/Pictures"
FRAME: Final = "@29,6,40,62"
# Corners of the lasso, in shares of the map's sides.
LASSO: Final = ((0.62, 0.1), (0.7, 0.0), (0.79, 0.14), (0.8, 0.5), (0.76, 0.66), (0.63, 0.56))
SEARCH_MS: Final = 300_000
IMGSEARCH: Final = [sys.executable, "-m", "imgsearch"]


@contextmanager
def served(gallery: Path) -> Iterator[str]:
    """Serve a gallery for as long as the block runs, and give the address that is printed."""
    server = subprocess.Popen(  # noqa: S603 - this very program
        [*IMGSEARCH, "serve", "--no-open", "--port", "0", "--gallery", str(gallery)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None  # noqa: S101 - for the type checker
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def save(page: Page, name: str) -> None:
    """Save what the window shows, once every picture in it has come."""
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    page.wait_for_timeout(500)  # until what fades in has
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.save(FIGURES / f"page_{name}.webp", quality=QUALITY, method=6)


def rename(route: Route) -> None:
    """Show another folder than the one of this machine."""
    answer = route.fetch()
    route.fulfill(
        response=answer, body=answer.body().replace(str(SAMPLES).encode(), SHOWN.encode())
    )


def search(page: Page, base: str) -> None:
    """Ask about a part of a lighthouse."""
    page.goto(f"{base}/browse?camera=Lumora&order=path")
    link = page.get_by_role("link", name="lighthouse_1.jpg").first
    content = (link.get_attribute("href") or "").split("/content/")[1][:64]
    page.goto(f"{base}/?like={content}{FRAME}")
    page.locator(".results .tile img.shown").first.wait_for()
    save(page, "search")


def browse(page: Page, base: str) -> None:
    """Point at a month in the scrubber."""
    page.goto(f"{base}/browse")
    page.locator(".tile img.shown").first.wait_for()
    slider = page.get_by_role("slider", name="Go to")
    for _ in range(4):
        slider.press("ArrowDown")
    page.evaluate("document.activeElement.blur()")
    box = page.locator(".scrubber-thumb").bounding_box()
    assert box is not None  # noqa: S101 - for the type checker
    page.mouse.move(box["x"] + 20, box["y"])
    save(page, "browse")


def wander(page: Page, base: str) -> None:
    """Draw a lasso on the map."""
    page.goto(f"{base}/map")
    page.locator(".map-tiles img.shown").first.wait_for()
    box = page.get_by_role("group", name="Map of").bounding_box()
    assert box is not None  # noqa: S101 - for the type checker
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + LASSO[0][0] * box["width"], box["y"] + LASSO[0][1] * box["height"])
    page.mouse.down()
    for x, y in LASSO[1:]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
    save(page, "map")


def duplicates(page: Page, base: str) -> None:
    """Lay a crop over its original."""
    page.route("**/api/v1/duplicates?*", rename)
    page.goto(f"{base}/duplicates")
    page.get_by_role("button", name="Look for duplicates").click()
    page.get_by_role("option").first.wait_for(timeout=SEARCH_MS)
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("option").filter(has_text="tent").click()
    page.keyboard.press("o")
    page.evaluate("document.activeElement.blur()")
    save(page, "duplicates")


def main() -> None:
    """Index the samples, serve them, and take the four pictures."""
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "pictures.gallery"
        subprocess.run(  # noqa: S603 - this very program
            [
                *(*IMGSEARCH, "index", str(SAMPLES / "photos"), str(SAMPLES / "edits")),
                *("--backbone", "compact", "--gallery", str(gallery)),
            ],
            check=True,
        )
        command = [*IMGSEARCH, "map", "--gallery", str(gallery), "--method", "tsne"]
        subprocess.run(command, check=True)  # noqa: S603 - this very program
        with served(gallery) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
            context.request.get(address)
            base = address.partition("/?")[0]
            for take in (search, browse, wander, duplicates):
                take(context.new_page(), base)
            browser.close()


if __name__ == "__main__":
    main()

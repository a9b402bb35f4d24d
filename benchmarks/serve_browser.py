"""The page on a large gallery, driven in a real browser: what a person waits for.

Grows a gallery (`serve_gallery.py`), starts `imgsearch serve`, and lets Chromium

* open the address: until the first pictures stand on the page, as colours and as thumbnails;
* drop a picture of 12 megapixels: the first of a new process, then others, until the matches are
  there;
* scroll the browse page from end to end in a minute, and jump to random places: how long nothing
  but the page's ground is to be seen, by nine points of the view at every frame;

and reads the server's memory and processor time. Needs playwright and a Chromium (`--chromium`).

    python benchmarks/serve_browser.py --workspace DIR FOLDER...
    python benchmarks/serve_browser.py --workspace DIR --quick
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

from extraction_pictures import Scale, make_pictures
from run_facts import facts
from serve_gallery import grow, pictures_in
from serve_scale import DROPPED, SAMPLES, Server, percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, Page

RESULTS: Final = Path(__file__).parent / "results"
ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
WAIT_MS: Final = 120_000
JUMPS: Final = 20
LIMITS: Final = {
    "first_page_s": 1.0,
    "cold_drop_s": 1.5,
    "warm_drop_s": 0.5,
    "longest_blank_s": 0.3,
    "memory_mb": 700,
}
DROP: Final = """([data]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
    return transfer;
}"""
# Whether a picture, or the colour that stands for one, is at one of nine points of the view.
FILLED: Final = """const filled = () => {
    for (const x of [0.3, 0.5, 0.7]) for (const y of [0.3, 0.5, 0.8]) {
        const seen = document.elementFromPoint(innerWidth * x, innerHeight * y);
        if (seen?.closest(".tile")) return true;
    }
    return false;
};"""
# Scrolls from end to end in so many milliseconds, and looks at every frame.
WATCH: Final = f"""async (duration) => {{
    {FILLED}
    const end = document.documentElement.scrollHeight - innerHeight;
    const begun = performance.now();
    let [longest, since, frames, slowest, before] = [0, null, 0, 0, begun];
    while (before - begun < duration) {{
        scrollTo(0, (end * (before - begun)) / duration);
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        slowest = Math.max(slowest, now - before);
        before = now;
        frames += 1;
        if (filled()) since = null;
        else longest = Math.max(longest, now - (since ??= now));
    }}
    return {{ longest, frames, slowest }};
}}"""
JUMP: Final = f"""async (share) => {{
    {FILLED}
    const begun = performance.now();
    scrollTo(0, share * (document.documentElement.scrollHeight - innerHeight));
    do await new Promise(requestAnimationFrame); while (!filled());
    return performance.now() - begun;
}}"""
PICTURES: Final = """() => {
    const seen = [...document.querySelectorAll(".tile img")];
    return seen.length > 0 && seen.every((image) => image.complete && image.naturalWidth);
}"""


def first_page(page: Page, server: Server) -> dict[str, float]:
    """Open the address; return the seconds until entries, and until pictures are there."""
    begun = time.perf_counter()
    page.goto(f"http://127.0.0.1:{server.port}/?token={server.token}")
    page.locator(".tile[data-content]").first.wait_for()
    entries = time.perf_counter() - begun
    page.wait_for_function(PICTURES)
    return {"entries": round(entries, 3), "pictures": round(time.perf_counter() - begun, 3)}


def drop(page: Page, data: bytes) -> float:
    """Drop a picture onto the start page; return the seconds until its matches are there."""
    parts = urlsplit(page.url)
    page.goto(f"{parts.scheme}://{parts.netloc}/")
    page.locator(".tile[data-content]").first.wait_for()
    transfer = page.evaluate_handle(DROP, [base64.b64encode(data).decode("ascii")])
    begun = time.perf_counter()
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})
    page.locator(".results:not(.waiting) .tile[data-content]").first.wait_for()
    return time.perf_counter() - begun


def browse(page: Page, *, seconds: float) -> dict[str, Any]:
    """Scroll everything from end to end, and jump; return seconds and counts."""
    parts = urlsplit(page.url)
    page.goto(f"{parts.scheme}://{parts.netloc}/browse")
    page.locator(".tile[data-content]").first.wait_for()
    height = page.evaluate("document.documentElement.scrollHeight")
    seen = page.evaluate(WATCH, 1000 * seconds)
    chance = random.Random(0)  # noqa: S311 - places of a page
    jumps = [page.evaluate(JUMP, chance.random()) / 1000 for _ in range(JUMPS)]
    return {
        "height_px": height,
        "longest_blank_s": round(seen["longest"] / 1000, 3),
        "frames_per_second": round(seen["frames"] / seconds, 1),
        "slowest_frame_s": round(seen["slowest"] / 1000, 3),
        "nodes": page.evaluate("document.querySelectorAll('.tile').length"),
        "jump_s": percentiles(jumps),
    }


def measure(
    browser: Browser, gallery: Path, cache: Path, dropped: Sequence[bytes], *, seconds: float
) -> dict[str, Any]:
    """Return the figures."""
    found: dict[str, Any] = {}
    Server.start(gallery, cache).prepared(dropped[0])
    server = Server.start(gallery, cache)
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(WAIT_MS)
    found["first_page_s"] = first_page(page, server)
    found["cold_drop_s"] = round(drop(page, dropped[0]), 3)
    found["warm_drop_s"] = percentiles([drop(page, data) for data in dropped[1:]])
    found["browse"] = browse(page, seconds=seconds)
    found["memory_mb"] = server.memory_mb("VmHWM")
    found["server_processor_s"] = round(server.processor_seconds(), 1)
    page.context.close()
    server.stop()
    return found


def main() -> None:
    """Run with the arguments of the command line."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="pictures; default: the samples")
    parser.add_argument("--workspace", type=Path, required=True, help="kept between runs")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--quick", action="store_true", help="2,000 contents, five seconds")
    options = parser.parse_args()
    folders = options.folders or [SAMPLES]
    size, seconds = (2_000, 5.0) if options.quick else (options.size, 60.0)
    options.workspace.mkdir(parents=True, exist_ok=True)
    gallery = grow(options.workspace, folders, size)
    large = options.workspace / "dropped"
    if not large.is_dir():
        scale = Scale("12 MP", (4000, 3000), originals=4, files=DROPPED, loop=0)
        make_pictures(large, pictures_in(folders), scale)
    dropped = [path.read_bytes() for path in sorted(large.glob("*.jpg"))[:DROPPED]]
    cache = options.workspace / "cache"
    shutil.rmtree(cache / "thumbnails", ignore_errors=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(ARGUMENTS))
        figures: dict[str, Any] = {"contents": size, "browser": f"Chromium {browser.version}"}
        figures |= measure(browser, gallery, cache, dropped, seconds=seconds)
        browser.close()
    figures |= {"limits": LIMITS, "run": facts()}
    print(json.dumps(figures, indent=2))
    if not options.quick:
        text = json.dumps(figures, indent=2) + "\n"
        (RESULTS / "serve_browser.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

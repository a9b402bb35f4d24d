"""What the map's page costs a browser at 100,000 points, by the system's Chromium.

On a gallery of grown embeddings (`grown_embeddings.py`) without images, so that every thumbnail is
refused and only the map's own work is measured: decoding the points, choosing thumbnails, one frame
drawn by the rasteriser that Chromium has here, and how often frames come, of how many points, while
a mouse drags the map and turns its wheel. Without `--gpu` that rasteriser is SwiftShader, on the
processor. The least of many times is given beside the median: other work on the machine only ever
adds. A headless browser draws 60 frames a second at most.

    python benchmarks/map_page.py --embeddings real.npy
    python benchmarks/map_page.py --embeddings real.npy --gpu
    python benchmarks/map_page.py --quick
"""

# ruff: noqa: E501  # JavaScript, whose lines are those of the pages

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from grown_embeddings import SAMPLES, Grown, embed
from index_gallery import fill
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM: Final = os.environ.get("IMGSEARCH_CHROMIUM", "/usr/bin/chromium")
FLAGS: Final = ["--no-sandbox", "--disable-quic", "--no-first-run"]
PROCESSOR: Final = ["--enable-unsafe-swiftshader"]
GPU: Final = [
    *("--use-gl=angle", "--use-angle=vulkan", "--enable-features=Vulkan"),
    *("--disable-vulkan-surface", "--ignore-gpu-blocklist"),
]
SECONDS: Final = 4
SIZE: Final = (1392, 754)

PARTS: Final = """async ([width, height]) => {
  const [{ Points }, { openPointLayer }, { Camera }, { palette }, { chosenThumbnails }] = await Promise.all(
    ["points", "point_layer", "camera", "colours", "chosen_thumbnails"].map((name) => import(`/static/app/map/${name}.js`)));
  const drawn = await (await fetch("/api/v1/map")).json();
  const bytes = await (await fetch("/api/v1/map/points")).arrayBuffer();
  const times = (count, act) => {
    const taken = [];
    for (let round = 0; round < count; round += 1) {
      const begun = performance.now();
      act();
      taken.push(performance.now() - begun);
    }
    taken.sort((one, other) => one - other);
    return [taken[0], taken[count >> 1]];
  };
  let points;
  const labels = drawn.clusters;
  const found = {};
  found["decoding the points"] = times(5, () => { points = new Points(bytes, drawn.levels); });
  found["finding a content for the first time"] = times(1, () => points.pointOf(drawn.clusters[0].central[0]));
  const layer = openPointLayer(document.createElement("canvas"), points);
  const gl = layer.gl;
  const camera = new Camera(points.box);
  camera.resize(width, height);
  for (const near of [1, 3, 10]) {
    camera.at(...camera.middle, near);
    found[`choosing thumbnails, ${near} times nearer`] = times(20, () => chosenThumbnails(camera, points, labels, 84));
  }
  camera.whole();
  for (const count of [...new Set([8000, 30000, points.count].map((one) => Math.min(one, points.count)))]) {
    const look = { palette: palette(false), accent: [0, 0, 0], chosen: -1, size: 2, count };
    found[`asking for a frame of ${count} points`] = times(40, () => layer.draw(camera, look));
    found[`a frame of ${count} points, drawn`] = times(40, () => {
      layer.draw(camera, look);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    });
  }
  const renderer = gl.getExtension("WEBGL_debug_renderer_info");
  return { found, renderer: renderer ? gl.getParameter(renderer.UNMASKED_RENDERER_WEBGL) : "unknown", points: points.count };
}"""

WHEEL: Final = """async () => {
  const stage = document.querySelector(".map-stage");
  const { left, top, width, height } = stage.getBoundingClientRect();
  const frames = [];
  const handling = [];
  let before = performance.now();
  for (let turn = 0; turn < 240; turn += 1) {
    const begun = performance.now();
    stage.dispatchEvent(new WheelEvent("wheel", {
      deltaY: turn < 120 ? -12 : 12, clientX: left + width / 2, clientY: top + height / 2, bubbles: true, cancelable: true,
    }));
    handling.push(performance.now() - begun);
    const now = await new Promise((drawn) => requestAnimationFrame(drawn));
    frames.push(now - before);
    before = now;
  }
  frames.sort((one, other) => one - other);
  handling.sort((one, other) => one - other);
  return { frame: [frames[12], frames[120]], handling: [handling[12], handling[120]] };
}"""

# Notes when frames come, and of how many points those are that the map draws.
WATCH: Final = """() => {
  const seen = { frames: [], points: [] };
  const draw = WebGL2RenderingContext.prototype.drawArrays;
  WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
    seen.points.push(count);
    draw.call(this, mode, first, count);
  };
  const tick = (now) => {
    seen.frames.push(now);
    seen.request = requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  globalThis.endWatch = () => {
    cancelAnimationFrame(seen.request);
    WebGL2RenderingContext.prototype.drawArrays = draw;
    return seen;
  };
}"""


def drag(page: Page, x: float, y: float) -> None:
    """Drag the map about, 125 places a second."""
    page.mouse.move(x, y)
    page.mouse.down()
    begun = time.perf_counter()
    while (turn := time.perf_counter() - begun) < SECONDS:
        page.mouse.move(x + 300 * math.sin(2 * turn), y + 150 * math.sin(3 * turn))
        time.sleep(0.008)
    page.mouse.up()


def turn_wheel(page: Page, x: float, y: float, *, every: float) -> None:
    """Turn the wheel nearer and then farther, a notch every so many seconds."""
    page.mouse.move(x, y)
    begun = time.perf_counter()
    while (turn := time.perf_counter() - begun) < SECONDS:
        page.mouse.wheel(0, (-400 if turn < SECONDS / 2 else 400) * every)
        time.sleep(every)


def movements(page: Page) -> list[str]:
    """Return a table of the frames while somebody moves the map."""
    box = page.locator(".map-stage").bounding_box()
    if box is None:
        raise SystemExit("the map is not on the page")
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    rows = []
    for name, act in (
        ("dragged", drag),
        ("the wheel, 60 turns a second", partial(turn_wheel, every=1 / 60)),
        ("the wheel, 7 turns a second", partial(turn_wheel, every=1 / 7)),
    ):
        page.wait_for_timeout(1000)
        page.evaluate(WATCH)
        act(page, *middle)
        seen = page.evaluate("endWatch()")
        gaps = np.diff(seen["frames"])
        points = np.array(seen["points"])
        rows.append(
            f"| {name} | {1000 / gaps.mean():.1f} | {gaps.max():.1f} | {len(points)} "
            f"| {points.min():,} | {np.median(points):,.0f} |"
        )
    return [
        "| | frames a second | longest between two, ms | drawn | fewest points | median |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def measure(page: Page, base: str) -> list[str]:
    """Return the lines of the tables."""
    page.goto(f"{base}/map")
    page.locator(".map-tiles .map-tile").first.wait_for(timeout=120_000)
    painted: float = page.evaluate("performance.now()")
    moved = movements(page)
    wheel: dict[str, Any] = page.evaluate(WHEEL)
    parts: dict[str, Any] = page.evaluate(PARTS, list(SIZE))
    rows = [
        f"| {name} | {least:.1f} | {median:.1f} |"
        for name, (least, median) in parts["found"].items()
    ]
    for name, key in (
        ("answering a turn of the wheel", "handling"),
        ("between two frames while the wheel turns (5 % and median)", "frame"),
    ):
        rows.append(f"| {name} | {wheel[key][0]:.1f} | {wheel[key][1]:.1f} |")
    rows.append(f"| from the address to the first thumbnail's place, once | | {painted:.0f} |")
    return [
        f"{parts['points']:,} points, {parts['renderer']}, load {os.getloadavg()[0]:.1f}",
        "",
        "| | least, ms | median, ms |",
        "|---|---|---|",
        *rows,
        "",
        *moved,
    ]


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    kept = parser.add_mutually_exclusive_group(required=True)
    kept.add_argument("--embeddings", type=Path, help="the .npy file of real ones to grow from")
    kept.add_argument("--gallery", type=Path, help="a gallery that has a map already")
    kept.add_argument("--quick", action="store_true", help="the sample photos, 2,000 contents")
    parser.add_argument("--gpu", action="store_true", help="draw on the GPU, by Vulkan")
    options = parser.parse_args()
    flags = [*FLAGS, *(GPU if options.gpu else PROCESSOR)]
    with tempfile.TemporaryDirectory(prefix="imgsearch-map-page-") as place:
        gallery = options.gallery or Path(place) / "grown" / "gallery"
        if options.gallery is None:
            real = embed([SAMPLES], "compact") if options.quick else np.load(options.embeddings)
            np.save(Path(place) / "real.npy", real)
            stretch = Grown.calibrated(real, projected=True).stretch
            size = 2_000 if options.quick else 100_000
            given = SimpleNamespace(embeddings=Path(place) / "real.npy", stretch=stretch, size=size)
            gallery.parent.mkdir()
            fill(gallery, given)  # type: ignore[arg-type]  # as argparse would make them
            command = [sys.executable, "-m", "imgsearch", "map", "--gallery", str(gallery)]
            subprocess.run(command, check=True)
        serve = [sys.executable, "-m", "imgsearch", "serve", "--no-open", "--port", "0"]
        with (
            subprocess.Popen(
                [*serve, "--gallery", str(gallery)], stdout=subprocess.PIPE, text=True
            ) as server,
            sync_playwright() as playwright,
        ):
            try:
                address = (server.stdout.readline() if server.stdout else "").strip()
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                context.request.get(address)
                lines = measure(context.new_page(), address.partition("/?")[0])
                browser.close()
            finally:
                server.terminate()
    print("\n".join(lines))


if __name__ == "__main__":
    main()

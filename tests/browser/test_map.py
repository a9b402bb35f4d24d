"""The map: every picture as a point, moved about, caught with a lasso, listed by clusters."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import FakeSource

from browser.conftest import serving
from browser.test_everybody import serious
from browser.visitor import Visitor
from browser.waiting import expect
from imgsearch.gallery.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from imgsearch.web.server import PageServer

NO_WEBGL = """
const open = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...given) {
    return kind === "webgl2" ? null : open.call(this, kind, ...given);
};
"""
# What the plain canvas has drawn: how many of its pixels are not clear.
DRAWN = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, at) => at % 4 === 3 && value > 0).length;
}"""

# How many points a map of 100,000 draws while it moves, after frames that took so many ms.
PACED = """async (rounds) => {
    const { Pace } = await import("/static/app/map/pace.js");
    const pace = new Pace(100_000);
    return rounds.map((times) => {
        for (const time of times) pace.took(time);
        return pace.count;
    });
}"""
# What frames took by the page's own measure, in ms, while the wheel turns every 180 ms.
NOTCHES = """async () => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { Pace } = await import(loaded.find((name) => name.endsWith("/map/pace.js")));
    const times = [];
    const { took } = Pace.prototype;
    Pace.prototype.took = (time) => times.push(time);
    for (let notch = 0; notch < 5; notch += 1) {
        const turn = new WheelEvent("wheel", { deltaY: -20 });
        document.querySelector(".map-stage").dispatchEvent(turn);
        await new Promise((passed) => setTimeout(passed, 180));
    }
    Pace.prototype.took = took;
    return times;
}"""


@pytest.fixture(scope="module")
def mapped(gallery_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """Serve a copy of the collection that has a map."""
    copy = tmp_path_factory.mktemp("mapped") / "mapped.gallery"
    shutil.copytree(gallery_path, copy)
    with Gallery(copy, source=FakeSource()) as gallery:
        gallery.draw_map(method="tsne")
    with serving(copy) as server:
        yield server


def complaints(visitor: Visitor) -> list[str]:
    """Return what the console said, but for what the browser says of its own drawing."""
    return [line for line in visitor.said if "GL Driver Message" not in line]


@pytest.fixture
def wanderer(context: BrowserContext, mapped: PageServer) -> Iterator[Visitor]:
    """Return somebody on the map."""
    wanderer = Visitor(context, mapped.address)
    open_map(wanderer)
    yield wanderer
    assert complaints(wanderer) == []
    assert wanderer.dialogs == []
    assert {urlsplit(url).netloc for url in wanderer.requested} <= {f"127.0.0.1:{mapped.port}"}


def open_map(visitor: Visitor, path: str = "/map") -> None:
    """Go to the map and wait for its thumbnails."""
    visitor.go(path)
    visitor.page.locator(".map-tiles .map-tile").first.wait_for()


def total(page: Page) -> int:
    """Return how many pictures the page says that there are."""
    label = page.get_by_role("group", name="Map of").get_attribute("aria-label")
    assert label is not None
    return int(label.split()[2])


def marked(page: Page) -> int:
    """Return how many pictures are marked."""
    bar = page.get_by_role("region", name="Marked pictures")
    return int(bar.locator("strong").inner_text().split()[0]) if bar.is_visible() else 0


def places(page: Page) -> dict[str, tuple[float, float]]:
    """Return the middle of every thumbnail on the screen, by content."""
    found = page.locator(".map-tiles .map-tile").evaluate_all(
        """tiles => tiles.map((tile) => {
            const { left, top, width, height } = tile.getBoundingClientRect();
            return [tile.dataset.content, left + width / 2, top + height / 2, width];
        })"""
    )
    return {content: (x, y) for content, x, y, _ in found}


def test_a_lasso_around_everything_becomes_a_selection(wanderer: Visitor) -> None:
    """The main journey: map, lasso, selection."""
    page = wanderer.page
    page.get_by_role("button", name="Lasso").click()
    stage = page.get_by_role("group", name="Map of")
    box = stage.bounding_box()
    assert box is not None
    corners = [(0.02, 0.02), (0.9, 0.02), (0.98, 0.5), (0.9, 0.98), (0.02, 0.98), (0.02, 0.3)]
    spots = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=4)
    page.mouse.up()
    bar = page.get_by_role("region", name="Marked pictures")
    expect(bar).to_contain_text(f"{total(page)} marked")
    expect(page.get_by_role("button", name="Lasso")).to_have_attribute("aria-pressed", "false")

    bar.get_by_role("button", name="Keep as a set").click()
    page.get_by_label("Name of the set").fill("caught")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.wait_for_url("**/selections?set=caught")
    expect(page.locator(".page-head")).to_contain_text(f"{total_of_set(page)} picture")


def total_of_set(page: Page) -> int:
    """Return how many pictures a set says that it has."""
    return int(page.locator(".page-head .soft").inner_text().split()[0])


def test_a_drag_with_shift_catches_only_what_lies_within(wanderer: Visitor) -> None:
    page = wanderer.page
    for _ in range(3):
        page.get_by_role("button", name="Nearer").click()
    page.wait_for_timeout(400)
    spots = places(page)
    content, (x, y) = min(spots.items(), key=lambda item: math.dist(item[1], (600, 450)))
    page.keyboard.down("Shift")
    page.mouse.move(x - 4, y - 4)
    page.mouse.down()
    for dx, dy in ((4, -4), (4, 4), (-4, 4), (-4, -3)):
        page.mouse.move(x + dx, y + dy, steps=2)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(f".map-tile.marked-one[data-content='{content}']")).to_be_visible()
    assert 1 <= marked(page) < total(page)


def test_everything_can_be_done_with_the_keys(wanderer: Visitor) -> None:
    """Zoom, move, lasso by corners, mark what is in view, walk the thumbnails, open one."""
    page = wanderer.page
    stage = page.get_by_role("group", name="Map of")
    stage.focus()
    before = places(page)
    wanderer.press("+")
    page.wait_for_url("**at=**")
    assert places(page) != before
    wanderer.press("0")
    page.wait_for_url("**/map")

    wanderer.press("s")
    expect(page.get_by_role("button", name="Lasso")).to_have_attribute("aria-pressed", "true")
    wanderer.press(*["Shift+ArrowLeft"] * 14, *["Shift+ArrowUp"] * 9, "Enter")
    wanderer.press(*["Shift+ArrowRight"] * 28, "Enter", *["Shift+ArrowDown"] * 18, "Enter")
    wanderer.press(*["Shift+ArrowLeft"] * 28, "Enter", "Space")
    expect(page.get_by_role("region", name="Marked pictures")).to_contain_text(
        f"{total(page)} marked"
    )
    page.get_by_role("button", name="Unmark all").click()

    stage.focus()
    wanderer.press("v")
    expect(page.get_by_role("region", name="Marked pictures")).to_contain_text(
        f"{total(page)} marked"
    )
    page.get_by_role("button", name="Unmark all").click()

    stage.focus()
    wanderer.press("Tab")
    first = page.evaluate("document.activeElement.dataset.content")
    assert first
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        wanderer.press(key)
    walked = page.evaluate("document.activeElement.dataset.content")
    assert walked
    # Once its entry has come, it is called by its name, however often it gets the focus.
    expect(page.locator(".map-card strong")).not_to_be_empty()
    name = page.locator(".map-card strong").inner_text()
    assert wanderer.focused().split(":")[0] == name
    wanderer.press("Space")
    assert marked(page) == 1
    wanderer.press("Enter")
    page.wait_for_url(f"**/content/{walked}")
    page.go_back()
    page.locator(".map-tiles .map-tile").first.wait_for()
    expect(page.locator(".map-tile.marked-one").first).to_be_visible()


def test_the_place_is_in_the_address_so_that_reload_and_back_lead_there(wanderer: Visitor) -> None:
    page = wanderer.page
    page.mouse.move(500, 400)
    page.mouse.wheel(0, -600)
    page.wait_for_url("**at=**")
    page.wait_for_timeout(300)
    seen = places(page)
    assert seen
    page.reload()
    page.locator(".map-tiles .map-tile").first.wait_for()
    again = places(page)
    assert set(again) == set(seen)
    assert all(
        abs(again[key][0] - seen[key][0]) < 3 and abs(again[key][1] - seen[key][1]) < 3
        for key in seen
    )


def test_a_machine_that_draws_late_gets_fewer_points_till_it_is_in_time_again(
    wanderer: Visitor,
) -> None:
    in_time = [16.7] * 6
    one_waits_for_all = [16.7, 16.7, 16.7, 16.7, 16.7, 350.0]  # 72 ms each
    rounds = [
        *(in_time, one_waits_for_all, in_time, [5000.0], [100.0, 100.0], [300.0]),
        *([300.0], in_time * 10),
    ]
    counts = wanderer.page.evaluate(PACED, rounds)
    assert counts == [100_000, 30_000, 39_000, 39_000, 11_700, 8_000, 8_000, 100_000]


def test_a_wheel_turned_notch_by_notch_does_not_look_like_a_machine_that_draws_late(
    wanderer: Visitor,
) -> None:
    times = wanderer.page.evaluate(NOTCHES)
    assert len(times) == 5
    assert min(times) < 100


def test_thumbnails_never_cover_each_other(wanderer: Visitor) -> None:
    page = wanderer.page
    for _ in range(4):
        page.wait_for_timeout(200)
        boxes = page.locator(".map-tiles .map-tile").evaluate_all(
            """tiles => tiles.map((tile) => {
                const { left, top, right, bottom } = tile.getBoundingClientRect();
                return [left, top, right, bottom];
            })"""
        )
        covering = [
            (one, other)
            for place, one in enumerate(boxes)
            for other in boxes[:place]
            if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
        ]
        assert covering == []
        page.get_by_role("button", name="Nearer").click()


def test_the_clusters_are_a_list_for_those_who_do_not_look_at_maps(wanderer: Visitor) -> None:
    page = wanderer.page
    page.get_by_role("button", name="Clusters").click()
    page.wait_for_url("**view=clusters")
    sizes = [int(text.split()[0]) for text in page.locator(".cluster-head .soft").all_inner_texts()]
    expect(page.get_by_role("group", name="Map of")).to_be_hidden()
    assert sizes == sorted(sizes, reverse=True)
    page.get_by_role("button", name="of cluster 2").click()
    assert marked(page) == sizes[1]
    page.get_by_role("button", name="Show cluster 1 on the map").click()
    expect(page.get_by_role("group", name="Map of")).to_be_focused()
    assert "view" not in parse_qs(urlsplit(page.url).query)
    page.get_by_role("button", name="Clusters").click()
    assert page.locator(".cluster-row a").count() >= len(sizes)
    assert sum(sizes) == total_behind(page)


def total_behind(page: Page) -> int:
    """Return how many pictures the heading counts."""
    return int(page.locator(".page-head .soft").inner_text().split()[0])


def test_a_picture_under_the_mouse_is_shown_larger_with_its_name(wanderer: Visitor) -> None:
    page = wanderer.page
    spots = places(page)
    content, (x, y) = min(spots.items(), key=lambda item: math.dist(item[1], (600, 450)))
    page.mouse.move(x, y)
    expect(page.locator(".map-card strong")).not_to_be_empty()
    page.mouse.click(x, y)
    page.wait_for_url(f"**/content/{content}")


def test_without_webgl_a_plain_canvas_shows_the_points(
    context: BrowserContext, mapped: PageServer
) -> None:
    context.add_init_script(NO_WEBGL)
    visitor = Visitor(context, mapped.address)
    open_map(visitor)
    assert visitor.page.locator(".map-stage canvas").evaluate(DRAWN) > 50
    visitor.page.get_by_role("group", name="Map of").focus()
    visitor.press("v")
    assert visitor.page.locator(".map-tile.marked-one").count() > 1
    assert complaints(visitor) == []


def test_without_a_kept_map_one_by_pca_is_there_at_once_with_what_to_type(
    context: BrowserContext, served: PageServer
) -> None:
    visitor = Visitor(context, served.address)
    open_map(visitor)
    page = visitor.page
    expect(page.locator(".page-head")).to_contain_text("by PCA")
    expect(page.locator(".map-advice code")).to_contain_text("imgsearch map --gallery ")
    assert "seen.gallery" in page.locator(".map-advice code").inner_text()
    assert complaints(visitor) == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_map_fits_any_window(wanderer: Visitor, width: int, height: int) -> None:
    page = wanderer.page
    page.set_viewport_size({"width": width, "height": height})
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    page.wait_for_timeout(200)
    assert page.evaluate(size) == [width, height]
    page.get_by_role("button", name="Clusters").click()
    assert page.evaluate(size)[0] == width


def test_axe_finds_nothing_serious_on_the_map_or_the_list(wanderer: Visitor) -> None:
    page = wanderer.page
    assert serious(wanderer) == []
    page.get_by_role("button", name="Clusters").click()
    page.locator(".cluster-row").first.wait_for()
    assert serious(wanderer) == []
    page.emulate_media(color_scheme="dark")
    assert serious(wanderer, "color-contrast") == []

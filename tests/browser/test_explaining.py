"""Why a match is one, shown on both pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from region_fakes import HistogramSource, patchwork

from browser.conftest import serving
from browser.visitor import Visitor
from browser.waiting import expect
from imgsearch import Gallery

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

# Whether some of a map is see-through and some of it dark.
VEILED = """veil => {
    const { data } = veil.getContext("2d").getImageData(0, 0, veil.width, veil.height);
    const alphas = data.filter((_, index) => index % 4 === 3);
    return Math.min(...alphas) < 20 && Math.max(...alphas) > 80;
}"""


def test_both_pictures_are_shown_dark_where_they_do_not_agree(
    context: BrowserContext, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        patchwork(seed).save(folder / f"{seed}.png")
    with Gallery(tmp_path / "maps.gallery", source=HistogramSource()) as gallery:
        gallery.index(folder)
        content = next(iter(gallery.files())).content
    with serving(tmp_path / "maps.gallery", source=HistogramSource()) as server:
        visitor = Visitor(context, server.address)
        visitor.go(f"/?like={content}")
        assert visitor.likes()
        visitor.page.locator(".tile > a[tabindex='0']").focus()
        visitor.page.keyboard.press("w")
        window = visitor.page.get_by_role("dialog")
        expect(window.get_by_text("Bright places make up the score")).to_be_visible()
        veils = window.locator("canvas")
        expect(veils).to_have_count(2)
        assert veils.evaluate_all(f"veils => veils.map({VEILED})") == [True, True]
        visitor.page.keyboard.press("Escape")
        visitor.page.get_by_role("button", name="Scores").click()
        visitor.page.locator(".tile-score").first.click()
        expect(window.get_by_text("Bright places make up the score")).to_be_visible()
        assert visitor.said == []

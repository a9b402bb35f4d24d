"""Marking pictures, keeping them as sets, taking these away."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from browser.waiting import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser.visitor import Visitor

NAME: Final = "two & <b>more</b>"


@pytest.fixture
def kept(visitor: Visitor) -> Iterator[Visitor]:
    """Give a visitor who has kept two pictures as a set, and delete all sets afterwards."""
    page = visitor.page
    visitor.go("/browse?camera=Lumora&order=path&min_width=600")
    page.locator(".tile[data-content]:not(.broken) > a").first.focus()
    visitor.press("Space", "ArrowRight", "Space")
    page.get_by_role("button", name="Keep as a set").click()
    page.get_by_label("Name of the set").fill(NAME)
    page.keyboard.press("Enter")
    page.wait_for_url("**/selections?set=*")
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    yield visitor
    visitor.go("/selections")
    while page.locator(".sets a").count():
        page.locator(".sets a").first.click()
        page.get_by_role("button", name="Delete the set").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete the set").click()
        page.wait_for_url("**/selections")
        page.get_by_role("heading", level=1, name="Selections").wait_for()
        page.locator(".sets, .empty").first.wait_for()


def test_a_set_is_taken_away_as_a_zip_of_the_originals_and_as_links(kept: Visitor) -> None:
    page = kept.page
    names = kept.names()
    page.get_by_role("button", name="Take away").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Originals").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(name.split("/")[-1] for name in archive.namelist()) == sorted(names)
    page.get_by_role("button", name="Take away").click()
    page.get_by_role("button", name="Folder of links").click()
    expect(page.get_by_label("Name of the folder")).to_have_value(NAME.replace("/", "-"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="The folder of links is made")
    expect(dialog).to_contain_text("2 links, in")
    assert len(list(Path(dialog.locator("code").inner_text()).iterdir())) == len(names)


def test_a_set_is_renamed_and_stands_in_the_list(kept: Visitor) -> None:
    page = kept.page
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name").fill("renamed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("renamed")
    page.get_by_role("link", name="All sets").click()
    expect(page.locator(".sets li")).to_have_count(1)
    expect(page.locator(".sets li")).to_contain_text("renamed2 pictures")


def test_marked_pictures_are_taken_out_of_a_set(kept: Visitor) -> None:
    page = kept.page
    kept.tiles().first.hover()
    kept.tiles().first.get_by_title("Mark").click()
    page.get_by_role("button", name="Take out the marked").click()
    expect(kept.tiles()).to_have_count(1)


def test_marks_outlive_a_reload_and_can_be_asked_about_together(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/browse?camera=Lumora&order=path&min_width=600")
    page.locator(".tile[data-content]:not(.broken) > a").first.focus()
    visitor.press("Space", "ArrowRight", "Space")
    page.reload()
    marked = page.get_by_role("region", name="Marked pictures")
    expect(marked).to_contain_text("2 marked")
    marked.get_by_role("button", name="Find likes").click()
    page.wait_for_url("**/?like=*&like=*")
    marked.get_by_role("button", name="Unmark all").click()
    expect(marked).to_be_hidden()

"""Going through duplicates by key, and saving a plan."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import pytest

from browser.collection import HOSTILE_FOLDER
from browser.waiting import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Route

    from browser.visitor import Visitor

SOUGHT: Final = '{"kinds": ["identical", "pixels"]}'
SEARCH_MS: Final = 120_000


@pytest.fixture
def found(visitor: Visitor) -> Visitor:
    """Return a visitor who sees the groups, having looked for them if nobody has.

    Edits and bursts, which take seconds to tell, are not looked for. The search gives way to all
    else on a busy machine.
    """
    page = visitor.page
    page.route("**/api/v1/duplicates", lambda route: route.continue_(post_data=SOUGHT))
    visitor.go("/duplicates")
    groups = page.get_by_role("listbox", name="Groups of duplicates")
    look = page.get_by_role("button", name="Look for duplicates")
    groups.or_(look).wait_for(timeout=SEARCH_MS)
    if look.is_visible():
        look.click()
    groups.get_by_role("option").first.wait_for(timeout=SEARCH_MS)
    return visitor


def test_groups_are_gone_through_by_key_to_a_plan_that_a_person_applies(
    found: Visitor, gallery_path: Path
) -> None:
    """Keys alone: drop, next group, keep the first and drop the rest, save."""
    page = found.page
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("heading", level=2)).to_have_text("Identical")
    found.press("d")
    expect(page.locator("figcaption .decision")).to_have_text(["Undecided", "Drop"])
    found.press("d")
    expect(page.locator("figcaption .decision")).to_have_text(["Undecided", "Undecided"])
    found.press("d", "ArrowLeft", "d")
    expect(page.locator(".toast")).to_contain_text("One file of a group stays")
    found.press("k")
    expect(options.first).to_contain_text("decided")
    found.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    found.press("Enter")
    plan = page.get_by_role("region", name="The plan")
    expect(plan).to_contain_text("2 files to drop")
    page.reload()
    expect(plan).to_contain_text("2 files to drop")

    plan.get_by_role("button", name="Save the plan").press("Enter")
    dialog = page.get_by_role("dialog", name="The plan is saved")
    expect(dialog.locator(".command code")).to_contain_text("imgsearch ")
    saved = gallery_path / dialog.locator("code").last.inner_text()
    assert saved.is_file()
    dropped = [path for path in gallery_path.parent.rglob("copy of *") if path.is_file()]
    assert len(dropped) == 2  # nothing is deleted from the page
    page.keyboard.press("Escape")
    plan.get_by_role("button", name="Start over").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(plan).to_contain_text("Nothing to drop so far")


def test_two_files_are_laid_over_each_other_and_the_slider_shows_one_or_the_other(
    found: Visitor,
) -> None:
    page = found.page
    found.press("o")
    slider = page.get_by_role("slider", name="How much of the first picture is shown")
    slider.focus()
    found.press("End")
    expect(page.locator(".overlay-paper")).to_have_css("--split", "100%")
    expect(page.locator(".overlay-lower .compared")).to_be_visible()
    lower = page.locator(".overlay-lower .compared").bounding_box()
    upper = page.locator(".overlay-upper .compared").bounding_box()
    assert lower is not None
    assert upper is not None
    assert [round(value) for value in lower.values()] == [round(value) for value in upper.values()]


def test_what_is_not_the_same_is_told_to_the_gallery_and_can_be_taken_back(found: Visitor) -> None:
    """Files of the same bytes are the same; so here another picture is put into the first group."""
    page = found.page

    def mistake(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        others = page.request.get(f"{found.base}/api/v1/contents?format=JPEG&min_width=600").json()
        (member,) = document["groups"][0]["members"]
        stranger = next(entry for entry in others["contents"] if not entry["offline"])
        member.update(stranger, kind="similar", transform=None)
        route.fulfill(response=answer, json=document)

    expect(page.get_by_role("button", name="Not the same")).to_have_count(0)
    page.route("**/api/v1/duplicates?*", mistake)
    page.reload()
    page.get_by_role("button", name="Not the same").wait_for()
    for same, said in ((False, "Not the same"), (True, "Undecided")):
        with page.expect_response("**/duplicates/verdicts") as told:
            found.press("n")
        assert told.value.status == HTTPStatus.NO_CONTENT
        assert json.loads(told.value.request.post_data or "")["same"] is same
        expect(page.locator("figcaption .decision").last).to_have_text(said)


def test_kinds_narrow_the_groups(found: Visitor) -> None:
    page = found.page
    expect(page.locator("figcaption").last).to_contain_text(HOSTILE_FOLDER)
    page.get_by_role("link", name="Burst").click()
    expect(page.get_by_text("None of this kind")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("option").first).to_be_visible()

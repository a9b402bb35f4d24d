"""One question, answered by two recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.waiting import expect

if TYPE_CHECKING:
    from browser.visitor import Visitor


def test_a_question_goes_to_the_recipe_that_is_chosen(visitor: Visitor) -> None:
    """The address keeps it, and the primary recipe needs none."""
    visitor.go("/browse?camera=Lumora&min_width=600")
    content = visitor.page.locator(".tile[data-content]:not(.broken)").first.get_attribute(
        "data-content"
    )
    page = visitor.page
    visitor.go(f"/?like={content}")
    choice = page.get_by_label("Recipe", exact=True)
    expect(choice).to_have_value("")
    other = choice.locator("option:not([value=''])").get_attribute("value")
    assert other
    with page.expect_request(lambda request: other in (request.post_data or "")):
        choice.select_option(other)
    page.wait_for_url("**&recipe=*")
    expect(page.locator(".results:not(.waiting)")).to_be_visible()
    page.reload()
    expect(choice).to_have_value(other)
    assert visitor.likes()
    choice.select_option("")
    page.wait_for_url(lambda url: "recipe=" not in url)


def test_two_recipes_answer_side_by_side_and_either_can_be_changed(visitor: Visitor) -> None:
    visitor.go("/browse?camera=Lumora&min_width=600")
    content = visitor.page.locator(".tile[data-content]:not(.broken)").first.get_attribute(
        "data-content"
    )
    page = visitor.page
    visitor.go(f"/backbones?like={content}")
    left, right = page.get_by_label("Recipe on the left"), page.get_by_label("Recipe on the right")
    expect(
        page.get_by_role("region", name="Two answers").get_by_text("40 are the same")
    ).to_be_visible()
    assert visitor.names(5, within="[aria-label='Answer on the left']")
    assert left.input_value() != right.input_value()
    right.select_option(left.input_value())
    page.wait_for_url("**&with=*")
    page.reload()
    expect(right).to_have_value(left.input_value())

"""Sheets are single files that show what was found, whatever names they have to show."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakeSource, picture, run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from page_trees import Element, parse
from plan_fakes import Desk, make_desk

from imgsearch.duplicates.groups import Evidence, Group, Kind, Member
from imgsearch.gallery.gallery import Gallery
from imgsearch.sheets import pictures
from imgsearch.sheets.facts import facts, folder_in_root, summary
from imgsearch.sheets.group_sheet import GroupSheet
from imgsearch.sheets.match_sheet import MatchSheet

if TYPE_CHECKING:
    from imgsearch.search.matches import Match

HOSTILE = "<script>alert('x')</script>\"' onload=\"x\" & {{ 7*7 }} \udcff\u202e\n<style>"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    made = make_desk(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    return made


def likes(desk: Desk, *matches: Match) -> str:
    """Return the page of one query."""
    sheet = MatchSheet(desk.gallery)
    sheet.add([desk.photos / "a/one.png"], matches or desk.gallery.query(desk.photos / "a/one.png"))
    return sheet.render()


def groups(desk: Desk, *shown: Group) -> str:
    """Return the page of some groups."""
    sheet = GroupSheet(desk.gallery)
    for group in shown or desk.groups():
        sheet.add(group)
    return sheet.render()


def test_matches_are_shown_with_rank_score_and_where_they_are(desk: Desk) -> None:
    page = parse(likes(desk))
    tiles = page.all("li", "tile")
    first = tiles[0]
    assert first.all("span", "score")[0].whole_text == "1.000"
    assert first.all("span", "rank")[0].whole_text == "1"
    assert first.all("p", "name")[0].whole_text == "copy of one.png"
    assert [part.whole_text for part in first.all("p", "soft")] == [
        "photos/b",
        "24 \N{MULTIPLICATION SIGN} 24",
    ]
    assert page.all("h1")[0].whole_text == "Like one.png"
    assert len(page.all("img")) == 1 + len(tiles)
    (asked,) = page.all("ul", "asked")
    assert asked.all("img")[0].attributes["alt"] == "asked about: one.png"


def test_a_match_that_is_the_same_picture_says_so(desk: Desk) -> None:
    one, two, *_ = desk.gallery.query(desk.photos / "a/one.png")
    tiles = parse(likes(desk, replace(one, kind="copy"), two)).all("li", "tile")
    assert [tag.whole_text for tile in tiles for tag in tile.all("span", "kind")] == ["copy"]


def test_a_group_is_shown_side_by_side_with_its_keeper_marked(desk: Desk) -> None:
    page = parse(groups(desk))
    one, two = page.all("section", "group")
    assert [side.classes for side in one.all("li", "tile")] == [["tile", "kept", "alone"]]
    kept, copy = two.all("li", "tile")
    assert kept.all("span", "pill")[0].whole_text == "keep"
    names = [file.whole_text for file in kept.all("span", "name")]
    assert names == ["two.png", "two.png"], "the same bytes share a picture"
    assert kept.all("span", "tag")[0].whole_text == "identical"
    assert copy.all("span", "kind")[0].whole_text == "copy"
    assert copy.all("span", "rank")[0].whole_text == "99.50 %"
    differing = [div.whole_text for div in copy.all("div", "differs")]
    assert differing[0].startswith("Pixels24 \N{MULTIPLICATION SIGN} 24 instead of 48")
    assert "copy" in two.all("p", "soft")[0].whole_text
    assert "3 files besides the keepers" in page.whole_text


def test_what_a_plan_decides_is_shown_at_each_file(desk: Desk) -> None:
    plan = desk.plan(keep=["largest", "oldest"], protect=[desk.photos / "c"])
    sheet = GroupSheet(desk.gallery, plan=plan)
    for group in desk.groups():
        sheet.add(group)
    files = [li for ul in parse(sheet.render()).all("ul", "files") for li in ul.children]
    goes = {li.whole_text.split(" goes")[0] for li in files if li.all("span", "goes")}
    assert goes == {"copy of one.png identical", "small two.png"}
    (protected,) = (li.whole_text for li in files if "protected" in li.whole_text)
    assert "stays: protected: it lies in" in protected
    assert "goes: the keeper is largest: 48x48 rather than 24x24" in "".join(
        li.whole_text for li in files
    )


def test_differences_are_those_of_the_values(desk: Desk) -> None:
    one, other = desk.file("a/one.png"), replace(desk.file("a/two.png"), camera="Canon")
    told = {fact.name: (fact.value, fact.other) for fact in facts(one, other)}
    assert told["Camera"] == ("unknown", "Canon")
    assert told["Format"] == ("PNG", None)
    assert told["Pixels"][1] == "48 \N{MULTIPLICATION SIGN} 48"
    assert {fact.name for fact in facts(one)} == {"Pixels", "Bytes", "Format"}
    dated = replace(one, taken="2024-05-01T12:00:00", camera="Canon", latitude=1.0, longitude=2.0)
    assert summary(dated) == "24 \N{MULTIPLICATION SIGN} 24 · 2024-05-01 · Canon"
    assert facts(dated)[-1].value == "1.0000, 2.0000"
    assert folder_in_root(replace(one, root=Path("/elsewhere"))) == str(desk.photos / "a")


def outline(element: Element) -> list[str]:
    """Return the tags of a page in order, with their classes."""
    return [
        part
        for child in element.children
        for part in (f"{child.tag}.{' '.join(child.classes)}", *outline(child))
    ]


def named(desk: Desk, name: str) -> tuple[str, str]:
    """Return both pages with everything that may have a name called so."""
    file = desk.file("a/two.png")
    odd = replace(
        file,
        path=desk.photos / "x" / name,
        root=desk.photos / name,
        camera=name,
        taken=name,
        format=name,
    )
    member = Member(
        file=replace(odd, content=desk.file("a/one.png").content),
        evidence=Evidence(kind=Kind.EDIT, certainty=0.99, changes=(name,)),
        other_names=(desk.photos / name,),
    )
    companion = replace(desk.companion("x.raw", "a/two.png"), path=desk.photos / name, reason=name)
    group = Group(
        keeper=odd, keeper_names=(desk.photos / name,), members=(member,), companions=(companion,)
    )
    (match,) = desk.gallery.query(desk.photos / "c/other.png", k=1)
    sheet = MatchSheet(desk.gallery)
    copy = replace(match.duplicates[0], path=desk.photos / name)
    shown = replace(match, path=odd.path, root=odd.root, camera=name, duplicates=(copy,))
    sheet.add([desk.photos / name], [shown], reason=None)
    sheet.add([desk.photos / name], [], reason=name)
    return sheet.render(), groups(desk, group)


@example(name=HOSTILE)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(
        st.characters(exclude_categories=(), exclude_characters="/\0"), max_size=12
    ).filter(
        lambda text: (
            not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in text)
        )
    )
)
def test_whatever_a_name_is_the_pages_keep_their_shape(desk: Desk, name: str) -> None:
    plain = named(desk, "xy")
    for page, expected in zip(named(desk, f"x{name}y"), plain, strict=True):
        page.encode("utf-8")
        assert outline(parse(page)) == outline(parse(expected))
        assert "\u202e" not in page
        assert "<script>alert" not in page


def test_nothing_is_asked_of_any_server_and_nothing_foreign_can_run(desk: Desk) -> None:
    for text in (likes(desk), groups(desk)):
        assert not re.search(r"https?:|url\(|@import", text)
        page = parse(text)
        (policy,) = (
            meta.attributes["content"]
            for meta in page.all("meta")
            if meta.attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy is not None
        assert policy.startswith("default-src 'none'; img-src data:; ")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            (part,) = page.all(tag)
            digest = hashlib.sha256(part.whole_text.encode()).digest()
            assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
        assert page.all("link") == []
        assert not re.search(r"\sstyle=|\son\w+=", text)
        sources = [image.attributes["src"] or "" for image in page.all("img")]
        assert sources
        assert all(source.startswith("data:image/webp;base64,") for source in sources)
        links = [link.attributes["href"] or "" for link in page.all("a")]
        assert links
        assert all(link.startswith("file:///") for link in links)


def test_a_page_can_be_used_without_eyes_or_mouse(desk: Desk) -> None:
    for text in (likes(desk), groups(desk)):
        page = parse(text)
        assert page.all("html")[0].attributes["lang"] == "en"
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert all(image.attributes["alt"] for image in page.all("img"))
        labels = [section.attributes.get("aria-labelledby") for section in page.all("section")]
        identifiers = [h.attributes.get("id") for h in page.all("h2")]
        assert {label for label in labels if label} <= set(identifiers)


def test_a_sheet_holds_a_bounded_number_of_pictures_and_says_what_it_leaves_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = desk.gallery.query(desk.photos / "a/one.png", include_self=True)
    sheet = MatchSheet(desk.gallery)
    monkeypatch.setattr(sheet.pictures, "room", 2)
    sheet.add([desk.photos / "a/one.png"], matches)
    sheet.add([desk.photos / "a/one.png"], matches)
    page = parse(sheet.render())
    assert len(page.all("img")) == 2
    assert f"{len(matches) - 1} more matches are left out" in page.whole_text
    groups_of = GroupSheet(desk.gallery)
    monkeypatch.setattr(groups_of.pictures, "room", 2)
    for group in desk.groups():
        groups_of.add(group)
    page = parse(groups_of.render())
    assert len(page.all("section", "group")) == 1
    assert "1 more group is left out" in page.whole_text
    assert "2 groups of the same picture" in page.whole_text
    assert pictures.MOST_PICTURES == 800


def test_a_picture_that_is_gone_is_said_to_be(desk: Desk) -> None:
    matches = desk.gallery.query(desk.photos / "a/one.png")
    shutil.rmtree(desk.photos)
    page = parse(likes(desk, *matches))
    assert page.all("img") == []
    gone = {span.whole_text for span in page.all("span", "gone")}
    assert gone == {"can no longer be read"}


def test_without_groups_a_page_says_so(desk: Desk) -> None:
    assert "No duplicates." in GroupSheet(desk.gallery).render()


# From the command line


def test_a_query_writes_its_page_beside_its_answer(desk: Desk) -> None:
    result = run("query", "photos/a/one.png", "--sheet", "likes.html", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("{")
    assert result.stderr == "likes.html shows the pictures.\n"
    page = parse((desk.base / "likes.html").read_text(encoding="utf-8"))
    assert len(page.all("li", "tile")) == result.stdout.count('"rank"')


def test_each_query_has_a_part_of_the_page(desk: Desk) -> None:
    (desk.base / "broken.png").write_bytes(b"none")
    asked = ("photos/a/one.png", "broken.png", "photos/a/two.png")
    result = run("query", *asked, "--each", "--sheet", "likes.html", "-k", "1")
    assert result.exit_code == 3
    page = parse((desk.base / "likes.html").read_text(encoding="utf-8"))
    assert [h.whole_text for h in page.all("h2")] == ["one.png", "broken.png", "two.png"]
    assert "Could not be read" in page.all("section")[1].whole_text
    assert page.all("h1")[0].whole_text == "Matches"


def test_a_picture_on_standard_input_is_shown_too(desk: Desk) -> None:
    given = (desk.photos / "a/one.png").read_bytes()
    result = run("query", "-", "--sheet", "likes.html", given=given)
    assert result.exit_code == 0, result.stderr
    page = parse((desk.base / "likes.html").read_text(encoding="utf-8"))
    (asked,) = page.all("ul", "asked")[0].all("img")
    assert asked.attributes["alt"] == "asked about: standard input"


@pytest.mark.parametrize("starts", [True, False])
def test_the_page_is_shown_in_the_browser_where_there_is_one(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    starts: bool,  # noqa: FBT001 - both cases
) -> None:
    shown: list[str] = []

    def browser(address: str) -> bool:
        shown.append(address)
        return starts

    monkeypatch.setattr(webbrowser, "open", browser)
    result = run("query", "photos/a/one.png", "--sheet", "likes.html", "--open")
    assert result.exit_code == 0
    assert shown == [(desk.base / "likes.html").as_uri()]
    assert ("no browser could be started" in result.stderr) is not starts


@pytest.mark.usefixtures("desk")
def test_options_of_a_page_that_make_no_sense_are_refused() -> None:
    assert "give --sheet FILE too" in run("query", "photos/a/one.png", "--open").stderr
    result = run("query", "photos/a/one.png", "--sheet", "no/such/likes.html")
    assert result.exit_code == 2
    assert "there is no such folder" in result.stderr
    assert not Path("likes.html").exists()


def test_groups_are_written_as_a_page_beside_the_table(desk: Desk) -> None:
    found = ("duplicates", "--kind", "identical", "--sheet", "groups.html")
    result = run(*found, "--plan", "tidy.json", "--keep", "oldest")
    assert result.exit_code == 0, result.stderr
    assert "groups.html shows the pictures." in result.stderr
    page = parse((desk.base / "groups.html").read_text(encoding="utf-8"))
    assert len(page.all("section", "group")) == 2
    assert len(page.all("span", "goes")) == 2
    assert run(*found).exit_code == 0
    page = parse((desk.base / "groups.html").read_text(encoding="utf-8"))
    assert page.all("span", "goes") == [], "no plan, no decision"


def test_pictures_that_the_gallery_only_is_asked_about_are_shown_too(desk: Desk) -> None:
    shutil.copy2(desk.photos / "c/other.png", desk.base / "card.png")
    result = run("duplicates", "--new", "card.png", "--sheet", "groups.html")
    assert result.exit_code == 0, result.stderr
    page = parse((desk.base / "groups.html").read_text(encoding="utf-8"))
    assert "card.png" in page.whole_text
    assert len(page.all("img")) == 1


def test_an_old_page_is_replaced_and_a_folder_is_not(desk: Desk) -> None:
    (desk.base / "likes.html").write_text("old")
    assert run("query", "photos/a/one.png", "--sheet", "likes.html").exit_code == 0
    assert "old" not in (desk.base / "likes.html").read_text(encoding="utf-8")[:200]
    result = run("query", "photos/a/one.png", "--sheet", "photos")
    assert result.exit_code == 1
    assert "photos" in result.stderr
    assert (desk.photos / "a/one.png").is_file()


def test_a_gallery_without_files_still_makes_a_page(tmp_path: Path) -> None:
    picture(tmp_path / "photos/1.png", 1)
    gallery = Gallery(tmp_path / "gallery", source=FakeSource())
    gallery.index(tmp_path / "photos")
    sheet = MatchSheet(gallery)
    sheet.add([tmp_path / "photos/1.png"], gallery.query(tmp_path / "photos/1.png"))
    assert "No picture in the gallery matches." in sheet.render()

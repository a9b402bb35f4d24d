"""The interface of the page: every endpoint does what docs/web-api.md says."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import FakeSource, collected_log, write_picture
from PIL import Image
from web_fakes import MARKUP, NUMBER, Served, make_gallery, picture_bytes, serving

import imgsearch
from imgsearch import Gallery
from imgsearch.plans.plan_file import read_plan
from imgsearch.web.endpoints.table import ENDPOINTS
from imgsearch.web.openapi import description
from imgsearch.web.shapes import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(imgsearch.__file__).resolve().parent.parent / "docs"
SCALARS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    links = folder / "links"
    links.mkdir()
    source = FakeSource()
    gallery = make_gallery(folder, source)
    with (
        collected_log() as said,
        serving(folder, gallery, source, said, service={"links": links}) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def still_well(served: Served) -> Iterator[None]:
    yield
    assert served.is_well(), served.said


def differences(value: Any, kind: str) -> list[str]:
    """Return where a value is not of a type of `imgsearch.web.shapes`."""
    if kind.startswith("list of "):
        if not isinstance(value, list):
            return [f"{value!r} is no list"]
        return [line for one in value for line in differences(one, kind.removeprefix("list of "))]
    if kind == "numbers":
        return differences(value, "list of number")
    if kind.endswith(" or null"):
        return [] if value is None else differences(value, kind.removesuffix(" or null"))
    if kind in SCALARS:
        right = isinstance(value, SCALARS[kind]) and (kind == "boolean") == isinstance(value, bool)
        return [] if right else [f"{value!r} is no {kind}"]
    shape = {key.rstrip("?"): type_ for key, type_ in GIVEN[kind].items()}
    required = {key for key in GIVEN[kind] if not key.endswith("?")}
    found = [f"{kind}.{key}" for key in set(value) - set(shape)]
    found += [f"{kind} lacks {key}" for key in required - set(value)]
    for key in set(value) & set(shape):
        found += [f"{kind}.{key}: {line}" for line in differences(value[key], shape[key])]
    return found


def document(reply: Any, kind: str) -> Any:
    """Return a reply's document, which is of that kind in every key."""
    content = reply.json
    assert (content["imgsearch"], content["version"]) == (kind, 1)
    assert differences(content, kind) == []
    return content


def entry_of(served: Served, name: str) -> dict[str, Any]:
    """Return the entry of the content whose first file's path ends so."""
    (found,) = [entry for entry in served.contents() if entry["path"].endswith(name)]
    return found


# The gallery


def test_info_says_what_the_gallery_holds_and_the_server_can(served: Served) -> None:
    info = document(served.get("/info"), "info")
    assert (info["name"], info["contents"]) == ("pictures.gallery", NUMBER)
    assert info["files"] == NUMBER + 2
    assert info["unreadable"] == 1
    assert [(recipe["backbone"], recipe["primary"]) for recipe in info["recipes"]] == [
        ("fake-1", True)
    ]
    assert info["can"]["links"]


def test_what_did_not_change_is_not_sent_again(served: Served) -> None:
    for path in ("/info", "/timeline"):
        tag = served.get(path).headers["etag"]
        again = served.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status, again.body) == (304, b"")
        assert served.get(path, headers={"If-None-Match": '"other"'}).status == 200


def test_the_timeline_and_the_list_have_one_order(served: Served) -> None:
    timeline = document(served.get("/timeline"), "timeline")
    contents = document(served.get("/contents?limit=500"), "contents")
    entries = contents["contents"]
    assert timeline["total"] == contents["total"] == len(entries) == NUMBER
    assert timeline["ratios"] == [round(100 * e["width"] / e["height"]) for e in entries]
    assert [(s["key"], s["count"]) for s in timeline["sections"]] == [
        ("2024-05", 1),
        ("2023-11", 1),
        (None, NUMBER - 2),
    ]
    assert [entry["taken"] for entry in entries[:3]] == [
        "2024-05-01T12:00:00",
        "2023-11-05T08:30:00",
        None,
    ]


def test_the_list_is_that_of_the_command_line(served: Served) -> None:
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        listed = [file.content for file in gallery.files()]
    assert [entry["content"] for entry in served.contents()] == listed


def test_a_window_of_the_list_is_a_part_of_it(served: Served) -> None:
    everything = served.contents()
    spread = served.get("/contents?stretches=4&offset=1&limit=2").json
    # Seventeen in four are 5, 4, 4 and 4.
    assert spread["contents"] == [everything[at + more] for at in (0, 5, 9, 13) for more in (1, 2)]
    assert served.get("/contents?stretches=200&limit=3").status == 400
    window = served.get("/contents?offset=5&limit=4").json
    assert window["contents"] == everything[5:9]
    assert served.get("/contents?offset=1000000").json["contents"] == []


def test_by_path_the_sections_are_folders_that_the_filter_takes(served: Served) -> None:
    timeline = document(served.get("/timeline?order=path"), "timeline")
    assert sum(section["count"] for section in timeline["sections"]) == NUMBER
    entries = served.contents("&order=path")
    assert [e["path"] for e in entries] == sorted(e["path"] for e in entries)
    start = 0
    for section in timeline["sections"]:
        part = entries[start : start + section["count"]]
        assert {entry["folder"] for entry in part} == {section["key"]}
        start += section["count"]
        (under,) = [
            served.get(f"/contents?under={value}&limit=500&order=path").json["contents"]
            for value in [section["key"]]
        ]
        assert {entry["content"] for entry in part} <= {entry["content"] for entry in under}


def test_a_copy_is_shown_where_it_lies_when_its_folder_is_asked_for(served: Served) -> None:
    copies = f"{served.folder}/photos/copies"
    (entry,) = served.contents(f"&under={copies}")
    assert (entry["path"], entry["copies"]) == (f"{copies}/again.png", 1)
    assert [e["copies"] for e in served.contents() if e["content"] == entry["content"]] == [2]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("camera=sharp", ["paris.jpg"]),
        ("lens=70-200", ["paris.jpg"]),
        ("after=2024", ["paris.jpg"]),
        ("before=2024", ["script.jpg"]),
        ("near=48.85,2.35,1&min_width=600", ["paris.jpg", "script.jpg"]),
        ("near=0,0,1", []),
        ("format=jpeg&after=2023-12", ["paris.jpg"]),
        ("min_height=400&camera=sharp", ["paris.jpg"]),
    ],
)
def test_filters_act_on_lists(served: Served, query: str, names: list[str]) -> None:
    found = served.contents(f"&{query}")
    assert [entry["path"].rpartition("/")[2] for entry in found] == names
    assert served.get(f"/timeline?{query}").json["total"] == len(names)
    assert served.get(f"/facets?{query}").json["total"] == len(names)


def test_facets_count_what_there_is(served: Served) -> None:
    facets = document(served.get("/facets"), "facets")
    assert facets["months"] == [
        {"month": "2023-11", "count": 1},
        {"month": "2024-05", "count": 1},
        {"month": None, "count": NUMBER - 2},
    ]
    assert facets["cameras"] == [
        {"value": None, "count": NUMBER - 2},
        {"value": MARKUP, "count": 1},
        {"value": "Sharp Eye 3", "count": 1},
    ]
    assert [(f["value"], f["count"]) for f in facets["formats"]] == [
        ("PNG", NUMBER - 2),
        ("JPEG", 2),
    ]
    assert facets["located"] == [[48.9, 2.4, 2]]


def test_folders_are_a_tree(served: Served) -> None:
    (root,) = document(served.get("/folders"), "folders")["folders"]
    assert (root["path"], root["contents"]) == (f"{served.folder}/photos", NUMBER)
    children = document(served.get(f"/folders?under={root['folder']}"), "folders")["folders"]
    assert {child["name"]: child["contents"] for child in children} == {
        "trip0": 4,
        "trip1": 4,
        "trip2": 4,
        "copies": 1,
        "dated": 2,
        MARKUP: 1,
    }
    assert len(children) == root["children"]
    assert served.get(f"/folders?under={children[0]['folder']}").json["folders"] == []


def test_unreadable_files_are_told_with_their_reasons(served: Served) -> None:
    found = document(served.get("/unreadable"), "unreadable")
    (file,) = found["files"]
    assert found["total"] == 1
    assert file["path"].endswith("/broken.jpg")
    assert file["reason"]
    assert served.get(f"/unreadable?under={served.folder}/photos/trip0").json["total"] == 0
    assert served.get("/unreadable?offset=1").json["files"] == []


# A content


def test_a_content_tells_all_that_is_known(served: Served) -> None:
    entry = entry_of(served, "paris.jpg")
    content = document(served.get(f"/contents/{entry['content']}"), "content")
    assert {key: content[key] for key in entry} == entry
    assert (content["position"], content["previous"], content["total"]) == (0, None, NUMBER)
    assert content["next"] == served.contents()[1]["content"]
    assert {(d["name"], d["value"]) for d in content["details"]} == {
        ("exposure time", "1/250 s"),
        ("aperture", "f/2.8"),
    }
    assert content["inline"]


def test_a_content_s_place_is_that_under_the_filters(served: Served) -> None:
    entry = entry_of(served, "script.jpg")
    content = served.get(f"/contents/{entry['content']}?camera={'%3Cimg'}").json
    assert (content["position"], content["previous"], content["next"]) == (0, None, None)
    content = served.get(f"/contents/{entry['content']}?camera=sharp").json
    assert content["position"] is None


def test_a_content_names_every_file_that_holds_it(served: Served) -> None:
    entry = entry_of(served, "/again.png")
    content = served.get(f"/contents/{entry['content']}").json
    assert [file["path"].rpartition("/")[2] for file in content["files"]] == ["again.png", "00.png"]


def test_a_thumbnail_is_small_upright_and_says_nothing_else(served: Served) -> None:
    entry = entry_of(served, "paris.jpg")
    reply = served.get(f"/contents/{entry['content']}/thumbnail?side=256")
    assert (reply.status, reply.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in reply.headers["cache-control"]
    with Image.open(io.BytesIO(reply.body)) as image:
        assert image.size == (256, 171)
        assert not image.getexif()
        assert "icc_profile" not in image.info
    assert re.fullmatch("#[0-9a-f]{6}", entry_of(served, "paris.jpg")["colour"])


def test_a_thumbnail_comes_from_the_cache_once_it_was_made(served: Served, tmp_path: Path) -> None:
    entry = entry_of(served, "/03.png")
    path = served.folder / "photos" / "trip0" / "03.png"
    first = served.get(f"/contents/{entry['content']}/thumbnail")
    hidden = path.rename(tmp_path / "03.png")
    try:
        assert served.get(f"/contents/{entry['content']}/thumbnail").body == first.body
        assert served.get(f"/contents/{entry['content']}/thumbnail?side=512").body == first.body
        assert served.get(f"/contents/{entry['content']}/original").code == "not-there"
        assert served.get(f"/contents/{entry['content']}/view").code == "not-there"
    finally:
        hidden.rename(path)


def test_a_thumbnail_of_a_file_that_is_gone_is_not_there(served: Served, tmp_path: Path) -> None:
    entry = entry_of(served, "/04.png")
    path = served.folder / "photos" / "trip1" / "04.png"
    hidden = path.rename(tmp_path / "04.png")
    try:
        gone = served.get(f"/contents/{entry['content']}/thumbnail")
        assert (gone.status, gone.code) == (410, "not-there")
    finally:
        hidden.rename(path)


def test_a_view_is_as_large_as_the_picture_at_most(served: Served) -> None:
    entry = entry_of(served, "paris.jpg")
    reply = served.get(f"/contents/{entry['content']}/view?side=1024")
    assert reply.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(reply.body)) as image:
        assert image.size == (600, 400)


def test_an_original_is_the_file_itself_or_a_range_of_it(served: Served) -> None:
    entry = entry_of(served, "paris.jpg")
    data = (served.folder / "photos" / "dated" / "paris.jpg").read_bytes()
    address = f"/contents/{entry['content']}/original"
    whole = served.get(address)
    assert (whole.body, whole.headers["content-type"]) == (data, "image/jpeg")
    assert whole.headers["content-disposition"] == "inline; filename*=UTF-8''paris.jpg"
    assert "sandbox" in whole.headers["content-security-policy"]
    saved = served.get(f"{address}?download=1")
    assert saved.headers["content-disposition"].startswith("attachment")
    for wanted, expected in (
        ("bytes=0-9", data[:10]),
        ("bytes=100-", data[100:]),
        ("bytes=-7", data[-7:]),
        ("bytes=5-9999999", data[5:]),
    ):
        part = served.get(address, headers={"Range": wanted})
        assert (part.status, part.body) == (206, expected)
        assert part.headers["content-range"].endswith(f"/{len(data)}")


def test_a_file_that_changed_is_not_given_as_the_content(served: Served) -> None:
    entry = entry_of(served, "/07.png")
    path = served.folder / "photos" / "trip1" / "07.png"
    before = path.read_bytes()
    address = f"/contents/{entry['content']}/original"
    assert served.get(address).body == before
    path.write_bytes(before + b"more")
    try:
        assert served.get(address).code == "not-there"
    finally:
        path.write_bytes(before)
    assert served.get(address).body == before


# Asking


def test_a_content_s_likes_are_those_of_the_command_line_without_itself(served: Served) -> None:
    entry = entry_of(served, "/05.png")
    answer = document(served.query({"content": entry["content"]}, k=16), "answer")
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        path = served.folder / "photos" / "trip2" / "05.png"
        matches = gallery.query(path, k=16)
    assert [(m["content"], m["score"], m["rank"]) for m in answer["matches"]] == [
        (match.content, match.score, match.rank) for match in matches
    ]
    assert entry["content"] not in {match["content"] for match in answer["matches"]}
    assert len(answer["matches"]) == 16


def test_no_copy_of_a_content_is_its_match(served: Served) -> None:
    entry = entry_of(served, "/again.png")
    answer = served.query({"content": entry["content"]}, k=100).json
    assert len(answer["matches"]) == NUMBER - 1
    assert not answer["more"]


def test_an_endless_list_is_the_long_one_piece_by_piece(served: Served) -> None:
    asked = {"content": entry_of(served, "/06.png")["content"]}
    everything = served.query(asked, k=100).json["matches"]
    pieces = []
    for offset in range(0, 20, 3):
        piece = served.query(asked, k=3, offset=offset, min_score=None).json
        pieces += piece["matches"]
        assert piece["more"] == (offset + 3 < len(everything))
    assert pieces == everything


def test_a_file_that_was_sent_is_asked_about_as_the_command_line_does(served: Served) -> None:
    data = picture_bytes(500, size=(64, 48))
    upload = document(served.upload(data), "upload")
    assert (upload["held"], upload["width"], upload["height"], upload["format"]) == (
        False,
        64,
        48,
        "PNG",
    )
    answer = served.query({"upload": upload["upload"]}, k=5).json
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        matches = gallery.query(data, k=5)
    assert [(m["content"], m["score"]) for m in answer["matches"]] == [
        (match.content, match.score) for match in matches
    ]


def test_a_part_of_what_was_sent_is_asked_about_as_the_command_line_does(served: Served) -> None:
    data = picture_bytes(501, size=(64, 48))
    upload = served.upload(data).json["upload"]
    answer = served.query({"upload": upload, "crop": [25, 50, 50, 50]}, k=5).json
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        matches = gallery.query(data, k=5, crop=imgsearch.CropBox(25, 50, 50, 50, percent=True))
    assert [(m["content"], m["score"]) for m in answer["matches"]] == [
        (match.content, match.score) for match in matches
    ]


def test_a_part_of_a_content_is_asked_about(served: Served) -> None:
    entry = entry_of(served, "/08.png")
    answer = served.query({"content": entry["content"], "crop": [0, 0, 50, 50]}, k=5).json
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        path = served.folder / "photos" / "trip2" / "08.png"
        matches = gallery.query(path, k=5, crop=imgsearch.CropBox(0, 0, 50, 50, percent=True))
    assert [(m["content"], m["score"]) for m in answer["matches"]] == [
        (match.content, match.score) for match in matches
    ]


def test_what_was_sent_and_the_gallery_holds_comes_first(served: Served) -> None:
    data = (served.folder / "photos" / "trip0" / "09.png").read_bytes()
    embedded = served.source.embedded
    upload = served.upload(data).json
    assert upload["held"]
    assert served.source.embedded == embedded
    first = served.query({"upload": upload["upload"]}, k=1).json["matches"][0]
    assert (first["content"], first["score"]) == (upload["content"], 1.0)


def test_several_pictures_are_asked_about_with_weights_and_minus(served: Served) -> None:
    one, two, three = (entry_of(served, f"/0{n}.png")["content"] for n in (1, 2, 4))
    answer = served.query(
        {"content": one, "weight": 2},
        {"content": two},
        {"content": three, "minus": True},
        k=50,
    ).json
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        places = {n: served.folder / "photos" / f"trip{n % 3}" / f"0{n}.png" for n in (1, 2, 4)}
        matches = gallery.query(imgsearch.Weighted(places[1], 2), places[2], minus=places[4], k=50)
    assert [(m["content"], m["score"]) for m in answer["matches"]] == [
        (match.content, match.score) for match in matches
    ]


def test_filters_act_inside_the_search_and_say_what_they_leave_out(served: Served) -> None:
    asked = {"content": entry_of(served, "/01.png")["content"]}
    answer = served.query(asked, k=5, filters={"camera": "sharp"}).json
    assert [match["camera"] for match in answer["matches"]] == ["Sharp Eye 3"]
    assert any("no camera" in line for line in answer["remarks"])
    answer = served.query(asked, k=3, filters={"under": [f"{served.folder}/photos/trip0"]}).json
    assert len(answer["matches"]) == 3
    assert all("/trip0/" in match["path"] for match in answer["matches"])
    assert served.query(asked, k=50, min_score=0.999).json["matches"] == []


def test_a_question_may_be_expanded(served: Served) -> None:
    asked = {"content": entry_of(served, "/01.png")["content"]}
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        path = served.folder / "photos" / "trip1" / "01.png"
        matches = gallery.query(path, k=5, expand=imgsearch.search.query_expansion.Expansion(3, 2))
    answer = served.query(asked, k=5, expand={"k": 3, "alpha": 2}).json
    assert [(m["content"], m["score"]) for m in answer["matches"]] == [
        (match.content, match.score) for match in matches
    ]


def test_matches_say_how_they_are_the_same_when_that_is_asked(served: Served) -> None:
    path = served.folder / "photos" / "dated" / "paris.jpg"
    upload = served.upload(path.read_bytes()).json["upload"]
    first, *others = served.query({"upload": upload}, k=5, kinds=True).json["matches"]
    assert first["kind"] == "identical"
    assert [other["kind"] for other in others] == [None] * 4
    assert served.query({"upload": upload}, k=1).json["matches"][0]["kind"] is None
    entry = entry_of(served, "/01.png")
    document(served.query({"content": entry["content"]}, k=3, kinds=True), "answer")
    for pictures in (
        [{"upload": upload, "crop": [0, 0, 50, 50]}],
        [{"upload": upload}, {"content": entry["content"]}],
    ):
        assert served.query(*pictures, kinds=True).status == 400


def test_what_was_sent_is_shown_and_forgotten(served: Served) -> None:
    name = served.upload(picture_bytes(502, size=(40, 30))).json["upload"]
    shown = served.get(f"/uploads/{name}/view")
    assert shown.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(shown.body)) as image:
        assert image.size == (40, 30)
    assert served.ask("DELETE", f"/api/v1/uploads/{name}").status == 204
    for gone in (served.get(f"/uploads/{name}/view"), served.query({"upload": name})):
        assert (gone.status, gone.code) == (410, "upload-gone")


def test_nothing_that_was_sent_is_written(served: Served) -> None:
    before = {path for path in served.folder.rglob("*") if "cache" not in path.parts}
    upload = served.upload(picture_bytes(503, size=(2000, 20), kind="JPEG")).json["upload"]
    assert served.get(f"/uploads/{upload}/view").headers["content-type"] == "image/jpeg"
    assert {path for path in served.folder.rglob("*") if "cache" not in path.parts} == before


def test_two_pictures_are_compared(served: Served) -> None:
    one = entry_of(served, "/01.png")["content"]
    upload = served.upload(picture_bytes(504)).json["upload"]
    found = document(
        served.send("POST", "/comparisons", {"one": {"content": one}, "other": {"upload": upload}}),
        "comparison",
    )
    assert -1 <= found["score"] < 1
    same = served.send(
        "POST", "/comparisons", {"one": {"content": one}, "other": {"content": one}}
    ).json
    assert (same["score"], same["same_content"]) == (1.0, True)


# Taking away


def export(served: Served, form: str, contents: list[str], name: str = "picks") -> Any:
    """Prepare an export, and return its document."""
    body = {"contents": contents, "form": form, "name": name}
    return document(served.send("POST", "/exports", body), "export")


def test_pictures_are_taken_away_as_paths_csv_and_json(served: Served) -> None:
    entries = served.contents()[:3]
    contents = [entry["content"] for entry in entries]
    paths = [entry["path"] for entry in entries]
    texts = {}
    for form in ("paths", "csv", "json"):
        prepared = export(served, form, contents)
        assert (prepared["contents"], prepared["missing"]) == (3, 0)
        reply = served.ask("GET", prepared["href"])
        assert "attachment; filename*=UTF-8''picks." in reply.headers["content-disposition"]
        texts[form] = reply.body.decode()
    assert texts["paths"].splitlines() == paths
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert [row["path"] for row in rows] == paths
    files = json.loads(texts["json"])["files"]
    assert [file["content"] for file in files] == contents


def test_pictures_are_taken_away_as_an_archive_of_originals(served: Served) -> None:
    entries = served.contents()
    prepared = export(served, "zip", [entry["content"] for entry in entries], 'a/b"c\n')
    reply = served.ask("GET", prepared["href"])
    assert "a_b_c_.zip" in reply.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names) == NUMBER
        assert all("/" not in name and ".." not in name for name in names)
        held = {archive.read(name) for name in names}
    assert (served.folder / "photos" / "dated" / "paris.jpg").read_bytes() in held


def test_an_archive_names_what_is_missing(served: Served, tmp_path: Path) -> None:
    entry = entry_of(served, "/11.png")
    path = served.folder / "photos" / "trip2" / "11.png"
    hidden = path.rename(tmp_path / "11.png")
    try:
        prepared = export(served, "zip", [entry["content"]])
        with zipfile.ZipFile(io.BytesIO(served.ask("GET", prepared["href"]).body)) as archive:
            assert "11.png" in archive.read("MISSING.txt").decode()
    finally:
        hidden.rename(path)


def test_a_folder_of_links_is_made_once_and_only_in_the_folder_for_it(served: Served) -> None:
    entries = served.contents()[:2]
    contents = [entry["content"] for entry in entries]
    prepared = export(served, "links", contents, "Best of 2024")
    folder = served.folder / "links" / "Best of 2024"
    assert prepared["folder"] == str(folder)
    assert sorted(str(link.readlink()) for link in folder.iterdir()) == sorted(
        entry["path"] for entry in entries
    )
    for name in ("Best of 2024", "../out", "..", ".", "", "a/b", "a\0b"):
        body = {"contents": contents, "form": "links", "name": name}
        assert served.send("POST", "/exports", body).status == 400
    assert [path.name for path in (served.folder / "links").iterdir()] == ["Best of 2024"]


def test_named_sets_are_kept_with_the_gallery(served: Served) -> None:
    contents = [entry["content"] for entry in served.contents()[:3]]
    assert served.get("/sets").json["sets"] == []
    assert not (served.gallery / "sets.json").exists()
    name = "/sets/Best%20%2F%20%3Cb%3E"
    assert served.send("PUT", name, {"contents": [*contents, contents[0]]}).status == 204
    kept = document(served.get("/sets"), "sets")["sets"]
    assert [(one["name"], one["count"]) for one in kept] == [("Best / <b>", 3)]
    found = document(served.get(name), "set")
    assert [entry["content"] for entry in found["contents"]] == contents
    assert served.send("PUT", name, {"contents": contents[:1]}).status == 204
    assert served.get("/sets").json["sets"][0]["count"] == 1
    assert served.ask("DELETE", f"/api/v1{name}").status == 204
    assert served.ask("DELETE", f"/api/v1{name}").status == 404
    assert served.get(name).status == 404


# What changes meanwhile


def test_indexing_in_another_process_shows_without_a_restart(served: Served) -> None:
    before = served.get("/info").json
    path = write_picture(served.folder / "photos" / "new" / "zz.png", seed=900)
    with Gallery(served.gallery, source=FakeSource()) as gallery:
        gallery.index()
    try:
        until = time.monotonic() + 10
        while (now := served.get("/info").json)["generation"] == before["generation"]:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert now["contents"] == NUMBER + 1
        (entry,) = [e for e in served.contents() if e["path"].endswith("/zz.png")]
        assert (
            served.query({"content": entry["content"]}, k=3).json["generation"]
            == (now["generation"])
        )
    finally:
        path.unlink()
        with Gallery(served.gallery, source=FakeSource()) as gallery:
            gallery.index()
            gallery.prune()
        while served.get("/info").json["contents"] != NUMBER:
            assert time.monotonic() < until + 10
            time.sleep(0.1)


# Its description


def test_every_address_is_described_as_openapi(served: Served) -> None:
    described = served.get("/openapi.json").json
    assert described == json.loads(json.dumps(description(ENDPOINTS)))
    for endpoint in ENDPOINTS:
        operation = described["paths"][endpoint.path][endpoint.method.lower()]
        assert operation["summary"].endswith(".")
    names = [
        operation["operationId"]
        for methods in described["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(names)) == len(names) == len(ENDPOINTS)


@pytest.mark.skipif(not DOCS.is_dir(), reason="installed without its documents")
def test_the_documents_describe_every_address_and_key() -> None:
    kept = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(description(ENDPOINTS))), "run docs/generate.py"
    text = (DOCS / "web-api.md").read_text(encoding="utf-8")
    for endpoint in ENDPOINTS:
        assert f"{endpoint.method} {endpoint.path}" in text, endpoint.path
    words = set(re.findall(r"\w+", text))
    for name, shape in GIVEN.items():
        assert {key.rstrip("?") for key in shape} - words == set(), name


def test_an_address_that_is_none_is_told_so(served: Served) -> None:
    assert served.get("/nothing").code == "not-found"
    assert served.ask("PUT", "/api/v1/info").code == "method"
    assert served.get("/contents/" + "0" * 64).code == "not-found"
    assert served.get("/contents/abc/original").code == "not-found"


# Duplicates


def found_groups(served: Served) -> Any:
    """Look for duplicates, and return the document once they were found."""
    assert served.send("POST", "/duplicates", {}).status == 202
    until = time.monotonic() + 120  # the first search calibrates
    while (found := document(served.get("/duplicates"), "duplicates"))["state"] != "ready":
        assert found["state"] == "running", found
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def test_a_search_for_duplicates_that_breaks_has_ended_and_can_be_tried_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise ValueError("cannot reshape")

    with monkeypatch.context() as patched:
        patched.setattr(Gallery, "duplicates", break_off)
        assert served.send("POST", "/duplicates", {}).status == 202
        until = time.monotonic() + 20
        while (found := document(served.get("/duplicates"), "duplicates"))["state"] == "running":
            assert time.monotonic() < until
            time.sleep(0.01)
    assert (found["state"], found["reason"]) == ("failed", "cannot reshape")
    (told,) = [line for line in served.said if "this is a bug in imgsearch" in line]
    assert "unexpected ValueError: cannot reshape" in told
    served.said.remove(told)
    assert found_groups(served)["state"] == "ready"


def test_duplicates_are_looked_for_and_shown_in_groups(served: Served) -> None:
    found = found_groups(served)
    (group,) = [g for g in found["groups"] if g["kind"] == "identical"]
    files = [group["keeper"], *group["members"]]
    assert {file["path"].rpartition("/")[2] for file in files} == {"00.png", "again.png"}
    assert group["members"][0]["certainty"] == 1.0
    assert served.get("/duplicates?kind=burst").json["total"] == 0
    assert served.get("/duplicates?offset=100").json["groups"] == []
    assert served.get("/duplicates?kind=nonsense").status == 400
    assert served.send("POST", "/duplicates", {"kinds": ["nonsense"]}).status == 400


def test_a_plan_of_what_was_decided_is_saved_and_nothing_else_happens(served: Served) -> None:
    (group,) = [g for g in found_groups(served)["groups"] if g["kind"] == "identical"]
    for keep, drop in (
        (group["keeper"], group["members"][0]),
        (group["members"][0], group["keeper"]),
    ):
        decision = {"id": group["id"], "keep": [keep["path"]], "drop": [drop["path"]]}
        saved = document(
            served.send("POST", "/duplicates/plan", {"groups": [decision]}), "saved plan"
        )
        assert saved["command"].startswith("imgsearch apply ")
        plan = read_plan(Path(saved["path"]))
        (planned,) = plan.groups
        assert str(planned.keeper.path) == keep["path"]
        assert [str(item.file.path) for item in planned.removals] == [drop["path"]]
        assert (planned.reason, planned.removals[0].reason) == (
            "chosen by hand",
            "the keeper is chosen by hand",
        )
        assert Path(drop["path"]).is_file()
        Path(saved["path"]).unlink()
    folder = Path(saved["path"]).parent
    # Two in one second: neither takes the other's place.
    names = {
        served.send("POST", "/duplicates/plan", {"groups": [decision]}).json["path"]
        for _ in range(3)
    }
    assert names == {str(path) for path in folder.iterdir()}
    assert len(names) == 3
    shutil.rmtree(folder)


def test_a_plan_that_makes_no_sense_is_refused(served: Served) -> None:
    (group,) = [g for g in found_groups(served)["groups"] if g["kind"] == "identical"]
    one, other = group["keeper"]["path"], group["members"][0]["path"]
    for decision, status in (
        ({"id": "none", "drop": [one]}, 404),
        ({"id": group["id"], "drop": [one, other]}, 400),
        ({"id": group["id"], "keep": [one], "drop": [one]}, 400),
        ({"id": group["id"], "drop": ["/etc/passwd"]}, 400),
        ({"id": group["id"], "keep": ["/etc/passwd"], "drop": [one]}, 400),
        ({"id": group["id"]}, 400),
        ({"drop": [one]}, 400),
    ):
        reply = served.send("POST", "/duplicates/plan", {"groups": [decision]})
        assert reply.status == status, decision
    twice = [{"id": group["id"], "drop": [path]} for path in (one, other)]
    assert served.send("POST", "/duplicates/plan", {"groups": twice}).status == 400
    assert not (served.gallery / "plans").exists()


def test_what_a_person_says_of_two_pictures_is_remembered(served: Served) -> None:
    one, other = (entry["content"] for entry in served.contents()[:2])
    for same in (False, False, True):
        body = {"one": one, "other": other, "same": same}
        assert served.send("POST", "/duplicates/verdicts", body).status == 204
    for odd, status in ((one, 400), ("0" * 64, 404)):
        body = {"one": one, "other": odd, "same": False}
        assert served.send("POST", "/duplicates/verdicts", body).status == status

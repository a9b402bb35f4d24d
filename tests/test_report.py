"""The report is one valid file that shows what was found, whatever names it has to show."""

from __future__ import annotations

import base64
import math
import os
import re
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import write_picture
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from page_trees import Element, parse
from PIL import Image

from imgsearch.evaluation.evaluator import mark_pareto_best
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.evaluation.report import album, number_format
from imgsearch.evaluation.report.html import render, write_report
from imgsearch.evaluation.report.page import MOST_CLASSES
from imgsearch.evaluation.report.thumbnails import LONGEST, thumbnail
from imgsearch.evaluation.report.variant_names import distinguishing_names
from imgsearch.evaluation.results import (
    Cost,
    Estimate,
    EvaluationReport,
    GroundTruthResult,
    GroupFigure,
    MetricResult,
    Strip,
    StripMatch,
    VariantResult,
)
from imgsearch.images.geometry import CropBox

if TYPE_CHECKING:
    from pathlib import Path

NAN = math.nan
HOSTILE = "<script>alert('x')</script>\"' onload=\"x\" & {{ 7*7 }} \udcff\u202e\x00\n</style>"


def around(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half)


def variant(
    value: float, *, difference: Estimate | None = None, **changes: object
) -> VariantResult:
    result = VariantResult(
        name="fake-1 gap 16 squash · projection none",
        backbone="fake-1",
        pooling="gap",
        size="16",
        resize="squash",
        dim=48,
        projection="none",
        post_processing="",
        recipes=("r",),
        metrics=(
            MetricResult(
                metric="mAP", estimate=around(value), difference=difference, queries=10, skipped=2
            ),
            MetricResult(
                metric="N-S", estimate=around(3.5), difference=None, queries=10, skipped=2
            ),
        ),
        cost=Cost(
            decode_rate=300,
            network_rate=150,
            query_milliseconds=0.5,
            weights_megabytes=1.4,
            bytes_per_image=192,
            peak_megabytes=512,
        ),
        pareto=False,
    )
    return replace(result, **changes)  # type: ignore[arg-type]  # the fields' own types


def report(*variants: VariantResult, **changes: object) -> EvaluationReport:
    found = EvaluationReport(
        command="imgsearch evaluate photos --backbone fake-1",
        folder="/pictures/trips",
        started="2026-01-02T03:04:05+00:00",
        seconds=3725.0,
        versions=(("imgsearch", "1.2.3"), ("numpy", "2.0")),
        machine="a machine with 2 cores",
        ground_truths=(
            GroundTruthResult(name="folders", queries=12, gallery=12, variants=variants),
        ),
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # the fields' own types


def strip(query: Item, *answers: tuple[Item, bool]) -> Strip:
    return Strip(
        query=query,
        group="boats",
        average_precision=0.25,
        matches=tuple(
            StripMatch(item=item, score=0.9 - place / 10, relevant=relevant)
            for place, (item, relevant) in enumerate(answers)
        ),
    )


# The table.


def test_figures_are_percentages_with_one_decimal_and_their_intervals() -> None:
    page = parse(
        render(report(variant(0.70149), variant(0.75, backbone="b", difference=around(0.0486))))
    )
    rows = page.all("table", "variants")[0].all("tbody")[0].all("tr")
    cells = [[" ".join(cell.whole_text.split()) for cell in row.children] for row in rows]
    # Best first, the number being the position in the run.
    assert [row[0] for row in cells] == ["2", "1"]
    assert [row[1] for row in cells] == ["b", "fake-1"]
    assert [row[2] for row in cells] == ["75.0 74.0 \u2013 76.0", "70.1 69.1 \u2013 71.1"]
    assert [row[4] for row in cells] == ["+4.9 +3.9 to +5.9", "first"]
    assert cells[0][5] == "3.50 3.49 \u2013 3.51"
    # 1 / (1 / 300 + 1 / 150) = 100 images/s.
    assert cells[0][6:] == ["100"]
    costs = page.all("table", "costs")[0].all("tbody")[0].all("tr")
    cells = [[" ".join(cell.whole_text.split()) for cell in row.children] for row in costs]
    assert cells[0] == ["2", "b", "100", "300", "150", "1.40", "0.50", "48", "192", "512"]
    assert [row[:2] for row in cells] == [["2", "b"], ["1", "fake-1"]]


def test_wide_tables_scroll_in_boxes_of_their_own() -> None:
    page = parse(render(report(variant(0.5), unreadable=(("a.jpg", "empty"),))))
    boxes = [each for each in page.all("div") if "scroll" in each.classes]
    assert len(page.all("table")) == sum(len(each.all("table")) for each in boxes)
    assert all(each.attributes["tabindex"] == "0" for each in boxes)


def test_pareto_best_rows_are_marked_in_words_too() -> None:
    page = parse(render(report(variant(0.7), variant(0.8, backbone="b", pareto=True))))
    best, other = page.all("table", "variants")[0].all("tbody")[0].all("tr")
    assert "pareto" in best.classes
    assert "Pareto-best" in best.all("th")[0].whole_text
    assert "pareto" not in other.classes
    assert "Pareto-best" not in other.whole_text


@pytest.mark.parametrize(
    ("low", "high", "css", "chance"),
    [(0.01, 0.03, "up", False), (-0.03, -0.01, "down", False), (-0.01, 0.03, "faint", True)],
)
def test_a_difference_whose_interval_holds_zero_may_be_chance(
    low: float, high: float, css: str, *, chance: bool
) -> None:
    difference = Estimate(value=(low + high) / 2, low=low, high=high)
    page = parse(render(report(variant(0.7), variant(0.9, backbone="b", difference=difference))))
    assert len(page.all("td", "paired")) == 1
    assert css in page.all("td", "paired")[0].classes
    assert ("may be chance" in page.all("div", "verdict")[0].whole_text) == chance


def test_unknown_figures_are_a_dash() -> None:
    nothing = Estimate(value=NAN, low=NAN, high=NAN)
    unknown = MetricResult(metric="mAP", estimate=nothing, difference=nothing, queries=0, skipped=9)
    cost = Cost(**dict.fromkeys(Cost.__slots__, NAN))
    html = render(report(variant(0.5, metrics=(unknown,), cost=cost), variant(NAN, backbone="b")))
    assert (
        "nan" not in re.sub(r'data-value="nan"', "", html).replace("nan;", "").split("<script>")[0]
    )
    quality, costs = (
        table.all("tbody")[0].all("tr")[0] for table in parse(html).all("table", "variants")
    )
    assert (quality.whole_text + costs.whole_text).count(number_format.UNKNOWN) >= 7


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.0486, "mAP", "+4.9"),
        (-0.0486, "mAP", "\u22124.9"),
        (0.0004, "mAP", "±0.0"),
        (NAN, "mAP", "\u2013"),
        (-0.25, "N-S", "\u22120.25"),
    ],
)
def test_differences_carry_their_sign(value: float, metric: str, text: str) -> None:
    assert number_format.signed(value, metric) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (87.31, "87.3"), (5.125, "5.12"), (3, "3"), (math.inf, "\u2013")],
)
def test_amounts_have_three_digits(value: float, text: str) -> None:
    assert number_format.amount(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(42.6, "43 s"), (725, "12 min 5 s"), (7380, "2 h 3 min"), (0, "0 s"), (NAN, "\u2013")],
)
def test_durations_are_words(seconds: float, text: str) -> None:
    assert number_format.duration(seconds) == text


def test_variants_are_called_by_what_sets_them_apart() -> None:
    same = [variant(0.5), variant(0.6, projection="160:0.5"), variant(0.7, projection="centred")]
    assert distinguishing_names(same) == (
        "projection none",
        "projection 160:0.5",
        "projection centred",
    )
    mixed = [variant(0.5), variant(0.6, backbone="b", size="32", post_processing="expand 3:3")]
    assert distinguishing_names(mixed) == ("fake-1 16 px", "b 32 px · expand 3:3")
    twins = [variant(0.5, name="x"), variant(0.6, name="y")]
    assert distinguishing_names(twins) == ("x", "y")
    assert distinguishing_names([variant(0.5, name="x")]) == ("x",)


def test_classes_are_worst_first_with_their_difference_to_the_first_variant() -> None:
    first = (
        GroupFigure(group="a", queries=3, value=0.4),
        GroupFigure(group="b", queries=2, value=0.5),
    )
    better = (
        GroupFigure(group="b", queries=2, value=0.45),
        GroupFigure(group="a", queries=3, value=0.6),
    )
    page = parse(
        render(report(variant(0.4, groups=first), variant(0.6, backbone="x", groups=better)))
    )
    lines = [
        [cell.whole_text.strip() for cell in row.children if "drawn" not in cell.classes]
        for row in page.all("table", "classes")[0].all("tbody")[0].all("tr")
    ]
    assert lines == [["b", "2", "45.0", "\u22125.0"], ["a", "3", "60.0", "+20.0"]]
    # One is chosen at a time: the best first.
    options = [option.whole_text for option in page.all("select")[0].all("option")]
    assert options == ["x (60.0)", "fake-1 (40.0)"]


def test_many_classes_are_cut_and_counted() -> None:
    groups = tuple(
        GroupFigure(group=f"class {place:03}", queries=1, value=place / 200) for place in range(150)
    )
    page = parse(render(report(variant(0.4, groups=groups))))
    rows = page.all("table", "classes")[0].all("tbody")[0].all("tr")
    assert len(rows) == MOST_CLASSES
    assert "30 more classes do at least as well" in page.whole_text


def test_the_plots_have_one_titled_point_a_variant() -> None:
    cost = replace(variant(0.5).cost, network_rate=50, weights_megabytes=14)
    page = parse(render(report(variant(0.5), variant(0.6, backbone="b", cost=cost))))
    speed, size = page.all("svg", "plot")
    for drawing in (speed, size):
        assert drawing.attributes["role"] == "img"
        assert drawing.attributes["aria-label"]
        titles = {group.all("title")[0].whole_text.split(":")[0] for group in drawing.all("g")}
        assert titles == {"fake-1", "b"}


def test_table_and_plot_mark_the_same_variants_however_close_their_timings() -> None:
    """Decoding takes 10 ms; the networks 10, 9.99 and 9.995 ms.

    The second is worse than the first and 0.05 % faster, so both are Pareto-best. The third is
    worse and slower than the second. Timings rounded to steps of 5 % would leave the first alone.
    """
    results = [
        variant(
            value,
            backbone=name,
            cost=replace(variant(0.5).cost, decode_rate=100, network_rate=1000 / milliseconds),
        )
        for name, value, milliseconds in (("a", 0.7, 10), ("b", 0.69, 9.99), ("c", 0.68, 9.995))
    ]
    page = parse(render(report(*mark_pareto_best(results))))
    rows = page.all("table", "variants")[0].all("tbody")[0].all("tr")
    in_table = {row.all("span", "name")[0].whole_text for row in rows if "pareto" in row.classes}
    (speed,) = page.all("svg", "plot")
    in_plot = {group.all("title")[0].whole_text.split(":")[0] for group in speed.all("g", "best")}
    assert in_table == in_plot == {"a", "b"}


def test_a_network_of_unknown_size_is_not_the_smallest() -> None:
    unknown = replace(variant(0.5).cost, weights_megabytes=0)
    larger = replace(unknown, weights_megabytes=14)
    page = parse(
        render(
            report(
                variant(0.9, backbone="unknown", cost=unknown),
                variant(0.6, backbone="small"),
                variant(0.5, backbone="large", cost=larger),
            )
        )
    )
    _, size = page.all("svg", "plot")
    assert [group.all("title")[0].whole_text.split(":")[0] for group in size.all("g")] == [
        "large",
        "small",
    ]
    assert [group.classes for group in size.all("g")] == [["point"], ["point", "best"]]


def test_one_variant_alone_is_compared_with_nothing() -> None:
    page = parse(render(report(variant(0.5))))
    assert page.all("svg", "plot") == []
    assert "first" not in page.all("table", "variants")[0].whole_text
    assert page.all("select") == []


# Pictures.


def test_strips_show_the_query_then_its_answers_framed_and_marked(tmp_path: Path) -> None:
    items = [Item(write_picture(tmp_path / f"{seed}.png", seed=seed)) for seed in range(3)]
    shown = strip(items[0], (items[1], True), (items[2], False), (items[1], True))
    page = parse(render(report(variant(0.5, best=(shown,), worst=(shown,)), folder=str(tmp_path))))
    strips = page.all("figure", "strip")
    assert len(strips) == 2
    tiles = strips[0].all("li")
    assert [tile.attributes["class"] for tile in tiles] == ["query", "good", "bad", "good"]
    labels = [tile.all("svg")[0].attributes["aria-label"] for tile in tiles]
    assert labels == [
        "query: 0.png",
        "answer 1, right: 1.png",
        "answer 2, wrong: 2.png",
        "answer 3, right: 1.png",
    ]
    under = [tile.all("span", "under")[0].whole_text.strip() for tile in tiles]
    assert under == ["query", "✓ 0.900", "✕ 0.800", "✓ 0.700"]
    uses = [tile.all("use")[0].attributes["href"] for tile in tiles]
    assert uses == ["#p0", "#p1", "#p2", "#p1"]
    assert [symbol.attributes["id"] for symbol in page.all("symbol")] == ["p0", "p1", "p2"]
    assert "AP 25.0 %" in strips[0].whole_text


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))


def test_thumbnails_are_small_and_keep_their_shape(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "tall.png")
    small = thumbnail(Item(tmp_path / "tall.png"))
    assert small is not None
    assert (small.width, small.height) == (80, LONGEST)
    assert decoded(small.uri).size == (80, LONGEST)
    assert len(small.uri) < 12_000, "even noise, which nothing compresses"


def test_thumbnails_show_crop_and_edit_as_the_network_saw_them(tmp_path: Path) -> None:
    halves = np.zeros((100, 200, 3), dtype=np.uint8)
    halves[:, :100] = (255, 0, 0)
    halves[:, 100:] = (0, 0, 255)
    path = tmp_path / "halves.png"
    Image.fromarray(halves).save(path)

    right = thumbnail(Item(path, crop=CropBox(110, 0, 80, 40)))
    assert right is not None
    assert (right.width, right.height) == (LONGEST, LONGEST // 2)
    red, _, blue = np.asarray(decoded(right.uri)).mean(axis=(0, 1))
    assert red < 20
    assert blue > 200

    mirrored = thumbnail(Item(path, edit="mirror"))
    assert mirrored is not None
    red, _, blue = np.asarray(decoded(mirrored.uri))[:, :40].mean(axis=(0, 1))
    assert red < 20
    assert blue > 200


def test_a_picture_that_went_away_shows_its_name(tmp_path: Path) -> None:
    there = Item(write_picture(tmp_path / "there.png", seed=0))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    gone = Item(tmp_path / "<b>gone.png")
    shown = strip(there, (gone, True), (Item(tmp_path / "broken.jpg"), False))
    page = parse(render(report(variant(0.5, best=(shown,)), folder=str(tmp_path))))
    assert [tile.whole_text for tile in page.all("span", "gone")] == ["<b>gone.png", "broken.jpg"]
    assert len(page.all("symbol")) == 1


def test_pictures_beyond_the_limit_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(album, "MOST_IMAGES", 2)
    items = [Item(write_picture(tmp_path / f"{seed}.png", seed=seed)) for seed in range(4)]
    page = parse(
        render(
            report(
                variant(0.5, best=(strip(items[2], (items[3], True)),)),
                variant(0.6, backbone="b", best=(strip(items[0], (items[1], True)),)),
            )
        )
    )
    assert len(page.all("symbol")) == 2
    assert len(page.all("figure", "strip")) == 1
    assert page.whole_text.count("images are left out to keep this file small") == 1


# The file.


def everything_named(text: str, folder: Path) -> EvaluationReport:
    """Return a report that shows one text everywhere a text may stand."""
    item = Item(folder / text.replace("/", "").replace("\x00", ""), edit=text)
    shown = strip(item, (item, True))
    groups = (GroupFigure(group=text, queries=1, value=0.5),)
    first = variant(
        0.5, backbone=text, name=text, groups=groups, best=(replace(shown, group=text),)
    )
    other = variant(0.6, pooling=text, groups=groups, difference=around(0.1))
    found = report(first, other)
    return replace(
        found,
        command=text,
        folder=text,
        machine=text,
        started=text,
        versions=((text, text),),
        notes=(text,),
        unreadable=((text, text),),
        ground_truths=(
            replace(found.ground_truths[0], name=text),
            replace(found.ground_truths[0], name=text),
        ),
    )


def outline(element: Element) -> list[object]:
    """Return an element's shape: tags and names of attributes, without any text.

    Labels in the plot do not count, since there may be no room for a long one.
    """
    inner = [child for child in element.children if child.tag != "text"]
    return [element.tag, sorted(element.attributes), *map(outline, inner)]


def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    html = render(everything_named(HOSTILE, tmp_path))
    page = parse(html)
    assert outline(page) == outline(parse(render(everything_named("harmless", tmp_path))))
    assert len(page.all("script")) == 1
    assert "{{ 7*7 }}" in page.all("pre")[0].whole_text
    assert "\\xff\\u202e\\x00\\n" in page.all("pre")[0].whole_text
    assert "<script>alert" in page.all("pre")[0].whole_text
    html.encode("utf-8")


@example(name="\ud800")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=()), max_size=12))
def test_whatever_a_name_is_the_page_keeps_its_shape(tmp_path: Path, name: str) -> None:
    html = render(everything_named(f"x{name}", tmp_path))
    html.encode("utf-8")
    assert outline(parse(html)) == outline(parse(render(everything_named("x", tmp_path))))
    assert "\x00" not in html


def test_nothing_is_asked_of_any_server(tmp_path: Path) -> None:
    item = Item(write_picture(tmp_path / "a.png", seed=0))
    page_text = render(
        report(variant(0.5, best=(strip(item, (item, True)),)), variant(0.6, backbone="b"))
    )
    assert not re.search(r"https?:|//[a-z]|url\(|@import", page_text.replace("\n//", ""))
    page = parse(page_text)
    policy = next(
        meta.attributes["content"]
        for meta in page.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:")
    assert page.all("link") == []
    references = [
        value
        for tag in ("a", "use", "image", "script", "img")
        for element in page.all(tag)
        for key, value in element.attributes.items()
        if key in {"href", "src"} and value is not None
    ]
    assert references
    assert all(value.startswith(("#", "data:image/webp;base64,")) for value in references)


def test_identifiers_are_unique_and_references_arrive(tmp_path: Path) -> None:
    item = Item(write_picture(tmp_path / "a.png", seed=0))
    truth = report(variant(0.5, best=(strip(item, (item, True)),)), variant(0.6, backbone="b"))
    page = parse(render(replace(truth, ground_truths=truth.ground_truths * 2)))

    def every(element: Element) -> list[Element]:
        return [element, *(inner for child in element.children for inner in every(child))]

    identifiers = [each.attributes["id"] for each in every(page) if "id" in each.attributes]
    assert len(identifiers) == len(set(identifiers))
    wanted = {
        (value or "").removeprefix("#")
        for each in every(page)
        for key, value in each.attributes.items()
        if key in {"aria-labelledby", "for"} or (key == "href" and (value or "").startswith("#"))
    }
    assert wanted <= set(identifiers)


def test_tables_say_what_their_rows_and_columns_are(tmp_path: Path) -> None:
    del tmp_path
    groups = (GroupFigure(group="a", queries=3, value=0.4),)
    page = parse(render(report(variant(0.5, groups=groups), unreadable=(("a.jpg", "empty"),))))
    assert page.all("html")[0].attributes["lang"] == "en"
    for table in page.all("table"):
        heads = table.all("thead")[0].all("th")
        assert all(head.attributes["scope"] == "col" and head.whole_text.strip() for head in heads)
        for row in table.all("tbody")[0].all("tr"):
            assert len(row.children) == len(heads)
    assert len(page.all("h1")) == 1


def test_the_origin_is_told() -> None:
    notes, unreadable = ("Weights are random.",), (("a.jpg", "ends early"),)
    text = parse(render(report(variant(0.5), notes=notes, unreadable=unreadable))).whole_text
    for expected in (
        "imgsearch evaluate photos --backbone fake-1",
        "2026-01-02 03:04 UTC",
        "1 h 2 min",
        "imgsearch 1.2.3",
        "a machine with 2 cores",
        "Weights are random.",
        "1 file could not be read and was left out",
        "ends early",
        "2 without a right answer left out",
    ):
        assert expected in " ".join(text.split())


def test_the_file_replaces_an_older_one_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_report(report(variant(0.5)), path)
    before = path.read_bytes()
    assert before.startswith(b"<!DOCTYPE html>")

    def no_room(descriptor: int) -> None:
        raise OSError(28, f"no room for {descriptor}")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="no room"):
            write_report(report(variant(0.6)), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["report.html"]  # noqa: PTH208  names are what counts

    write_report(report(variant(0.6)), path)
    assert b"60.0" in path.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_report(report(variant(0.5)), tmp_path / "missing" / "report.html")

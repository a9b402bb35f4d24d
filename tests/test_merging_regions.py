"""Merging galleries with parts of pictures: comparable codes come along, others stay behind."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from region_fakes import HistogramSource, scene, thing

from imgsearch import Gallery, IndexOptions
from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.regions import joining, making

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.merging import MergedPart

WITH = IndexOptions(regions=True)


def opened(folder: Path) -> Gallery:
    """Return a gallery over a fake network."""
    return Gallery(folder, source=HistogramSource())


def scenes(folder: Path, numbers: range) -> Path:
    """Write scenes that hold things of their numbers; return the folder."""
    folder.mkdir(parents=True)
    for number in numbers:
        scene(number, number).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Galleries: `one` of six scenes; `more`, that grew by three; `other` of these; `plain`."""
    base = tmp_path_factory.mktemp("parts")
    six, three = scenes(base / "photos/a", range(6)), scenes(base / "photos/b", range(20, 23))
    opened(base / "one").index(six, options=WITH)
    shutil.copytree(base / "one", base / "more")
    opened(base / "more").index(three)
    opened(base / "other").index(three, options=WITH)
    opened(base / "plain").index(base / "photos")
    return base


@pytest.fixture
def merged(tmp_path: Path) -> Gallery:
    """The gallery that others come into."""
    return opened(tmp_path / "all")


def harmed(gallery: Path, copy: Path, harm: str) -> Path:
    """Return a copy of a gallery whose database was changed."""
    shutil.copytree(gallery, copy)
    with closing(sqlite3.connect(copy / "gallery.db")) as database:
        assert database.execute(harm).rowcount > 0
        database.commit()
    return copy


def found(gallery: Gallery) -> list[tuple[object, ...]]:
    """Return where a gallery finds the first thing."""
    matches = gallery.query(np.array(thing(0)), anywhere=True, k=20)
    return [(match.path, match.score, match.box) for match in matches]


def counts(part: MergedPart) -> tuple[int, int]:
    """Return of how many pictures parts came, and stayed although they are lacking."""
    return part.joined.regions, part.joined.regions_left


def test_a_gallery_without_parts_takes_the_projection_and_all_of_the_first_that_has_some(
    base: Path, merged: Gallery
) -> None:
    """The answers are those of the gallery that they came from; no picture was looked at."""
    report = merged.merge(base / "plain", base / "more")
    assert [counts(part) for part in report.parts] == [(0, 0), (9, 0)]
    assert report.regions_to_make == 0
    assert found(merged) == found(opened(base / "more"))
    assert merged.check().clean
    assert merged.index().regions == 0


def test_codes_of_the_same_projection_come_and_those_that_are_there_stay(
    base: Path, merged: Gallery
) -> None:
    report = merged.merge(base / "one", base / "more")
    assert [counts(part) for part in report.parts] == [(6, 0), (3, 0)]
    assert found(merged) == found(opened(base / "more"))
    again = merged.merge(base / "more", base / "one")
    assert [counts(part) for part in again.parts] == [(0, 0)] * 2
    assert again.parts[0].remarks == ()


def test_codes_of_another_projection_stay_and_the_next_index_makes_those_alone(
    base: Path, merged: Gallery
) -> None:
    report = merged.merge(base / "one", base / "other")
    assert [counts(part) for part in report.parts] == [(6, 0), (0, 3)]
    assert report.parts[1].remarks == (
        "parts of 3 pictures left there: they were made with another projection than those here",
    )
    assert report.regions_to_make == 3
    assert merged.merge(base / "other").regions_to_make == 3
    assert merged.index().regions == 3
    (part,) = merged.merge(base / "other").parts
    assert (counts(part), part.remarks) == ((0, 0), ())


def test_all_are_to_be_made_where_the_projection_is_outgrown(base: Path, merged: Gallery) -> None:
    """Fitted on three pictures, of nine."""
    assert merged.merge(base / "other", base / "plain").regions_to_make == 9
    assert merged.index().regions == 9


def test_galleries_without_parts_have_none_to_be_made(base: Path, merged: Gallery) -> None:
    assert merged.merge(base / "plain").regions_to_make == 0


def test_a_dry_run_counts_them_and_writes_nothing(base: Path, merged: Gallery) -> None:
    merged.merge(base / "plain", base / "other")
    before = (merged.path / "gallery.db").read_bytes(), merged.information().recipes
    report = merged.merge(base / "more", dry_run=True)
    assert (counts(report.parts[0]), report.regions_to_make) == ((0, 6), 9)
    assert ((merged.path / "gallery.db").read_bytes(), merged.information().recipes) == before


def test_damaged_codes_stay_with_the_reason(base: Path, tmp_path: Path, merged: Gallery) -> None:
    harm = "UPDATE region SET codes = zeroblob(length(codes)) WHERE id <= 2"
    (part,) = merged.merge(harmed(base / "one", tmp_path / "part", harm)).parts
    assert counts(part) == (4, 2)
    assert part.remarks == ("parts of 2 pictures left there: they are not as they were written",)
    assert (part.joined.files, part.joined.embeddings) == (6, 6)
    assert merged.merge(base / "one").regions_to_make == 0
    assert found(merged) == found(opened(base / "one"))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("UPDATE region_recipe SET layout = '{}'", "how they were made cannot be read"),
        ("UPDATE region_recipe SET layout = x'00'", "how they were made cannot be read"),
        ("UPDATE region_recipe SET projection = x'00'", "how they were made cannot be read"),
        ("DELETE FROM region_recipe", "nothing says how they were made"),
        (
            "UPDATE region_recipe SET layout = json_set(layout, '$.version', 2)",
            "another version of imgsearch made them",
        ),
        (
            "UPDATE region_recipe SET layout = json_set(layout, '$.dim', 4)",
            "their projection is not of this recipe",
        ),
    ],
)
def test_codes_of_which_is_not_known_what_they_are_stay_and_the_rest_comes(
    base: Path, tmp_path: Path, merged: Gallery, harm: str, reason: str
) -> None:
    part = harmed(base / "one", tmp_path / "part", f"{harm} WHERE recipe_id = 1")
    report = merged.merge(part, base / "more")
    assert [counts(one) for one in report.parts] == [(0, 6), (9, 0)]
    assert report.parts[0].remarks == (f"parts of 6 pictures left there: {reason}",)
    assert report.parts[0].joined.files == 6


def test_a_merge_that_fails_as_codes_come_in_leaves_nothing_of_its_part(
    base: Path, merged: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = joining._take, 0

    def cut(*arguments: object) -> int:
        nonlocal calls
        calls += 1
        real(*arguments)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    merged.merge(base / "plain")
    with monkeypatch.context() as patched:
        patched.setattr(joining, "_take", cut)
        with pytest.raises(OSError, match="No space"):
            merged.merge(base / "more")
    assert calls == 1
    assert [recipe.regions for recipe in merged.information().recipes] == [0]
    assert counts(merged.merge(base / "more").parts[0]) == (9, 0)


# Galleries that are made to be merged


@pytest.fixture
def _few_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A projection that was fitted on five pictures lasts; 300 would take their time."""
    for module in (making, joining):
        monkeypatch.setattr(module, "FITTED", 5)


@pytest.mark.usefixtures("_few_last")
def test_parts_that_were_made_like_anothers_are_merged_with_these(
    base: Path, tmp_path: Path, merged: Gallery
) -> None:
    share = opened(tmp_path / "share")
    like = IndexOptions(regions_like=base / "one")
    assert share.index(base / "photos/b", options=like).regions == 3
    assert share.index(options=like).regions == 0
    report = merged.merge(base / "one", share.path)
    assert [counts(part) for part in report.parts] == [(6, 0), (3, 0)]
    assert report.regions_to_make == 0
    assert found(merged) == found(opened(base / "more"))
    assert [counts(part) for part in share.merge(base / "one").parts] == [(6, 0)]


@pytest.mark.usefixtures("_few_last")
def test_a_gallery_of_fewer_parts_follows_another_once_its_own_are_dropped(
    base: Path, tmp_path: Path
) -> None:
    shutil.copytree(base / "other", tmp_path / "other")
    other = opened(tmp_path / "other")
    like = IndexOptions(regions_like=base / "one")
    before = found(other)
    with pytest.raises(UsageError, match="another projection than those here"):
        other.index(options=like)
    assert found(other) == before
    other.index(options=IndexOptions(regions=False))
    assert other.index(options=like).regions == 3


def test_parts_that_cannot_be_followed_are_refused(base: Path, tmp_path: Path) -> None:
    share = opened(tmp_path / "share")
    share.index(base / "photos/b")
    harmed(base / "one", tmp_path / "harmed", "UPDATE region_recipe SET layout = '{}'")
    for folder, said in (
        (base / "one", "fitted on 6 pictures, and is fitted anew"),
        (base / "plain", "holds no parts under recipe"),
        (tmp_path / "harmed", "cannot be read"),
    ):
        with pytest.raises(UsageError, match=said):
            share.index(options=IndexOptions(regions_like=folder))
    with pytest.raises(NoGalleryError, match="nothing"):
        share.index(options=IndexOptions(regions_like=tmp_path / "nothing"))
    with pytest.raises(UsageError, match="dropped at the same time"):
        IndexOptions(regions=False, regions_like=base / "one")
    assert [recipe.regions for recipe in share.information().recipes] == [0]

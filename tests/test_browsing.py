"""What a page is shown from: windows of lists, counts, folders, parts, originals, sets."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from web_fakes import make_gallery, picture_bytes, write_photo

from imgsearch import (
    CropBox,
    Filters,
    Gallery,
    HeldContent,
    ImgsearchError,
    Part,
    Weighted,
)
from imgsearch.errors import NotThereError, UnreadableImageError, UsageError
from imgsearch.images.exposure import details_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("browsing")
    make_gallery(made, FakeSource())
    return made


@pytest.fixture
def opened(folder: Path) -> Iterator[Gallery]:
    with Gallery(folder / "pictures.gallery", source=FakeSource()) as gallery:
        yield gallery


# Windows of lists


def test_a_timeline_is_the_list_of_files(opened: Gallery) -> None:
    timeline = opened.timeline()
    files = opened.files_of(timeline.ids)
    assert files == list(opened.files())
    ratios = [round(100 * file.width / file.height) for file in files if file is not None]
    assert timeline.ratios.tolist() == ratios
    assert sum(section.count for section in timeline.sections) == len(timeline.ids)
    for place in (0, 7, len(files) - 1):
        assert timeline.position(int(timeline.ids[place])) == place
    assert timeline.position(-1) is None


def test_by_path_a_content_stands_where_its_first_file_does(opened: Gallery, folder: Path) -> None:
    """Under a folder, where its first file in that folder does."""
    timeline = opened.timeline(order="path")
    paths = [os.fsencode(f.path) for f in opened.files_of(timeline.ids) if f is not None]
    assert paths == sorted(paths)
    assert len(paths) == len(timeline.ids)
    trip = folder / "photos" / "trip0"
    timeline = opened.timeline(Filters(under=(trip,)), order="path")
    assert [(section.key, section.count) for section in timeline.sections] == [
        (os.fsencode(trip), 4)
    ]


def test_a_content_that_has_gone_leaves_its_place(gallery: Gallery, photos: Path) -> None:
    gallery.index(photos)
    timeline = gallery.timeline()
    (photos / "trip0" / "00.png").unlink()
    gallery.index(photos)
    files = gallery.files_of(timeline.ids)
    assert [file is None for file in files].count(True) == 1
    assert len(gallery.timeline().ids) == len(files) - 1


def test_the_state_is_another_one_after_every_commit_of_others(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    with Gallery(gallery.path, source=FakeSource()) as reader:
        before = reader.state()
        assert reader.state() == before
        write_picture(photos / "new.png", seed=77)
        gallery.index(photos)
        assert reader.state() != before


def test_an_overview_counts_what_information_counts(opened: Gallery) -> None:
    overview, information = opened.overview(), opened.information()
    for name in ("files", "contents", "unreadable"):
        assert getattr(overview, name) == getattr(information, name)
    assert [(r.path, r.online, r.files) for r in overview.roots] == [
        (r.path, r.online, r.files) for r in information.roots
    ]
    assert [(r.recipe, r.primary, r.embeddings) for r in overview.recipes] == [
        (r.recipe, r.primary, r.embeddings) for r in information.recipes
    ]


@settings(max_examples=30, deadline=None)
@given(
    after=st.sampled_from([None, "2023", "2024-05"]),
    camera=st.sampled_from([None, "sharp", "none such"]),
    lens=st.sampled_from([None, "70-200"]),
    least=st.sampled_from([None, 100, 1000]),
    undated=st.sampled_from(["include", "exclude"]),
)
def test_facets_count_the_files_that_pass_the_same_filters(
    folder: Path,
    after: str | None,
    camera: str | None,
    lens: str | None,
    least: int | None,
    undated: str,
) -> None:
    where = Filters(
        after=after,
        camera=camera,
        lens=lens,
        min_width=least,
        undated=undated,  # type: ignore[arg-type]  # one of the two
    )
    with Gallery(folder / "pictures.gallery", source=FakeSource()) as gallery:
        files = list(gallery.files(where))
        facets = gallery.facets(where)
        assert facets.total == len(files) == len(gallery.timeline(where).ids)
    for name, counts in (
        ("camera", facets.cameras),
        ("lens", facets.lenses),
        ("format", facets.formats),
    ):
        values = [getattr(file, name) for file in files]
        assert {c.value: c.count for c in counts} == {v: values.count(v) for v in set(values)}
    months = [file.taken and file.taken[:7] for file in files]
    assert {m.value: m.count for m in facets.months} == {m: months.count(m) for m in set(months)}


def test_folders_of_nested_and_separate_roots_add_up(gallery: Gallery, tmp_path: Path) -> None:
    for seed, name in enumerate(("a/x/1.png", "a/x/y/2.png", "a/3.png", "b/4.png")):
        write_picture(tmp_path / name, seed=seed)
    gallery.index(tmp_path / "a", tmp_path / "b")
    roots = gallery.folders()
    assert [(f.path.name, f.contents, f.children, f.online) for f in roots] == [
        ("a", 3, 1, True),
        ("b", 1, 0, True),
    ]
    (inner,) = gallery.folders(tmp_path / "a")
    assert (inner.path, inner.contents, inner.children) == (tmp_path / "a" / "x", 2, 1)
    with pytest.raises(UsageError, match="not in the gallery"):
        gallery.folders(tmp_path / "c")


def test_files_that_could_not_be_read_come_in_windows(gallery: Gallery, tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / "photos" / f"{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff" + bytes([number]))
    write_picture(tmp_path / "photos" / "good.png", seed=1)
    gallery.index(tmp_path / "photos")
    everything = [file.path for file in gallery.unreadable()]
    found = gallery.not_read(offset=1, limit=3)
    assert (found.total, [file.path for file in found.files]) == (5, everything[1:4])
    under = gallery.not_read([tmp_path / "photos" / "1"])
    assert [file.path.name for file in under.files] == ["1.jpg", "3.jpg"]


def test_a_lens_is_found_by_a_part_of_its_name(opened: Gallery, said: list[str]) -> None:
    (found,) = opened.files(Filters(lens="LONG"))
    assert found.lens == "Long 70-200"
    assert any("have no lens and are left out" in line for line in said)
    with pytest.raises(UsageError, match="lens"):
        Filters(lens=3)  # type: ignore[arg-type]  # that is the point


# Contents and parts as pictures of a query


def test_a_content_is_asked_about_without_being_found(opened: Gallery) -> None:
    content = next(iter(opened.files())).content
    matches = opened.query(HeldContent(content), k=100)
    assert content not in {match.content for match in matches}
    assert len(matches) == len(list(opened.files())) - 1
    assert content in {
        match.content for match in opened.query(HeldContent(content), include_self=True)
    }
    with pytest.raises(UsageError, match="holds none"):
        opened.query(HeldContent("0" * 64))


def test_each_picture_of_a_question_may_be_a_part(opened: Gallery, folder: Path) -> None:
    paths = [folder / "photos" / "trip0" / "03.png", folder / "photos" / "trip1" / "04.png"]
    corner, whole = CropBox(0, 0, 12, 12), CropBox(0, 0, 24, 24)
    alone = opened.query(paths[0], crop=corner, k=5)
    assert opened.query(Part(paths[0], corner), k=5) == alone
    content = next(f.content for f in opened.files() if f.path == paths[0])
    assert opened.query(Weighted(Part(HeldContent(content), corner), 3.0), k=5) == alone
    both = opened.query(Part(paths[0], whole), paths[1], k=5)
    assert [m.content for m in both] == [m.content for m in opened.query(*paths, k=5)]


def test_a_part_of_a_content_whose_file_is_gone_is_not_there(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    file = next(iter(gallery.files()))
    file.path.unlink()
    assert gallery.query(HeldContent(file.content), k=3)
    with pytest.raises(NotThereError):
        gallery.query(Part(HeldContent(file.content), CropBox(0, 0, 5, 5)))


def test_an_image_is_examined_once_and_asked_about_by_its_embedding(opened: Gallery) -> None:
    data = picture_bytes(700, size=(40, 20))
    examined = opened.examine(data)
    assert (examined.held, examined.width, examined.height, examined.format) == (
        *(False, 40, 20),
        "PNG",
    )
    assert np.linalg.norm(examined.embedding) == pytest.approx(1)
    assert opened.query(examined.embedding, k=5) == opened.query(data, k=5)
    with pytest.raises(UnreadableImageError):
        opened.examine(b"nothing")


def test_an_image_that_the_gallery_holds_is_not_decoded_to_be_examined(
    opened: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.images.loading.load", None)
    examined = opened.examine((folder / "photos" / "dated" / "paris.jpg").read_bytes())
    assert (examined.held, examined.width, examined.format) == (True, 600, "JPEG")


# Originals


def test_an_original_is_read_to_be_compared_only_once(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(photos)
    file = next(iter(gallery.files()))
    with gallery.original(file.content).file as first:
        assert first.read() == file.path.read_bytes()
    monkeypatch.setattr("hashlib.file_digest", None)
    with gallery.original(file.content).file as again:
        assert again.read() == file.path.read_bytes()
    status = file.path.stat()
    file.path.write_bytes(file.path.read_bytes()[::-1])
    os.utime(file.path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    monkeypatch.undo()
    with pytest.raises(NotThereError, match="changed since"):
        gallery.original(file.content)


def test_an_original_comes_from_whichever_file_is_there(gallery: Gallery, photos: Path) -> None:
    copy = photos / "zz.png"
    copy.write_bytes((photos / "trip0" / "00.png").read_bytes())
    gallery.index(photos)
    (photos / "trip0" / "00.png").unlink()
    content = next(f.content for f in gallery.files() if f.duplicates)
    with gallery.original(content).file as file:
        assert file.read() == copy.read_bytes()
    copy.unlink()
    with pytest.raises(NotThereError, match="no such file"):
        gallery.original(content)


# Named sets


def test_a_damaged_file_of_sets_is_named_and_left_alone(gallery: Gallery, photos: Path) -> None:
    gallery.index(photos)
    content = next(iter(gallery.files())).content
    gallery.keep_set("a", [content])
    path = gallery.path / "sets.json"
    for damaged in (b"{", b"[]", b'{"sets": [{"name": 1}]}', b'{"sets": [3]}', b"\xff"):
        path.write_bytes(damaged)
        for attempt in (gallery.sets, lambda: gallery.keep_set("b", [content])):
            with pytest.raises(ImgsearchError, match=r"sets\.json"):
                attempt()
        assert path.read_bytes() == damaged


def test_a_set_holds_only_what_the_gallery_has_held(gallery: Gallery, photos: Path) -> None:
    gallery.index(photos)
    with pytest.raises(UsageError, match="holds none"):
        gallery.keep_set("a", ["0" * 64])
    assert not (gallery.path / "sets.json").exists()
    assert gallery.check().findings == ()


# How a photo was taken


def test_a_photo_tells_how_it_was_taken(tmp_path: Path) -> None:
    path = write_photo(
        tmp_path / "a.jpg", seed=1, taken="2024:05:01 12:00:00", camera="C", lens="L"
    )
    assert {(d.name, d.value) for d in details_of(path.read_bytes())} == {
        ("exposure time", "1/250 s"),
        ("aperture", "f/2.8"),
    }


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        (ExifTags.Base.ExposureTime, 2.5, "2.5 s"),
        (ExifTags.Base.ISOSpeedRatings, 400, "ISO 400"),
        (ExifTags.Base.FocalLength, 50.0, "50 mm"),
        (ExifTags.Base.FocalLengthIn35mmFilm, 75, "75 mm"),
        (ExifTags.Base.Flash, 1, "fired"),
        (ExifTags.Base.Flash, 16, "did not fire"),
        (ExifTags.Base.FNumber, 0.0, None),
    ],
)
def test_what_it_tells_is_put_in_words(tag: int, value: float, said: str | None) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[tag] = value
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "JPEG", exif=exif)
    assert [detail.value for detail in details_of(written.getvalue())] == ([said] if said else [])


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff", b"x" * 99]
)
def test_what_is_broken_tells_nothing(data: bytes) -> None:
    assert details_of(data) == ()

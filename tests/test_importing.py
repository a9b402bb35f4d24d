"""Embeddings made elsewhere become a recipe of their own; exports come back as they went."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imgsearch import Gallery
from imgsearch.errors import (
    MissingExtraError,
    RecipeMismatchError,
    UnknownNetworkError,
    UnknownRecipeError,
    UsageError,
)
from imgsearch.exchange.arrays import EmbeddingArray
from imgsearch.exchange.layouts import LAYOUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.exchange.layouts import Layout

GRID = [[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.6, 0.8], [0.0, 0.0, 1.0]]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return an array of four embeddings of dim 3, with the paths of no files beside it."""
    np.save(tmp_path / "made.npy", np.array(GRID, np.float32))
    (tmp_path / "made.txt").write_text("a.jpg\nb.jpg\nsub/c.jpg\nsub/d.jpg\n")
    return tmp_path / "made.npy"


def answers(gallery: Gallery, pictures: list[Path]) -> list[object]:
    """Return what each picture finds, bit for bit."""
    return [
        [(match.path, match.root, match.score.hex(), match.rank, match.content, match.duplicates,
          match.width, match.format, match.kind) for match in gallery.query(picture, k=20)]
        for picture in pictures
    ]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_that_is_imported_gives_the_same_answers_bit_for_bit(
    gallery: Gallery, photos: Path, tmp_path: Path, layout: Layout
) -> None:
    if layout != "npy":
        pytest.importorskip("pyarrow")
    (photos / "copy.png").write_bytes((photos / "trip0/00.png").read_bytes())
    (photos / "trip0/03.png").rename(photos / os.fsdecode(b"caf\xe9.png"))
    gallery.index(photos)
    ones = sorted((photos / "trip1").iterdir())
    gallery.not_the_same(ones[0], ones[1])
    gallery.export(tmp_path / "out", layout=layout)
    back = Gallery(tmp_path / "back.gallery", source=FakeSource())
    report = back.import_embeddings(tmp_path / "out")
    assert (report.rows, report.embeddings, report.contents) == (12, 12, 12)
    assert (report.files, report.read, report.changed) == (13, 13, 0)
    pictures = sorted(photos.rglob("*.png"))
    assert answers(back, pictures) == answers(gallery, pictures)
    assert back.export(tmp_path / "again", layout=layout).embeddings == 12
    for file in (tmp_path / "out").rglob("*.*"):
        assert (tmp_path / "again" / file.relative_to(tmp_path / "out")).read_bytes() == (
            file.read_bytes()
        )
    # Nothing is left to be read, and nothing to be embedded.
    later = back.index()
    assert (later.unchanged, later.new, later.changed, later.embedded) == (13, 0, 0, 0)


def test_what_is_not_there_is_found_by_its_path_and_by_nothing_else(
    elsewhere: Path, tmp_path: Path
) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    report = gallery.import_embeddings(elsewhere, folder="/archive", name="clip")
    assert report.recipe.name == "clip/imported/3"
    assert (report.embeddings, report.files, report.read) == (4, 4, 0)
    with Gallery(tmp_path / "g", source=FakeSource(), projection="none") as asked:
        found = asked.query("/archive/b.jpg", k=2)
    assert [(match.path, match.score) for match in found] == [
        (Path("/archive/a.jpg"), pytest.approx(0.8)),
        (Path("/archive/sub/c.jpg"), pytest.approx(0.36)),
    ]
    with pytest.raises(UnknownNetworkError, match=r"clip/imported/3 were imported.*--backbone"):
        gallery.query(write_picture(tmp_path / "new.png", seed=1))
    with pytest.raises(UnknownRecipeError, match=r"name one with --backbone"):
        gallery.index(tmp_path)


def test_the_network_that_is_named_embeds_new_pictures(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos)
    gallery.export(tmp_path / "out")
    (tmp_path / "out/recipe.json").unlink()
    (tmp_path / "out/embeddings.npy").rename(tmp_path / "made.npy")
    (tmp_path / "out/contents.jsonl").rename(tmp_path / "made.jsonl")
    source = FakeSource()
    named = Gallery(tmp_path / "named", recipe="net", source=source)
    assert named.import_embeddings(tmp_path / "made.npy").recipe.backbone == "net"
    assert source.embedded == 8  # of twelve, for comparison
    new = write_picture(tmp_path / "new.png", seed=99)
    assert named.query(new, k=3)[0].score == pytest.approx(gallery.query(new, k=3)[0].score)
    vectors = np.load(tmp_path / "made.npy")
    np.save(tmp_path / "made.npy", np.roll(vectors, 5, axis=1)[::-1])
    with pytest.raises(RecipeMismatchError, match="not made with net"):
        Gallery(tmp_path / "other", recipe="net", source=source).import_embeddings(
            tmp_path / "made.npy"
        )


def test_pictures_that_are_there_are_known_by_their_bytes(tmp_path: Path) -> None:
    """Two files of one content are one; a hash that says otherwise is believed, and told of."""
    one, two = (write_picture(tmp_path / f"p/{seed}.png", seed=seed) for seed in (1, 2))
    shutil.copy(one, tmp_path / "p/copy.png")
    np.save(tmp_path / "p/e.npy", np.eye(3, dtype=np.float32))
    with (tmp_path / "p/e.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("caption", "path", "sha256", "width", "taken"))
        rows.writerow(("a cat", "1.png", "", "", ""))
        rows.writerow(("a dog", "2.png", "A" * 64, "640", "2024-05-01T12:00:00"))
        rows.writerow(("a cat", "copy.png", "", "", ""))
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    report = gallery.import_embeddings(tmp_path / "p/e.npy")
    assert (report.rows, report.embeddings, report.contents) == (3, 2, 2)
    assert (report.files, report.read, report.changed) == (3, 3, 1)
    assert report.ignored == ("caption",)
    listed = {file.path.name: file for file in gallery.files()}
    assert listed["1.png"].content == hashlib.sha256(one.read_bytes()).hexdigest()
    assert (listed["1.png"].width, listed["1.png"].format) == (24, "PNG")
    assert [copy.path.name for copy in listed["1.png"].duplicates] == ["copy.png"]
    assert (listed["2.png"].content, listed["2.png"].width) == ("a" * 64, 640)
    assert listed["2.png"].taken == "2024-05-01T12:00:00"
    assert two.is_file()


def test_places_may_be_addresses_that_nobody_asks(tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", np.array(GRID, np.float32))
    listed = ("https://host/a/1.jpg", "https://host/b/2.jpg", "s3://bucket/3.jpg", "here/4.jpg")
    (tmp_path / "made.txt").write_text("\n".join(listed))
    gallery = Gallery(tmp_path / "g", source=FakeSource(), projection="none")
    assert gallery.import_embeddings(tmp_path / "made.npy").files == 4
    roots = {str(root.path) for root in gallery.information().roots}
    assert roots == {"https://host", "s3://bucket", str(tmp_path / "here")}
    found = gallery.query("https://host/b/2.jpg", k=3)
    assert [str(match.path) for match in found] == [
        *("https://host/a/1.jpg", "s3://bucket/3.jpg", str(tmp_path / "here/4.jpg")),
    ]
    (tmp_path / "made.txt").write_text("\n".join([*listed[:3], "https://me:hush@host/4.jpg"]))
    with pytest.raises(UsageError, match="credentials in an address") as refused:
        gallery.import_embeddings(tmp_path / "made.npy")
    assert "hush" not in str(refused.value)


def test_doing_it_again_changes_nothing(elsewhere: Path, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.import_embeddings(elsewhere)
    generation = gallery.information().recipes[0].generation
    again = gallery.import_embeddings(elsewhere)
    assert (again.embeddings, again.contents, again.files) == (0, 0, 0)
    assert gallery.information().recipes[0].generation == generation


def test_what_the_gallery_knows_of_a_path_is_kept(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """Embeddings of another network go to the pictures that were indexed, offline or not."""
    gallery.index(photos)
    names = sorted(str(path) for path in photos.rglob("*.png"))
    (tmp_path / "made.txt").write_text("\n".join(names))
    np.save(tmp_path / "made.npy", np.eye(12, dtype=np.float32))
    photos.rename(tmp_path / "unplugged")
    report = gallery.import_embeddings(tmp_path / "made.npy", name="clip")
    assert (report.embeddings, report.contents, report.files, report.read) == (12, 0, 0, 0)
    (tmp_path / "unplugged").rename(photos)
    assert gallery.index().unchanged == 12
    with Gallery(gallery.path, recipe="clip", source=FakeSource()) as asked:
        assert len(asked.query(names[0], k=20)) == 11


def test_pictures_that_were_never_there_are_not_missing(elsewhere: Path, tmp_path: Path) -> None:
    """Until they come: then they are what they are, and `index` embeds them."""
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.import_embeddings(elsewhere, name="clip")
    named = Gallery(tmp_path / "g", recipe="net", source=FakeSource())
    assert named.index().missing == 0
    assert len(list(gallery.files())) == 4
    write_picture(tmp_path / "a.jpg", seed=1)
    report = named.index()
    assert (report.missing, report.changed, report.embedded) == (0, 1, 1)


def test_a_dry_run_writes_nothing(elsewhere: Path, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    report = gallery.import_embeddings(elsewhere, dry_run=True)
    assert (report.embeddings, report.dry_run) == (4, True)
    assert not (tmp_path / "g").exists()


def test_several_partitions_of_clip_retrieval_come_in_by_number(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for folder in ("img_emb", "metadata"):
        (tmp_path / "made" / folder).mkdir(parents=True)
    for number in (0, 1):
        rows = np.array(GRID[2 * number : 2 * number + 2], np.float16)
        np.save(tmp_path / f"made/img_emb/img_emb_{number}.npy", rows)
        names = [f"{number}{letter}.jpg" for letter in "ab"]
        table = pa.table({"image_path": names, "caption": ["", ""]})
        pq.write_table(table, tmp_path / f"made/metadata/metadata_{number}.parquet")
    gallery = Gallery(tmp_path / "g", source=FakeSource(), projection="none")
    report = gallery.import_embeddings(tmp_path / "made")
    assert (report.rows, report.embeddings, report.ignored) == (4, 4, ("caption",))
    best = gallery.query(tmp_path / "made/1a.jpg", k=1)[0]
    assert best.path == tmp_path / "made/1b.jpg"
    assert best.score == pytest.approx(0.8, abs=1e-3)


@given(
    arrays.arrays(
        np.float16,
        (3, 4),
        elements=st.floats(-8, 8, width=16, allow_subnormal=False),
    )
)
def test_rows_become_unit_vectors_of_the_same_direction_or_stay_zero(
    tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float16]
) -> None:
    file = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(file, rows)
    (taken,) = EmbeddingArray(file)
    for given_row, row in zip(rows.astype(np.float64), taken.astype(np.float64), strict=True):
        length = np.linalg.norm(given_row)
        assert np.linalg.norm(row) == pytest.approx(1 if length else 0, abs=1e-6)
        np.testing.assert_allclose(row * length, given_row, atol=1e-5 * max(length, 1))


ARRAYS = {
    "not finite": np.array([[1, 0], [np.nan, 0], [0, 1], [1, 0]], np.float32),
    "whole numbers": np.ones((4, 2), np.int64),
    "three axes": np.ones((4, 2, 2), np.float32),
    "objects": np.array([{}, {}, {}, {}]),
}
LISTS = {
    "fewer paths": "a.jpg\nb.jpg\n",
    "more paths": "a\nb\nc\nd\ne\n",
    "empty path": "a\n\nc\nd\n",
}
TABLES = {
    "no such column": "where,x",
    "no hash": "path,content\na,b",
    "no time": "path,taken\na,today",
    "far north": "path,latitude\na,91",
}


def spoil(array: Path, what: str) -> None:
    """Make the array, or what is beside it, something that cannot be imported."""
    beside = array.with_suffix(".txt")
    if what in ARRAYS:
        np.save(array, ARRAYS[what], allow_pickle=True)
    elif what in LISTS:
        beside.write_text(LISTS[what])
    elif what == "cut":
        array.write_bytes(array.read_bytes()[:-5])
    else:
        if what != "two listings":
            beside.unlink()
        if what != "no listing":
            array.with_suffix(".csv").write_text(TABLES.get(what, "path") + "\n")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no listing", "expected its paths in one of made.jsonl, .*--paths"),
        ("two listings", "found 2; name the file with --paths"),
        ("fewer paths", "has 4 rows, and .* has 2"),
        ("more paths", "has 4 rows, and .* has 5"),
        ("empty path", "row 2: path: '' is no path"),
        ("not finite", "row 2 has a number that is not finite"),
        ("whole numbers", "floating-point numbers of shape"),
        ("three axes", "floating-point numbers of shape"),
        ("objects", "can't be read as a NumPy array"),
        ("cut", "can't be read as a NumPy array"),
        ("no such column", "no column of paths among 'where', 'x'; expected one of paths, path"),
        ("no hash", "row 1: content: 'b' is no SHA-256"),
        ("no time", "row 1: taken: 'today' is no time such as"),
        ("far north", "row 1: latitude: '91' is not within 90 degrees"),
    ],
)
def test_what_makes_no_sense_is_named_and_nothing_comes_in(
    elsewhere: Path, tmp_path: Path, what: str, message: str
) -> None:
    spoil(elsewhere, what)
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    with pytest.raises(UsageError, match=message):
        gallery.import_embeddings(elsewhere)
    assert not (tmp_path / "g").exists() or gallery.information().contents == 0


def test_an_export_that_is_not_whole_is_refused(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    gallery.index(photos)
    gallery.export(tmp_path / "out")
    recipe = tmp_path / "out/recipe.json"
    text = recipe.read_text()
    recipe.write_text(json.dumps({**json.loads(text), "size": -1}))
    back = Gallery(tmp_path / "back", source=FakeSource())
    with pytest.raises(UsageError, match="not as `imgsearch export` wrote it"):
        back.import_embeddings(tmp_path / "out")
    recipe.write_text(text)
    (tmp_path / "out/verdicts.jsonl").write_text('{"one": "a", "other": "b", "made": "now"}\n')
    with pytest.raises(UsageError, match="names no two contents"):
        back.import_embeddings(tmp_path / "out")
    recipe.unlink()
    with pytest.raises(UsageError, match="not whole: export again"):
        back.import_embeddings(tmp_path / "out")
    with pytest.raises(UsageError, match="no embeddings; expected what"):
        back.import_embeddings(photos)


def test_parquet_without_its_package_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "made.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match="pip install pyarrow"):
        Gallery(tmp_path / "g").import_embeddings(tmp_path / "made.parquet")

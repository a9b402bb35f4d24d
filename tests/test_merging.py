"""Merging galleries: the union of the parts is what one run would have made, or nothing happens."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, touch_later, write_picture
from golden_galleries import GOLDEN

from imgsearch.errors import NoGalleryError, UsageError
from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.indexing.shards import Shard
from imgsearch.storage import merging

if TYPE_CHECKING:
    from pathlib import Path


def opened(folder: Path, recipe: str | None = None) -> Gallery:
    """Return a gallery over a fake network."""
    return Gallery(folder, source=FakeSource(), recipe=recipe)


def indexed(folder: Path, *photos: Path, shard: Shard | None = None) -> Gallery:
    """Return an indexed gallery."""
    gallery = opened(folder)
    gallery.index(*photos, options=IndexOptions(shard=shard))
    return gallery


@pytest.fixture
def parts(photos: Path, tmp_path: Path) -> list[Path]:
    """Return four galleries with a share each, a copy and a broken file among the photos."""
    shutil.copy(photos / "trip0/00.png", photos / "trip2/again.png")
    (photos / "broken.png").write_bytes(b"no picture")
    return [
        indexed(tmp_path / f"part{k}.gallery", photos, shard=Shard(k, 4)).path for k in range(1, 5)
    ]


def everything(gallery: Gallery) -> tuple[object, ...]:
    """Return all that a gallery holds and answers, but for the numbers of its rows."""
    hashes, vectors = gallery.embeddings()
    files = sorted((str(file.path), file.content) for file in gallery.files(all_files=True))
    unreadable = sorted((str(file.path), file.reason) for file in gallery.unreadable())
    answers = [
        [(match.path, match.score, match.rank) for match in gallery.query(path, k=100)]
        for path, _ in files
    ]
    return hashes, vectors.tobytes(), files, unreadable, answers


def test_merged_shares_equal_one_run(photos: Path, parts: list[Path], tmp_path: Path) -> None:
    """The same contents, embeddings bit for bit, files, reasons, and answers."""
    whole = indexed(tmp_path / "whole.gallery", photos)
    merged = opened(tmp_path / "all.gallery")
    report = merged.merge(*parts)
    assert everything(merged) == everything(whole)
    assert sum(part.joined.files for part in report.parts) == 14
    assert sum(part.joined.embeddings for part in report.parts) == 12
    assert report.refused == 0
    assert merged.check().clean
    again = merged.index()
    assert (again.unchanged, again.embedded, again.missing) == (14, 0, 0)


def test_merging_again_changes_nothing(parts: list[Path], tmp_path: Path) -> None:
    merged = opened(tmp_path / "all.gallery")
    merged.merge(*parts)
    before = everything(merged), merged.information().recipes
    report = merged.merge(*reversed(parts))
    assert [part.joined for part in report.parts] == [merging.JoinedRows()] * 4
    assert (everything(merged), merged.information().recipes) == before


def test_a_dry_run_counts_and_makes_nothing(parts: list[Path], tmp_path: Path) -> None:
    merged = opened(tmp_path / "all.gallery")
    report = merged.merge(*parts, dry_run=True)
    assert sum(part.joined.files for part in report.parts) == 14
    assert not merged.path.exists()


def test_a_part_that_fails_half_way_leaves_nothing_of_itself(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = opened(tmp_path / "all.gallery")
    merged.merge(parts[0])
    before = everything(merged)

    def fail(*_: object) -> merging.JoinedRows:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(merging, "_join_files", fail)
        with pytest.raises(OSError, match="No space"):
            merged.merge(parts[1])
    assert everything(merged) == before
    merged.merge(*parts)
    assert merged.information().files == 14


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE embedding SET vector = zeroblob(length(vector) - 4) WHERE id = 1",
        "UPDATE embedding SET vector = CAST(x'0000803f' || substr(vector, 5) AS BLOB) WHERE id = 1",
        "UPDATE recipe SET recipe = '[1]'",
        "UPDATE content SET hash = x'00' WHERE id = (SELECT min(content_id) FROM file)",
        "UPDATE file SET path = 7 WHERE id = 1",
        "CREATE TRIGGER t AFTER INSERT ON file BEGIN SELECT 1; END",
    ],
)
def test_a_damaged_part_is_left_out_by_name_and_the_others_are_merged(
    parts: list[Path], tmp_path: Path, harm: str
) -> None:
    with closing(sqlite3.connect(parts[1] / "gallery.db")) as database:
        database.execute(harm)
        database.commit()
    merged = opened(tmp_path / "all.gallery")
    report = merged.merge(*parts)
    assert [part.path for part in report.parts if part.reason] == [parts[1]]
    assert report.refused == 1
    others = opened(tmp_path / "others.gallery")
    others.merge(parts[0], *parts[2:])
    assert everything(merged) == everything(others)


def test_a_part_of_another_network_is_left_out_unless_it_is_wanted(
    photos: Path, tmp_path: Path
) -> None:
    merged = indexed(tmp_path / "all.gallery", photos)
    other = opened(tmp_path / "other.gallery", recipe="fake-2")
    other.index(photos)
    (part,) = merged.merge(other.path).parts
    assert part.reason is not None
    assert "another version of the same network" in part.reason
    (part,) = merged.merge(other.path, any_recipe=True).parts
    assert (part.joined.embeddings, part.joined.files) == (12, 0)
    assert "a recipe that others lack" in part.remarks[0]
    assert [recipe.primary for recipe in merged.information().recipes] == [True, False]


def test_the_file_that_was_modified_last_holds(photos: Path, tmp_path: Path) -> None:
    early = indexed(tmp_path / "early.gallery", photos)
    write_picture(photos / "trip0/00.png", seed=77)
    touch_later(photos / "trip0/00.png")
    late = indexed(tmp_path / "late.gallery", photos)
    for first, second, counted in ((early, late, (1, 0)), (late, early, (0, 1))):
        merged = opened(tmp_path / f"{counted[0]}.gallery")
        *_, part = merged.merge(first.path, second.path).parts
        assert (part.joined.newer, part.joined.older) == counted
        assert merged.query(photos / "trip0/00.png", include_self=True)[0].score == 1
        assert merged.index().unchanged == 12


def test_a_file_that_one_machine_could_not_read_is_known_from_the_other(
    photos: Path, tmp_path: Path
) -> None:
    sound = (photos / "trip1/01.png").read_bytes()
    (photos / "trip1/01.png").write_bytes(b"x")
    failed = indexed(tmp_path / "failed.gallery", photos)
    (photos / "trip1/01.png").write_bytes(sound)
    read = indexed(tmp_path / "read.gallery", photos)
    for order in ((failed, read), (read, failed)):
        merged = opened(tmp_path / f"{order[0].path.stem}-first.gallery")
        merged.merge(*(gallery.path for gallery in order))
        assert list(merged.unreadable()) == []
        assert merged.information().contents == 12


@pytest.mark.parametrize("outer_first", [True, False])
def test_a_folder_within_anothers_folder_is_not_there_twice(
    photos: Path, tmp_path: Path, *, outer_first: bool
) -> None:
    inner = indexed(tmp_path / "inner.gallery", photos / "trip1")
    outer = indexed(tmp_path / "outer.gallery", photos)
    merged = opened(tmp_path / "all.gallery")
    order = (outer, inner) if outer_first else (inner, outer)
    merged.merge(*(gallery.path for gallery in order))
    assert merged.information().files == 12
    assert [root.path for root in merged.information().roots] == [photos]
    assert all(not file.duplicates for file in merged.files())


def test_folders_of_a_machine_that_is_not_here_are_offline(photos: Path, tmp_path: Path) -> None:
    part = indexed(tmp_path / "part.gallery", photos)
    photos.rename(tmp_path / "elsewhere")
    merged = opened(tmp_path / "all.gallery")
    merged.merge(part.path)
    matches = merged.query(tmp_path / "elsewhere/trip0/00.png", k=3)
    assert matches[0].score == 1
    assert all(match.offline for match in matches)
    assert merged.index().offline == 12


@pytest.mark.parametrize("name", ["compact", "exact", "projected"])
def test_a_part_of_an_earlier_version_is_merged(tmp_path: Path, name: str) -> None:
    GOLDEN[name].unpack(tmp_path)
    old = GOLDEN[name].folder(tmp_path)
    merged = opened(tmp_path / "all.gallery")
    (report,) = merged.merge(old).parts
    assert report.reason is None
    recipes = [recipe.recipe.identifier for recipe in opened(old).information().recipes]
    held = [len(opened(old, recipe).embeddings()[0]) for recipe in recipes]
    assert report.joined.embeddings == sum(held)
    assert merged.check().clean


def test_fingerprints_and_verdicts_come_along(photos: Path, tmp_path: Path) -> None:
    """Nothing has to be decoded again, and what was said of two pictures holds."""
    part = indexed(tmp_path / "part.gallery", photos)
    one, other = (file.content for file, _ in zip(part.files(), range(2), strict=False))
    with closing(sqlite3.connect(part.path / "gallery.db")) as database:
        database.execute("INSERT INTO verdict VALUES (?, ?, '2026')", sorted((one, other)))
        database.commit()
        before = database.execute("SELECT hash, rendering FROM fingerprint ORDER BY hash")
        known = before.fetchall()
    merged = opened(tmp_path / "all.gallery")
    merged.merge(part.path)
    with closing(sqlite3.connect(merged.path / "gallery.db")) as database:
        rows = database.execute("SELECT hash, rendering FROM fingerprint ORDER BY hash")
        assert rows.fetchall() == known
        assert len(known) == 12
        assert database.execute("SELECT made FROM verdict").fetchall() == [("2026",)]


def test_other_rules_for_the_same_folder_are_told(photos: Path, tmp_path: Path) -> None:
    one = indexed(tmp_path / "one.gallery", photos)
    other = opened(tmp_path / "other.gallery")
    other.index(photos, options=IndexOptions(exclude=("*.tmp",)))
    (part,) = one.merge(other.path).parts
    assert "those of the gallery hold" in part.remarks[0]


def test_what_makes_no_sense_is_refused_before_anything_is_made(
    photos: Path, tmp_path: Path
) -> None:
    part = indexed(tmp_path / "part.gallery", photos)
    merged = opened(tmp_path / "all.gallery")
    for wanted, message in (((), "no gallery named"), ((part.path, part.path), "named twice")):
        with pytest.raises(UsageError, match=message):
            merged.merge(*wanted)
    with pytest.raises(NoGalleryError, match=r"nothing\.gallery"):
        merged.merge(part.path, tmp_path / "nothing.gallery")
    with pytest.raises(UsageError, match="into itself"):
        part.merge(part.path)
    assert not merged.path.exists()


def test_a_merge_leaves_the_parts_as_they_were(parts: list[Path], tmp_path: Path) -> None:
    before = [(part / "gallery.db").read_bytes() for part in parts]
    opened(tmp_path / "all.gallery").merge(*parts)
    assert [(part / "gallery.db").read_bytes() for part in parts] == before


def test_embeddings_that_are_there_stay(photos: Path, tmp_path: Path) -> None:
    """Two machines may differ in a float's last digit; what was answered stays the answer."""
    merged = indexed(tmp_path / "all.gallery", photos)
    other = indexed(tmp_path / "other.gallery", photos)
    _, before = merged.embeddings()
    (part,) = merged.merge(other.path).parts
    assert part.joined == merging.JoinedRows()
    assert np.array_equal(merged.embeddings()[1], before)

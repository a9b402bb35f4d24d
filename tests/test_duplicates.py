"""Groups of duplicates: what the gallery answers, whatever the order in which it was filled."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from conftest import FakeSource

from imgsearch import Gallery
from imgsearch.duplicates.groups import Kind

if TYPE_CHECKING:
    from pathlib import Path


def test_files_of_the_same_bytes_are_one_group_whose_keeper_comes_first_by_path(
    gallery: Gallery, photos: Path
) -> None:
    first = photos / "trip0/00.png"
    shutil.copy(first, photos / "trip2/copy.png")
    shutil.copy(first, photos / "trip1/copy.png")
    gallery.index(photos)
    (group,) = gallery.duplicates(kinds=[Kind.IDENTICAL])
    assert group.keeper.path == first
    assert [member.file.path for member in group.members] == [
        photos / "trip1/copy.png",
        photos / "trip2/copy.png",
    ]
    assert {member.evidence.certainty for member in group.members} == {1.0}
    assert group.kind == Kind.IDENTICAL


def test_names_of_one_file_on_disk_are_no_duplicates(gallery: Gallery, photos: Path) -> None:
    first = photos / "trip0/00.png"
    os.link(first, photos / "trip1/linked.png")
    gallery.index(photos)
    assert gallery.duplicates(kinds=[Kind.IDENTICAL]) == []
    shutil.copy(first, photos / "trip2/copy.png")
    gallery.index()
    (group,) = gallery.duplicates(kinds=[Kind.IDENTICAL])
    assert group.keeper_names == (photos / "trip1/linked.png",)
    assert [member.file.path for member in group.members] == [photos / "trip2/copy.png"]


def test_an_older_gallery_gets_its_fingerprints_without_embedding_anything(
    tmp_path: Path, photos: Path
) -> None:
    folder = tmp_path / "test.gallery"
    Gallery(folder, source=FakeSource()).index(photos)
    with closing(sqlite3.connect(folder / "gallery.db")) as database, database:
        made = database.execute("SELECT * FROM fingerprint ORDER BY content_id").fetchall()
        database.execute("DELETE FROM fingerprint WHERE content_id % 2")
        database.execute("UPDATE fingerprint SET version = 0, rendering = x''")
    assert len(made) == 12
    source = FakeSource()
    Gallery(folder, source=source).index()
    assert source.embedded == 0
    with closing(sqlite3.connect(folder / "gallery.db")) as database:
        again = database.execute("SELECT * FROM fingerprint ORDER BY content_id").fetchall()
    assert again == made

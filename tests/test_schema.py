"""The database's shape: made whole or not at all, and never in another program's file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

from imgsearch.errors import GalleryDamagedError, NoGalleryError
from imgsearch.storage import schema
from imgsearch.storage.database import Store
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path


def in_memory() -> Database:
    """Return an empty database as the gallery opens it."""
    return Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)


def pragma(database: Database, name: str) -> int:
    """Return a pragma's number."""
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def test_an_empty_database_is_taken_through_every_step_and_marked() -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    assert pragma(database, "user_version") == len(schema.STEPS)
    assert pragma(database, "application_id") == schema.APPLICATION_ID
    assert {"root", "content", "file", "recipe", "embedding"} <= set(database.table_names())
    assert {"orphan", "photo"} <= set(database.view_names())


def test_bringing_up_to_date_twice_changes_nothing() -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    before = database.schema
    schema.bring_up_to_date(database.conn)
    assert database.schema == before


def test_a_step_that_fails_undoes_the_steps_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_database: Database) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS[:2], fail))
    database = in_memory()
    with pytest.raises(RuntimeError):
        schema.bring_up_to_date(database.conn)
    assert database.table_names() == []
    assert pragma(database, "user_version") == 0


def test_a_step_that_a_later_release_adds_is_taken_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    database.execute("INSERT INTO root VALUES (1, x'2f61', 1, '[]', 0)")

    def add_column(inner: Database) -> None:
        inner.execute("ALTER TABLE root ADD COLUMN note TEXT")

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, add_column))
    schema.bring_up_to_date(database.conn)
    assert pragma(database, "user_version") == len(schema.STEPS)
    assert database.execute("SELECT path, note FROM root").fetchall() == [(b"/a", None)]


def test_a_database_from_the_future_is_refused() -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    database.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    with pytest.raises(GalleryDamagedError, match="newer imgsearch"):
        schema.bring_up_to_date(database.conn)


@pytest.mark.parametrize("version", [0, 1, len(schema.STEPS), 99])
def test_another_programs_database_is_refused_and_left_byte_for_byte(
    tmp_path: Path, version: int
) -> None:
    """Its own count of steps may be the very number that the gallery's would be."""
    file = tmp_path / DATABASE
    foreign = sqlite3.connect(file)
    foreign.execute("CREATE TABLE recipe (id INTEGER, dish TEXT)")
    foreign.execute(f"PRAGMA user_version = {version}")
    foreign.commit()
    foreign.close()
    before = file.read_bytes()
    with pytest.raises(GalleryDamagedError, match="not a gallery's"):
        Store.create(tmp_path)
    with pytest.raises(GalleryDamagedError, match="not a gallery's"):
        Store.open(tmp_path)
    assert file.read_bytes() == before


def test_a_file_without_a_table_is_no_gallery_yet_and_becomes_one(tmp_path: Path) -> None:
    """A first run that was killed before its first commit leaves such a file."""
    (tmp_path / DATABASE).write_bytes(b"")
    with pytest.raises(NoGalleryError):
        Store.open(tmp_path)
    connection = sqlite3.connect(tmp_path / DATABASE)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert (tmp_path / DATABASE).stat().st_size
    with pytest.raises(NoGalleryError):
        Store.open(tmp_path)
    Store.create(tmp_path).close()
    Store.open(tmp_path).close()


def test_content_ids_are_never_used_twice() -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    insert = (
        "INSERT INTO content (hash, bytes, width, height, format, orientation) "
        "VALUES (?, 1, 1, 1, 'PNG', 1)"
    )
    database.execute(insert, ["a"])
    database.execute("DELETE FROM content")
    database.execute(insert, ["b"])
    assert database.execute("SELECT id FROM content").fetchall() == [(2,)]


def test_the_view_for_people_gives_whole_paths_with_what_is_known_of_them() -> None:
    database = in_memory()
    schema.bring_up_to_date(database.conn)
    database.execute("INSERT INTO root VALUES (1, CAST('/photos' AS BLOB), 1, '[]', 0)")
    database.execute(
        "INSERT INTO content (id, hash, bytes, width, height, format, orientation) "
        "VALUES (1, 'h', 5, 3, 2, 'PNG', 1)"
    )
    database.execute(
        "INSERT INTO file VALUES (1, 1, CAST('a/b.png' AS BLOB), 5, 1, 1, NULL, NULL, NULL, NULL)"
    )
    assert database.execute("SELECT path, width, unreadable FROM photo").fetchall() == [
        ("/photos/a/b.png", 3, None)
    ]

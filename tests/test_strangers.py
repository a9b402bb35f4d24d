"""A database from somebody else: nothing in it runs, and nothing of it is believed unchecked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import GalleryDamagedError, ImgsearchError
from imgsearch.gallery.gallery import Gallery
from imgsearch.recipe import Recipe
from imgsearch.storage import schema
from imgsearch.storage.database import Store
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = (
    "WITH RECURSIVE more(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM more) SELECT id FROM more"
)


@pytest.fixture
def folder(gallery: Gallery, photos: Path) -> Path:
    """Return the folder of a gallery of twelve photos."""
    gallery.index(photos)
    gallery.close()
    return gallery.path


def change(folder: Path, *statements: str) -> None:
    """Change the database behind the gallery's back."""
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["DROP VIEW orphan", f"CREATE VIEW orphan AS {ENDLESS}"], "view 'orphan'"),
        (["CREATE VIEW mine AS SELECT 1"], "view 'mine'"),
        (
            ["CREATE TRIGGER t AFTER INSERT ON file BEGIN DELETE FROM content; END"],
            "trigger 't'",
        ),
        (["CREATE INDEX i ON content (abs(bytes))"], "index 'i'"),
        (["ALTER TABLE setting ADD COLUMN x AS (abs(-1))"], "table 'setting'"),
        (["DROP VIEW photo"], "photo"),
        (["PRAGMA user_version = 2"], "not of schema 2"),
        (["CREATE TABLE sqlite (x)"], "table 'sqlite'"),
    ],
)
def test_objects_that_no_version_made_are_named_before_anything_else_is_read(
    folder: Path, photos: Path, statements: list[str], named: str
) -> None:
    change(folder, *statements)
    before = (folder / DATABASE).read_bytes()
    write_picture(photos / "more.png", seed=99)
    with Gallery(folder, source=FakeSource()) as gallery:
        for call in (gallery.information, gallery.check, gallery.index, gallery.prune):
            with pytest.raises(GalleryDamagedError, match=named):
                call()
    assert (folder / DATABASE).read_bytes() == before


def test_the_statistics_of_an_analyze_are_nobodys_harm(folder: Path, photos: Path) -> None:
    change(folder, "ANALYZE")
    with Gallery(folder, source=FakeSource()) as gallery:
        assert gallery.information().files == 12
        assert gallery.index(photos).unchanged == 12


@pytest.mark.parametrize("version", range(len(schema.STEPS) + 1))
def test_the_schema_of_every_version_is_known(tmp_path: Path, version: int) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as database:
        for step in schema.STEPS[:version]:
            step(database)
        database.execute(f"PRAGMA user_version = {version}")
        database.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        assert not schema.refuse_strangers(database)
    Store.create(tmp_path).close()
    with closing(Store.open(tmp_path)) as store:
        assert store.counts().files == 0


def test_nothing_in_the_file_may_call_functions(folder: Path) -> None:
    for opened in (Store.open, Store.create):
        with closing(opened(folder)) as store:
            for pragma, value in (("trusted_schema", 0), ("cell_size_check", 1)):
                assert store.connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dim", -1),
        ("dim", 10**12),
        ("dim", 48.0),
        ("dim", True),
        ("size", 0),
        ("size", "16"),
        ("decoder", None),
        ("backbone", ["fake"]),
        ("resize", "stretch"),
        ("preprocessing", {}),
        ("precision", "int1"),
        ("pooling", "gem:-1"),
        ("text", 5),
        ("unknown", 1),
    ],
)
def test_a_recipe_that_makes_no_sense_is_damage_even_with_its_identifier(
    folder: Path, key: str, value: object
) -> None:
    recipe = FakeSource().resolve(_request(), offline=True)
    values = json.loads(recipe.to_json()) | {key: value}
    with pytest.raises(GalleryDamagedError, match="cannot be read"):
        Recipe.from_json(json.dumps(values))
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        database.execute("UPDATE recipe SET recipe = ?", (json.dumps(values),))
    with Gallery(folder, source=FakeSource()) as gallery:
        with pytest.raises(GalleryDamagedError):
            gallery.information()
        with suppress(GalleryDamagedError):
            gallery.check()


def _request() -> object:
    from imgsearch.recipe import RecipeRequest

    return RecipeRequest()


VALUES = ["x'ff00'", "'text'", "-1", "9223372036854775807", "1.5", "NULL", f"'{DEEP}'", "''"]
COLUMNS = [
    (table, column)
    for table, columns in {
        "root": "path recursive exclude follow_symlinks",
        "content": "hash bytes width height format taken camera lens latitude longitude "
        "orientation",
        "file": "size mtime_ns reason decoders",
        "recipe": "identifier recipe is_primary generation digest undigested",
        "embedding": "vector checksum",
    }.items()
    for column in columns.split()
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_no_value_of_any_column_is_a_fault_of_imgsearch(
    folder: Path, photos: Path, table: str, column: str
) -> None:
    """It is an answer, or an error of the gallery's own."""
    sound = (folder / DATABASE).read_bytes()
    for value in VALUES:
        (folder / DATABASE).write_bytes(sound)
        with suppress(sqlite3.IntegrityError):
            change(
                folder,
                f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT MAX(rowid) "  # noqa: S608 - a table of tests
                f"FROM {table})",
            )
        with Gallery(folder, source=FakeSource()) as gallery:
            for call in (
                gallery.information,
                lambda g=gallery: g.query(photos / "trip0/00.png", k=50, include_self=True),
                lambda g=gallery: list(g.unreadable()),
                gallery.check,
                gallery.index,
            ):
                with suppress(ImgsearchError):
                    call()


@pytest.mark.parametrize(
    ("statement", "missing", "lost"),
    [
        ("UPDATE file SET root_id = 77 WHERE id = 5", 77, 1),
        ("UPDATE root SET id = 262145", 1, 12),
    ],
)
def test_a_file_of_a_root_that_is_not_there_is_damage_with_a_remedy(
    gallery: Gallery, photos: Path, statement: str, missing: int, lost: int
) -> None:
    """Each use says so, and what it advises mends it."""
    gallery.index(photos)
    gallery.close()
    change(gallery.path, statement)
    for use in (
        lambda: gallery.query(next(photos.rglob("*.png")), k=20),
        lambda: gallery.index(photos),
    ):
        with pytest.raises(GalleryDamagedError, match=f"a root {missing} that is not there; run"):
            use()
    assert gallery.check(repair=True).clean
    assert gallery.index(photos).new == lost
    assert len(gallery.query(next(photos.rglob("*.png")), k=20)) == 11


def test_check_finds_a_value_of_another_type(gallery: Gallery, photos: Path) -> None:
    gallery.index(photos)
    gallery.close()
    change(gallery.path, "UPDATE root SET path = 'text'", "UPDATE content SET width = x'00'")
    assert [finding.what for finding in gallery.check().findings] == [
        "gallery.db: 1 values of root.path are of another type than the column's",
        "gallery.db: 12 values of content.width are of another type than the column's",
    ]

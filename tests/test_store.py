"""The rows: committed whole or not at all, seen in one state, damaged never silently."""

from __future__ import annotations

import errno
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeSource

from imgsearch.errors import GalleryDamagedError, GalleryLockedError, NoGalleryError
from imgsearch.images.metadata import Metadata
from imgsearch.recipe import RecipeRequest
from imgsearch.storage.database import Store
from imgsearch.storage.embedding_checks import damaged_embeddings
from imgsearch.storage.records import ScannedRow, StoredRecipe
from imgsearch.storage.sqlite_errors import DATABASE, DiskFullError, translated_errors
from imgsearch.storage.writer_lock import writer_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACTS = Metadata(width=3, height=2, format="PNG")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return the rows of a new gallery."""
    store = Store.create(tmp_path)
    yield store
    store.close()


def add_recipe(store: Store, name: str = "auto") -> StoredRecipe:
    """Keep a recipe of 48 dimensions."""
    request = RecipeRequest(backbone=name)
    recipe = FakeSource().resolve(request, offline=True)
    return store.add_recipe(recipe)


def add_content(store: Store, recipe: StoredRecipe, content_hash: str, value: float = 1.0) -> int:
    """Keep a content with an embedding whose first value is given."""
    content_id = store.add_content(content_hash, 10, FACTS)
    vector = np.zeros(recipe.recipe.dim, np.float32)
    vector[0] = value
    store.add_embedding(recipe.id, content_id, vector)
    return content_id


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 - the block is the case
        store.add_root(tmp_path, recursive=True)
        raise ZeroDivisionError
    assert store.roots() == []
    assert not store.connection.in_transaction


def test_an_inner_transaction_is_committed_with_the_outer_one_only(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 - the block is the case
        with store.transaction():
            store.add_root(tmp_path, recursive=True)
        raise ZeroDivisionError
    assert store.roots() == []


def test_a_dry_run_sees_its_own_changes_and_leaves_none(store: Store, tmp_path: Path) -> None:
    with store.transaction(dry_run=True):
        store.add_root(tmp_path, recursive=True)
        assert len(store.roots()) == 1
    assert store.roots() == []


def test_a_reader_sees_the_old_state_until_the_commit_and_one_state_in_a_snapshot(
    store: Store, tmp_path: Path
) -> None:
    reader = Store.open(tmp_path)
    with reader.snapshot():
        assert reader.roots() == []
        with store.transaction():
            store.add_root(tmp_path / "a", recursive=True)
            assert reader.roots() == []
        assert reader.roots() == []
    assert [root.path.name for root in reader.roots()] == ["a"]
    reader.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Store.create(tmp_path).close()
    reader = Store.open(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.add_root(tmp_path, recursive=True)
    reader.close()


def test_opening_for_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoGalleryError, match="imgsearch index"):
        Store.open(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["100% ? #1", 'it\'s "quoted" \\', "ünïcödé 📷", "new\nline"])
def test_a_gallerys_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    store = Store.create(folder)
    store.add_root(folder, recursive=True)
    reader = Store.open(folder)
    assert reader.roots()[0].path == folder
    reader.close()
    store.close()


@pytest.mark.parametrize(
    "damage",
    [b"", b"x" * 3, b"no database at all, but a text of some length" * 40],
    ids=["cut to its header's half", "three bytes", "text"],
)
def test_a_file_that_is_no_database_is_named_as_damaged(tmp_path: Path, damage: bytes) -> None:
    Store.create(tmp_path).close()
    file = tmp_path / DATABASE
    file.write_bytes(damage or file.read_bytes()[:50])
    for opened in (Store.open, Store.create):
        with pytest.raises(GalleryDamagedError, match=r"gallery\.db"):
            opened(tmp_path)


def test_a_database_held_by_a_program_that_minds_no_lock_is_called_locked(
    store: Store, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.connection.execute("PRAGMA busy_timeout = 0")
    with (
        pytest.raises(GalleryLockedError, match="another program"),
        translated_errors(tmp_path),
        store.transaction(),
    ):
        pytest.fail("two writers at once")
    other.close()


def test_errors_that_are_no_damage_pass_through_as_they_are(store: Store, tmp_path: Path) -> None:
    store.connection.execute("PRAGMA query_only = 1")
    with pytest.raises(sqlite3.OperationalError, match="readonly"), translated_errors(tmp_path):
        store.add_root(tmp_path, recursive=True)
    store.close()
    with pytest.raises(sqlite3.ProgrammingError), translated_errors(tmp_path):
        store.roots()


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE]
)
def test_a_full_disk_is_called_so_with_the_path_and_what_is_safe(tmp_path: Path, code: int) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = code
    with (
        pytest.raises(DiskFullError, match=r"gallery\.db: no space left .* is stored: free space"),
        translated_errors(tmp_path),
    ):
        raise error


@pytest.mark.parametrize("has_log", [False, True])
def test_a_gallery_on_a_full_disk_can_be_read_where_the_log_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_log: bool
) -> None:
    Store.create(tmp_path).close()
    if has_log:
        (tmp_path / f"{DATABASE}-wal").write_bytes(b"x" * 40)
    real = sqlite3.connect

    def connect(name: str, **options: Any) -> sqlite3.Connection:
        if "mode=ro" in name:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
            real_connection = real(name, **options)
            return Failing(real_connection, error)  # type: ignore[return-value]  # what is used of one
        return real(name, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)
    if has_log:
        with pytest.raises(DiskFullError):
            Store.open(tmp_path)
    else:
        store = Store.open(tmp_path)
        assert store.counts().files == 0
        store.close()


class Failing:
    """A connection of which no statement succeeds."""

    def __init__(self, connection: sqlite3.Connection, error: Exception) -> None:
        self.close = connection.close
        self.error = error

    def execute(self, *_: object) -> None:
        """Fail."""
        raise self.error


def test_the_writer_lock_does_without_its_note_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "write_text", full)
    with writer_lock(tmp_path):
        pass


def test_a_table_that_is_gone_and_text_that_is_none_are_damage(
    store: Store, tmp_path: Path
) -> None:
    """All statements are the gallery's own, so the file is what can be wrong."""
    store.connection.execute("INSERT INTO root VALUES (1, x'2f', 1, CAST(x'ff5b5d' AS TEXT), 0)")
    with pytest.raises(GalleryDamagedError, match="UTF-8"), translated_errors(tmp_path):
        store.roots()
    store.connection.execute("UPDATE root SET exclude = '['")
    with pytest.raises(GalleryDamagedError, match="patterns"), translated_errors(tmp_path):
        store.roots()
    store.connection.execute("DROP TABLE root")
    with pytest.raises(GalleryDamagedError, match="no such table"), translated_errors(tmp_path):
        store.roots()


def test_an_extended_code_of_corruption_is_damage_too(tmp_path: Path) -> None:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT_INDEX
    with pytest.raises(GalleryDamagedError), translated_errors(tmp_path):
        raise error


def test_several_threads_may_ask_one_reader_in_turn(store: Store, tmp_path: Path) -> None:
    """The decoding threads do so, under a lock."""
    recipe = add_recipe(store)
    add_content(store, recipe, "a" * 64)
    reader = Store.open(tmp_path)
    answers: list[Any] = []
    for _ in range(3):
        thread = threading.Thread(
            target=lambda: answers.append(reader.find_content("a" * 64, recipe.id))
        )
        thread.start()
        thread.join()
    assert answers == [(1, True)] * 3
    reader.close()


def test_the_first_recipe_is_primary_and_a_known_one_is_not_added_twice(store: Store) -> None:
    first, second, again = (add_recipe(store, name) for name in ("one", "two", "one"))
    assert first.primary
    assert not second.primary
    assert again == first
    assert [stored.recipe.backbone for stored in store.recipes()] == ["one", "two"]


def test_one_recipe_is_primary_whichever_was_made_so(store: Store) -> None:
    add_recipe(store, "one")
    two = add_recipe(store, "two")
    with store.transaction():
        store.make_primary(two.id)
    assert [(item.recipe.backbone, item.primary) for item in store.recipes()] == [
        ("two", True),
        ("one", False),
    ]


def test_embeddings_come_in_blocks_in_the_order_of_their_ids(store: Store) -> None:
    recipe = add_recipe(store)
    with store.transaction():
        ids = [add_content(store, recipe, f"{n:064x}", n) for n in range(5000)]
    blocks = list(store.embeddings(recipe))
    assert len(blocks) > 1
    assert np.concatenate([found for found, _ in blocks]).tolist() == ids
    assert np.concatenate([rows[:, 0] for _, rows in blocks]).tolist() == list(range(5000))


def test_some_embeddings_come_for_any_list_of_ids_even_unknown_ones(store: Store) -> None:
    recipe = add_recipe(store)
    with store.transaction():
        for n in range(1500):
            add_content(store, recipe, f"{n:064x}", n)
    wanted = [*range(1500, 300, -1), 99_999]
    blocks = list(store.embeddings(recipe, wanted))
    assert np.concatenate([found for found, _ in blocks]).tolist() == list(range(301, 1501))
    assert list(store.embeddings(recipe, [])) == []
    assert list(store.embeddings(recipe, [99_999])) == []


def test_a_vector_of_another_length_is_damage_and_not_a_wrong_answer(store: Store) -> None:
    recipe = add_recipe(store)
    content_id = add_content(store, recipe, "a" * 64)
    store.connection.execute("UPDATE embedding SET vector = x'00000000'")
    with pytest.raises(GalleryDamagedError, match="check --repair"):
        store.embedding(recipe, content_id)
    with pytest.raises(GalleryDamagedError, match="check --repair"):
        list(store.embeddings(recipe))
    assert damaged_embeddings(store, recipe).no_unit == (content_id,)


@pytest.mark.parametrize(("value", "is_bad"), [(1, False), (0, False), (0.9, True), (1.1, True)])
def test_an_embedding_is_a_unit_vector_or_zero(store: Store, value: float, is_bad: bool) -> None:  # noqa: FBT001
    recipe = add_recipe(store)
    add_content(store, recipe, "a" * 64, value)
    assert bool(damaged_embeddings(store, recipe).no_unit) == is_bad


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_embedding_that_is_no_number_is_bad(store: Store, value: float) -> None:
    recipe = add_recipe(store)
    content_id = add_content(store, recipe, "a" * 64, value)
    assert damaged_embeddings(store, recipe).no_unit == (content_id,)


def test_a_root_within_another_is_absorbed_with_names_that_are_not_utf_8(
    store: Store, tmp_path: Path
) -> None:
    inner = store.add_root(tmp_path / "ä" / "b", recursive=True)
    outer = store.add_root(tmp_path, recursive=True)
    for name in (b"caf\xe9.jpg", b"sub/\xff\xfe.jpg", b"a'b%_.jpg"):
        store.put_file(None, ScannedRow(inner.id, name, 1, 1), content_id=None)
    store.absorb_root(inner, outer, "ä/b".encode())
    assert list(store.file_paths(outer.id)) == sorted(
        "ä/b/".encode() + name for name in (b"caf\xe9.jpg", b"sub/\xff\xfe.jpg", b"a'b%_.jpg")
    )
    assert [root.id for root in store.roots()] == [outer.id]


def test_absorbing_a_root_replaces_a_file_that_both_knew(store: Store, tmp_path: Path) -> None:
    outer = store.add_root(tmp_path, recursive=True)
    inner = store.add_root(tmp_path / "b", recursive=True)
    store.put_file(None, ScannedRow(outer.id, b"b/x.jpg", 1, 1), content_id=None)
    store.put_file(None, ScannedRow(inner.id, b"x.jpg", 2, 2), content_id=None)
    store.absorb_root(inner, outer, b"b")
    assert list(store.file_paths(outer.id)) == [b"b/x.jpg"]
    assert store.content_of_file(outer.id, ScannedRow(outer.id, b"b/x.jpg", 2, 2)) is None
    assert store.counts().files == 1


def test_files_are_counted_and_removed_beneath_a_folder_and_not_beside_it(
    store: Store, tmp_path: Path
) -> None:
    root = store.add_root(tmp_path, recursive=True)
    for name in (b"a", b"a/x", b"a/y/z", b"a0", b"a.jpg", b"ab/x", b"\xff" * 20):
        store.put_file(None, ScannedRow(root.id, name, 1, 1), content_id=None)
    assert store.file_count(root.id) == 7
    assert store.file_count(root.id, b"a") == 3
    assert store.remove_files(root.id, b"a") == 3
    assert list(store.file_paths(root.id)) == [b"a.jpg", b"a0", b"ab/x", b"\xff" * 20]


def test_files_and_embeddings_are_counted_alone_and_beside_others(
    store: Store, tmp_path: Path
) -> None:
    """The only root and the only recipe have all; a second one takes its own away."""
    one, first = store.add_root(tmp_path / "one", recursive=True), add_recipe(store, "one")
    for name in (b"a", b"b"):
        store.put_file(None, ScannedRow(one.id, name, 1, 1), content_id=None)
    for content_hash in ("aa", "bb", "cc"):
        add_content(store, first, content_hash)
    assert (store.file_count(one.id), store.embedding_count(first.id)) == (2, 3)
    two, second = store.add_root(tmp_path / "two", recursive=True), add_recipe(store, "two")
    store.put_file(None, ScannedRow(two.id, b"a", 1, 1), content_id=None)
    add_content(store, second, "dd")
    assert (store.file_count(one.id), store.file_count(two.id)) == (2, 1)
    assert (store.embedding_count(first.id), store.embedding_count(second.id)) == (3, 1)


def test_removing_orphans_takes_their_embeddings_and_makes_caches_stale(
    store: Store, tmp_path: Path
) -> None:
    recipe = add_recipe(store)
    root = store.add_root(tmp_path, recursive=True)
    kept, lost, spared = (add_content(store, recipe, letter * 64) for letter in "abc")
    store.put_file(None, ScannedRow(root.id, b"a.jpg", 1, 1), content_id=kept)
    assert store.orphan_ids() == {lost, spared}
    assert store.remove_orphans(keep={spared}) == 1
    assert store.embedded_ids(recipe.id).tolist() == [kept, spared]
    assert store.recipes()[0].generation == 1
    assert store.remove_orphans(keep={spared}) == 0
    assert store.recipes()[0].generation == 1


def test_the_sample_depends_on_the_contents_and_not_on_their_order(tmp_path: Path) -> None:
    orders = ([3, 1, 2, 0], [0, 1, 2, 3])
    samples = []
    for number, order in enumerate(orders):
        store = Store.create(tmp_path / str(number))
        recipe = add_recipe(store)
        names = {add_content(store, recipe, f"{n:064x}"): n for n in order}
        samples.append([names[identifier] for identifier in store.sample_ids(recipe.id, 3)])
        store.close()
    assert samples == [[0, 1, 2], [0, 1, 2]]


def test_the_database_survives_a_power_cut_as_far_as_it_was_committed(store: Store) -> None:
    """The settings that SQLite documents for that: a write-ahead log, synced at every commit."""
    (mode,) = store.connection.execute("PRAGMA journal_mode").fetchone()
    (synchronous,) = store.connection.execute("PRAGMA synchronous").fetchone()
    (foreign_keys,) = store.connection.execute("PRAGMA foreign_keys").fetchone()
    assert (mode, synchronous, foreign_keys) == ("wal", 2, 1)

"""New, changed, unchanged and missing, told apart by joining a scan with the rows."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource

from imgsearch.images.metadata import Metadata
from imgsearch.paths import ScannedFile
from imgsearch.recipe import RecipeRequest
from imgsearch.storage.database import Store
from imgsearch.storage.records import Root, ScannedRow, StoredRecipe
from imgsearch.storage.scan_comparison import Changes, PendingFile, Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DECODERS = "reader-1"


@pytest.fixture
def store() -> Store:
    """Return rows that are never written anywhere."""
    return Store.in_memory()


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Root:
    """Return a registered folder."""
    return store.add_root(tmp_path, recursive=True)


@pytest.fixture
def recipe(store: Store) -> StoredRecipe:
    """Return a stored recipe."""
    source = FakeSource()
    return store.add_recipe(source.resolve(RecipeRequest(), offline=True))


def know(
    store: Store,
    root: Root,
    path: bytes,
    *,
    recipe: StoredRecipe | None = None,
    reason: str | None = None,
    decoders: str | None = DECODERS,
) -> int | None:
    """Keep a file of size 1 and time 1; with a recipe, one that is embedded."""
    content_id = None
    if reason is None:
        content_id = store.add_content(path.hex(), 1, Metadata(width=1, height=1, format="PNG"))
        if recipe is not None:
            store.add_embedding(recipe.id, content_id, np.zeros(48, np.float32))
    store.put_file(
        None,
        ScannedRow(root.id, path, 1, 1),
        content_id=content_id,
        reason=reason,
        decoders=decoders if reason else None,
    )
    return content_id


def scan(changes: Changes, root: Root, *files: ScannedFile) -> None:
    """Take in a scan of the whole root, where nothing else is."""
    changes.add(root.id, files)
    changes.add_missing(root.id, b"", unlisted=[], still_there=lambda _: None)


def test_every_kind_of_file_is_told_apart(store: Store, root: Root, recipe: StoredRecipe) -> None:
    """The table of kinds."""
    know(store, root, b"same", recipe=recipe)
    know(store, root, b"size", recipe=recipe)
    know(store, root, b"time", recipe=recipe)
    know(store, root, b"gone", recipe=recipe)
    know(store, root, b"no embedding")
    know(store, root, b"bad", reason="broken")
    know(store, root, b"bad, other decoders", reason="broken", decoders="reader-0")
    know(store, root, b"bad, bytes not had", reason="no such file", decoders=None)
    know(store, root, b"bad, changed", reason="broken")
    changes = Changes(store)
    scan(
        changes,
        root,
        ScannedFile(b"same", 1, 1),
        ScannedFile(b"size", 2, 1),
        ScannedFile(b"time", 1, 2),
        ScannedFile(b"no embedding", 1, 1),
        ScannedFile(b"bad", 1, 1),
        ScannedFile(b"bad, other decoders", 1, 1),
        ScannedFile(b"bad, bytes not had", 1, 1),
        ScannedFile(b"bad, changed", 5, 1),
        ScannedFile(b"new", 1, 1),
    )
    tally = changes.compare(recipe.id, DECODERS)
    assert tally == Tally(new=1, changed=3, embed=1, retry=2, unchanged=3, missing=1)
    assert tally.pending == 7
    assert {pending.path: pending.reason for pending in changes.pending()} == {
        b"new": "new",
        b"size": "changed",
        b"time": "changed",
        b"bad, changed": "changed",
        b"no embedding": "embed",
        b"bad, other decoders": "retry",
        b"bad, bytes not had": "retry",
    }


def test_under_a_recipe_that_is_new_every_readable_file_wants_an_embedding(
    store: Store, root: Root, recipe: StoredRecipe
) -> None:
    know(store, root, b"a", recipe=recipe)
    changes = Changes(store)
    scan(changes, root, ScannedFile(b"a", 1, 1))
    assert changes.compare(None, DECODERS) == Tally(embed=1, unchanged=1)


def test_pending_files_come_by_root_and_path_with_what_the_rows_know(
    store: Store, root: Root, recipe: StoredRecipe
) -> None:
    content_id = know(store, root, b"b", recipe=recipe)
    changes = Changes(store)
    scan(changes, root, ScannedFile(b"c", 1, 1), ScannedFile(b"b", 9, 8), ScannedFile(b"a", 1, 1))
    changes.compare(recipe.id, DECODERS)
    first, second, third = changes.pending()
    assert [first.path, third.path] == [b"a", b"c"]
    assert second == PendingFile(root.id, b"b", 9, 8, 1, content_id, "changed")


def test_many_pending_files_come_once_each(store: Store, root: Root) -> None:
    changes = Changes(store)
    scan(changes, root, *(ScannedFile(f"{n:05}".encode(), 1, 1) for n in range(1500)))
    assert changes.compare(None, DECODERS).new == 1500
    assert [int(pending.path) for pending in changes.pending()] == list(range(1500))


def test_a_file_that_two_overlapping_scans_found_counts_once(store: Store, root: Root) -> None:
    changes = Changes(store)
    scan(changes, root, ScannedFile(b"a", 1, 1))
    scan(changes, root, ScannedFile(b"a", 1, 1))
    assert changes.compare(None, DECODERS).new == 1


def test_only_the_scanned_part_can_be_missing(
    store: Store, root: Root, recipe: StoredRecipe
) -> None:
    for path in (b"a/x", b"a/y", b"ab/x", b"a.png"):
        know(store, root, path, recipe=recipe)
    changes = Changes(store)
    changes.add(root.id, [ScannedFile(b"a/x", 1, 1)])
    changes.add_missing(root.id, b"a", unlisted=[], still_there=lambda _: None)
    changes.forget_missing()
    assert list(store.file_paths(root.id)) == [b"a.png", b"a/x", b"ab/x"]


@pytest.mark.parametrize(
    ("unlisted", "left"),
    [
        ([b""], [b"a/x", b"ab/x", b"c"]),
        ([b"a"], [b"a/x"]),
        ([b"ab", b"z"], [b"ab/x"]),
        ([], []),
    ],
)
def test_what_lies_in_a_folder_that_could_not_be_listed_is_not_missing(
    store: Store, root: Root, unlisted: list[bytes], left: list[bytes]
) -> None:
    for path in (b"a/x", b"ab/x", b"c"):
        know(store, root, path)
    changes = Changes(store)
    changes.add_missing(root.id, b"", unlisted=unlisted, still_there=lambda _: None)
    changes.forget_missing()
    assert list(store.file_paths(root.id)) == left


def test_a_file_that_was_not_looked_for_but_is_there_is_taken_in(
    store: Store, root: Root, recipe: StoredRecipe
) -> None:
    know(store, root, b"named.weird", recipe=recipe)
    changes = Changes(store)
    changes.add_missing(root.id, b"", unlisted=[], still_there=lambda path: ScannedFile(path, 1, 1))
    assert changes.compare(recipe.id, DECODERS) == Tally(unchanged=1)


def test_a_file_of_which_nobody_can_tell_is_neither_missing_nor_found(
    store: Store, root: Root, recipe: StoredRecipe
) -> None:
    know(store, root, b"locked/a.png", recipe=recipe)

    def still_there(_path: bytes) -> ScannedFile | None:
        raise PermissionError(errno.EACCES, "permission denied")

    changes = Changes(store)
    changes.add_missing(root.id, b"", unlisted=[], still_there=still_there)
    assert changes.compare(recipe.id, DECODERS) == Tally()
    changes.forget_missing()
    assert store.file_count(root.id) == 1


@pytest.fixture
def with_two_missing_copies(store: Store, root: Root) -> Callable[[], tuple[Changes, int]]:
    """Return a maker of a comparison in which two files of one content are missing."""

    def make() -> tuple[Changes, int]:
        content_id = know(store, root, b"a")
        assert content_id is not None
        store.put_file(None, ScannedRow(root.id, b"b", 1, 1), content_id=content_id)
        changes = Changes(store)
        changes.add_missing(root.id, b"", unlisted=[], still_there=lambda _: None)
        return changes, content_id

    return make


def test_each_missing_file_can_have_moved_once(
    with_two_missing_copies: Callable[[], tuple[Changes, int]],
) -> None:
    changes, content_id = with_two_missing_copies()
    assert changes.missing() == 2
    assert [changes.take_missing(content_id) for _ in range(3)] == [1, 2, None]
    assert changes.missing() == 0


def test_what_has_moved_is_not_forgotten(
    store: Store, root: Root, with_two_missing_copies: Callable[[], tuple[Changes, int]]
) -> None:
    changes, content_id = with_two_missing_copies()
    changes.take_missing(content_id)
    changes.forget_missing()
    assert list(store.file_paths(root.id)) == [b"a"]


def test_a_second_comparison_over_one_store_begins_afresh(store: Store, root: Root) -> None:
    scan(Changes(store), root, ScannedFile(b"a", 1, 1))
    assert Changes(store).compare(None, DECODERS) == Tally()

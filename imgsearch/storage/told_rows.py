"""Rows of what another gallery has told of its contents and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.storage.content_rows import INSERT_CONTENT, content_values
from imgsearch.storage.records import NEVER_SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import Content, Root


def write_roots(store: Store, roots: Iterable[Root]) -> None:
    """Write roots under the ids that they come with."""
    store.connection.executemany(
        "INSERT INTO root (id, path, recursive, exclude, follow_symlinks) "
        "VALUES (?, ?, 1, '[]', 0)",
        [(root.id, paths.encode(root.path)) for root in roots],
    )


def write_contents(
    store: Store, contents: Iterable[Content], files: Iterable[tuple[int, bytes, int]]
) -> None:
    """Write contents under the ids that they come with, and the files that hold them.

    Args:
        store: that has none of them.
        contents: to write.
        files: root's id, stored relative path and content's id of each.
    """
    store.connection.executemany(INSERT_CONTENT, map(content_values, contents))
    store.connection.executemany(
        "INSERT INTO file (root_id, path, size, mtime_ns, content_id) VALUES (?, ?, ?, 0, ?)",
        [(root_id, path, NEVER_SEEN, content_id) for root_id, path, content_id in files],
    )

"""Rows of files that this program itself put elsewhere, or back, until the next scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch import paths
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.storage.database import Store


def forget(store: Store, files: Iterable[Path]) -> None:
    """Take files that were put elsewhere out of the gallery; their contents stay until a prune."""
    roots = {root.path: root for root in store.roots()}
    with store.transaction():
        for path in files:
            for folder in path.parents:
                below = paths.relative_to(path, folder)
                if folder in roots and below:
                    store.remove_files(roots[folder].id, below)


def recall(store: Store, files: Iterable[tuple[Path, Path, str]]) -> None:
    """Take files that were put back into the gallery again, as far as it knows their contents.

    Args:
        store: open for writing.
        files: of each its root, its path, and its content's hash.
    """
    roots = {root.path: root for root in store.roots()}
    with store.transaction():
        for folder, path, content_hash in files:
            root, below = roots.get(folder), paths.relative_to(path, folder)
            content_id = store.content_id(content_hash)
            if root is None or not below or content_id is None:
                continue
            found = paths.look_up(root.path, below)
            if found is None or store.file_id(root.id, below) is not None:
                continue
            row = ScannedRow(
                root.id, below, found.size, found.mtime_ns, found.inode, found.ctime_ns
            )
            store.put_file(None, row, content_id=content_id)

"""Rows of files: where contents lie on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.storage.id_lists import in_parts
from imgsearch.storage.records import NEVER_SEEN, Root, SampledFile, ScannedRow
from imgsearch.storage.root_rows import RootRows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray


class FileRows(RootRows):
    """The table *file*, over one connection."""

    def put_file(
        self,
        file_id: int | None,
        row: ScannedRow,
        *,
        content_id: int | None,
        reason: str | None = None,
        decoders: str | None = None,
    ) -> None:
        """Write a file's row: a new one, or over an old one.

        Args:
            file_id: the row to overwrite; None for a new path.
            row: the path, and what tells whether the file has changed.
            content_id: the content; None if it could not be read or embedded.
            reason: why the file could not be read, decoded or embedded.
            decoders: fingerprint of the decoders that failed.
        """
        values = (
            row.root_id,
            row.path,
            row.size,
            row.mtime_ns,
            row.inode,
            row.ctime_ns,
            content_id,
            reason,
            decoders,
        )
        if file_id is None:
            self.connection.execute(
                "INSERT INTO file (root_id, path, size, mtime_ns, inode, ctime_ns, content_id, "
                "reason, decoders) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        else:
            self.connection.execute(
                "UPDATE file SET root_id = ?, path = ?, size = ?, mtime_ns = ?, inode = ?, "
                "ctime_ns = ?, content_id = ?, reason = ?, decoders = ? WHERE id = ?",
                (*values, file_id),
            )

    def file_count(self, root_id: int, below: bytes = b"") -> int:
        """Return how many files the gallery has in a root, or beneath a folder of it."""
        if below:
            (count,) = self.connection.execute(
                "SELECT COUNT(*) FROM file "
                "WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
                (root_id, below, *paths.beneath(below)),
            ).fetchone()
        else:
            # Of an only root these are all, which SQLite counts by the page rather than the row.
            (count,) = self.connection.execute(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM root WHERE id <> ?1) "
                "THEN (SELECT COUNT(*) FROM file WHERE root_id = ?1) "
                "ELSE (SELECT COUNT(*) FROM file) END",
                (root_id,),
            ).fetchone()
        return int(count)

    def file_id(self, root_id: int, path: bytes) -> int | None:
        """Return the row id of the file at this very path, or None."""
        row = self.connection.execute(
            "SELECT id FROM file WHERE root_id = ? AND path = ?", (root_id, path)
        ).fetchone()
        return row[0] if row else None

    def sample_of_files(self, size: int) -> list[SampledFile]:
        """Return files drawn at random among those with a content, by path."""
        rows = self.connection.execute(
            "SELECT file.id, root.path, file.path, size, mtime_ns, hash FROM file "
            "JOIN root ON root.id = file.root_id JOIN content ON content.id = content_id "
            "WHERE file.id IN (SELECT id FROM file WHERE content_id IS NOT NULL "
            "ORDER BY random() LIMIT ?) ORDER BY root.path, file.path",
            (size,),
        )
        return [
            SampledFile(identifier, paths.join(root, path), size, mtime_ns, content_hash)
            for identifier, root, path, size, mtime_ns, content_hash in rows
        ]

    def read_again(self, file_ids: Iterable[int]) -> None:
        """Make the next run read these files, whatever their size and times."""
        self.connection.executemany(
            "UPDATE file SET size = -1 WHERE id = ?",  # no file has such a size
            [(identifier,) for identifier in file_ids],
        )

    def file_paths(self, root_id: int) -> Iterator[bytes]:
        """Yield the stored relative paths of a root's files, in order."""
        for (path,) in self.connection.execute(
            "SELECT path FROM file WHERE root_id = ? ORDER BY path", (root_id,)
        ):
            yield path

    def files_of_contents(self, content_ids: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
        """Return, by content id, the root ids and stored relative paths of the files with it."""
        wanted = list(content_ids)
        found: dict[int, list[tuple[int, bytes]]] = {identifier: [] for identifier in wanted}
        for marks, part in in_parts(wanted):
            for identifier, root_id, path in self.connection.execute(
                f"SELECT content_id, root_id, path FROM file WHERE content_id IN ({marks})",  # noqa: S608 - question marks
                part,
            ):
                found[identifier].append((root_id, path))
        return found

    def contents_elsewhere(self, root_ids: Collection[int]) -> NDArray[np.int64]:
        """Return the ids `(n,)` of the contents that have a file under other roots, ascending."""
        rows = self.connection.execute(
            "SELECT DISTINCT content_id FROM file WHERE content_id IS NOT NULL "
            "AND root_id NOT IN (SELECT value FROM json_each(?)) ORDER BY content_id",
            (json.dumps(list(root_ids)),),
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def files_holding(self, content_hash: str) -> list[Path]:
        """Return the absolute paths of the files that hold a content, online or not.

        Raises:
            UsageError: the gallery holds no such content.
        """
        row = self.connection.execute(
            "SELECT id FROM content WHERE hash = ?", (content_hash,)
        ).fetchone()
        if row is None:
            raise UsageError(f"content: the gallery holds none of hash {content_hash!r}")
        held = self.connection.execute(
            "SELECT root.path, file.path FROM file JOIN root ON root.id = file.root_id "
            "WHERE content_id = ? ORDER BY root.path, file.path",
            row,
        )
        return [paths.join(root, path) for root, path in held]

    def content_of_file(self, root_id: int, row: ScannedRow) -> tuple[int, str] | None:
        """Return id and hash of a file's content if it is as it was when it was indexed."""
        identity = "inode, ctime_ns" if self.keeps_identity() else "NULL, NULL"
        found = self.connection.execute(
            f"SELECT content.id, hash, {identity} FROM file JOIN content "  # noqa: S608 - names of columns
            "ON content.id = content_id WHERE root_id = ? AND path = ? "
            "AND size = ? AND mtime_ns = ?",
            (root_id, row.path, row.size, row.mtime_ns),
        ).fetchone()
        if found is None:
            return None
        content_id, content_hash, inode, ctime_ns = found
        same = inode in (None, row.inode) and ctime_ns in (None, row.ctime_ns)
        return (content_id, content_hash) if same else None

    def keeps_identity(self) -> bool:
        """Whether the file's table has the columns `inode` and `ctime_ns`.

        A gallery that an earlier version made is read as it is until the next one writes it.
        """
        return self._has_column("file", "inode")

    def content_last_at(self, root_id: int, path: bytes, *, unseen: bool) -> tuple[int, str] | None:
        """Return id and hash of what a file held when it was indexed; or `unseen` ones only."""
        found: tuple[int, str] | None = self.connection.execute(
            "SELECT content.id, hash FROM file JOIN content ON content.id = content_id "
            "WHERE root_id = ? AND path = ? AND (size = ? OR NOT ?)",
            (root_id, path, NEVER_SEEN, unseen),
        ).fetchone()
        return found

    def content_hash_at(self, root_id: int, path: bytes) -> str | None:
        """Return the hash of what a file held when it was indexed."""
        found = self.connection.execute(
            "SELECT hash FROM file JOIN content ON content.id = content_id "
            "WHERE root_id = ? AND file.path = ?",
            (root_id, path),
        ).fetchone()
        return found[0] if found else None

    def remove_files(self, root_id: int, below: bytes) -> int:
        """Delete a file, or the files beneath a folder of a root; return how many."""
        return self.connection.execute(
            "DELETE FROM file WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
            (root_id, below, *paths.beneath(below)),
        ).rowcount

    def unreadable(self, root: Root, below: bytes = b"") -> Iterator[tuple[Path, str]]:
        """Yield the files of a root that could not be decoded, with the reasons, by path."""
        rows = self.connection.execute(
            "SELECT path, reason FROM file WHERE root_id = ? AND reason IS NOT NULL "
            "AND (path = ? OR (path >= ? AND path < ?)) ORDER BY path",
            (root.id, below, *paths.beneath(below)),
        )
        for path, reason in rows:
            yield paths.join(paths.encode(root.path), path), reason

"""Tell new, changed, unchanged and missing files apart, inside SQLite.

What a scan finds goes into a temporary table and is joined with the gallery's files there, so
that memory does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from imgsearch import paths
from imgsearch.storage.records import NEVER_SEEN
from imgsearch.storage.same_files import superfluous_names
from imgsearch.storage.typed_values import RootsById

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from imgsearch.paths import ScannedFile
    from imgsearch.storage.database import Store

Reason = Literal["new", "changed", "embed", "retry", "rehash"]

_CHANGED: Final = (
    "(file.size <> scan.size OR file.mtime_ns <> scan.mtime_ns "
    # What is not known counts as unchanged: NULL differs from nothing.
    "OR file.inode <> scan.inode OR file.ctime_ns <> scan.ctime_ns)"
)


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that has to be read.

    Attributes:
        root_id: row id of its root.
        path: stored form, relative to the root.
        size: bytes, as scanned.
        mtime_ns: modification time in nanoseconds, as scanned.
        file_id: its row, or None if the path is new.
        content_id: the content it had, or None.
        reason: "new" path; "changed" size, times or inode; to "embed" under this recipe; to
            "retry", as other decoders could not read it; or to "rehash", as all are read.
        inode: as scanned; None where the file system has none.
        ctime_ns: time of the last change of any kind in nanoseconds, as scanned.
    """

    root_id: int
    path: bytes
    size: int
    mtime_ns: int
    file_id: int | None
    content_id: int | None
    reason: Reason
    inode: int | None = None
    ctime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many files of each kind a scan found; "unchanged" counts those to embed as well."""

    new: int = 0
    changed: int = 0
    embed: int = 0
    retry: int = 0
    unchanged: int = 0
    missing: int = 0
    rehash: int = 0

    @property
    def pending(self) -> int:
        """How many files have to be read."""
        return self.new + self.changed + self.embed + self.retry + self.rehash


class Changes:
    """The comparison of one scan with the gallery's files.

    Attributes:
        aliases: names that `compare` left out, as their files have other ones.
    """

    def __init__(self, store: Store) -> None:
        self.aliases = 0
        self._store = store
        self._without_inodes = paths.devices_without_inodes()
        self._connection = store.connection
        for statement in (
            "DROP TABLE IF EXISTS temp.scan",
            "DROP TABLE IF EXISTS temp.missing",
            "DROP TABLE IF EXISTS temp.pending",
            (
                "CREATE TEMP TABLE scan (root_id INTEGER, path BLOB, size INTEGER, "
                "mtime_ns INTEGER, inode INTEGER, ctime_ns INTEGER, device INTEGER, "
                "number INTEGER, links INTEGER, by_symlink INTEGER, "
                "PRIMARY KEY (root_id, path)) WITHOUT ROWID"
            ),
            (
                "CREATE TEMP TABLE missing (file_id INTEGER PRIMARY KEY, content_id INTEGER, "
                "is_alias INTEGER)"
            ),
            "CREATE INDEX temp.missing_by_content ON missing (content_id)",
            (
                "CREATE TEMP TABLE pending (id INTEGER PRIMARY KEY, root_id INTEGER, path BLOB, "
                "size INTEGER, mtime_ns INTEGER, file_id INTEGER, content_id INTEGER, reason TEXT, "
                "inode INTEGER, ctime_ns INTEGER)"
            ),
        ):
            self._connection.execute(statement)

    def add(self, root_id: int, files: Iterable[ScannedFile]) -> None:
        """Add what a scan found in a root."""
        rows = (
            (
                root_id,
                file.path,
                file.size,
                file.mtime_ns,
                None if file.device in self._without_inodes else file.inode,
                file.ctime_ns,
                file.device,
                file.inode,
                file.links,
                file.by_symlink,
            )
            for file in files
        )
        with self._store.transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO scan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def add_missing(
        self,
        root_id: int,
        below: bytes,
        *,
        unlisted: Sequence[bytes],
        still_there: Callable[[bytes], ScannedFile | None],
    ) -> None:
        """Note the files of a scanned folder that the scan did not find.

        Args:
            root_id: row id of the root.
            below: stored relative path of the scanned folder or file.
            unlisted: folders that could not be listed; no file beneath one counts as missing.
            still_there: looks up each of the others; a file that it returns was passed over by
                the scan (it has another suffix and was named itself), and is added. If it raises
                `OSError`, the file does not count as missing.
        """
        hidden = tuple(folder + b"/" if folder else b"" for folder in unlisted)
        start, end = paths.beneath(below)
        rows = self._connection.execute(
            "SELECT id, path, content_id, size FROM file WHERE root_id = ? "
            "AND (path = ? OR (path >= ? AND path < ?)) AND NOT EXISTS "
            "(SELECT 1 FROM scan WHERE scan.root_id = file.root_id AND scan.path = file.path)",
            (root_id, below, start, end),
        ).fetchall()
        found: list[ScannedFile] = []
        missing: list[tuple[int, int | None]] = []
        for file_id, path, content_id, size in rows:
            if path.startswith(hidden):
                continue
            try:
                file = still_there(path)
            except OSError:
                continue
            if file is None and size != NEVER_SEEN:
                missing.append((file_id, content_id))
            elif file is not None:
                found.append(file)
        self.add(root_id, found)
        self._connection.executemany("INSERT OR IGNORE INTO missing VALUES (?, ?, 0)", missing)

    def compare(self, recipe_id: int | None, decoders: str, *, rehash: bool = False) -> Tally:
        """Work out which files have to be read, and return how many of each kind there are.

        Args:
            recipe_id: row id of the recipe to embed under; None if it has none yet.
            decoders: fingerprint of this machine's decoders; files that other decoders could not
                read are tried again.
            rehash: read every file again, whatever its size and times.
        """
        self._leave_out_aliases()
        embedded = "embedding.id"
        join = """LEFT JOIN embedding
                   ON embedding.content_id = file.content_id AND embedding.recipe_id = :recipe"""
        if self._all_are_embedded(recipe_id):
            # Then nobody needs to look for each file's.
            embedded, join = "file.content_id", ""
        statement = f"""
            INSERT INTO pending
            SELECT NULL, scan.root_id, scan.path, scan.size, scan.mtime_ns, file.id,
                   file.content_id,
                   CASE WHEN file.id IS NULL THEN 'new'
                        WHEN {_CHANGED} THEN 'changed'
                        WHEN {embedded} IS NULL AND file.reason IS NULL THEN 'embed'
                        WHEN file.reason IS NOT NULL AND file.decoders IS NOT :decoders THEN 'retry'
                        ELSE 'rehash' END,
                   scan.inode, scan.ctime_ns
            FROM scan
            LEFT JOIN file ON file.root_id = scan.root_id AND file.path = scan.path
            {join}
            WHERE file.id IS NULL OR :rehash OR {_CHANGED}
               OR ({embedded} IS NULL AND (file.reason IS NULL OR file.decoders IS NOT :decoders))
            ORDER BY scan.root_id, scan.path
            """  # noqa: S608 - constants
        with self._store.transaction():
            self._connection.execute(
                statement, {"decoders": decoders, "recipe": recipe_id, "rehash": rehash}
            )
        kinds = dict(
            self._connection.execute("SELECT reason, COUNT(*) FROM pending GROUP BY reason")
        )
        (scanned,) = self._connection.execute("SELECT COUNT(*) FROM scan").fetchone()
        moving = sum(kinds.get(kind, 0) for kind in ("new", "changed", "retry", "rehash"))
        return Tally(**kinds, unchanged=scanned - moving, missing=self.missing())

    def _all_are_embedded(self, recipe_id: int | None) -> bool:
        """Tell whether every content has an embedding: it has one at most, and none is alone."""
        embeddings, contents = self._connection.execute(
            "SELECT (SELECT COUNT(*) FROM embedding WHERE recipe_id = ?), "
            "(SELECT COUNT(*) FROM content)",
            (recipe_id,),
        ).fetchone()
        return bool(embeddings == contents)

    def _leave_out_aliases(self) -> None:
        roots = RootsById({root.id: root.path for root in self._store.roots()})
        names = superfluous_names(self._connection, roots)
        self.aliases = len(names)
        with self._store.transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO missing SELECT id, content_id, 1 FROM file "
                "WHERE root_id = ? AND path = ?",
                names,
            )
            self._connection.executemany("DELETE FROM scan WHERE root_id = ? AND path = ?", names)

    def pending(self) -> Iterator[PendingFile]:
        """Yield the files that have to be read, ordered by root and path."""
        last = 0
        while True:
            rows = self._connection.execute(
                "SELECT id, root_id, path, size, mtime_ns, file_id, content_id, reason, inode, "
                "ctime_ns FROM pending WHERE id > ? ORDER BY id LIMIT 512",
                (last,),
            ).fetchall()
            if not rows:
                return
            for row in rows:
                yield PendingFile(*row[1:])
            last = rows[-1][0]

    def take_missing(self, content_id: int) -> int | None:
        """Return the row id of a missing file with this content, no longer counted as missing.

        The file has moved to where the content was found.
        """
        row = self._connection.execute(
            "SELECT file_id FROM missing WHERE content_id = ? ORDER BY file_id LIMIT 1",
            (content_id,),
        ).fetchone()
        if row is None:
            return None
        self._connection.execute("DELETE FROM missing WHERE file_id = ?", row)
        return int(row[0])

    def missing(self) -> int:
        """Return how many files are missing and were not found elsewhere."""
        (count,) = self._connection.execute(
            "SELECT COUNT(*) FROM missing WHERE NOT is_alias"
        ).fetchone()
        return int(count)

    def forget_missing(self) -> None:
        """Delete the missing files' rows; their contents stay until pruned."""
        self._connection.execute("DELETE FROM file WHERE id IN (SELECT file_id FROM missing)")

    def fill_in(self) -> None:
        """Write inodes and times of change that the gallery does not know, of unchanged files."""
        self._connection.execute(
            f"""
            UPDATE file SET (inode, ctime_ns) = (
                SELECT COALESCE(scan.inode, file.inode), COALESCE(scan.ctime_ns, file.ctime_ns)
                FROM scan WHERE scan.root_id = file.root_id AND scan.path = file.path
            ) WHERE (file.inode IS NULL OR file.ctime_ns IS NULL) AND EXISTS (
                SELECT 1 FROM scan WHERE scan.root_id = file.root_id AND scan.path = file.path
                AND ((file.inode IS NULL AND scan.inode IS NOT NULL)
                     OR (file.ctime_ns IS NULL AND scan.ctime_ns IS NOT NULL))
                AND {_CHANGED} IS NOT 1
            )
            """  # noqa: S608 - a constant
        )

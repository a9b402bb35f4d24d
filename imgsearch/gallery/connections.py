"""How a gallery's database is opened: one shared reader, a writer under the lock."""

from __future__ import annotations

import threading
import weakref
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.search.cache_files import cache_files
from imgsearch.storage.database import Store
from imgsearch.storage.sqlite_errors import DATABASE, translated_errors
from imgsearch.storage.writer_lock import writer_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Connections:
    """Opens the database in a gallery's folder; a child process that was forked off, its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader: Store | None = None
        self._file: tuple[int, int] | None = None
        self.openings = 0
        """How often the shared reader was opened: another file may lie there each time."""
        self._opening = threading.Lock()
        forget_in_children(self._forget_parents)

    @property
    def exists(self) -> bool:
        """Whether there is a database."""
        return (self._folder / DATABASE).is_file()

    def close(self) -> None:
        """Close the shared reader; the next use opens it again."""
        with self._opening:
            if self._reader is not None:
                self._reader.close()
            self._reader = None

    def _forget_parents(self) -> None:
        # Not closed: SQLite allows neither use nor closing of a connection across a fork.
        never_free(self._reader)
        self._reader = None
        self._opening = threading.Lock()

    def reader(self) -> Store:
        """Return the reader that all threads share; another one once another file lies there.

        Raises:
            NoGalleryError: there is no gallery.
            GalleryDamagedError: the database is empty, and caches show that it was not.
        """
        with self._opening:
            # The old file keeps its number for as long as the old reader is open.
            if self._reader is None or self._file != self._number():
                self._drop()
                self._file = self._number()
                self._reader = self._open()
                self.openings += 1
            return self._reader

    def _drop(self) -> None:
        """Forget the reader; it is closed once nobody reads from it any more."""
        if self._reader is not None:
            weakref.finalize(self._reader, self._reader.connection.close)
        self._reader = None

    def _number(self) -> tuple[int, int] | None:
        """Return what tells the database's file from another one; None where there is none."""
        try:
            status = (self._folder / DATABASE).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _open(self) -> Store:
        self._refuse_emptied()
        return Store.open(self._folder)

    def _refuse_emptied(self) -> None:
        file = self._folder / DATABASE
        if file.is_file() and not file.stat().st_size and cache_files(self._folder):
            raise GalleryDamagedError(
                f"{file} is damaged: it is empty, and there are index caches of what it held; "
                "restore a copy, or delete it to index anew"
            )

    @contextmanager
    def snapshot(self) -> Iterator[Store]:
        """Give the shared reader, in a state that stays the same throughout the block.

        Threads take turns.

        Raises:
            NoGalleryError: there is no gallery.
        """
        store = self.reader()
        with translated_errors(self._folder), store.snapshot():
            yield store

    @contextmanager
    def own_snapshot(self) -> Iterator[Store]:
        """Give a reader of the block's own, for which nobody waits."""
        with closing(self._open()) as store, store.snapshot():
            yield store

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Give a writer under the lock; a gallery that is not there is made.

        Raises:
            UsageError: the folder's name is a file's.
            GalleryLockedError: another process is writing.
            GalleryDamagedError: the database is empty, and caches show that it was not.
        """
        if self._folder.exists() and not self._folder.is_dir():
            raise UsageError(f"{self._folder}: a gallery is a folder, and this is a file")
        self._refuse_emptied()
        # It tells where photos lie and where they were taken.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with writer_lock(self._folder), translated_errors(self._folder, writing=True):
            store = Store.create(self._folder)
            try:
                yield store
            finally:
                store.close()

    @contextmanager
    def changing(self) -> Iterator[Store]:
        """Give a writer under the lock, of a gallery that is there.

        Raises:
            NoGalleryError: there is none.
            GalleryLockedError: another process is writing.
        """
        self._open().close()  # raises what a reader would be told, and makes nothing
        with self.writing() as store:
            yield store

    @contextmanager
    def indexing(self, *, dry_run: bool) -> Iterator[Store]:
        """Give a writer for a run of `index`; what a dry run writes is undone at the end."""
        if dry_run and not self.exists:
            with closing(Store.in_memory()) as store:
                yield store
            return
        with self.writing() as store:
            if dry_run:
                with store.transaction(dry_run=True):
                    yield store
            else:
                yield store

"""The writer of a run: embedded files go into the gallery, each batch in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imgsearch.images import formats
from imgsearch.indexing.report import SECONDS_PER_FILE
from imgsearch.storage.records import ScannedRow
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.indexing.executor import EmbeddedFile
    from imgsearch.indexing.report import IndexOptions
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.storage.scan_comparison import Changes


@dataclass(slots=True)
class Committed:
    """What a run has committed so far.

    Attributes:
        files: files of which the gallery now knows what they hold, or why that cannot be told.
        new: of these, files at paths that the gallery did not know, copies included.
        changed: files whose content is not what it was.
        moved: files found at another path than before.
        unchanged: files with the same content as before.
        embedded: embeddings.
    """

    files: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    embedded: int = 0


def decoders_of(options: IndexOptions) -> str:
    """Return what decodes in a run; when that has changed, unreadable files are tried again."""
    seconds = options.seconds_per_file
    limit = "" if seconds == SECONDS_PER_FILE else f"+seconds-{seconds or 0:g}"
    return formats.decoders_fingerprint() + limit


class Committer:
    """Writes embedded files into a gallery: the only place where a run adds contents.

    Attributes:
        committed: what is in the gallery for good.
    """

    def __init__(
        self, store: Store, changes: Changes, stored: StoredRecipe, *, decoders: str
    ) -> None:
        """Prepare to commit.

        Args:
            store: the gallery's rows, open for writing.
            changes: the scan that the files come from.
            stored: the recipe.
            decoders: what decodes in this run, from `decoders_of`.
        """
        self.committed = Committed()
        self._store = store
        self._changes = changes
        self._recipe = stored
        self._decoders = decoders

    def commit(self, files: Sequence[EmbeddedFile]) -> None:
        """Commit files and the embeddings that came with them, all or nothing.

        An embedding that the gallery has already is left as it is.
        """
        counts = replace(self.committed, files=self.committed.files + len(files))
        with self._store.transaction():
            taken = [self._taken(file) for file in files]
            embedded = sum(is_new for _, is_new in taken)
            if embedded:
                self._store.raise_generation(self._recipe.id)
                counts.embedded += embedded
            for file, _ in taken:
                self._put_file(file, counts)
        self.committed = counts

    def _taken(self, file: EmbeddedFile) -> tuple[EmbeddedFile, bool]:
        """Write an embedding; return the file, with a reason if that failed, and if it is new."""
        try:
            return file, self._put_embedding(file)
        except (OverflowError, ValueError) as error:
            # A figure or text in its metadata that no column takes: nothing of it was written.
            reason = f"what it says of itself cannot be stored ({printable(str(error))})"
            return replace(file, embedding=None, metadata=None, reason=reason), False

    def _put_embedding(self, file: EmbeddedFile) -> bool:
        if file.embedding is None or file.metadata is None:
            return False
        content_id = self._store.add_content(file.hash, file.bytes, file.metadata)
        if file.fingerprint is not None:
            self._store.put_fingerprint(content_id, file.fingerprint)
        return self._store.add_embedding(self._recipe.id, content_id, file.embedding)

    def _put_file(self, file: EmbeddedFile, counts: Committed) -> None:
        pending = file.work.pending
        file_id, content_id = pending.file_id, None
        if file.hash:
            content_id, _ = self._store.find_content(file.hash, self._recipe.id)
        if content_id is not None and pending.reason == "new":
            file_id = self._changes.take_missing(content_id)
        if pending.file_id is None and file_id is None:
            counts.new += 1
        elif pending.file_id is None:
            counts.moved += 1
        elif pending.reason != "embed" or content_id != pending.content_id:
            known = content_id is not None or pending.reason in ("retry", "rehash")
            same = known and content_id == pending.content_id
            counts.unchanged += same
            counts.changed += not same
        self._store.put_file(
            file_id,
            ScannedRow(
                pending.root_id,
                pending.path,
                pending.size,
                pending.mtime_ns,
                pending.inode,
                pending.ctime_ns,
            ),
            content_id=content_id,
            reason=file.reason,
            # A file whose bytes could not be read is tried again in every run.
            decoders=self._decoders if file.reason and file.hash else None,
        )

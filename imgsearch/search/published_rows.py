"""The rows of a gallery that was published, as far as a query has asked the service for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from imgsearch.images.metadata import Metadata
from imgsearch.services.wanting import roots_of
from imgsearch.storage.database import Store
from imgsearch.storage.records import Content
from imgsearch.storage.told_rows import write_contents, write_roots

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.services.entries import Entry
    from imgsearch.services.protocol import Collection


class PublishedRows(Store):
    """A store in memory, which fetches a content when it is asked for by its hash.

    Attributes:
        collection: that was opened.
        entries: those that have been fetched, by id.
    """

    entries: dict[int, Entry]
    collection: Collection

    @classmethod
    def of(cls, collection: Collection) -> Self:
        """Return the rows of a collection, none of which have been fetched yet."""
        rows = cls.in_memory()
        rows.entries = {}
        rows.collection = collection
        write_roots(rows, roots_of(collection.description))
        return rows

    @classmethod
    def in_memory(cls) -> Self:
        """Return the same without a collection."""
        rows = super().in_memory()
        assert isinstance(rows, cls)  # noqa: S101 - for type checkers: it is made by this class
        return rows

    def take(self, entries: Iterable[Entry]) -> None:
        """Write what was fetched."""
        new = {entry.id: entry for entry in entries if entry.id not in self.entries}
        self.entries.update(new)
        write_contents(
            self,
            [_content_of(entry) for entry in new.values()],
            [(file.root, file.path, entry.id) for entry in new.values() for file in entry.files],
        )

    def find_content(self, content_hash: str, recipe_id: int) -> tuple[int | None, bool]:
        """Return a content's id, and that it has an embedding; None if it is not in there."""
        self._fetch(content_hash)
        content_id, _ = super().find_content(content_hash, recipe_id)
        return content_id, content_id is not None

    def files_holding(self, content_hash: str) -> list[Path]:
        """Return the absolute paths of the files that hold a content.

        Raises:
            UsageError: there is no such content.
        """
        self._fetch(content_hash)
        return super().files_holding(content_hash)

    def has_embedding(self, recipe_id: int, content_id: int) -> bool:  # noqa: ARG002 - there is one recipe
        """Say whether a content is in the collection."""
        return content_id in self.entries

    def _fetch(self, content_hash: str) -> None:
        # Vectors and words have no content.
        if content_hash and all(entry.content != content_hash for entry in self.entries.values()):
            self.take(self.collection.find([content_hash]))


def _content_of(entry: Entry) -> Content:
    metadata = Metadata(
        width=entry.width,
        height=entry.height,
        format=entry.format,
        taken=entry.taken,
        camera=entry.camera,
        lens=entry.lens,
        latitude=entry.latitude,
        longitude=entry.longitude,
    )
    return Content(entry.id, entry.content, entry.bytes, metadata)

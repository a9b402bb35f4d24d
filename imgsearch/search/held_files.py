"""The files that hold contents, as a query or a listing gives them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from imgsearch import paths
from imgsearch.search.matches import FileCopy, GalleryFile
from imgsearch.storage.typed_values import RootsById
from imgsearch.storage.under import Under

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters
    from imgsearch.storage.records import Root

Held = TypeVar("Held", bound=GalleryFile)


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """Looks up the files that hold contents.

    Attributes:
        store: in a snapshot.
        roots: by id.
        under: says which files lie under the folders of a filter.
        left_out: absolute paths of files that are as if they were not in the gallery.
    """

    store: Store
    roots: dict[int, Root]
    under: Under
    left_out: frozenset[Path] = frozenset()
    _online: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(
        cls, store: Store, where: Filters, *, left_out: frozenset[Path] = frozenset()
    ) -> HeldFiles:
        """Return what looks up the files that lie under the folders of a filter.

        Raises:
            UsageError: a folder of the filter is not in the gallery.
        """
        roots = RootsById({root.id: root for root in store.roots()})
        return cls(
            store,
            roots,
            Under(where.under, roots.values()),
            left_out=left_out,
        )

    def find(self, content_ids: Sequence[int]) -> Iterator[tuple[int, GalleryFile]]:
        """Yield each content's id and its first file, the others being its duplicates.

        Files that are there come before those that are offline, then by path. Contents without
        a file are left out.
        """
        contents = self.store.contents(content_ids)
        for content_id, files in self.store.files_of_contents(content_ids).items():
            held = self._copies(files)
            if not held:
                continue
            content = contents[content_id]
            facts = content.metadata
            yield (
                content_id,
                GalleryFile(
                    path=held[0].path,
                    root=held[0].root,
                    content=content.hash,
                    width=facts.width,
                    height=facts.height,
                    format=facts.format,
                    bytes=content.bytes,
                    taken=facts.taken,
                    camera=facts.camera,
                    lens=facts.lens,
                    latitude=facts.latitude,
                    longitude=facts.longitude,
                    offline=held[0].offline,
                    duplicates=tuple(held[1:]),
                ),
            )

    def _copies(self, files: Sequence[tuple[int, bytes]]) -> list[FileCopy]:
        held = [
            FileCopy(
                paths.join(paths.encode(self.roots[root_id].path), path),
                self.roots[root_id].path,
                offline=not self._is_online(root_id),
            )
            for root_id, path in files
            if self.under.holds(root_id, path)
        ]
        held = [copy for copy in held if copy.path not in self.left_out]
        return sorted(held, key=lambda copy: (copy.offline, paths.encode(copy.path)))

    def _is_online(self, root_id: int) -> bool:
        """Whether a root is there; only of roots that are met, as there may be thousands."""
        if root_id not in self._online:
            self._online[root_id] = self.roots[root_id].online
        return self._online[root_id]


def each_file(file: Held) -> Iterator[Held]:
    """Yield a file and each of its duplicates, none of them with duplicates of its own."""
    yield replace(file, duplicates=())
    for copy in file.duplicates:
        yield replace(file, path=copy.path, root=copy.root, offline=copy.offline, duplicates=())

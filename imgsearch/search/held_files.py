"""The files that hold contents, as a query or a listing gives them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from imgsearch import paths
from imgsearch.search.matches import FileCopy, GalleryFile
from imgsearch.storage.under import Under

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters
    from imgsearch.storage.records import Content, Root

Held = TypeVar("Held", bound=GalleryFile)


class Place(NamedTuple):
    """Where a file lies.

    Attributes:
        offline: whether its root is absent.
        path: absolute, in the stored form.
        root_id: row id of its root.
    """

    offline: bool
    path: bytes
    root_id: int


@dataclass(frozen=True, slots=True)
class HeldContent:
    """A content, and the files that hold it.

    Attributes:
        content: the content.
        places: one at least; those that are there first, then by path.
    """

    content: Content
    places: list[Place]


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """Looks up the files that hold contents.

    Attributes:
        store: in a snapshot.
        roots: by id.
        under: says which files lie under the folders of a filter.
        left_out: absolute paths, in the stored form, of files that are as if they were not in the
            gallery.
    """

    store: Store
    roots: Mapping[int, Root]
    under: Under
    left_out: frozenset[bytes] = frozenset()
    _names: Mapping[int, bytes] = field(default_factory=dict)
    _online: dict[int, bool] = field(default_factory=dict)
    _contents: dict[int, Content] = field(default_factory=dict)
    _files: dict[int, Sequence[tuple[int, bytes]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, store: Store, where: Filters, *, left_out: frozenset[Path] = frozenset()
    ) -> HeldFiles:
        """Return what looks up the files that lie under the folders of a filter.

        Raises:
            UsageError: a folder of the filter is not in the gallery.
        """
        roots = store.roots_by_id()
        return cls(
            store,
            roots,
            Under(where.under, roots.values()),
            left_out=frozenset(map(paths.encode, left_out)),
            _names=store.root_names(),
        )

    def without(self, left_out: frozenset[Path]) -> HeldFiles:
        """Return the same, but for files that are as if they were not in the gallery."""
        return replace(self, left_out=frozenset(map(paths.encode, left_out)))

    def find(self, content_ids: Sequence[int]) -> Iterator[tuple[int, GalleryFile]]:
        """Yield each content's id and its first file, the others being its duplicates.

        Files that are there come before those that are offline, then by path. Contents without
        a file are left out.
        """
        for held in self.held(content_ids):
            yield held.content.id, GalleryFile(**self.facts(held))

    def held(self, content_ids: Sequence[int]) -> list[HeldContent]:
        """Return contents, in their order, with the files that hold them.

        Those without a file are left out.
        """
        self.remember([identifier for identifier in content_ids if identifier not in self._files])
        found = []
        for content_id in content_ids:
            places = self._places(self._files[content_id])
            if places:
                found.append(HeldContent(self._contents[content_id], places))
        return found

    def remember(self, content_ids: Sequence[int]) -> None:
        """Look contents up together that will be asked for one by one."""
        contents = self.store.contents(content_ids)
        self._contents.update(contents)
        self._files.update(dict.fromkeys(content_ids, ()))
        self._files.update(self.store.files_of_contents(contents))

    def facts(self, held: HeldContent) -> dict[str, Any]:
        """Return the fields of a `GalleryFile`."""
        first, *others = held.places
        known = held.content.metadata
        return {
            "path": paths.decode(first.path),
            "root": self.roots[first.root_id].path,
            "content": held.content.hash,
            "width": known.width,
            "height": known.height,
            "format": known.format,
            "bytes": held.content.bytes,
            "taken": known.taken,
            "camera": known.camera,
            "lens": known.lens,
            "latitude": known.latitude,
            "longitude": known.longitude,
            "offline": first.offline,
            "duplicates": tuple(
                FileCopy(paths.decode(place.path), self.roots[place.root_id].path, place.offline)
                for place in others
            ),
        }

    def _places(self, files: Sequence[tuple[int, bytes]]) -> list[Place]:
        places = [
            Place(
                offline=not self._is_online(root_id),
                path=paths.joined(self._names[root_id], path),
                root_id=root_id,
            )
            for root_id, path in files
            if self.under.holds(root_id, path)
        ]
        if self.left_out:
            places = [place for place in places if place.path not in self.left_out]
        return sorted(places, key=lambda place: (place.offline, place.path))

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

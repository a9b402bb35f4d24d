"""The files that hold contents, as a query or a listing gives them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from imgsearch import paths
from imgsearch.search.matches import FileCopy, GalleryFile, Match
from imgsearch.search.same_file import other_files
from imgsearch.storage.under import Under

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from imgsearch.search.matches import PixelBox
    from imgsearch.storage.database import Store
    from imgsearch.storage.filters import Filters
    from imgsearch.storage.held_rows import KnownContent
    from imgsearch.storage.records import Root

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


class FiledContent(NamedTuple):
    """A content, and the files that hold it.

    Attributes:
        content: what is known of the content.
        places: one at least; those that are there first, then by path.
    """

    content: KnownContent
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
    _met: dict[int, tuple[bool, bytes]] = field(default_factory=dict)
    _known: dict[int, tuple[KnownContent, list[tuple[int, bytes]]] | None] = field(
        default_factory=dict
    )

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
            Under(where.under, store),
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
            yield held.content.id, self.file(held)

    def held(self, content_ids: Sequence[int]) -> list[FiledContent]:
        """Return contents, in their order, with the files that hold them.

        Those without a file are left out.
        """
        # What is not remembered is looked up, and forgotten: a listing may go through everything.
        known = self._known
        others = [identifier for identifier in content_ids if identifier not in known]
        looked_up = self.store.contents_with_files(others) if others else {}
        found = []
        for content_id in content_ids:
            one = looked_up.get(content_id) or known.get(content_id)
            if one is not None and (places := self._places(one[1])):
                found.append(FiledContent(one[0], places))
        return found

    def remember(self, content_ids: Sequence[int]) -> None:
        """Look contents up together that will be asked for one by one."""
        self._known.update(dict.fromkeys(content_ids))
        self._known.update(self.store.contents_with_files(content_ids))

    def file(self, held: FiledContent) -> GalleryFile:
        """Return the first file that holds a content, with the others as its duplicates."""
        first, *others = held.places
        return GalleryFile(
            paths.decode(first.path),
            self.roots[first.root_id].path,
            *held.content[1:],
            first.offline,
            tuple(
                FileCopy(paths.decode(place.path), self.roots[place.root_id].path, place.offline)
                for place in others
            ),
        )

    def match(
        self, held: FiledContent, *, rank: int, score: float, box: PixelBox | None = None
    ) -> Match:
        """Return a content as a match, its duplicates as they are on disk now."""
        first = held.places[0]
        return Match(
            paths.decode(first.path),
            self.roots[first.root_id].path,
            *held.content[1:],
            first.offline,
            other_files(self.file(held)) if len(held.places) > 1 else (),
            rank=rank,
            score=score,
            box=box,
        )

    def _places(self, files: Sequence[tuple[int, bytes]]) -> list[Place]:
        met, under, left_out = self._met, self.under, self.left_out
        places = []
        for root_id, path in files:
            if under.is_open or under.holds(root_id, path):
                offline, folder = met.get(root_id) or self._meet(root_id)
                if (whole := folder + path) not in left_out:
                    places.append(Place(offline, whole, root_id))
        if len(places) > 1:
            places.sort(key=lambda place: (place.offline, place.path))
        return places

    def _meet(self, root_id: int) -> tuple[bool, bytes]:
        """Look whether a root is absent; only of roots that are met, as there may be thousands.

        Returns:
            The second is what stands before the paths of its files.
        """
        met = not self.roots[root_id].online, paths.joined(self._names[root_id], b"")
        self._met[root_id] = met
        return met


def each_file(file: Held) -> Iterator[Held]:
    """Yield a file and each of its duplicates, none of them with duplicates of its own."""
    yield replace(file, duplicates=())
    for copy in file.duplicates:
        yield replace(file, path=copy.path, root=copy.root, offline=copy.offline, duplicates=())

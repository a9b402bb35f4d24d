"""The part of the façade that says which pictures are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.duplicates.groups import Kind
from imgsearch.errors import UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.storage.filters import Filters

SAME: Final = (Kind.IDENTICAL, Kind.PIXELS, Kind.COPY, Kind.EDIT, Kind.BURST)


class Deduplicating(Asking):
    """What `Gallery` is besides indexing; not used by itself."""

    def duplicates(
        self,
        where: Filters | None = None,
        *,
        kinds: Iterable[Kind | str] = SAME,
        precision: float = 0.99,
        rank: Rank | None = None,
    ) -> list[Group]:
        """Return the groups of pictures that are the same, the surest first.

        Every member of a group is the same as the group's keeper itself.

        Args:
            where: what the files must be.
            kinds: of sameness; "similar" is given only when it is named.
            precision: how many of a hundred pairs that are called the same must be right, as a
                share; what is less sure than that is left out.
            rank: a sort key for files; of those that are the same the one with the least is kept.
                None keeps the one with the most pixels, then bytes, then the oldest.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: an argument that makes no sense.
        """
        from imgsearch.duplicates.finding import Wanted, find_groups
        from imgsearch.duplicates.grouping import default_rank

        filters = arguments.checked_filters(where)
        wanted = Wanted(
            where=replace(filters, under=tuple(map(paths.absolute, filters.under))),
            kinds=_kinds(kinds),
            precision=precision,
            rank=rank or default_rank,
        )
        with self._connections.snapshot() as store:
            return find_groups(self._embeddings_to_query(store), wanted)


def _kinds(given: Iterable[Kind | str]) -> frozenset[Kind]:
    names = [given] if isinstance(given, str) else list(given)
    try:
        return frozenset(map(Kind, names))
    except ValueError as error:
        raise UsageError(f"kind: {error}; choose from {', '.join(Kind)}") from None

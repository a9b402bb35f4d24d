"""The part of the façade that says which pictures are the same."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import GalleryLockedError, ImgsearchError, UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group, Kind
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)


class Deduplicating(Asking):
    """What `Gallery` is besides indexing; not used by itself."""

    def duplicates(
        self,
        where: Filters | None = None,
        *,
        kinds: Iterable[Kind | str] | None = None,
        precision: float = 0.99,
        rank: Rank | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Group]:
        """Return the groups of pictures that are the same, the surest first.

        Every member of a group is the same as the group's keeper itself. The first call in a
        gallery, and one after it has changed much, calibrates: edits of some of its pictures and
        what lies nearest to others say what is sure in this collection.

        Args:
            where: what the files must be.
            kinds: of sameness; None for all but "similar", which is only given when it is named.
            precision: the share of right ones among the pairs that are called the same; what is
                less sure is left out.
            rank: a sort key for files; of those that are the same the one with the least is kept.
                None keeps the one with the most pixels, then bytes, then the oldest.
            progress: told how many pairs of pictures were looked at, of how many.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: an argument that makes no sense.
        """
        from imgsearch.duplicates.finding import Finder, Wanted
        from imgsearch.duplicates.grouping import default_rank

        filters = arguments.checked_filters(where)
        wanted = Wanted(
            where=replace(filters, under=tuple(map(paths.absolute, filters.under))),
            kinds=_kinds(kinds),
            precision=arguments.checked_precision(precision),
            rank=rank or default_rank,
        )
        calibration = self._calibrated()
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            finder = Finder(
                held,
                self._open_space(held),
                calibration,
                read=_reader(held),
                wanted=wanted,
            )
            return finder.groups(progress=progress)

    def _calibrated(self) -> Calibration:
        """Return the gallery's calibration, made again if it has changed much."""
        from imgsearch.duplicates.calibrating import calibrate, is_outdated
        from imgsearch.duplicates.calibration import Calibration

        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            text = store.calibration(held.stored.id)
            known = None if text is None else Calibration.from_json(text)
            if known is not None and not is_outdated(known, held.count()):
                return known
            made = calibrate(held, self._open_space(held), read=_reader(held))
        try:
            with self._connections.changing() as store, store.transaction():
                store.put_calibration(held.stored.id, made.to_json())
        except (GalleryLockedError, ImgsearchError, OSError) as error:
            LOG.info("the calibration is not kept: %s", error)
        return made


def _reader(held: Embeddings) -> Callable[[str], bytes]:
    from imgsearch.gallery.originals import read_content

    return lambda content: read_content(content, held.store.files_holding(content))


def _kinds(given: Iterable[Kind | str] | None) -> frozenset[Kind]:
    from imgsearch.duplicates.finding import SAME
    from imgsearch.duplicates.groups import Kind

    if given is None:
        return frozenset(SAME)
    names = [given] if isinstance(given, str) else list(given)
    try:
        return frozenset(map(Kind, names))
    except ValueError:
        raise UsageError(f"kind: {names} were received; choose from {', '.join(Kind)}") from None

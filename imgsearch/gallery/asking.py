"""The part of the façade that answers queries."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgsearch.gallery.part_search import PartSearch
from imgsearch.gallery.questioning import Questioning
from imgsearch.storage import remarks
from imgsearch.storage.sqlite_errors import translated_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.search.asked_pictures import AskedPictures
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)


class Asking(PartSearch, Questioning):
    """What `Gallery` is besides indexing; not used by itself."""

    _remarked: tuple[str, int, Filters] | None = None

    def _held_to_query(self) -> Embeddings:
        """Return what queries search, to be renewed in the snapshot where it is used."""
        with self._connections.snapshot() as store:
            return self._embeddings_to_query(store)

    @contextmanager
    def _embedded(self, asked: AskedPictures, where: Filters) -> Iterator[Embeddings]:
        """Find, or read and embed, what is asked about; give a snapshot to answer in."""
        held = None
        while True:
            with self._connections.snapshot() as store:
                if held is None:
                    held = self._embeddings_to_query(store)
                    self._remark(held, where)
                else:
                    held = held.renewed()
                if asked.look(held):
                    yield held
                    return
            with translated_errors(self.path):
                asked.read(held.recipe, self._networks)

    def _remark(self, held: Embeddings, where: Filters) -> None:
        """Log what filters leave out, once for as long as neither they nor the gallery change."""
        asked = (held.identifier, held.generation, where)
        if LOG.isEnabledFor(logging.INFO) and asked != self._remarked:
            for line in remarks.about_filters(held.store, where):
                LOG.info(line)
            self._remarked = asked

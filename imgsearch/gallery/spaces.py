"""The part of the façade that opens what queries search."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.gallery.browsing import Browsing
from imgsearch.recipe import AUTO
from imgsearch.search.engine import NO_PROJECTION
from imgsearch.storage import remarks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.networks.loaded import LoadedNetworks
    from imgsearch.search.query_pictures import QueryEmbedding
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings

LOG: Final = logging.getLogger(__name__)


class Spaces(Browsing):
    """What `Gallery` searches; not used by itself."""

    _networks: LoadedNetworks
    _projection: str
    # By projection, with how often the database was opened, and the recipe's identifier.
    _spaces: dict[str, tuple[tuple[int, str], SearchSpace]]

    def takes_words(self) -> bool:
        """Say whether queries may be `Words`: the recipe that they search has a text encoder.

        Raises:
            NoGalleryError: there is no gallery.
            UnknownRecipeError: a recipe that the gallery does not hold.
        """
        with self._connections.snapshot() as store:
            return self._embeddings_to_query(store).recipe.text is not None

    def _open_space(self, held: Embeddings) -> SearchSpace:
        return self._opened(held, self._projection)

    def _space_for(self, held: Embeddings, pictures: Iterable[QueryEmbedding]) -> SearchSpace:
        """Return what to search for pictures and words; words go through no projection.

        Raises:
            UsageError: words, and a projection that was asked for.
        """
        words = any(picture.is_text for picture in pictures)
        if words and self._projection not in (AUTO, NO_PROJECTION):
            raise UsageError(
                f"projection: {self._projection!r} is fitted on images, and texts lie elsewhere; "
                "words are compared with the embeddings themselves: leave it out, or give none"
            )
        space = self._open_space(held)
        if words and space.projection is not None:
            return self._opened(held, NO_PROJECTION)
        return space

    def _opened(self, held: Embeddings, projection: str) -> SearchSpace:
        asked = self._connections.openings, held.identifier
        known, space = self._spaces.get(projection, ((0, ""), None))
        if space is None or known != asked or space.generation != held.generation:
            space = self._engine.open(held, projection)
            self._spaces[projection] = (asked, space)
            missing = remarks.about_missing_embeddings(held, len(space.index))
            if missing is not None:
                LOG.info(missing)
        return space

"""The part of the façade that searches parts of pictures, and makes what that takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.gallery.spaces import Spaces
from imgsearch.recipe import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from imgsearch.images.geometry import CropBox
    from imgsearch.indexing.report import IndexOptions, IndexProgress
    from imgsearch.regions.asked import AskedParts
    from imgsearch.regions.making import Made
    from imgsearch.regions.space import RegionSpace
    from imgsearch.search.answering import Question
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.search.search_space import Space
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.storage.region_rows import StoredRegions

LOG: Final = logging.getLogger(__name__)


class PartSearch(Spaces):
    """What `Gallery` is besides indexing; not used by itself."""

    _regions: tuple[tuple[int, StoredRegions], RegionSpace] | None = None

    def _parts_of(
        self,
        images: Sequence[tuple[QueryImage, CropBox | None]],
        asked: int,
        expand: Expansion | None,
    ) -> AskedParts:
        """Take pictures that are to be found anywhere in others, the first so many of them.

        Raises:
            UsageError: another argument cannot be combined with that.
        """
        from imgsearch.regions.asked import AskedParts

        if expand is not None:
            raise UsageError("anywhere: a question about parts stays as it is; leave out expand")
        if self._projection != AUTO:
            raise UsageError(
                f"anywhere: parts have a projection of their own; leave out {self._projection!r}"
            )
        return AskedParts(images, asked=asked)

    def _make_regions(
        self,
        held: Embeddings,
        options: IndexOptions,
        progress: Callable[[IndexProgress], None] | None,
        stop: Callable[[], bool] | None,
    ) -> Made | None:
        """Make the regions that are lacking, where they are wanted; return None elsewhere.

        Raises:
            UsageError: the recipe's network gives no feature maps, or its embeddings are no means.
        """
        if options.regions is False:
            with held.store.transaction():
                held.store.drop_regions(held.stored.id)
        elif options.regions or held.store.regions_of(held.stored.id) is not None:
            from imgsearch.indexing.report import IndexProgress
            from imgsearch.regions.making import Made, Watch, make

            if stop is not None and stop():
                return Made(stopped=True)

            def tell(done: int, total: int) -> None:
                if progress is not None:
                    progress(IndexProgress("regions", done, total))

            watch = Watch(jobs=options.jobs, progress=tell, stop=stop)
            return make(held, self._networks.of, watch)
        return None

    @staticmethod
    def _follow_regions(store: Store, stored: StoredRecipe, like: Path) -> None:
        """Have regions made as another gallery's were; in a transaction.

        Raises:
            NoGalleryError: there is no such gallery.
            UsageError: its regions can't be followed.
        """
        from imgsearch.regions import joining
        from imgsearch.storage.part import opened

        with opened(paths.absolute(like)) as part:
            joining.take_over(store, stored, part, like)

    @staticmethod
    def _tell_cost(store: Store, stored: StoredRecipe | None, *, lacking: int) -> None:
        """Log what regions would take, of what there is and of what is lacking."""
        from imgsearch.regions.layout import cost

        held = 0 if stored is None else store.embedding_count(stored.id)
        LOG.info("regions: %s", cost(held + lacking))

    def _answer_parts(
        self, held: Embeddings, wholes: Space, question: Question, asked: AskedParts
    ) -> list[Match]:
        """Answer a question about wholes, and about parts beside them."""
        from imgsearch.regions import answering

        parts = self._region_space(held)
        spaces = answering.Spaces(wholes, parts)
        return answering.answer(
            held, spaces, answering.PartQuestion(question, asked.vectors(parts))
        )

    def _region_space(self, held: Embeddings) -> RegionSpace:
        """Return where parts are searched, in step with the rows of the snapshot.

        Raises:
            UsageError: the gallery has no regions.
        """
        from imgsearch.regions.space import open_space, refuse_without_regions

        asked = self._connections.openings, refuse_without_regions(held)
        if self._regions is None or self._regions[0] != asked:
            self._regions = asked, open_space(held)
        return self._regions[1]

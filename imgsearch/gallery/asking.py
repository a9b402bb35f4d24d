"""The part of the façade that answers queries."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.upkeep import Upkeep
from imgsearch.search.query_pictures import (
    embed_query,
    ids_held,
    ids_held_elsewhere,
    query_vector,
)
from imgsearch.storage import remarks
from imgsearch.storage.sqlite_errors import translated_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.loaded import LoadedNetworks
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_pictures import QueryEmbedding, QueryImage
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)


class Asking(Upkeep):
    """What `Gallery` is besides indexing; not used by itself."""

    _networks: LoadedNetworks
    _projection: str
    _space: tuple[str, SearchSpace] | None
    _remarked: tuple[str, int, Filters] | None = None

    def query(
        self,
        *pictures: QueryImage,
        k: int = 10,
        minus: Sequence[QueryImage] = (),
        crop: CropBox | None = None,
        where: Filters | None = None,
        min_score: float | None = None,
        include_self: bool = False,
        expand: Expansion | None = None,
    ) -> list[Match]:
        """Return the pictures that look most like the given ones.

        Several pictures ask for what is near the mean of their embeddings. A picture that the
        gallery holds is neither decoded nor embedded again. A file of the gallery is left out of
        its own answer; its exact copies are not, and come first, with a score of 1.

        Args:
            pictures: paths of images, or the bytes of image files; one at least.
            k: how many matches, as far as there are so many.
            minus: images to stay away from; neither they nor their copies are matches.
            crop: the part of the pictures that is asked about.
            where: what matches must be besides similar.
            min_score: the least score of a match.
            include_self: do not leave out the pictures asked about, nor those of `minus`.
            expand: move the question towards its own first matches before it is answered, as
                `imgsearch.search.answering.expand` does; the pictures asked about and filters
                have no say in these. None asks as it is.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: a picture that cannot be read.
            UnknownRecipeError: a recipe that the gallery does not hold.
            UsageError: an argument that makes no sense.
        """
        from imgsearch.search import answering

        if not pictures:
            raise UsageError("query: no picture given; name an image file")
        k, min_score = arguments.whole_number("k", k), arguments.checked_score(min_score)
        crop, expand = arguments.checked_crop(crop), arguments.checked_expansion(expand)
        minus = arguments.several_images("minus", minus)
        where = _with_absolute_paths(arguments.checked_filters(where))
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            self._remark(held, where)

        def embed(picture: QueryImage, part: CropBox | None = None) -> QueryEmbedding:
            with translated_errors(self.path):
                return embed_query(
                    picture, part, embeddings=held, network=lambda: self._networks.of(held.recipe)
                )

        asked = [embed(picture, crop) for picture in pictures]
        avoided = [embed(picture) for picture in minus]
        with self._connections.snapshot():
            held = held.renewed()
            space = self._open_space(held)
            ours = ids_held(held, asked)
            theirs = ids_held(held, avoided)
            question = answering.Question(
                vector=query_vector(space, asked, avoided),
                k=k,
                where=where,
                min_score=min_score,
                excluded=(*ours, *theirs),
                known=ours,
            )
            if expand is not None:
                question = answering.expand(held, space, question, expansion=expand)
            if include_self:
                question = replace(question, excluded=())
            else:
                places = frozenset[Path]().union(*(image.paths for image in asked))
                elsewhere = ids_held_elsewhere(held, ours, places)
                alone = [content_id for content_id in ours if content_id not in elsewhere]
                question = replace(question, excluded=(*alone, *theirs), left_out=places)
            return answering.answer(held, space, question)

    def image(self, content: str, *, longest: int = 1024) -> NDArray[np.uint8]:
        """Return an image of the gallery for showing it: upright, in sRGB, alpha over white.

        Args:
            content: SHA-256 of the bytes, 64 hexadecimal digits, as `Match.content` has it.
            longest: of the longer side, in pixels; an image is never enlarged.

        Returns:
            Shape (height, width, 3), uint8, RGB.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: the gallery holds no such content.
            UnreadableImageError: no file that holds it is there and as it was.
        """
        from imgsearch.gallery.originals import read_content
        from imgsearch.images.loading import display

        with self._connections.snapshot() as store:
            files = store.files_holding(content)
        return display(read_content(content, files), longest=longest)

    def _open_space(self, held: Embeddings) -> SearchSpace:
        known, space = self._space or ("", None)
        if space is None or known != held.identifier or space.generation != held.generation:
            space = self._engine.open(held, self._projection)
            self._space = (held.identifier, space)
            missing = remarks.about_missing_embeddings(held, len(space.index))
            if missing is not None:
                LOG.info(missing)
        return space

    def _remark(self, held: Embeddings, where: Filters) -> None:
        """Log what filters leave out, once for as long as neither they nor the gallery change."""
        asked = (held.identifier, held.generation, where)
        if asked != self._remarked:
            for line in remarks.about_filters(held.store, where):
                LOG.info(line)
            self._remarked = asked


def _with_absolute_paths(where: Filters) -> Filters:
    return replace(where, under=tuple(paths.absolute(path) for path in where.under))

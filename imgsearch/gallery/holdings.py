"""The part of the façade that gives what a gallery holds."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.gallery import arguments
from imgsearch.gallery.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.search.matches import GalleryFile
    from imgsearch.storage.filters import Filters

LOG: Final = logging.getLogger(__name__)
_BLOCK: Final = 512


class Holdings(Upkeep):
    """What `Gallery` is besides indexing and querying; not used by itself."""

    def files(
        self, where: Filters | None = None, *, all_files: bool = False
    ) -> Iterator[GalleryFile]:
        """Yield the files of the gallery that could be read, with what is known of them.

        Those taken last come first, those without a capture time last; then by path.

        Args:
            where: what they must be.
            all_files: yield exact duplicates as files of their own, not with the first of them.

        Raises:
            NoGalleryError: there is no gallery.
            UsageError: a filter that makes no sense.
        """
        checked = arguments.checked_filters(where)
        under = tuple(map(paths.absolute, checked.under))
        return self._files(replace(checked, under=under), all_files=all_files)

    def _files(self, where: Filters, *, all_files: bool) -> Iterator[GalleryFile]:
        from imgsearch.search.held_files import HeldFiles, each_file
        from imgsearch.storage.remarks import about_filters
        from imgsearch.storage.timelines import newest_first

        # A connection of its own: whoever reads on slowly may query meanwhile.
        with self._connections.own_snapshot() as store:
            for line in about_filters(store, where):
                LOG.info(line)
            held = HeldFiles.of(store, where)
            ids = newest_first(store, where)
            for start in range(0, len(ids), _BLOCK):
                for _, file in held.find(ids[start : start + _BLOCK]):
                    if all_files:
                        yield from each_file(file)
                    else:
                        yield file

    def embeddings(self) -> tuple[list[str], NDArray[np.float32]]:
        """Return every raw embedding of the recipe that queries use, in one array.

        Returns:
            The contents' hashes, ascending, as `Match.content` has them; and shape (n, dim),
            float32, unit rows in their order. Contents that no file holds are left out.

        Raises:
            NoGalleryError: there is no gallery.
            UnknownRecipeError: a recipe that the gallery does not hold.
        """
        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
            ids = store.held_ids(held.stored.id)
            contents = store.contents(ids)
            place = {content_id: row for row, content_id in enumerate(ids)}
            vectors = np.empty((len(ids), held.recipe.dim), np.float32)
            for found, block in held.blocks(ids) if ids else ():
                vectors[[place[content_id] for content_id in found.tolist()]] = block
            return [contents[content_id].hash for content_id in ids], vectors

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
            NotThereError: no file that holds it is there and as it was.
            UnreadableImageError: it can no longer be decoded.
        """
        from imgsearch.images.loading import display
        from imgsearch.search.originals import read_content

        longest = arguments.whole_number("longest", longest)
        with self._connections.snapshot() as store:
            files = store.files_holding(content)
        return display(read_content(content, files), longest=longest)

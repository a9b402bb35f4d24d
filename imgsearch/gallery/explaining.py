"""The part of the façade that says how alike two images are, and where they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.gallery import arguments
from imgsearch.gallery.deduplicating import Deduplicating
from imgsearch.gallery.questioning import readable_picture
from imgsearch.networks.source import Network
from imgsearch.search.asked_pictures import AskedPictures
from imgsearch.search.matches import Comparison, GalleryFile
from imgsearch.search.query_vectors import raw_embedding
from imgsearch.storage.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from imgsearch.images.geometry import Box, CropBox, Size
    from imgsearch.recipe import Recipe
    from imgsearch.search.matches import Match
    from imgsearch.search.query_inputs import QueryImage

# So many matches are looked at once more.
REFINED: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """What each place of an image adds to a score.

    Attributes:
        values: shape (h, w), float64, rows from the top; their sum is the score. Below 0 where a
            place speaks against it.
        box: left, top, right and bottom of what the map covers, in pixels of the upright image; it
            reaches beyond the image where the network was shown bars beside it.
        size: width and height of the upright image, in pixels.
    """

    values: NDArray[np.float64]
    box: Box
    size: Size


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why two images are alike: where they agree.

    Attributes:
        score: cosine similarity in the space that queries search, as `Match.score` before rounding.
        one: what each place of the first image adds to it.
        other: likewise of the second.
    """

    score: float
    one: ScoreMap
    other: ScoreMap


@dataclass(frozen=True, slots=True, eq=False)
class _Square:
    """What a network is shown of an image: pixels, which part of it they are, and its size."""

    pixels: NDArray[np.uint8]
    box: Box
    size: Size


class Explaining(Deduplicating):
    """What `Gallery` is besides indexing; not used by itself."""

    def compare(self, one: QueryImage, other: QueryImage) -> Comparison:
        """Say how alike two images are; the gallery need not hold them.

        Args:
            one: as `query` takes it.
            other: likewise.

        Raises:
            NoGalleryError: there is no gallery, whose recipe and projection it takes.
            UnreadableImageError: an image that cannot be read.
            UsageError: what is no image.
        """
        asked = AskedPictures([(one, None), (other, None)])
        with self._embedded(asked, Filters()) as held:
            first, second = (readable_picture(picture) for picture in asked.found)
            space = self._space_for(held, (first, second))
            raw = np.stack([raw_embedding(held, picture) for picture in (first, second)])
            return Comparison(
                score=_product(space.project(raw)),
                raw_score=_product(raw),
                same_content=first.content == second.content != "",
                projection="none" if space.projection is None else space.projection.version,
            )

    def explain(
        self,
        one: QueryImage | GalleryFile,
        other: QueryImage | GalleryFile,
        *,
        crop: CropBox | None = None,
    ) -> Explanation:
        """Say which places of two images make up their score.

        Both go through the network once more, and have to be there.

        Args:
            one: what `query` takes besides vectors, or a file that it gave.
            other: likewise, such as a match.
            crop: the part of the first image that was asked about.

        Raises:
            NoGalleryError: there is no gallery, whose recipe and projection it takes.
            UnreadableImageError: an image that cannot be read, or is offline.
            UsageError: what has no places: a vector, or a network without feature maps.
        """
        from imgsearch.explaining.agreement import agreement

        with self._connections.snapshot() as store:
            held = self._embeddings_to_query(store)
        network = self._networks.of(held.recipe)
        if not isinstance(network, Network):
            raise UsageError(
                f"explain: the network of recipe {held.recipe.name} gives no feature maps; only a "
                "network of imgsearch's own can be explained"
            )
        crop = arguments.checked_crop(crop)
        shown = [self._square(one, held.recipe, crop), self._square(other, held.recipe)]
        maps = [network.feature_maps(square.pixels[np.newaxis])[0] for square in shown]
        with self._connections.snapshot():
            projection = self._open_space(held.renewed()).projection
        found = agreement(*maps, pooling=held.recipe.pooling, projection=projection)
        return Explanation(
            score=found.score,
            one=ScoreMap(found.one, shown[0].box, shown[0].size),
            other=ScoreMap(found.other, shown[1].box, shown[1].size),
        )

    def refined(
        self,
        matches: Sequence[Match],
        *images: QueryImage,
        crop: CropBox | None = None,
        most: int = REFINED,
    ) -> list[Match]:
        """Return matches of `query` with `anywhere`, the boxes of the first drawn closer.

        These go through the network once more, and have to be there; the box of one that is not, or
        that matches as a whole, stays as it is. Ranks and scores stay too.

        Args:
            matches: as `query` gave them.
            images: what was asked about.
            crop: the part of them that was asked about.
            most: how many of the matches are looked at.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: an image that was asked about cannot be read.
            UsageError: the gallery has no regions.
        """
        from imgsearch.regions.answering import pixel_box
        from imgsearch.regions.layout import enlarged
        from imgsearch.regions.making import region_network
        from imgsearch.regions.refining import best_box, likeness

        crop = arguments.checked_crop(crop)
        asked = self._parts_of([(image, crop) for image in images], len(images), None)
        with self._embedded(asked, Filters()) as held:
            for picture in asked.found:
                readable_picture(picture)
            space = self._region_space(held)
            vectors = asked.vectors(space)
        network = region_network(held.recipe, self._networks.of)
        found = list(matches)
        for number, match in enumerate(found[:most]):
            if match.box in (None, (0, 0, match.width, match.height)):
                continue
            try:
                square = self._square(match, enlarged(held.recipe))
            except UnreadableImageError:
                continue
            maps = network.feature_maps(square.pixels[np.newaxis])[0]
            part = best_box(likeness(maps, vectors, space.projection))
            box = pixel_box(square.size, part, held.recipe.resize)
            found[number] = replace(match, box=box)
        return found

    def _square(
        self, image: QueryImage | GalleryFile, recipe: Recipe, crop: CropBox | None = None
    ) -> _Square:
        """Return what the network is shown of an image."""
        from imgsearch.images import loading
        from imgsearch.images.geometry import square_box

        data, name = self._bytes(image)
        try:
            loaded = loading.load(data, size=recipe.size, resize=recipe.resize, crop=crop)
        except UnreadableImageError as error:
            raise UnreadableImageError(error.reason, name=name) from error
        displayed = loaded.metadata.width, loaded.metadata.height
        return _Square(loaded.pixels, square_box(displayed, crop, resize=recipe.resize), displayed)

    def _bytes(self, image: QueryImage | GalleryFile) -> tuple[bytes, str | None]:
        """Return an image's file as bytes, and its name."""
        from imgsearch.images import loading
        from imgsearch.search.originals import read_content
        from imgsearch.search.query_inputs import HeldContent, Weighted, readable

        if isinstance(image, GalleryFile | HeldContent):
            with self._connections.snapshot() as store:
                files = store.files_holding(image.content)
            name = str(image.path) if isinstance(image, GalleryFile) else None
            return read_content(image.content, files), name
        given = readable(image.image if isinstance(image, Weighted) else image)
        if isinstance(given, Path):
            return loading.read_file(paths.absolute(given)), str(given)
        if isinstance(given, bytes):
            return given, None
        raise UsageError("explain: a vector has no places; give the image itself")


def _product(pair: NDArray[np.float32]) -> float:
    exact = float(np.dot(*pair.astype(np.float64)))
    return min(1.0, max(-1.0, round(exact, 6))) + 0.0  # no negative zero

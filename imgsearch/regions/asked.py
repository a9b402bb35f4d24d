"""The pictures of a question about parts: each is also seen as small as a part would be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.images.geometry import square_box
from imgsearch.images.loading import PAD_COLOUR
from imgsearch.regions.making import region_network
from imgsearch.regions.pooling import box_means
from imgsearch.regions.space import refuse_without_regions
from imgsearch.search.asked_pictures import AskedPictures
from imgsearch.search.query_pictures import decoded
from imgsearch.search.search_space import combined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox
    from imgsearch.networks.loaded import LoadedNetworks
    from imgsearch.networks.source import Network
    from imgsearch.recipe import Recipe
    from imgsearch.regions.space import RegionSpace
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.search.query_pictures import GivenImage
    from imgsearch.storage.embeddings import Embeddings

# What is asked about takes this share of the side of an otherwise empty image.
SHARE: Final = 1 / 3
_MIDDLE: Final = np.array([[(1 - SHARE) / 2, (1 - SHARE) / 2, (1 + SHARE) / 2, (1 + SHARE) / 2]])


class AskedParts(AskedPictures):
    """Pictures that are asked about, to be found anywhere in others.

    A network sees a thing otherwise when it is small. So beside its embedding, each picture gets
    the mean over itself in the middle of an empty image of the size that regions are made of. A
    part of a picture is also seen where it is, as a region of that picture would be.

    Attributes:
        means: of each picture, shape (1 or 2, c), of unit length, before any projection; None as
            long as it is not known.
    """

    def __init__(self, images: Iterable[tuple[QueryImage, CropBox | None]], *, asked: int) -> None:
        """Take the pictures, with the part of each that is asked about.

        Args:
            images: those asked about come before those to stay away from.
            asked: how many are asked about.

        Raises:
            UsageError: one is no image, a vector, or words.
        """
        super().__init__(images)
        if any(image is not None and image.vector is not None for image in self._given):
            raise UsageError("anywhere: a vector has no parts; give the image itself")
        if any(image is not None and image.text is not None for image in self._given):
            raise UsageError("anywhere: words stand for whole pictures; leave out one of the two")
        self.means: list[NDArray[np.float32] | None] = [None] * len(self.found)
        self._asked = asked

    def look(self, embeddings: Embeddings) -> bool:
        """Look for the pictures in the gallery; return whether nothing is left to be read.

        Raises:
            UsageError: the gallery has no regions.
        """
        refuse_without_regions(embeddings)
        return super().look(embeddings) and not self._lacking()

    def read(self, recipe: Recipe, networks: LoadedNetworks) -> None:
        """Read what `look` did not find, and see all of it small.

        Raises:
            UsageError: a crop does not lie within its picture.
        """
        super().read(recipe, networks)
        for number in self._lacking():
            image = self._given[number]
            assert image is not None  # noqa: S101 - it would have been found to be unreadable
            try:
                self.means[number] = _means(image, region_network(recipe, networks.of))
            except UnreadableImageError as error:
                self.found[number] = error

    def vectors(self, space: RegionSpace) -> NDArray[np.float32]:
        """Return what is looked for as unit vectors (1 or 2, dim) of a space, once all is known.

        Raises:
            UsageError: what is asked about and what to stay away from cancel out.
        """
        means = [mean for mean in self.means if mean is not None]
        weights = np.array([image.weight for image in self._given if image is not None])
        vectors = []
        for way in range(max(map(len, means))):
            rows = space.projection.apply(
                np.stack([mean[min(way, len(mean) - 1)] for mean in means])
            )
            vectors.append(combined(rows, weights, asked=self._asked))
            if not vectors[-1].any():
                raise UsageError(
                    "anywhere: the pictures asked about and those to stay away from cancel out"
                )
        return np.stack(vectors)

    def _lacking(self) -> list[int]:
        return [
            number
            for number, mean in enumerate(self.means)
            if mean is None and not isinstance(self.found[number], UnreadableImageError)
        ]


def _means(image: GivenImage, network: Network) -> NDArray[np.float32]:
    """Return the means over an image seen small, and over a part of one where it is.

    Raises:
        UnreadableImageError: it cannot be read.
        UsageError: the crop does not lie within it.
    """
    large = network.recipe
    small = replace(large, size=max(1, round(SHARE * large.size)))
    maps = network.feature_maps(_canvas(decoded(image, small).pixels, large.size))
    means = [box_means(maps, _MIDDLE)[0, 0]]
    if image.crop is not None:
        whole = decoded(replace(image, crop=None), large)
        maps = network.feature_maps(whole.pixels[np.newaxis])
        left, top, right, bottom = square_box(whole.size, None, resize=large.resize)
        sides = np.array([right - left, bottom - top] * 2)
        part = (np.array(image.crop.within(whole.size)) - [left, top, left, top]) / sides
        part = np.clip(part, 0, 1)
        if (part[2:] > part[:2]).all():  # the square may show nothing of it
            means.append(box_means(maps, part[np.newaxis])[0, 0])
    return np.stack(means)


def _canvas(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return an image (1, size, size, 3) with a smaller one in its middle."""
    canvas = np.empty((1, size, size, 3), np.uint8)
    canvas[:] = PAD_COLOUR
    start = (size - len(pixels)) // 2
    canvas[0, start : start + len(pixels), start : start + len(pixels)] = pixels
    return canvas

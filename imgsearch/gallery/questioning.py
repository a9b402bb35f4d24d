"""Questions as a gallery and a collection that was published take them, but for where they look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.gallery import arguments
from imgsearch.search.asked_pictures import AskedPictures
from imgsearch.search.matches import Answer
from imgsearch.search.query_pictures import QueryEmbedding
from imgsearch.search.query_vectors import (
    AskedImages,
    held_elsewhere,
    ids_held,
    query_vectors,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.gallery.explaining import Explanation
    from imgsearch.images.geometry import CropBox
    from imgsearch.regions.asked import AskedParts
    from imgsearch.search.answering import Question
    from imgsearch.search.matches import GalleryFile, Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.search.query_inputs import QueryImage
    from imgsearch.search.search_space import Space
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters

BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class _Terms:
    """A question, but for the images."""

    k: int
    where: Filters
    min_score: float | None
    include_self: bool
    expand: Expansion | None


def _terms(
    k: object, where: object, min_score: object, *, include_self: bool, expand: object
) -> _Terms:
    filters = arguments.checked_filters(where)
    return _Terms(
        k=arguments.whole_number("k", k),
        where=filters
        if not filters.under
        else replace(filters, under=tuple(map(paths.absolute, filters.under))),
        min_score=arguments.checked_score(min_score),
        include_self=bool(include_self),
        expand=arguments.checked_expansion(expand),
    )


class Questioning:
    """What answers queries: a gallery, or one that was published; not used by itself.

    Attributes:
        path: the gallery's folder, or the address of the collection.
    """

    path: Path

    def query(  # noqa: PLR0913 - what a person can ask, each under its name
        self,
        *pictures: QueryImage,
        k: int = 10,
        minus: QueryImage | Iterable[QueryImage] = (),
        crop: CropBox | None = None,
        where: Filters | None = None,
        min_score: float | None = None,
        include_self: bool = False,
        expand: Expansion | None = None,
        anywhere: bool = False,
    ) -> list[Match]:
        """Return the pictures that look most like the given ones.

        Several pictures ask for what is near the mean of their embeddings. A picture that the
        gallery holds is neither decoded nor embedded again. A file of the gallery is left out of
        its own answer; its exact copies are not, and come first, with a score of 1. A question
        with words is compared with the embeddings themselves, before any projection.

        Args:
            pictures: one at least: a path, the bytes of an image file, a binary file, an image
                of Pillow's, an array uint8 (height, width, 3), an embedding (dim,), `Words` where
                `takes_words` says so, or one of these `Weighted`.
            k: how many matches, as far as there are so many.
            minus: images or words to stay away from; neither the images nor their copies are
                matches.
            crop: the part of the pictures that is asked about.
            where: what matches must be besides similar.
            min_score: the least score of a match.
            include_self: do not leave out the pictures asked about, nor those of `minus`.
            expand: move the question towards its own first matches before it is answered, as
                `imgsearch.search.answering.expand` does; the pictures asked about and filters
                have no say in these. None asks as it is.
            anywhere: search parts of pictures too, which `index` with `regions` has made; each
                match has the box that matched.

        Raises:
            NoGalleryError: there is no gallery.
            UnreadableImageError: a picture that cannot be read.
            UnknownRecipeError: a recipe that the gallery does not hold.
            UsageError: an argument that makes no sense, or words where the recipe has none.
        """
        if not pictures:
            raise UsageError("query: no picture given; name an image file")
        terms = _terms(k, where, min_score, include_self=include_self, expand=expand)
        crop = arguments.checked_crop(crop)
        images = [(image, crop) for image in pictures]
        images += [(image, None) for image in arguments.several_images(minus)]
        parts = self._parts_of(images, len(pictures), terms.expand) if anywhere else None
        asked = parts or AskedPictures(images)
        with self._embedded(asked, terms.where) as held:
            found = [readable_picture(picture) for picture in asked.found]
            query = AskedImages(found[: len(pictures)], found[len(pictures) :])
            if parts is not None:
                (question,), space = self._questions(held, terms, [query])
                return self._answer_parts(held, space, question, parts)
            return self._answer_each(held, terms, [query])[0]

    def query_many(
        self,
        pictures: Iterable[QueryImage],
        *,
        k: int = 10,
        crop: CropBox | None = None,
        where: Filters | None = None,
        min_score: float | None = None,
        include_self: bool = False,
        expand: Expansion | None = None,
    ) -> Iterator[Answer]:
        """Yield what each of many pictures finds by itself, in their order.

        They are drawn, and go through the network, 32 at a time. One that cannot be read has a
        reason in place of matches. Arguments and errors are otherwise those of `query`.
        """
        terms = _terms(k, where, min_score, include_self=include_self, expand=expand)
        crop = arguments.checked_crop(crop)
        return self._answers(iter(pictures), crop, terms)

    def _answers(
        self, images: Iterator[QueryImage], crop: CropBox | None, terms: _Terms
    ) -> Iterator[Answer]:
        while batch := [(image, crop) for image in islice(images, BATCH)]:
            asked = AskedPictures(batch)
            with self._embedded(asked, terms.where) as held:
                queries = [
                    AskedImages([picture])
                    for picture in asked.found
                    if isinstance(picture, QueryEmbedding)
                ]
                found = iter(self._answer_each(held, terms, queries) if queries else [])
            for picture in asked.found:
                if isinstance(picture, UnreadableImageError):
                    yield Answer((), picture.reason)
                else:
                    yield Answer(tuple(next(found)))

    def with_kinds(self, picture: QueryImage, matches: Iterable[Match]) -> list[Match]:
        """Return a query's matches, each with how it is the same as the picture asked about."""
        raise NotImplementedError

    def refined(
        self, matches: Sequence[Match], *images: QueryImage, crop: CropBox | None = None
    ) -> list[Match]:
        """Return matches of `query` with `anywhere`, the boxes of the first drawn closer."""
        raise NotImplementedError

    def explain(
        self,
        one: QueryImage | GalleryFile,
        other: QueryImage | GalleryFile,
        *,
        crop: CropBox | None = None,
    ) -> Explanation:
        """Say which places of two images make up their score."""
        raise NotImplementedError

    def image(self, content: str, *, longest: int = 1024) -> NDArray[np.uint8]:
        """Return an image (height, width, 3) for showing it."""
        raise NotImplementedError

    def _embedded(self, asked: AskedPictures, where: Filters) -> AbstractContextManager[Embeddings]:
        """Find, or read and embed, what is asked about; give what to answer with."""
        raise NotImplementedError

    def _space_for(self, held: Embeddings, pictures: Iterable[QueryEmbedding]) -> Space:
        """Return what to search for pictures and words.

        Raises:
            UsageError: words, and a projection, through which they do not go.
        """
        raise NotImplementedError

    def _parts_of(
        self,
        images: Sequence[tuple[QueryImage, CropBox | None]],
        asked: int,
        expand: Expansion | None,
    ) -> AskedParts:
        """Take pictures that are to be found anywhere in others, the first so many of them.

        Raises:
            UsageError: that can't be asked here.
        """
        raise NotImplementedError

    def _answer_parts(
        self, held: Embeddings, wholes: Space, question: Question, asked: AskedParts
    ) -> list[Match]:
        """Answer a question about wholes, and about parts beside them."""
        raise NotImplementedError

    def _answer_each(
        self, held: Embeddings, terms: _Terms, queries: Sequence[AskedImages]
    ) -> list[list[Match]]:
        from imgsearch.search import answering

        questions, space = self._questions(held, terms, queries)
        return answering.answer_each(held, space, questions)

    def _questions(
        self, held: Embeddings, terms: _Terms, queries: Sequence[AskedImages]
    ) -> tuple[list[Question], Space]:
        """Return the questions, and what is searched for them."""
        from imgsearch.search import answering

        pictures = [image for query in queries for image in (*query.asked, *query.avoided)]
        space = self._space_for(held, pictures)
        ours = [ids_held(held, query.asked) for query in queries]
        theirs = [ids_held(held, query.avoided) for query in queries]
        questions = [
            answering.Question(
                vector=vector,
                k=terms.k,
                where=terms.where,
                min_score=terms.min_score,
                excluded=(*mine, *other),
                known=mine,
            )
            for vector, mine, other in zip(
                query_vectors(space, held, queries), ours, theirs, strict=True
            )
        ]
        if terms.expand is not None:
            questions = [
                answering.expand(held, space, question, expansion=terms.expand)
                for question in questions
            ]
        if terms.include_self:
            questions = [replace(question, excluded=()) for question in questions]
        else:
            places = [
                frozenset[Path]().union(*(image.paths for image in query.asked))
                for query in queries
            ]
            elsewhere = [
                others.difference(ids_held(held, [image for image in query.asked if image.named]))
                for query, others in zip(
                    queries, held_elsewhere(held, list(zip(ours, places, strict=True))), strict=True
                )
            ]
            questions = [
                replace(question, excluded=(*(set(mine) - others), *other), left_out=left_out)
                for question, mine, other, others, left_out in zip(
                    questions, ours, theirs, elsewhere, places, strict=True
                )
            ]
        return questions, space


def readable_picture(picture: QueryEmbedding | UnreadableImageError | None) -> QueryEmbedding:
    """Return a picture that was found.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    if isinstance(picture, UnreadableImageError):
        raise picture
    assert picture is not None  # noqa: S101  # all have been looked for
    return picture

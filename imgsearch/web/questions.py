"""What a request asks about, read from JSON, and turned into what the gallery takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.images.geometry import CropBox
from imgsearch.search.query_expansion import Expansion
from imgsearch.search.query_inputs import HeldContent, Part, Weighted, Words
from imgsearch.storage.filters import Filters
from imgsearch.web import fields, filters
from imgsearch.web.refusals import usage

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.web.uploads import Uploads

MOST_PICTURES: Final = 32
MOST_LETTERS: Final = 1_000
MOST_AT_ONCE: Final = 500
MOST_MATCHES: Final = 10_000
USUAL: Final = 60
_SIDES: Final = 4
_MOST_WEIGHT: Final = 1e6
_MOST_EXPANSION: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture of a question: a content of the gallery or an upload, a part of one, or words.

    Attributes:
        content: of the gallery, or None.
        upload: id of what was sent, or None.
        words: that stand for a picture, or None.
        crop: left, top, width and height in percent, or None for all of it.
        weight: how much it counts.
        minus: whether to stay away from it.
    """

    content: str | None
    upload: str | None
    words: str | None = None
    crop: tuple[float, ...] | None = None
    weight: float = 1.0
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, but for which matches of the answer are wanted: the same, the same answer.

    Attributes:
        pictures: what is asked about, and what to stay away from.
        where: what matches must be besides similar.
        min_score: the least score of a match, or None.
        expand: number of matches and exponent, as `expansion_of` takes them, or None.
        anywhere: whether parts of pictures are searched too.
    """

    pictures: tuple[Asked, ...]
    where: Filters
    min_score: float | None
    expand: tuple[int, float] | None
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question, and which of its matches are wanted.

    Attributes:
        question: the question.
        recipe: identifier, or None for the primary one.
        offset: how many first matches to leave out.
        k: how many matches.
        kinds: whether to say of each how it is the same as the picture asked about.
    """

    question: Question
    recipe: str | None
    offset: int
    k: int
    kinds: bool = False


def picture(name: str, value: object) -> Asked:
    """Take a picture of a question."""
    given = fields.Fields(value, name)
    content = given.take("content", fields.content, None)
    upload = given.take("upload", fields.text, None)
    words = given.take("words", fields.text, None)
    if sum(each is not None for each in (content, upload, words)) != 1:
        raise usage(f"{name}: give either content, upload or words")
    asked = Asked(
        content,
        upload,
        words,
        crop=given.take("crop", fields.numbers(_SIDES), None),
        weight=given.take("weight", fields.number, 1.0),
        minus=given.take("minus", fields.flag, default=False),
    )
    given.end()
    if not 0 < asked.weight <= _MOST_WEIGHT:
        raise usage(
            f"{name}.weight: {asked.weight:g} is not above 0 and at most {_MOST_WEIGHT:,.0f}"
        )
    if words is not None and (asked.crop is not None or len(words) > MOST_LETTERS):
        raise usage(f"{name}.words: up to {MOST_LETTERS:,} letters, and without a crop")
    return asked


def wanted(given: fields.Fields) -> Wanted:
    """Return what the body of a query wants.

    Raises:
        RefusalError: a field that makes no sense.
        UsageError: filters or a crop that make none.
    """
    pictures = tuple(given.each("pictures", picture, most=MOST_PICTURES))
    if not any(not asked.minus for asked in pictures):
        raise usage("pictures: give one at least that is no minus")
    question = Question(
        pictures=pictures,
        where=given.take("filters", _filters, Filters()),
        min_score=given.take("min_score", fields.number, None),
        expand=given.take("expand", _expansion, None),
        anywhere=given.take("anywhere", fields.flag, default=False),
    )
    found = Wanted(
        question,
        recipe=given.take("recipe", fields.text, None),
        offset=given.take("offset", fields.integer(0, MOST_MATCHES), 0),
        k=given.take("k", fields.integer(1, MOST_AT_ONCE), USUAL),
        kinds=given.take("kinds", fields.flag, default=False),
    )
    given.end()
    if found.kinds and (len(pictures) > 1 or pictures[0].crop or pictures[0].words):
        raise usage("kinds: are told of one whole picture")
    if found.kinds and question.anywhere:
        raise usage("kinds: are told of wholes, not of parts; leave out anywhere")
    if found.offset + found.k > MOST_MATCHES:
        raise usage(f"offset: with k beyond {MOST_MATCHES:,}, the last match that is given")
    return found


def image_of(
    asked: Asked, recipe: str, *, gallery: Gallery, uploads: Uploads, pixels: bool = False
) -> Any:  # noqa: ANN401 - what a query takes
    """Return a picture as `Gallery.query` takes it.

    Args:
        asked: the picture.
        recipe: identifier of the recipe that is asked under.
        gallery: opened under that recipe.
        uploads: those that are kept.
        pixels: whether an embedding does not do, as for a question about parts.

    Raises:
        RefusalError: the upload is not kept any more.
        UsageError: the crop is none, or the words say nothing.
    """
    crop = None if asked.crop is None else box_of(asked.crop)
    image: Any
    if asked.words is not None:
        image = Words(asked.words)
    elif asked.content is not None:
        held = HeldContent(asked.content)
        image = held if crop is None else Part(held, crop)
    else:
        upload = uploads.get(asked.upload or "")
        if crop is not None:
            image = Part(upload.rendering.result().data, crop)
        elif pixels:
            image = upload.rendering.result().data
        else:
            image = upload.embedding(recipe, gallery)
    return image if asked.weight == 1 else Weighted(image, asked.weight)


def picture_of(asked: Asked, uploads: Uploads) -> str | bytes:
    """Return a whole picture as `Gallery.with_kinds` takes it.

    Raises:
        RefusalError: the upload is not kept any more.
    """
    if asked.content is not None:
        return asked.content
    upload = uploads.get(asked.upload or "")
    return upload.examined.content if upload.examined.held else upload.rendering.result().data


def whole_of(asked: Asked, uploads: Uploads) -> HeldContent | bytes:
    """Return a whole picture as `Gallery.explain` takes it.

    Raises:
        RefusalError: the upload is not kept any more.
    """
    if asked.content is not None:
        return HeldContent(asked.content)
    return uploads.get(asked.upload or "").rendering.result().data


def box_of(crop: tuple[float, ...]) -> CropBox:
    """Return a part of a picture in percent.

    Raises:
        UsageError: it is none.
    """
    left, top, width, height = crop
    return CropBox(left, top, width, height, percent=True)


def expansion_of(question: Question) -> Expansion | None:
    """Return the expansion of a question as `Gallery.query` takes it."""
    if question.expand is None:
        return None
    k, alpha = question.expand
    return Expansion(k, alpha)


def _filters(name: str, value: object) -> Filters:
    try:
        return filters.of_fields(fields.Fields(value, name))
    except UsageError as error:
        raise usage(str(error)) from None


def _expansion(name: str, value: object) -> tuple[int, float]:
    given = fields.Fields(value, name)
    k = given.take("k", fields.integer(1, _MOST_EXPANSION))
    alpha = given.take("alpha", fields.number, 3.0)
    given.end()
    try:
        Expansion(k, alpha)
    except ImgsearchError as error:
        raise usage(f"{name}: {error}") from None
    return k, alpha

"""Answers to questions, kept for whoever reads on: an endless list is asked for piece by piece."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from imgsearch.gallery.explaining import REFINED
from imgsearch.web.questions import MOST_MATCHES, expansion_of, image_of, picture_of

if TYPE_CHECKING:
    from imgsearch.gallery.gallery import Gallery
    from imgsearch.search.matches import Match, PixelBox
    from imgsearch.web.questions import Question, Wanted
    from imgsearch.web.uploads import Uploads

MOST_KEPT: Final = 16
MOST_MATCHES_KEPT: Final = 20_000
_Key = tuple[str, str, "Question"]


@dataclass(eq=False)
class _Answer:
    """What is known of an answer.

    Attributes:
        lock: held by whoever makes it longer.
        matches: the first ones.
        asked: how many were asked for.
        boxes: by content, those that have been drawn closer.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    matches: list[Match] = field(default_factory=list)
    asked: int = 0
    boxes: dict[str, PixelBox | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of an answer.

    Attributes:
        matches: those that were wanted.
        more: whether there are further ones.
    """

    matches: tuple[Match, ...]
    more: bool


class Answers:
    """Answers questions, and keeps the latest answers; for all threads."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Answer] = OrderedDict()

    def page(self, wanted: Wanted, gallery: Gallery, *, recipe: str, generation: str) -> Page:
        """Return the piece of an answer that is wanted.

        Args:
            wanted: a question and the place of the piece.
            gallery: opened under the recipe.
            recipe: its identifier.
            generation: of the gallery; answers of another one are asked anew.

        Raises:
            ImgsearchError: as `Gallery.query`.
            RefusalError: an upload is not kept any more.
        """
        answer = self._answer((recipe, generation, wanted.question))
        end = wanted.offset + wanted.k
        with answer.lock:
            if answer.asked <= end and len(answer.matches) == answer.asked:
                # Twice what was asked for before, so that reading on costs little in all.
                k = min(max(end + 1, 2 * answer.asked), MOST_MATCHES + 1)
                answer.matches = self._ask(
                    wanted.question, k, recipe=recipe, gallery=gallery, boxes=answer.boxes
                )
                answer.asked = k
            matches, more = answer.matches[wanted.offset : end], len(answer.matches) > end
        if wanted.kinds:
            (asked,) = wanted.question.pictures
            matches = gallery.with_kinds(picture_of(asked, self._uploads), matches)
        return Page(tuple(matches), more)

    def _ask(
        self,
        question: Question,
        k: int,
        *,
        recipe: str,
        gallery: Gallery,
        boxes: dict[str, PixelBox | None],
    ) -> list[Match]:
        image = partial(
            image_of,
            recipe=recipe,
            gallery=gallery,
            uploads=self._uploads,
            pixels=question.anywhere,
        )
        likes = [image(asked) for asked in question.pictures if not asked.minus]
        matches = gallery.query(
            *likes,
            k=k,
            minus=[image(asked) for asked in question.pictures if asked.minus],
            where=question.where,
            min_score=question.min_score,
            expand=expansion_of(question),
            anywhere=question.anywhere,
        )
        if not question.anywhere:
            return matches
        # Each look takes the network, so no box is drawn closer twice as an answer gets longer.
        lacking = [match for match in matches[:REFINED] if match.content not in boxes]
        if lacking:
            refined = gallery.refined(lacking, *likes)
            boxes.update((match.content, match.box) for match in refined)
        return [replace(match, box=boxes.get(match.content, match.box)) for match in matches]

    def _answer(self, key: _Key) -> _Answer:
        with self._lock:
            answer = self._kept.setdefault(key, _Answer())
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and (
                len(self._kept) > MOST_KEPT
                or sum(len(kept.matches) for kept in self._kept.values()) > MOST_MATCHES_KEPT
            ):
                self._kept.popitem(last=False)
            return answer

"""What `imgsearch query` asks a gallery, once for all images or once for each."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import tee
from typing import TYPE_CHECKING, Final

from imgsearch import addresses
from imgsearch.cli.inputs import STANDARD_INPUT, standard_input_bytes
from imgsearch.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from imgsearch.cli.query_extras import WeightOptions
    from imgsearch.gallery.questioning import Questioning
    from imgsearch.images.geometry import CropBox
    from imgsearch.search.matches import Match
    from imgsearch.search.query_expansion import Expansion
    from imgsearch.storage.filters import Filters

LOOKED_AT: Final = 50  # matches among which --copies looks for those that are the same


class Images:
    """The images that names stand for; what is on standard input can be read only once."""

    _given: bytes | None = None

    def __call__(self, name: Path | str) -> Path | bytes:
        """Return a path, or the bytes on standard input."""
        if os.fspath(name) != STANDARD_INPUT:
            return addresses.named(os.fspath(name))
        if self._given is None:
            self._given = standard_input_bytes()
        return self._given


@dataclass(frozen=True)
class Question:
    """A query without its images."""

    images_of: Images
    k: int
    minus: tuple[Path, ...]
    weights: WeightOptions
    crop: CropBox | None
    where: Filters
    min_score: float | None
    include_self: bool
    expand: Expansion | None
    anywhere: bool
    all_files: bool
    copies: bool
    kinds: bool

    def __call__(self, gallery: Questioning, names: Sequence[str]) -> list[Match]:
        """Return the matches of one query."""
        images = [self.images_of(name) for name in names]
        asked = [*images, *self.weights.words]
        try:
            matches = gallery.query(
                *self.weights.weighted(asked),
                k=self._looked_at,
                minus=self.weights.weighted(
                    [*self.minus, *self.weights.minus_words], after=len(asked)
                ),
                crop=self.crop,
                where=self.where,
                min_score=self.min_score,
                include_self=self.include_self,
                expand=self.expand,
                anywhere=self.anywhere,
            )
            if self.anywhere:
                matches = gallery.refined(matches, *images, crop=self.crop)
        except UnreadableImageError as error:
            if str(error) != error.reason:
                raise
            raise UnreadableImageError(error.reason, name="standard input") from error
        return self._shown(gallery, images, matches)

    @property
    def _looked_at(self) -> int:
        return max(self.k, LOOKED_AT) if self.copies else self.k

    def each(
        self, gallery: Questioning, names: Iterable[str], *, ahead: bool
    ) -> Iterator[tuple[str, list[Match] | UnreadableImageError]]:
        """Yield names with the matches of each, or why it cannot be read.

        Args:
            gallery: that is asked.
            names: of images.
            ahead: draw several names before the first is answered, and answer them at once.
        """
        if not ahead or self.minus or self.anywhere or self.weights.labels:
            for name in names:
                try:
                    yield name, self(gallery, [name])
                except UnreadableImageError as error:
                    yield name, error
            return
        here, there = tee(names)
        answers = gallery.query_many(
            map(self.images_of, there),
            k=self._looked_at,
            crop=self.crop,
            where=self.where,
            min_score=self.min_score,
            include_self=self.include_self,
            expand=self.expand,
        )
        for name, answer in zip(here, answers, strict=True):
            if answer.reason is not None:
                yield name, UnreadableImageError(answer.reason, name=name)
            else:
                yield name, self._shown(gallery, [self.images_of(name)], list(answer.matches))

    def _shown(
        self, gallery: Questioning, images: Sequence[Path | bytes], matches: list[Match]
    ) -> list[Match]:
        plain = not (self.minus or self.weights.labels or self.crop or self.anywhere)
        alone = len(images) == 1 and plain
        if alone and (self.kinds or self.copies):
            matches = gallery.with_kinds(images[0], matches)
        if self.copies:
            same = [match for match in matches if match.kind is not None][: self.k]
            matches = [replace(match, rank=rank) for rank, match in enumerate(same, start=1)]
        if not self.all_files:
            return matches
        from imgsearch.search.held_files import each_file

        return [copy for match in matches for copy in each_file(match)]

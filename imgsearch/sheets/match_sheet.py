"""The matches of queries as one HTML page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.sheets.facts import folder_in_root, link_to, summary
from imgsearch.sheets.pictures import INSET
from imgsearch.sheets.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.gallery.explaining import Explanation
    from imgsearch.gallery.questioning import Questioning
    from imgsearch.search.matches import Match
    from imgsearch.sheets.pictures import Picture

UNKNOWN_SHAPE: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A picture that was asked about, or words."""

    name: str
    picture: Picture | None
    is_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tile:
    """A match as it is shown; the inset is the picture asked about, where the two agree."""

    match: Match
    picture: Picture | None
    inset: Picture | None
    name: str
    folder: str
    summary: str
    link: str | None

    @property
    def shape(self) -> int:
        """As `Picture.shape`."""
        return UNKNOWN_SHAPE if self.picture is None else self.picture.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A query as it is shown."""

    asked: tuple[_Asked, ...]
    tiles: tuple[_Tile, ...]
    reason: str | None
    left_out: int

    @property
    def title(self) -> str:
        """The names of what was asked about."""
        return " + ".join(asked.name for asked in self.asked)


class MatchSheet(Sheet):
    """Collects the answers of queries, and writes them as one page."""

    template = "matches"

    def __init__(self, gallery: Questioning) -> None:
        super().__init__(gallery)
        self._answers: list[_Answer] = []

    def add(
        self,
        images: Sequence[Path | bytes],
        matches: Sequence[Match],
        *,
        words: Sequence[str] = (),
        reason: str | None = None,
        explanations: Sequence[Explanation | None] = (),
    ) -> None:
        """Add the matches of one query, as many of them as there is room for.

        Args:
            images: what was asked about: paths, or the bytes of an image.
            matches: the nearest first.
            words: what was asked besides, as it is shown.
            reason: why the images could not be read, or None.
            explanations: none, or one for each match of a single image: what agrees stays bright.
        """
        asked = tuple(
            _Asked(
                name=image.name if isinstance(image, Path) else "standard input",
                picture=self.pictures.of_query(image) if self.pictures.room > 0 else None,
            )
            for image in images
        )
        asked += tuple(_Asked(name=text, picture=None, is_text=True) for text in words)
        each = 2 if explanations else 1
        shown = matches[: max(0, self.pictures.room // each)]
        known = explanations or [None] * len(matches)
        self._answers.append(
            _Answer(
                asked=asked,
                tiles=tuple(
                    self._tile(match, images, explanation)
                    for match, explanation in zip(shown, known, strict=False)
                ),
                reason=reason,
                left_out=len(matches) - len(shown),
            )
        )

    def _values(self) -> dict[str, object]:
        tiles = [tile for answer in self._answers for tile in answer.tiles]
        return {
            "answers": self._answers,
            "count": len(tiles),
            "explained": any(tile.inset for tile in tiles),
        }

    def _tile(
        self, match: Match, images: Sequence[Path | bytes], explanation: Explanation | None
    ) -> _Tile:
        inset = None
        if explanation is not None:
            inset = self.pictures.of_query(images[0], explanation.one, longest=INSET)
        return _Tile(
            match=match,
            picture=self.pictures.of_match(match)
            if explanation is None
            else self.pictures.of_content(match.content, explanation.other),
            inset=inset,
            name=os.fspath(match.path.name),
            folder=folder_in_root(match),
            summary=summary(match),
            link=link_to(match.path),
        )

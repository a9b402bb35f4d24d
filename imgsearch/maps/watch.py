"""How far the making of a map has come, and whether it is to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

MapStage = Literal["read", "layout", "place"]


class StoppedError(Exception):
    """Whoever wanted a map wants it no more; raised within `maps` and caught by the façade."""


@dataclass(frozen=True, slots=True)
class MapProgress:
    """How far a map has come.

    Attributes:
        stage: "read" while embeddings are read, "layout" while the sample is laid out, "place"
            while all pictures are placed.
        done: embeddings, steps or pictures.
        total: of them.
    """

    stage: MapStage
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches a map being made.

    Attributes:
        progress: told how far it has come; None for nobody.
        stop: asked often; None for never.
    """

    progress: Callable[[MapProgress], None] | None = None
    stop: Callable[[], bool] | None = None

    def at(self, stage: MapStage, done: int, total: int) -> None:
        """Tell how far it has come.

        Raises:
            StoppedError: it is to stop.
        """
        if self.stop is not None and self.stop():
            raise StoppedError
        if self.progress is not None:
            self.progress(MapProgress(stage, done, total))

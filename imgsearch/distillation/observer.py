"""Callbacks of a run: what it tells its caller, and how the caller stops it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.distillation.figures import Figures

Stage = Literal["read", "ask", "train"]


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Callbacks of a run.

    Attributes:
        progress: called with the stage, and how much of it is done, of how much.
        figures: called with the figures of every checkpoint.
        stop: called from time to time; when it returns True the run stops, and can be resumed.
    """

    progress: Callable[[Stage, int, int], None] = lambda _stage, _done, _total: None
    figures: Callable[[Figures], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False

"""Progress in a notebook: an output that changes in place, where there is a notebook.

Of tqdm, Rich and IPython, the notebook has IPython for certain, and its display protocol needs no
widgets to be installed: the output is an object with two forms, HTML and text, which every front
end knows how to show. So nothing is printed, and no package comes with it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from imgsearch.indexing.report import STAGE_TITLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.indexing.report import IndexProgress

EVERY_SECONDS: Final = 0.2


def notebook_bar() -> NotebookBar | None:
    """Return what shows a run's progress in this notebook; None where this is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return NotebookBar(display)


class NotebookBar:
    """Takes what `Gallery.index(progress=...)` is told, and shows it as one output."""

    def __init__(self, display: Callable[..., Any]) -> None:
        """Show nothing before there is something.

        Args:
            display: IPython's function; with `display_id`, it returns a handle that can `update`.
        """
        self._display = display
        self._handle: Any = None
        self._progress: IndexProgress | None = None
        self._shown = 0.0

    def __call__(self, progress: IndexProgress) -> None:
        """Show how far the run has come, five times a second at most, and the end of a stage."""
        former, self._progress = self._progress, progress
        new_stage = former is None or former.stage != progress.stage
        now = time.monotonic()
        if not (new_stage or progress.done == progress.total or now >= self._shown + EVERY_SECONDS):
            return
        self._shown = now
        if self._handle is None:
            self._handle = self._display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        """Return the line that a front end without HTML shows."""
        progress = self._progress
        if progress is None:
            return ""
        done = f"{STAGE_TITLES[progress.stage]} {progress.done:,}"
        if progress.total is None:
            return f"{done} files"
        rate = progress.images_per_second
        speed = f", {rate:,.1f} images/s" if rate else ""
        return f"{done} of {progress.total:,} files{speed}"

    def _repr_html_(self) -> str:
        progress = self._progress
        total = progress.total if progress else None
        # Without a value, a browser shows that something is going on.
        value = f' value="{progress.done}" max="{total}"' if progress and total else ""
        return f'<progress{value} style="width: 20em"></progress> {self!r}'

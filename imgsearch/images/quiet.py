"""Keeping a decoder's warnings from a program that only wants its images."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


class _ThisThread(threading.local):
    """Whether this thread is inside `quietly`."""

    quiet = False


class _QuietModules:
    """Stands where a warnings filter has its module pattern; matches in quiet threads only.

    `warnings.catch_warnings` swaps the filters of the whole process, so that two threads that
    leave it in the wrong order silence a program for good. One filter that looks at the thread
    which warns needs no swapping.

    Attributes:
        pattern: of a regular expression that nothing matches, for programs that copy the filters
            by what they think is one, as scikit-learn does for its threads.
    """

    pattern: Final = "(?!)"

    def match(self, module: str) -> bool:
        """Tell whether a warning raised in `module` by this thread is to be dropped."""
        return _THIS_THREAD.quiet and module.startswith(("PIL.", "imgsearch.", "pillow_heif"))


_THIS_THREAD: Final = _ThisThread()
_FILTER: Final = cast("Any", ("ignore", None, Warning, _QuietModules(), 0))


@contextmanager
def quietly() -> Iterator[None]:
    """Drop what Pillow warns of in this thread; other threads and modules warn as before.

    Odd EXIF, palettes with transparency and the like are worth a warning to a programmer, not
    to someone who indexes photos. The filter stays in `warnings.filters`, and does nothing
    outside this context.
    """
    filters = cast("list[Any]", warnings.filters)
    if not filters or filters[0] is not _FILTER:
        filters.insert(0, _FILTER)
    before, _THIS_THREAD.quiet = _THIS_THREAD.quiet, True
    try:
        yield
    finally:
        _THIS_THREAD.quiet = before

"""What the pages of matches and of groups have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from imgsearch.files import write_atomically
from imgsearch.html_pages import render_alone
from imgsearch.sheets.pictures import Pictures

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.questioning import Questioning


class Sheet:
    """Collects what a page shows, and writes it.

    Attributes:
        template: name of the page's templates.
        pictures: those of the page, as many as there is room for.
    """

    template: ClassVar[str]

    def __init__(self, gallery: Questioning) -> None:
        self.pictures = Pictures(gallery)
        self._name = gallery.path.name

    def write(self, path: Path) -> None:
        """Write the page; an existing file is replaced, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        write_atomically(path, [self.render().encode("utf-8")])

    def render(self) -> str:
        """Return the page."""
        return render_alone(
            "imgsearch.sheets",
            self.template,
            gallery=self._name,
            made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            **self._values(),
        )

    def _values(self) -> dict[str, object]:
        """Return what the template shows besides."""
        raise NotImplementedError

"""One gallery opened several times: for lists, and for the questions under each of its recipes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imgsearch.errors import UnknownRecipeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.gallery.gallery import Gallery


class Galleries:
    """Opens the gallery under recipes as they are asked for, and keeps it open.

    What lists files has a connection of its own, so that neither waits for the other.
    """

    def __init__(self, open_gallery: Callable[[str | None], Gallery]) -> None:
        """Open the gallery for lists.

        Args:
            open_gallery: opens it under the recipe of that identifier; None for the primary one.
        """
        self._open = open_gallery
        self._lock = threading.Lock()
        self._by_recipe: dict[str | None, Gallery] = {}
        self.browsing = open_gallery(None)

    def primary(self) -> str:
        """Return the identifier of the recipe that queries use when they name none.

        Raises:
            NoGalleryError: there is no gallery, or it is empty.
        """
        return self.browsing.recipe_to_query().identifier

    def asking(self, identifier: str | None) -> tuple[str, Gallery]:
        """Return a recipe's identifier, and the gallery opened under it.

        Args:
            identifier: exactly one of the gallery's; None for the primary one.

        Raises:
            NoGalleryError: there is no gallery, or it is empty.
            UnknownRecipeError: the gallery has no such recipe.
        """
        primary = self.primary()
        if identifier is not None and identifier != primary:
            held = [entry.recipe.identifier for entry in self.browsing.overview().recipes]
            if identifier not in held:
                raise UnknownRecipeError(f"recipe: the gallery has none of identifier {identifier}")
        wanted = identifier or primary
        with self._lock:
            if wanted not in self._by_recipe:
                self._by_recipe[wanted] = self._open(wanted)
            return wanted, self._by_recipe[wanted]

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for gallery in (self.browsing, *self._by_recipe.values()):
                gallery.close()

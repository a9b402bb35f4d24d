"""imgsearch: find the pictures that look like the one in hand.

>>> from imgsearch import Gallery
>>> gallery = Gallery("holidays.gallery", recipe="compact")  # doctest: +SKIP
>>> gallery.index("~/Photos")  # doctest: +SKIP
>>> for match in gallery.query("sunset.jpg", k=5):  # doctest: +SKIP
...     print(f"{match.score:.3f}  {match.path}")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imgsearch.errors import ImgsearchError
    from imgsearch.gallery import Gallery
    from imgsearch.images import CropBox
    from imgsearch.index_values import IndexOptions, IndexProgress, IndexReport
    from imgsearch.matches import FileCopy, Filters, Match, Near
    from imgsearch.query_expansion import Expansion
    from imgsearch.recipe import Recipe, RecipeRequest

__version__ = "0.1.0"

__all__ = [
    "CropBox",
    "Expansion",
    "FileCopy",
    "Filters",
    "Gallery",
    "ImgsearchError",
    "IndexOptions",
    "IndexProgress",
    "IndexReport",
    "Match",
    "Near",
    "Recipe",
    "RecipeRequest",
    "__version__",
]

# The command line must start fast, so nothing is imported before it is asked for.
_HOMES = {
    "CropBox": "images",
    "Expansion": "query_expansion",
    "FileCopy": "matches",
    "Filters": "matches",
    "Gallery": "gallery",
    "ImgsearchError": "errors",
    "IndexOptions": "index_values",
    "IndexProgress": "index_values",
    "IndexReport": "index_values",
    "Match": "matches",
    "Near": "matches",
    "Recipe": "recipe",
    "RecipeRequest": "recipe",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute is of any type
    if name in _HOMES:
        return getattr(import_module(f"imgsearch.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'imgsearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

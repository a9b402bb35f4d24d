"""The kinds of index, one a row. Modules are loaded when an index of their kind is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.vectors.index_plan import EXACT, IVF

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.vectors.protocol import IndexKind


def _exact() -> IndexKind:
    from imgsearch.vectors import exact_kind

    return exact_kind


def _ivf() -> IndexKind:
    from imgsearch.vectors import ivf_kind

    return ivf_kind


# Cache files and factory strings name these.
KINDS: Final[dict[str, Callable[[], IndexKind]]] = {EXACT: _exact, IVF: _ivf}


def kind_of(factory: str) -> IndexKind:
    """Return the kind that a person names: "exact", or "NAME:…" for the row of that name.

    Everything else is a FAISS factory string, for inverted lists.
    """
    return KINDS.get(factory.partition(":")[0], _ivf)()

"""Ground truth as values: which images are queries, and which items are relevant to each.

Where it comes from (folders, tables, file names, annotation files, edits) is the business of the
modules that read it; all of them return these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.images.geometry import CropBox


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an evaluation: a file, or a part or an edit of it.

    Attributes:
        path: the image file.
        crop: the part of it that is embedded; None for all of it.
        edit: name of the program's own edit that it goes through first; None for none.
    """

    path: Path
    crop: CropBox | None = None
    edit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Query:
    """One query and its relevant items.

    Attributes:
        item: position of the query in `GroundTruth.items`. It is never an answer to itself.
        relevant: positions of the relevant items, shape (r,), int64, ascending, without `item`.
        junk: positions that are neither rewarded nor punished, shape (j,), int64, ascending.
        group: what the query belongs to (its class, its scene): queries of one group share a row
            of the per-class table.
        further_groups: what else it belongs to; it counts in the rows of these too.
        cluster: queries of one cluster are drawn together when uncertainty is estimated; None
            where those of one group are. Edits of one image are a cluster, while their group
            is the kind of edit.
    """

    item: int
    relevant: NDArray[np.int64]
    junk: NDArray[np.int64]
    group: str
    cluster: str | None = None
    further_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroundTruth:
    """Items, queries, and which items are relevant to which query.

    Attributes:
        name: what it is called in tables, such as "folders" or "revisited, medium".
        items: all queries and all of the gallery, each once, in a fixed order.
        gallery: positions of the items that are searched, shape (n,), int64, ascending. An item
            that is only a query (a crop, an edit) is not among them.
        queries: in a fixed order; those without a relevant item stay among them,
            and are counted and skipped by the metrics.
    """

    name: str
    items: tuple[Item, ...]
    gallery: NDArray[np.int64]
    queries: tuple[Query, ...]

"""Labels as ground truth: images with the same label are relevant to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.values import GroundTruth, Query

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from imgsearch.evaluation.ground_truth.values import Item


def from_labels(
    name: str,
    items: tuple[Item, ...],
    labels: Sequence[str | None],
    *,
    asking: Collection[int] | None = None,
) -> GroundTruth:
    """Return the ground truth of labelled images, all of them searched.

    Every image with a label is a query, and the others of its label are relevant. A label's arrays
    take 8 m² bytes for m images: 32 MB for a hundred labels of 200, 0.8 GB for one of 10,000.

    Args:
        name: of the ground truth.
        items: all of them.
        labels: one for each item; None for a distractor, which is searched and never relevant.
        asking: positions of the items that are queries; None for all with a label.

    Returns:
        Queries in the order of the items, without junk.

    Raises:
        UsageError: the number of labels differs from that of items.
    """
    if len(labels) != len(items):
        raise UsageError(f"{len(labels)} labels for {len(items)} images; one each is needed")
    members: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        if label is not None:
            members.setdefault(label, []).append(position)
    same = {label: np.array(positions, dtype=np.int64) for label, positions in members.items()}
    place = {
        position: at for positions in members.values() for at, position in enumerate(positions)
    }
    nothing = np.empty(0, dtype=np.int64)
    return GroundTruth(
        name=name,
        items=items,
        gallery=np.arange(len(items), dtype=np.int64),
        queries=tuple(
            Query(
                item=position,
                relevant=np.delete(same[label], place[position]),
                junk=nothing,
                group=label,
            )
            for position, label in enumerate(labels)
            if label is not None and (asking is None or position in asking)
        ),
    )


def require_answers(truth: GroundTruth, *, remedy: str) -> GroundTruth:
    """Return the ground truth, provided that one of its queries has a relevant item.

    Raises:
        UsageError: none has; the message ends in the remedy.
    """
    if any(len(query.relevant) for query in truth.queries):
        return truth
    raise UsageError(
        f"{truth.name}: none of {len(truth.queries)} queries has a right answer among "
        f"{len(truth.gallery)} images; {remedy}"
    )

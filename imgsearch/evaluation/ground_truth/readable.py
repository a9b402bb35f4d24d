"""Ground truth without the files that could not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from imgsearch.evaluation.ground_truth.values import GroundTruth


def readable_part(truth: GroundTruth, unreadable: Collection[int]) -> GroundTruth:
    """Return a ground truth without the items at some positions, as queries and as answers.

    Raises:
        UsageError: no query with a relevant item is left, or every item is relevant to every
            query.
    """
    gone = np.array(sorted(unreadable), dtype=np.int64)
    if len(gone):
        truth = replace(
            truth,
            gallery=np.setdiff1d(truth.gallery, gone),
            queries=tuple(
                replace(
                    query,
                    relevant=np.setdiff1d(query.relevant, gone),
                    junk=np.setdiff1d(query.junk, gone),
                )
                for query in truth.queries
                if query.item not in unreadable
            ),
        )
    _check(truth, len(gone))
    return truth


def _check(truth: GroundTruth, unreadable: int) -> None:
    """Refuse a ground truth on which every variant would get the same figures."""
    asking = [query for query in truth.queries if len(query.relevant)]
    left_out = f" ({unreadable} files could not be read)" if unreadable else ""
    if not asking:
        raise UsageError(
            f"{truth.name}: no query has a right answer among {len(truth.gallery)} images"
            f"{left_out}; at least one class needs two images"
        )
    searched = len(truth.gallery)
    itself = np.isin([query.item for query in asking], truth.gallery)
    if all(
        len(query.relevant) + len(query.junk) >= searched - own
        for query, own in zip(asking, itself, strict=True)
    ):
        raise UsageError(
            f"{truth.name}: every image is a right answer to every query{left_out}, so nothing "
            "could rank wrongly; at least two classes are needed, a folder for each (without "
            "classes: --self-supervised)"
        )

"""Samples of large folders, the same each time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.evaluation.ground_truth.labels import from_labels

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.ground_truth.values import GroundTruth

# A ground truth that is larger than wanted by less than this factor is left as it is.
SLACK: Final = 1.1
# Of each class this many items are kept before classes are left out.
LEAST_OF_A_CLASS: Final = 4


def thinned(truth: GroundTruth, count: int) -> GroundTruth:
    """Return a ground truth of about `count` items, evenly from all classes.

    Every class keeps at least four items where it has them; with too many classes for that, some
    are left out. Distractors keep their share.

    Args:
        truth: of classes, all of whose items are queries and are searched.
        count: how many items; a ground truth of up to 10 % more is returned as it is.
    """
    if len(truth.items) <= SLACK * count:
        return truth
    labels: list[str | None] = [None] * len(truth.items)
    for query in truth.queries:
        labels[query.item] = query.group
    members: dict[str | None, list[int]] = {}
    for position in np.random.default_rng(0).permutation(len(labels)).tolist():
        members.setdefault(labels[position], []).append(position)
    distractors = members.pop(None, [])
    share = round(count * len(distractors) / len(labels))
    classes = list(members.values())[: max(2, (count - share) // LEAST_OF_A_CLASS)]
    longest = max(len(some) for some in classes)
    # In turns: the first item of each class, the second of each, and so on.
    turns = [some[turn] for turn in range(longest) for some in classes if turn < len(some)]
    kept = sorted([*turns[: count - share], *distractors[:share]])
    return from_labels(
        truth.name,
        tuple(truth.items[position] for position in kept),
        [labels[position] for position in kept],
    )


def some_images(files: ImageFiles, count: int) -> ImageFiles:
    """Return at most `count` of the image files, drawn at random, in their order."""
    if len(files.items) <= count:
        return files
    drawn = np.random.default_rng(0).permutation(len(files.items))[:count]
    kept = np.sort(drawn).tolist()
    names = tuple(files.names[position] for position in kept)
    return replace(
        files,
        names=names,
        sizes=tuple(files.sizes[position] for position in kept),
        items=tuple(files.items[position] for position in kept),
        positions={name: place for place, name in enumerate(names)},
    )

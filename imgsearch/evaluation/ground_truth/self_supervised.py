"""Ground truth without labels: edits ask, and the picture that was edited is the right answer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.evaluation.ground_truth.edits import DEFAULT_EDITS, parse_edit
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.images import loading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.evaluation.ground_truth.photos import Photos

DEFAULT_PICTURES: Final = 250


def ask_with_edits(
    photos: Photos,
    *,
    edits: Sequence[str] = DEFAULT_EDITS,
    pictures: int | None = DEFAULT_PICTURES,
    seed: int = 0,
) -> tuple[GroundTruth]:
    """Ask for pictures by their edits, which measures how well copies are found.

    All pictures are searched, as they are. Files with the same bytes as the edited one are right
    answers too; pictures that are merely alike, as a burst's or a smaller copy, count as wrong.
    The group of a query is its edit, so that the per-class table shows which edits a backbone
    does not see through; its cluster is the picture.

    Only files of equal size are opened here, to compare their contents.

    Args:
        photos: the pictures.
        edits: names of edits (`imgsearch.evaluation.ground_truth.edits`).
        pictures: how many contents are edited, drawn by the seed; None for all.
        seed: decides which.

    Returns:
        The originals are the first items; queries go picture by picture, in the order of `edits`.

    Raises:
        UsageError: an edit is not known, occurs twice, or there is none; a number is below its
            least.
    """
    if not edits or len(set(edits)) != len(edits):
        raise UsageError(f"edits: {list(edits)} were received; at least one, and each once")
    for name in edits:
        parse_edit(name)
    if pictures is not None and pictures < 1:
        raise UsageError(f"pictures: {pictures} cannot be edited; 1 or more, or all")
    if seed < 0:
        raise UsageError(f"seed: {seed} is below 0")
    copies = _copies(photos)
    sources = np.array([same[0] for same in copies], dtype=np.int64)
    if pictures is not None and pictures < len(sources):
        sources = np.sort(np.random.default_rng(seed).choice(sources, pictures, replace=False))
    answers = {int(same[0]): same for same in copies}
    nothing = np.empty(0, dtype=np.int64)
    asked = [(int(source), name) for source in sources for name in edits]
    queries = tuple(
        Query(
            item=len(photos.items) + number,
            relevant=answers[source],
            junk=nothing,
            group=name,
            cluster=photos.names[source],
        )
        for number, (source, name) in enumerate(asked)
    )
    truth = GroundTruth(
        name="self-supervised",
        items=photos.items
        + tuple(Item(photos.items[source].path, edit=name) for source, name in asked),
        gallery=np.arange(len(photos.items), dtype=np.int64),
        queries=queries,
    )
    return (truth,)


def _copies(photos: Photos) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the positions of the files of every content, ascending, by their first one."""
    by_size: dict[int, list[int]] = {}
    for position, size in enumerate(photos.sizes):
        by_size.setdefault(size, []).append(position)
    contents: dict[object, list[int]] = {}
    for positions in by_size.values():
        for position in positions:
            key = position if len(positions) == 1 else _content(photos, position)
            contents.setdefault(key, []).append(position)
    return [np.array(same, dtype=np.int64) for same in sorted(contents.values())]


def _content(photos: Photos, position: int) -> object:
    """Return what a file with the same bytes shares; its position when it can't be read."""
    try:
        return hashlib.sha256(loading.read_file(photos.items[position].path)).digest()
    except UnreadableImageError:
        return position

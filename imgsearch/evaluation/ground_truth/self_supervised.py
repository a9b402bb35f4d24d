"""Ground truth without labels: queries are edits, each relevant to the image it was made from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.images import loading
from imgsearch.images.edits import DEFAULT_EDITS, parse_edit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.evaluation.ground_truth.image_files import ImageFiles

DEFAULT_ORIGINALS: Final = 250


def ask_with_edits(
    files: ImageFiles,
    *,
    edits: Sequence[str] = DEFAULT_EDITS,
    originals: int | None = DEFAULT_ORIGINALS,
    seed: int = 0,
) -> tuple[GroundTruth]:
    """Return queries that are edits of the images, to measure how well copies are found.

    All images are searched, unedited. Files with the same content as the edited one are relevant
    too; images that are merely similar (of one burst, a smaller copy) are not. A query's group is
    its edit, so that the per-class table shows which edits mislead a backbone; its cluster is the
    image.

    Only files of equal size are read here, to compare their contents.

    Args:
        files: what is searched.
        edits: names of edits (`imgsearch.images.edits`).
        originals: how many contents are edited, drawn at random; None for all.
        seed: of that draw.

    Returns:
        The unedited images are the first items; queries go image by image, in the order of `edits`.

    Raises:
        UsageError: an edit is unknown or occurs twice, there is none, or a number is out of
            range.
    """
    if not edits or len(set(edits)) != len(edits):
        raise UsageError(f"edits: {list(edits)} were received; at least one, and each once")
    for name in edits:
        parse_edit(name)
    if originals is not None and originals < 1:
        raise UsageError(f"originals: {originals} is below 1; edit 1 or more, or all")
    if seed < 0:
        raise UsageError(f"seed: {seed} is below 0")
    copies = _copies(files)
    sources = np.array([same[0] for same in copies], dtype=np.int64)
    if originals is not None and originals < len(sources):
        sources = np.sort(np.random.default_rng(seed).choice(sources, originals, replace=False))
    relevant = {int(same[0]): same for same in copies}
    nothing = np.empty(0, dtype=np.int64)
    asked = [(int(source), name) for source in sources for name in edits]
    queries = tuple(
        Query(
            item=len(files.items) + number,
            relevant=relevant[source],
            junk=nothing,
            group=name,
            cluster=files.names[source],
        )
        for number, (source, name) in enumerate(asked)
    )
    truth = GroundTruth(
        name="self-supervised",
        items=files.items
        + tuple(Item(files.items[source].path, edit=name) for source, name in asked),
        gallery=np.arange(len(files.items), dtype=np.int64),
        queries=queries,
    )
    return (truth,)


def _copies(files: ImageFiles) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return for each content the positions of its files, ascending; ordered by the first."""
    by_size: dict[int, list[int]] = {}
    for position, size in enumerate(files.sizes):
        by_size.setdefault(size, []).append(position)
    contents: dict[object, list[int]] = {}
    for positions in by_size.values():
        for position in positions:
            key = position if len(positions) == 1 else _content(files, position)
            contents.setdefault(key, []).append(position)
    return [np.array(same, dtype=np.int64) for same in sorted(contents.values())]


def _content(files: ImageFiles, position: int) -> object:
    """Return a key that is equal for files of one content; the position of an unreadable one."""
    try:
        return hashlib.sha256(loading.read_file(files.items[position].path)).digest()
    except UnreadableImageError:
        return position

"""What holds of every ground truth, and folders of pictures to make them from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsearch.evaluation.ground_truth.image_files import ImageFiles, find_image_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from imgsearch.evaluation.ground_truth.values import GroundTruth, Query


def files(folder: Path, names: Iterable[str]) -> ImageFiles:
    """Write files that are called like pictures, each of one byte, and find them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return find_image_files(folder)


def check(truth: GroundTruth) -> None:
    """Assert what the values promise: types, order, and that no query answers itself."""
    assert truth.gallery.dtype == np.int64
    assert len(set(truth.items)) == len(truth.items)
    searched = set(truth.gallery.tolist())
    assert truth.gallery.tolist() == sorted(searched)
    for query in truth.queries:
        assert 0 <= query.item < len(truth.items)
        for answers in (query.relevant, query.junk):
            assert answers.dtype == np.int64
            assert answers.ndim == 1
            assert answers.tolist() == sorted(set(answers.tolist()))
            assert set(answers.tolist()) <= searched
            assert query.item not in answers
        assert not set(query.relevant.tolist()) & set(query.junk.tolist())


def named(truth: GroundTruth, folder: Path) -> dict[str, tuple[set[str], set[str], str]]:
    """Return relevant pictures, junk and group of every query, by names relative to the folder."""

    def names(positions: Iterable[int]) -> set[str]:
        return {truth.items[at].path.relative_to(folder).as_posix() for at in positions}

    def told(query: Query) -> tuple[set[str], set[str], str]:
        return names(query.relevant.tolist()), names(query.junk.tolist()), query.group

    return {names([query.item]).pop(): told(query) for query in truth.queries}

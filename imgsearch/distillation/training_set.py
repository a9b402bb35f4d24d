"""What a student learns from: readable images, crops of them, and the teachers' embeddings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.distillation.targets import CachePlan, CropCache
from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.observer import Observer
    from imgsearch.distillation.settings import DistillOptions
    from imgsearch.distillation.targets import Teacher

LARGEST_SIDE: Final = 512
"""Of an image that crops are drawn from, in pixels."""
BALANCE: Final = 0.6
"""A source is drawn from in proportion to its number of images to this power."""
LEAST_HELD_OUT: Final = 16


@dataclass(frozen=True)
class CropCaches:
    """Crops with the teachers' embeddings.

    Attributes:
        held_out: whole images that the student never sees.
        training: crops of the others.
    """

    held_out: CropCache
    training: CropCache


def read_all(
    sources: Sequence[Sequence[Path]], observer: Observer
) -> tuple[list[list[Path]], list[tuple[Path, str]]]:
    """Decode every image once, so that unreadable files are known before the long run.

    Returns:
        The readable files of each source, and (path, reason) of the unreadable ones; what was
        found so far when the observer asks to stop.
    """
    total = sum(map(len, sources))
    unreadable: list[tuple[Path, str]] = []
    readable: list[list[Path]] = []
    done = 0
    for source in sources:
        readable.append([])
        for path in source:
            if observer.stop():
                return readable, unreadable
            try:
                pixels(path)
                readable[-1].append(path)
            except UnreadableImageError as error:
                unreadable.append((path, error.reason))
            done += 1
            observer.progress("read", done, total)
    return readable, unreadable


def pixels(path: Path) -> NDArray[np.uint8]:
    """Return an image for crops, uint8 (h, w, 3), its longer side 512 pixels at most.

    Raises:
        UnreadableImageError: it cannot be read.
    """
    return loading.display(loading.read_file(path), longest=LARGEST_SIDE)


def plans(sources: Sequence[Sequence[Path]], options: DistillOptions) -> list[CachePlan]:
    """Return which images are held out, whole, and which crops the student is trained on."""
    seed, size = options.training.seed, options.training.final_size
    paths = [path for source in sources for path in source]
    identity = hashlib.sha256("\0".join(map(str, paths)).encode(errors="replace")).hexdigest()
    generator = np.random.default_rng((seed, 2))
    count = max(LEAST_HELD_OUT, round(len(paths) * options.held_out))
    held_out = np.sort(generator.permutation(len(paths))[:count])
    of = np.repeat(np.arange(len(sources)), [len(source) for source in sources])
    kept = np.setdiff1d(np.arange(len(paths)), held_out)
    counts = np.bincount(of[kept], minlength=len(sources)).astype(float)
    share = (counts[of[kept]] ** (BALANCE - 1)) / np.sum(counts[counts > 0] ** BALANCE)
    drawn = generator.choice(kept, size=options.crops * len(kept), p=share / share.sum())
    return [
        CachePlan(
            images=images.astype(np.int64), size=size, rules=rules, seed=seed, identity=identity
        )
        for images, rules in ((held_out, None), (drawn, options.rules))
    ]


def ask_teachers(
    sources: Sequence[Sequence[Path]],
    teachers: Sequence[Teacher],
    *,
    folder: Path,
    options: DistillOptions,
    observer: Observer,
) -> CropCaches | None:
    """Return all crops with the teachers' embeddings; None when the observer asks to stop.

    Args:
        sources: readable files, source by source.
        teachers: at least one.
        folder: where the caches are kept; those of an earlier run are continued.
        options: which crops.
        observer: is told of every block.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = [path for source in sources for path in source]
    whole, cropped = plans(sources, options)
    total = len(whole.images) + len(cropped.images)

    def fill(name: str, plan: CachePlan, before: int) -> CropCache | None:
        return CropCache.make(
            folder / name,
            plan,
            read=lambda index: pixels(paths[index]),
            teachers=teachers,
            progress=lambda done, _: observer.progress("ask", before + done, total),
            stop=observer.stop,
        )

    held_out = fill("held-out", whole, 0)
    if held_out is None:
        return None
    training = fill("training", cropped, len(whole.images))
    return None if training is None else CropCaches(held_out, training)

"""Folders as classes: the folder is the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.evaluation.ground_truth.labels import from_labels, require_answers

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.photos import Photos
    from imgsearch.evaluation.ground_truth.values import GroundTruth


def read_folders(photos: Photos) -> tuple[GroundTruth]:
    """Take the outermost folder of every picture as its class; every picture asks.

    Folders further in belong to the class around them, as in ImageFolder of torchvision, in
    Keras's `image_dataset_from_directory` and in scikit-learn's `load_files`. Pictures that lie
    in no folder have no class: they are searched as distractors and do not ask. The only picture
    of a class asks, has nothing to find, and is counted as skipped.

    Raises:
        UsageError: no folder holds two pictures.
    """
    labels = [name.split("/", 1)[0] if "/" in name else None for name in photos.names]
    truth = from_labels("folders", photos.items, labels)
    remedy = (
        f"expected folders in {photos.root}, one for each class, with at least two pictures in "
        "some; without labels use --self-supervised, with labels in file names --group"
    )
    return (require_answers(truth, remedy=remedy),)

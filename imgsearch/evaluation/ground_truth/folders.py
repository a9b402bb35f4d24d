"""Folders as classes: the folder is the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.evaluation.ground_truth.labels import from_labels, require_answers

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.ground_truth.values import GroundTruth


def read_folders(files: ImageFiles) -> tuple[GroundTruth]:
    """Return queries by every image in a folder, whose class is the outermost folder.

    Subfolders belong to the class around them, as in torchvision's ImageFolder, in Keras's
    `image_dataset_from_directory` and in scikit-learn's `load_files`. Images that lie in no folder
    have no class: they are distractors, searched but never queries. The only image of a class is a
    query without relevant items, and is counted as skipped.

    Raises:
        UsageError: no folder holds two images.
    """
    labels = [name.split("/", 1)[0] if "/" in name else None for name in files.names]
    truth = from_labels("folders", files.items, labels)
    remedy = (
        f"expected folders in {files.root}, one for each class, with at least two images in "
        "some; without labels use --self-supervised, with labels in file names --group"
    )
    return (require_answers(truth, remedy=remedy),)

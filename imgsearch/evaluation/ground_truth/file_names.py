"""Labels in file names: by a given pattern, or by those of INRIA Holidays and UKBench."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.labels import from_labels, require_answers

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.ground_truth.values import GroundTruth

_HOLIDAYS: Final = re.compile(r"[0-9]{6}")
_UKBENCH: Final = re.compile(r"ukbench([0-9]{5})", re.IGNORECASE)
_UKBENCH_GROUP: Final = 4


def read_groups(files: ImageFiles, pattern: str) -> tuple[GroundTruth]:
    r"""Return queries by every image in whose path a regular expression finds a label.

    The pattern is searched in the path relative to the folder, with "/" between the parts, so
    that `([^/]+)_\d+\.` labels "shop/lamp_3.jpg" as "lamp" and `(.+)/` labels it as "shop". The
    label is the group called `group` (`(?P<group>...)`), or else the first group. Images that
    do not match, or whose group takes no part or is empty, are distractors.

    Args:
        files: what is searched.
        pattern: in the syntax of Python's `re`.

    Raises:
        UsageError: the pattern is not a regular expression, has no group, matches no image, or
            gives no two images the same label.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"group: {pattern!r} is not a regular expression: {error}") from error
    if not compiled.groups:
        raise UsageError(
            f"group: {pattern!r} has no group; put what is the label in parentheses, such as "
            r"'([^/]+)_\d+\.'"
        )
    which: str | int = "group" if "group" in compiled.groupindex else 1
    found = (compiled.search(name) for name in files.names)
    labels = [(match[which] or None) if match else None for match in found]
    example = f"the first image's path is {files.names[0]!r}"
    if not any(labels):
        raise UsageError(
            f"group: {pattern!r} finds a label in none of {len(labels)} paths; {example}"
        )
    truth = from_labels("file-name groups", files.items, labels)
    label = next(label for label in labels if label)
    remedy = (
        f"{pattern!r} gives each its own label, such as {label!r}: put less in the parentheses; "
        f"{example}"
    )
    return (require_answers(truth, remedy=remedy),)


def read_holidays(files: ImageFiles) -> tuple[GroundTruth]:
    """Read the names of INRIA Holidays: six digits, of which the first four are the scene.

    The image whose last two digits are 00 is the query, and the others of its scene are relevant
    (Jégou, Douze and Schmid 2008, "Hamming embedding and weak geometric consistency").
    The whole collection has 1,491 images and 500 queries. Other names are distractors.

    Raises:
        UsageError: two images have the same number, or no query has a relevant item.
    """
    numbers = _numbers(files, _HOLIDAYS)
    labels = [number[:4] if number else None for number in numbers]
    asking = {position for position, number in enumerate(numbers) if number and number[4:] == "00"}
    truth = from_labels("INRIA Holidays", files.items, labels, asking=asking)
    remedy = (
        "expected names such as 100000.jpg (query) and 100001.jpg (relevant), whose first four "
        "digits are the scene"
    )
    return (require_answers(truth, remedy=remedy),)


def read_ukbench(files: ImageFiles) -> tuple[GroundTruth]:
    """Read the names of UKBench: four successive numbers show the same object; all are queries.

    "ukbench00000" to "ukbench00003" are one group (Nistér and Stewénius 2006, "Scalable
    recognition with a vocabulary tree"), and so on to 10,200 images. Other names are
    distractors.

    Raises:
        UsageError: two images have the same number, or no two are of one object.
    """
    labels = []
    for number in _numbers(files, _UKBENCH):
        first = int(number) // _UKBENCH_GROUP * _UKBENCH_GROUP if number else None
        labels.append(None if first is None else f"ukbench{first:05}")
    truth = from_labels("UKBench", files.items, labels)
    remedy = "expected names such as ukbench00000.jpg to ukbench00003.jpg for one object"
    return (require_answers(truth, remedy=remedy),)


def _numbers(files: ImageFiles, pattern: re.Pattern[str]) -> list[str | None]:
    """Return the number in every image's name, or None.

    Raises:
        UsageError: a number occurs twice.
    """
    numbers: list[str | None] = []
    first: dict[str, str] = {}
    for name in files.names:
        match = pattern.fullmatch(PurePosixPath(name).stem)
        number = match[pattern.groups] if match else None
        numbers.append(number)
        if number is not None and first.setdefault(number, name) != name:
            raise UsageError(
                f"{first[number]!r} and {name!r} have the same number; each image of the "
                "collection is needed once: remove or exclude one of them"
            )
    return numbers

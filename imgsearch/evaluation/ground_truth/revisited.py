"""Annotations of revisited Oxford and Paris, and of the original ones: `gnd_*.pkl` files.

Radenović, Iscen, Tolias, Avrithis and Chum 2018, "Revisiting Oxford and Paris: large-scale image
retrieval benchmarking", section 3: every image that shows a query's landmark is easy, hard or
junk (unclear), and three protocols follow.

    easy      relevant: easy             junk: hard and junk
    medium    relevant: easy and hard    junk: junk
    hard      relevant: hard             junk: easy and junk
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.evaluation.ground_truth.pickles import PlainPickleError, read_plain_pickle
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query
from imgsearch.images import loading
from imgsearch.images.geometry import CropBox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.evaluation.ground_truth.image_files import ImageFiles


@dataclass(frozen=True, slots=True)
class _Protocol:
    """Which of a query's lists are relevant, and which are junk."""

    name: str
    relevant: tuple[str, ...]
    junk: tuple[str, ...]


_REVISITED: Final = (
    _Protocol("revisited, easy", ("easy",), ("hard", "junk")),
    _Protocol("revisited, medium", ("easy", "hard"), ("junk",)),
    _Protocol("revisited, hard", ("hard",), ("easy", "junk")),
)
_ORIGINAL: Final = (_Protocol("original protocol", ("ok",), ("junk",)),)
_FORM: Final = (
    "expected a pickled dictionary with imlist, qimlist and gnd, a list with easy, hard and junk "
    "(or ok and junk) and bbx for each query"
)
_CORNERS: Final = 4
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Annotation:
    """What the file says of one query.

    Attributes:
        name: of its image file.
        crop: the part of it that is the query; None for all of it.
        lists: of each list's name, positions in the gallery, ascending, each once.
    """

    name: str
    crop: CropBox | None
    lists: dict[str, NDArray[np.int64]]


def read_revisited(files: ImageFiles, path: Path) -> tuple[GroundTruth, ...]:
    """Read a `gnd_roxford5k.pkl` or `gnd_rparis6k.pkl`, or an original `gnd_oxford5k.pkl`.

    The file is read without executing anything of it. The images that it lists are searched,
    in its order, and no others of the folder; its queries are cropped to their boxes, which are
    pixels of the displayed image. Names without a suffix mean the image of that name,
    wherever it lies in the folder; of several the one ending in .jpg. A query's group is its
    landmark: queries that share an easy, hard or ok image are of one, called as most of their
    names begin.

    In the original protocol the image that a query is cut from is searched, and right where
    the file says so; where a file says nothing of it, it is junk.

    Args:
        files: all image files of the folder.
        path: the annotation file.

    Returns:
        Easy, medium and hard; one alone for an original file. All share the same items.

    Raises:
        UsageError: the file can't be read or is in another form, or images that it names are
            not in the folder.
    """
    try:
        gallery, annotations, protocols = _parse(read_plain_pickle(loading.read_file(path)))
    except UnreadableImageError as error:
        raise UsageError(str(error)) from error
    except PlainPickleError as error:
        raise UsageError(f"{path} {error}; {_FORM}") from error
    named = _files_by_name(files)
    found = _find_all(files, named, [*gallery, *(entry.name for entry in annotations)], path)
    items = [files.items[position] for position in found[: len(gallery)]]
    positions = {item: position for position, item in enumerate(items)}
    if len(positions) != len(items):
        raise UsageError(f"{path}: imlist names an image twice")
    asking = []
    for entry, position in zip(annotations, found[len(gallery) :], strict=True):
        asked = Item(files.items[position].path, crop=entry.crop)
        asking.append(positions.setdefault(asked, len(items)))
        if asking[-1] == len(items):
            items.append(asked)
    groups, shared = _landmarks(annotations), tuple(items)
    truths = []
    for protocol in protocols:
        queries = []
        for entry, item, group in zip(annotations, asking, groups, strict=True):
            source = positions.get(Item(items[item].path), len(gallery))
            own = np.array([source] if source < len(gallery) else [], dtype=np.int64)
            queries.append(_query(entry, item, own, group=group, protocol=protocol))
        truths.append(
            GroundTruth(
                name=protocol.name,
                items=shared,
                gallery=np.arange(len(gallery), dtype=np.int64),
                queries=tuple(queries),
            )
        )
    return tuple(truths)


def _query(
    entry: _Annotation,
    item: int,
    own: NDArray[np.int64],
    *,
    group: str,
    protocol: _Protocol,
) -> Query:
    """Return a query under one protocol; `own` is its uncropped image in the gallery, if any."""
    relevant, junk = (
        np.concatenate([entry.lists[name] for name in names])
        for names in (protocol.relevant, protocol.junk)
    )
    named = np.concatenate(list(entry.lists.values()))
    junk = np.concatenate([junk, np.setdiff1d(own, named)])
    relevant = np.setdiff1d(relevant, [item])
    return Query(
        item=item,
        relevant=relevant,
        junk=np.setdiff1d(junk, np.append(relevant, item)),
        group=group,
    )


def _parse(document: Any) -> tuple[list[str], list[_Annotation], tuple[_Protocol, ...]]:  # noqa: ANN401 - whatever the file holds
    """Return the gallery's names, the queries, and the protocols that their lists allow.

    Raises:
        PlainPickleError: the values are not in the form of such a file.
    """
    if not isinstance(document, dict) or not {"imlist", "qimlist", "gnd"} <= document.keys():
        raise PlainPickleError("is no annotation file")
    gallery, asking = _names(document["imlist"]), _names(document["qimlist"])
    entries = document["gnd"]
    if not isinstance(entries, list) or len(entries) != len(asking) or not asking:
        raise PlainPickleError("does not annotate each query of qimlist once")
    for protocols in (_REVISITED, _ORIGINAL):
        needed = {name for each in protocols for name in (*each.relevant, *each.junk)}
        if all(isinstance(entry, dict) and needed <= entry.keys() for entry in entries):
            annotations = [
                _Annotation(
                    name=name,
                    crop=_crop(entry.get("bbx")),
                    lists={
                        key: _positions(entry[key], len(gallery), f"{key} of {name}")
                        for key in sorted(needed)
                    },
                )
                for name, entry in zip(asking, entries, strict=True)
            ]
            return gallery, annotations, protocols
    raise PlainPickleError("annotates its queries by other lists")


def _names(values: Any) -> list[str]:  # noqa: ANN401 - whatever the file holds
    if not isinstance(values, (list, tuple)) or not values:
        raise PlainPickleError("has no list of names where one is expected")
    names = [
        value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for value in values
    ]
    if not all(isinstance(name, str) and name for name in names):
        raise PlainPickleError("has something else than names in imlist or qimlist")
    return names


def _positions(values: Any, count: int, what: str) -> NDArray[np.int64]:  # noqa: ANN401 - whatever the file holds
    """Return the positions that a list or array holds, ascending, each once."""
    array = np.asarray(_flat(values, what))
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= count:
        raise PlainPickleError(f"has something else than positions in imlist in {what}")
    return np.unique(array).astype(np.int64)


def _flat(values: Any, what: str) -> Any:  # noqa: ANN401 - whatever the file holds
    if isinstance(values, np.ndarray):
        return values.reshape(-1)
    if isinstance(values, (list, tuple)) and all(type(v) in (int, float) for v in values):
        return values
    raise PlainPickleError(f"has something else than numbers in {what}")


def _crop(corners: Any) -> CropBox | None:  # noqa: ANN401 - whatever the file holds
    """Return the part that [left, top, right, bottom] means; None for all of the image."""
    if corners is None:
        return None
    try:
        numbers = [float(number) for number in _flat(corners, "bbx")]
    except OverflowError as error:
        raise PlainPickleError("has a number in bbx that is too large") from error
    if len(numbers) != _CORNERS or not all(map(math.isfinite, numbers)):
        raise PlainPickleError("has a bbx that is not left, top, right and bottom")
    left, top, right, bottom = (max(0.0, number) for number in numbers)
    if right <= left or bottom <= top:
        raise PlainPickleError(f"has an empty bbx {numbers}")
    return CropBox(left, top, right - left, bottom - top)


def _files_by_name(files: ImageFiles) -> dict[str, list[int]]:
    """Return the positions of files by path and by name, each with and without suffix."""
    named: dict[str, list[int]] = {}
    for position, name in enumerate(files.names):
        path = PurePosixPath(name)
        keys = {name, path.name, path.stem, path.with_suffix("").as_posix()}
        for key in keys:
            named.setdefault(key, []).append(position)
    return named


def _find_all(
    files: ImageFiles, named: dict[str, list[int]], names: Sequence[str], path: Path
) -> list[int]:
    """Return the position of every image file that the annotations name.

    Raises:
        UsageError: some are not there, or several have the name.
    """
    missing = [name for name in names if name not in named]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise UsageError(
            f"{path} names {len(names)} images, of which {len(missing)} are not in "
            f"{files.root}: {shown}; give the folder that holds all of them"
        )
    found = []
    for name in names:
        candidates = named[name]
        if len(candidates) > 1:
            candidates = [at for at in candidates if files.names[at].lower().endswith(".jpg")]
        if len(candidates) != 1:
            some = ", ".join(repr(files.names[at]) for at in named[name][:_SHOWN])
            raise UsageError(f"{path} names {name!r}, which may be any of {some}; exclude others")
        found.append(candidates[0])
    return found


def _landmarks(annotations: Sequence[_Annotation]) -> list[str]:
    """Return the landmark of every query: those that share an image show the same one.

    It is called as most names of its queries begin, before the number; a second landmark of the
    same name gets a number.
    """
    landmark = list(range(len(annotations)))
    owner: dict[int, int] = {}
    for number, entry in enumerate(annotations):
        for key in entry.lists.keys() - {"junk"}:
            for position in entry.lists[key].tolist():
                other = landmark[owner.setdefault(position, number)]
                if other != landmark[number]:
                    mine = landmark[number]
                    landmark = [other if label == mine else label for label in landmark]
    names: dict[int, str] = {}
    for label in dict.fromkeys(landmark):
        stems = sorted(
            re.sub(r"_?[0-9]+$", "", PurePosixPath(entry.name).stem) or entry.name
            for entry, of in zip(annotations, landmark, strict=True)
            if of == label
        )
        name = Counter(stems).most_common(1)[0][0]
        taken = sum(re.sub(r" [0-9]+$", "", other) == name for other in names.values())
        names[label] = f"{name} {taken + 1}" if taken else name
    return [names[label] for label in landmark]

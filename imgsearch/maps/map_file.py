"""The file of a map: a checked file (`imgsearch.checked_file`), verified whole at every opening.

Its payload is the arrays that its header names, one after the other, little-endian, row by row.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.checked_file import FileFormat
from imgsearch.errors import DamagedCacheError
from imgsearch.maps.drawn_map import DrawnMap, Points
from imgsearch.maps.frame import Frame
from imgsearch.maps.layout import METHODS, kind_of
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


REMEDY: Final = "`imgsearch map` draws it again"
FORMAT: Final = FileFormat(
    name="an imgsearch map",
    magic=b"\x89ISMP\r\n\x1a",
    version=1,
    lengths="I",
    remedy=REMEDY,
)
_TYPES: Final = {code: np.dtype(f"<{code}") for code in ("i8", "i4", "f4", "f8", "u1")}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapHeader:
    """What a map's file says about itself.

    Attributes:
        method: by which it was laid out.
        recipe: identifier of the recipe.
        generation: of the recipe, that the file reflects.
        gallery: random id of the gallery.
        contents: digest of the contents, 16 hexadecimal digits.
        drawn_with: as in `DrawnMap`.
        strange_below: likewise.
        arrays: name, type and shape of each.
    """

    method: str
    recipe: str
    generation: int
    gallery: str
    contents: str
    drawn_with: int
    strange_below: float
    arrays: list  # type: ignore[type-arg] # record_of compares the plain type


def save(path: Path, drawn: DrawnMap, *, recipe: str, gallery: str, contents: str) -> None:
    """Write a map, so that a reader sees the old file or the new one.

    Args:
        path: the file; one that is there is replaced.
        drawn: the map.
        recipe: identifier of its recipe.
        gallery: id of its gallery.
        contents: digest of the contents that the recipe has embedded.

    Raises:
        OSError: the file could not be written; the old one, if any, is untouched.
    """
    points, frame = drawn.points, drawn.frame
    projection = b"" if drawn.projection is None else drawn.projection.to_bytes()
    arrays: dict[str, NDArray[Any]] = {
        "ids": points.ids,
        "positions": points.positions,
        "clusters": points.clusters,
        "closeness": points.closeness,
        "original": points.original.astype(np.uint8),
        "centroids": drawn.centroids,
        "frame": np.array([frame.x, frame.y, frame.radius]),
        "projection": np.frombuffer(projection, np.uint8),
        **{f"layout.{name}": array for name, array in drawn.layout.arrays().items()},
    }
    header = MapHeader(
        method=drawn.method,
        recipe=recipe,
        generation=drawn.generation,
        gallery=gallery,
        contents=contents,
        drawn_with=drawn.drawn_with,
        strange_below=drawn.strange_below,
        arrays=[[name, array.dtype.str[1:], list(array.shape)] for name, array in arrays.items()],
    )
    payload = [
        np.ascontiguousarray(array, _TYPES[array.dtype.str[1:]]).reshape(-1).view(np.uint8).data
        for array in arrays.values()
    ]
    checked_file.write(path, FORMAT, json.dumps(asdict(header), sort_keys=True).encode(), payload)


def load(path: Path, *, accept: Callable[[MapHeader], None]) -> DrawnMap:
    """Read a map.

    Args:
        path: the file.
        accept: told what the file says about itself; raises to refuse.

    Raises:
        DamagedCacheError: it is damaged, or of a newer imgsearch.
        OSError: it is not there or cannot be read.
    """
    data = path.read_bytes()
    with checked_file.damage_named(path, FORMAT):
        content = checked_file.parse(data, FORMAT)
        header = checked_file.record_of(MapHeader, content.header)
    accept(header)
    with checked_file.damage_named(path, FORMAT):
        try:
            return _map(header, _arrays(header, content.payload))
        except KeyError as error:
            raise ValueError(f"it has no {error}") from error
        except DamagedCacheError as error:  # of the projection, which has a checksum of its own
            raise ValueError(str(error)) from error


def _arrays(header: MapHeader, payload: memoryview) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for name, code, shape in header.arrays:
        end = at + prod(shape) * _TYPES[code].itemsize
        if min(shape, default=0) < 0 or end > len(payload):
            raise ValueError(f"its {name} is cut short")
        found[name] = np.frombuffer(payload[at:end], _TYPES[code]).reshape(shape)
        at = end
    if at != len(payload):
        raise ValueError("its lengths do not add up")
    return found


def _map(header: MapHeader, arrays: Mapping[str, NDArray[Any]]) -> DrawnMap:
    if header.method not in METHODS:
        raise ValueError(
            f"it was laid out by {header.method!r}, of which this imgsearch knows nothing"
        )
    count = len(arrays["ids"])
    centroids = arrays["centroids"]
    shapes = {"ids": (count,), "positions": (count, 2), "clusters": (count,),
              "closeness": (count,), "original": (count,), "frame": (3,)}  # fmt: skip
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    clusters = arrays["clusters"]
    if wrong or (count and not 0 <= clusters.min() <= clusters.max() < len(centroids)):
        raise ValueError(f"its {(*wrong, 'clusters')[0]} do not fit the rest")
    projection = arrays["projection"].tobytes()
    layout = {
        name.removeprefix("layout."): array
        for name, array in arrays.items()
        if name.startswith("layout.")
    }
    return DrawnMap(
        method=header.method,
        generation=header.generation,
        projection=Projection.from_bytes(projection) if projection else None,
        layout=kind_of(header.method).restore(layout, centroids.shape[1]),
        frame=Frame(*arrays["frame"].tolist()),
        centroids=centroids.astype(np.float32),
        drawn_with=header.drawn_with,
        strange_below=header.strange_below,
        points=Points(
            ids=arrays["ids"].astype(np.int64),
            positions=arrays["positions"].astype(np.float32),
            clusters=clusters.astype(np.int32),
            closeness=arrays["closeness"].astype(np.float32),
            original=arrays["original"].astype(np.bool_),
        ),
    )

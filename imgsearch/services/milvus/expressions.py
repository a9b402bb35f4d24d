"""Conditions in Milvus's language: every text is escaped, every number written out.

Where the language lacks a word, more passes: places are boxes instead of circles, and folders are
known by a hash.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from imgsearch.services.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Lacks,
    LessThan,
    OneOf,
    UnderOneOf,
)
from imgsearch.storage.places import EARTH_RADIUS_KM, Near

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.services.conditions import Condition
    from imgsearch.services.entries import EntryFile

NOTHING: Final = "id < 0"
# Of an entry without a place.
NOWHERE: Final = 1000.0
# In the folders of an entry that has more of them than fit; it may lie anywhere.
ANYWHERE: Final = 0
MOST_FOLDERS: Final = 4000  # of 4096 that an array holds
_LONGEST_NAME: Final = 1000  # bytes
_LARGEST: Final = 2**62
_A_LITTLE: Final = 1e-6  # degrees, more than what is lost in writing numbers down


def expression(condition: Condition) -> str:
    """Return a condition on a row; "" for one that everything passes."""
    match condition:
        case AllOf(conditions):
            return " and ".join(f"({part})" for one in conditions if (part := expression(one)))
        case AnyOf(conditions):
            parts = [expression(one) for one in conditions]
            return "" if "" in parts else " or ".join(f"({part})" for part in parts) or NOTHING
        case Near():
            return _near(condition)
        case UnderOneOf(folders):
            hashes = [folder_hash(folder.root, folder.below) for folder in folders]
            return f"array_contains_any(folders, {[*hashes, ANYWHERE]})" if folders else NOTHING
        case _:
            return _of_field(condition)


def text(value: str) -> str:
    """Return a text as a literal."""
    return f'"{"".join(map(_escaped, value))}"'


def kept_name(name: str | None) -> str:
    """Return a name as its column keeps it: no name is less than any, and long ones are hashed."""
    if name is None:
        return ""
    data = name.encode("utf-8", "surrogatepass")
    if len(data) > _LONGEST_NAME or any("\ud800" <= letter <= "\udfff" for letter in name):
        return f"#{blake2b(data, digest_size=16).hexdigest()}"
    return f"={name}"


def folder_hashes(files: Iterable[EntryFile]) -> list[int]:
    """Return the hashes of all that some files lie under: the root, its folders, the files."""
    found = set()
    for file in files:
        path = file.path
        found.add(folder_hash(file.root, b""))
        while path:
            found.add(folder_hash(file.root, path))
            path = path.rpartition(b"/")[0]
    return sorted(found) if len(found) <= MOST_FOLDERS else [ANYWHERE]


def folder_hash(root: int, below: bytes) -> int:
    """Return a number that a folder or file of a root is known by; never `ANYWHERE`."""
    digest = blake2b(b"%d:%s" % (root, below), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() or letter > "\x7f" else f"\\u{ord(letter):04x}"


def _name(name: str) -> str:
    return text(kept_name(name))


def _value(value: str | int) -> str:
    return (
        text(kept_name(value))
        if isinstance(value, str)
        else str(max(-_LARGEST, min(value, _LARGEST)))
    )


def _of_field(condition: OneOf | AtLeast | LessThan | Lacks) -> str:
    match condition:
        case OneOf(field, names):
            return f"{field} in [{', '.join(map(_name, names))}]" if names else NOTHING
        case AtLeast(field, value):
            return f"{field} >= {_value(value)}"
        case LessThan(field, value):
            least = f"{field} >= {text(kept_name(''))} and " if field == "taken" else ""
            return f"{least}{field} < {_value(value)}"
        case Lacks("latitude"):
            return f"latitude > {NOWHERE / 2}"
        case Lacks(field):
            return f"{field} == {text(kept_name(None))}"


def _near(near: Near) -> str:
    """Return the box around a circle, which at a pole is all round the Earth."""
    south, north = near.latitudes
    box = f"latitude >= {_degrees(south)} and latitude <= {_degrees(north)}"
    angle = near.kilometres / EARTH_RADIUS_KM
    widest = math.cos(math.radians(near.latitude))
    if angle >= math.pi / 2 or math.sin(angle) >= widest:
        return box
    reach = math.degrees(math.asin(math.sin(angle) / widest)) + _A_LITTLE
    west, east = near.longitude - reach, near.longitude + reach
    parts = [f"longitude >= {_degrees(west)} and longitude <= {_degrees(east)}"]
    if west < -180:  # noqa: PLR2004 - degrees of the globe
        parts.append(f"longitude >= {_degrees(west + 360)}")
    if east > 180:  # noqa: PLR2004 - likewise
        parts.append(f"longitude <= {_degrees(east - 360)}")
    return f"{box} and ({' or '.join(f'({part})' for part in parts)})"


def _degrees(value: float) -> str:
    return f"{value:.9f}"

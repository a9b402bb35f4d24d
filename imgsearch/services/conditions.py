"""What an entry must be besides near: a tree of typed conditions, which every engine translates.

The tree holds values only, never text in an engine's language. `passes` says what it means; an
engine may let more through where it lacks a word for something, as its answers are checked again,
but never less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from imgsearch.storage.places import Near, distance_km

if TYPE_CHECKING:
    from imgsearch.services.entries import Entry

NameField = Literal["camera", "lens", "format"]
OrderedField = Literal["taken", "width", "height"]
OptionalField = Literal["taken", "camera", "lens", "latitude"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A name that is one of several, letter for letter.

    Attributes:
        field: whose name.
        values: none of them: nothing passes.
    """

    field: NameField
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A value that is no less than another one; an entry without the value does not pass.

    Attributes:
        field: "taken" is text, ordered by code points; the others are whole numbers.
        value: of the field's type.
    """

    field: OrderedField
    value: str | int


@dataclass(frozen=True, slots=True)
class LessThan:
    """A value that is less than another one; an entry without the value does not pass."""

    field: OrderedField
    value: str | int


@dataclass(frozen=True, slots=True)
class Lacks:
    """An entry that has no such value."""

    field: OptionalField


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder or a file of a root.

    Attributes:
        root: the root's number in the description.
        below: the stored form of the path beneath it; b"" for all of the root.
    """

    root: int
    below: bytes


@dataclass(frozen=True, slots=True)
class UnderOneOf:
    """Some file of the entry is one of these, or lies beneath one."""

    folders: tuple[Folder, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of some conditions hold; of none, everything passes."""

    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of some conditions holds; of none, nothing passes."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = OneOf | AtLeast | LessThan | Lacks | Near | UnderOneOf | AllOf | AnyOf
EVERYTHING: Final = AllOf()


def passes(condition: Condition, entry: Entry) -> bool:  # noqa: PLR0911 - one line for each kind
    """Whether a condition holds for an entry."""
    match condition:
        case AllOf(conditions):
            return all(passes(one, entry) for one in conditions)
        case AnyOf(conditions):
            return any(passes(one, entry) for one in conditions)
        case OneOf(field, values):
            return getattr(entry, field) in values
        case AtLeast(field, value):
            known = getattr(entry, field)
            return known is not None and known >= value
        case LessThan(field, value):
            known = getattr(entry, field)
            return known is not None and known < value
        case Lacks(field):
            return getattr(entry, field) is None
        case Near():
            return _is_near(condition, entry)
        case UnderOneOf(folders):
            return any(_lies_under(folders, file.root, file.path) for file in entry.files)


def _is_near(near: Near, entry: Entry) -> bool:
    if entry.latitude is None or entry.longitude is None:
        return False
    south, north = near.latitudes
    return (
        south <= entry.latitude <= north
        and distance_km(entry.latitude, entry.longitude, near.latitude, near.longitude)
        <= near.kilometres
    )


def _lies_under(folders: tuple[Folder, ...], root: int, path: bytes) -> bool:
    return any(
        folder.root == root
        and (folder.below in (b"", path) or path.startswith(folder.below + b"/"))
        for folder in folders
    )

"""Names of the collections that belong to one address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.services.service_address import ServiceAddress

_NAME: Final = re.compile(r"(?!.*__)[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, order=True)
class DataName:
    """A collection with entries.

    Attributes:
        number: greater than that of any other when it was made.
        space: of its entries.
        full: its name.
    """

    number: int
    space: str
    full: str


def checked_name(address: ServiceAddress) -> str:
    """Return what an address calls its collection.

    Raises:
        UsageError: Milvus has no such names, or it would be mixed up with those made of it.
    """
    name = address.parts[-1]
    if not _NAME.fullmatch(name) or name.endswith("_"):
        raise UsageError(
            f"{address}: {name!r} is not the name of a collection: expected letters of ASCII, "
            "digits and single '_', a letter first, 63 at most"
        )
    return name


def data_name(name: str, number: int, space: str) -> DataName:
    """Return the name of a new collection."""
    return DataName(number, space, f"{name}__{number}_{space}")


def data_names(name: str, collections: Iterable[str]) -> list[DataName]:
    """Return the collections with entries of an address among all of a server, in their order."""
    pattern = re.compile(rf"{re.escape(name)}__(\d+)_(\w+)")
    found = (pattern.fullmatch(full) for full in collections)
    return sorted(DataName(int(one[1]), one[2], one[0]) for one in found if one)


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """What an alias of its own says of the version that readers see.

    Attributes:
        version: of the rows.
        time: of the server, by which all rows of the version were there.
        full: the collection's name.
    """

    version: int
    time: int
    full: str


def seen_alias(name: str, version: int, time: int) -> str:
    """Return the alias that says which version is seen."""
    return f"{name}__seen_{version}_{time}"


def seen_aliases(name: str, full: str, aliases: Iterable[str]) -> dict[Seen, str]:
    """Return what the aliases of a collection say, and which they are, the newest last."""
    pattern = re.compile(rf"{re.escape(name)}__seen_(\d+)_(\d+)")
    found = (pattern.fullmatch(alias) for alias in aliases)
    return dict(sorted((Seen(int(one[1]), int(one[2]), full), one[0]) for one in found if one))


def lock_name(name: str, number: int) -> str:
    """Return the name of a writer's lock."""
    return f"{name}__lock_{number}"


def lock_numbers(name: str, collections: Iterable[str]) -> list[int]:
    """Return the numbers of an address's locks among all collections of a server, in order."""
    pattern = re.compile(rf"{re.escape(name)}__lock_(\d+)")
    found = (pattern.fullmatch(full) for full in collections)
    return sorted(int(one[1]) for one in found if one)

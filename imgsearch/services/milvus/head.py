"""The head of a collection: which version is seen, and which rows are not, or no longer."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import ServiceError
from imgsearch.services.description_text import from_text, to_text
from imgsearch.services.milvus.rows import HIDDEN, head_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imgsearch.services.entries import Description
    from imgsearch.services.milvus.table import Table

_ID: Final = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class Ended:
    """Entries whose older rows are no longer seen.

    Attributes:
        version: rows that earlier versions put are not.
        at: when that version was published, in seconds since 1970.
        ids: of the entries.
    """

    version: int
    at: float
    ids: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What readers see of a collection.

    Attributes:
        version: this one.
        description: of the entries.
        since: when the first version of this collection was published, in seconds since 1970.
        unsealed: how many rows were put since a publish last waited for their index.
        ended: rows that are not seen.
        whole: rows of all versions up to it are seen.
        later: of the versions after it rows of these are seen, and of no others: what a publish
            that was interrupted has put may come back when the server starts again.
    """

    version: int
    description: Description
    since: float
    unsealed: int
    ended: tuple[Ended, ...] = ()
    whole: int = 1
    later: tuple[int, ...] = ()
    _last: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Gather in which version each entry ended last."""
        for ended in sorted(self.ended, key=lambda one: one.version):
            self._last.update(dict.fromkeys(ended.ids, ended.version))

    @property
    def there(self) -> str:
        """An expression that is true of the rows that were there when it was published."""
        whole = f"since <= {self.whole}"
        return f"({whole} or since in {list(self.later)})" if self.later else whole

    @property
    def never_seen(self) -> str:
        """An expression that is true of the rows that interrupted publishes have left."""
        others = f"since > {self.whole} and since < {HIDDEN}"
        return f"{others} and since not in {list(self.later)}" if self.later else others

    def sees(self, row: Mapping[str, Any]) -> bool:
        """Whether a row with "id" and "since", of those that are there, is seen."""
        return bool(row["since"] >= self._last.get(row["id"], 0))

    @property
    def ended_ids(self) -> Iterable[int]:
        """The entries of which there are rows that are not seen."""
        return self._last

    def to_text(self) -> str:
        """Return one line of ASCII, which `find_head` reads."""
        return json.dumps({
            "description": to_text(self.description),
            "since": self.since,
            "unsealed": self.unsealed,
            "whole": self.whole,
            "later": self.later,
            "ended": [[one.version, one.at, _packed(one.ids)] for one in self.ended],
        })  # fmt: skip


def find_head(table: Table, version: int) -> Head | None:
    """Return the head of a version; None where the server has not all of its rows.

    Args:
        table: at a time when it was there.
        version: that readers see.

    Raises:
        ServiceError: it is of another version of imgsearch.
    """
    shown = table.connection.shown
    rows = table.by_key([head_key(version)], ["row", "about", "parts"])
    text = table.whole_text(rows[0]) if rows else None
    if text is None:
        return None
    try:
        values = json.loads(text)
        ended = tuple(
            Ended(int(version), float(at), _unpacked(ids)) for version, at, ids in values["ended"]
        )
        return Head(
            version,
            from_text(values["description"], shown),
            float(values["since"]),
            int(values["unsealed"]),
            ended,
            # Before 2026-11-29 versions were numbered, and rows of all of them seen.
            int(values.get("whole", version)),
            tuple(map(int, values.get("later", ()))),
        )
    except (ValueError, TypeError, LookupError, zlib.error) as error:
        raise ServiceError(
            f"{shown}: what describes the collection can't be read; it was published by another "
            "version of imgsearch, or is damaged: drop it in Milvus and publish it again"
        ) from error


def _packed(ids: Iterable[int]) -> str:
    gaps = np.diff(np.array(sorted(ids), dtype=_ID), prepend=0)
    return b64encode(zlib.compress(gaps.astype(_ID).tobytes())).decode()


def _unpacked(text: str) -> frozenset[int]:
    gaps = np.frombuffer(zlib.decompress(b64decode(text)), _ID)
    return frozenset(np.cumsum(gaps).tolist())

"""A share of the files: many machines index one collection, and none of them coordinates."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.storage.database import Store

SETTING: Final = "shard"
_FORM: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """The share number `number` of `of`, counted from 1.

    A file's share depends on its path relative to its root, and on nothing else: whichever machine
    asks, wherever the root is mounted there, and whatever else lies in it.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        """Refuse a share that there is not.

        Raises:
            UsageError: names it.
        """
        if not 1 <= self.number <= self.of:
            raise UsageError(
                f"shard: {self} is none; expected K/N with K from 1 to N, such as 3/16"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the share that "3/16" names.

        Raises:
            UsageError: it names none.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(
                f"shard: {text!r} is none; expected K/N with K from 1 to N, such as 3/16"
            )
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, path: bytes) -> bool:
        """Whether a file, by its stored path relative to the root, belongs to the share."""
        if self.of == 1:
            return True
        digest = hashlib.blake2b(path, digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number - 1


WHOLE: Final = Shard()


def remembered(store: Store, wanted: Shard | None) -> Shard:
    """Return the share that a gallery indexes, which it keeps.

    Args:
        store: of the gallery; in a transaction if `wanted` is given.
        wanted: None for the share that the gallery has.

    Raises:
        UsageError: the gallery has files of another share: they would leave it.
    """
    text = store.setting(SETTING)
    known = Shard.parse(text) if text else WHOLE
    if wanted is None or wanted == known:
        return known
    if wanted.of > 1 and (known.of > 1 or store.counts().files):
        raise UsageError(
            f"shard: this gallery holds the share {known} of the files; index {wanted} into "
            "another gallery, or all files into this one with --shard 1/1"
        )
    store.set_setting(SETTING, str(wanted))
    return wanted

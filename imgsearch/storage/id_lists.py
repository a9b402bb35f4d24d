"""Lists of ids in SQL statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Statements of few lengths are compiled once each; more values than the last do not go faster.
LENGTHS: Final = (1, 16, 64, 512)


def in_parts(ids: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """Yield question marks for `IN (...)`, and as many ids, until all have been yielded.

    The last id of a part is repeated to fill it up.
    """
    wanted = [int(identifier) for identifier in ids]
    for start in range(0, len(wanted), LENGTHS[-1]):
        part = wanted[start : start + LENGTHS[-1]]
        length = next(length for length in LENGTHS if length >= len(part))
        yield ",".join("?" * length), part + part[-1:] * (length - len(part))

"""Of several names of one physical file in a scan, keep those that are hard links or the best.

A symbolic link, a second mount or a second root may lead to a file that the scan found already. It
is one file: its other names are left out, lest it be called a duplicate of itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from imgsearch import paths

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_AS_OLD: Final = "other.size = scan.size AND other.mtime_ns = scan.mtime_ns"


@dataclass(frozen=True, slots=True)
class _Name:
    root_id: int
    path: bytes
    links: int


def superfluous_names(
    connection: sqlite3.Connection, roots: Mapping[int, Path]
) -> list[tuple[int, bytes]]:
    """Return the names in the table `scan` that lead to a file which has a better one.

    A name without a symbolic link below its root is better than one with, then the first is.

    Args:
        connection: of the gallery, with the temporary table.
        roots: by id.

    Returns:
        Ids of roots and stored relative paths.
    """
    again = [
        (name.root_id, name.path)
        for names in _groups(connection)
        for name in _beyond_the_first(names, roots)
    ]
    return again + _known_by_another_name(connection, roots, set(again))


def _groups(connection: sqlite3.Connection) -> Iterator[list[_Name]]:
    rows = connection.execute(
        f"""
        SELECT scan.device, scan.number, scan.root_id, scan.path, scan.links FROM (
            SELECT device, number, size, mtime_ns FROM scan WHERE number IN (
                -- Most often there are none, and fewer columns are sorted sooner.
                SELECT number FROM scan GROUP BY number HAVING COUNT(*) > 1
            )
            GROUP BY device, number, size, mtime_ns
            HAVING COUNT(*) > 1 AND (MAX(by_symlink) OR MIN(links) = 1)
        ) AS other
        JOIN scan ON other.device = scan.device AND other.number = scan.number AND {_AS_OLD}
        ORDER BY scan.device, scan.number, by_symlink, scan.root_id, scan.path
        """  # noqa: S608 - a constant
    )
    for _, group in groupby(rows, key=lambda row: row[:2]):
        yield [_Name(*row[2:]) for row in group]


def _beyond_the_first(names: Iterable[_Name], roots: Mapping[int, Path]) -> Iterator[_Name]:
    seen: set[str] = set()
    for name in names:
        # Names that resolve to different ones are hard links, which only several links can be.
        place = "" if name.links == 1 else _resolved(roots[name.root_id], name.path)
        if place in seen:
            yield name
        seen.add(place)


def _known_by_another_name(
    connection: sqlite3.Connection, roots: Mapping[int, Path], left_out: set[tuple[int, bytes]]
) -> list[tuple[int, bytes]]:
    """Return new names, and those with a symbolic link, of files known at places not scanned."""
    rows = connection.execute(
        f"""
        SELECT scan.root_id, scan.path, scan.links, other.root_id, other.path
        FROM scan JOIN file AS other ON other.inode = scan.inode AND {_AS_OLD}
        WHERE (by_symlink OR NOT EXISTS (
            SELECT 1 FROM file WHERE file.root_id = scan.root_id AND file.path = scan.path
        )) AND NOT EXISTS (
            SELECT 1 FROM scan AS known
            WHERE known.root_id = other.root_id AND known.path = other.path
        ) AND other.id NOT IN (SELECT file_id FROM missing)
        """  # noqa: S608 - a constant
    ).fetchall()
    found = []
    for root_id, path, links, other_root, other_path in rows:
        place = paths.join(paths.encode(roots[root_id]), path)
        other = paths.join(paths.encode(roots[other_root]), other_path)
        if (root_id, path) in left_out or paths.identity(place) != paths.identity(other):
            continue
        if links == 1 or os.path.realpath(place) == os.path.realpath(other):
            found.append((root_id, path))
    return found


def _resolved(root: Path, path: bytes) -> str:
    return os.path.realpath(paths.join(paths.encode(root), path))

"""Flip bits in every file and in every row of a gallery, restore and swap its databases.

Whatever is damaged, an answer must be that of the undamaged gallery, or an error of imgsearch's own
that says so, or `check` must find something. Then whoever does what messages advise (`check
--repair --drop`, `index --rehash`, `prune`) must have the answers of the undamaged gallery again,
or must be told that the database cannot be saved.

A value that nothing protects and nothing can know, such as a camera's name or a folder's path
(which is then offline), may change unnoticed until `index --rehash`: it is counted, and no fault.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import crash_operations
from crash_commands import answers_of, copied, inconsistencies
from crash_gallery import make_pictures
from crash_operations import LISTS, Place, open_gallery

from imgsearch.errors import ImgsearchError
from imgsearch.indexing.report import IndexOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.search.matches import Match

# Tables without a row in these galleries, and SQLite's own.
ROWS: Final = ("root", "content", "file", "recipe", "embedding", "setting", "fingerprint")


@dataclass(slots=True)
class Flips:
    """What all damages of a kind came to.

    Attributes:
        unchanged: answers as before, and `check` clean.
        found: by an error or by `check`.
        faults: wrong answers that nothing tells of, errors that are not imgsearch's own, damage
            that stays.
    """

    unchanged: int = 0
    found: int = 0
    faults: list[str] = field(default_factory=list)


def run_flips(workspace: Path, *, rounds: int, pictures: int, seed: int) -> dict[str, Flips]:
    """Damage galleries in every way.

    Args:
        workspace: an empty folder.
        rounds: flips in each file and table.
        pictures: number of images.
        seed: of the places.
    """
    random = np.random.default_rng(seed)
    photos, more = workspace / "photos", workspace / "more"
    make_pictures(photos, pictures)
    make_pictures(more, pictures, seed=1)
    exact = Place(workspace / "exact", photos, more, workspace / "moved")
    crash_operations.index(exact)
    lists = copied(exact, workspace / "lists")
    crash_operations.index(lists, index=LISTS)
    outcomes: dict[str, Flips] = {}
    for kind, suffix, place in (
        ("gallery.db", "gallery.db", exact),
        ("exact cache", "*.faiss", exact),
        ("cache beside lists", "*.faiss", lists),
        ("lists", "*.lists", lists),
    ):
        outcomes[f"a bit of the {kind}"] = _all(
            place, workspace, rounds, partial(_flip_file, pattern=suffix, random=random)
        )
        outcomes[f"the {kind} cut"] = _all(
            place, workspace, rounds, partial(_cut_file, pattern=suffix, random=random)
        )
    for table in ROWS:
        outcomes[f"a bit of a row in {table}"] = _all(
            exact, workspace, rounds, partial(_flip_row, table=table, random=random)
        )
    outcomes["an older database restored"] = _restored(workspace, exact)
    outcomes["caches and databases of another gallery"] = _swapped(workspace, exact)
    return outcomes


def _all(place: Place, workspace: Path, rounds: int, damage: Callable[[Path], str]) -> Flips:
    outcome, right = Flips(), answers_of(place)
    rows = copied(place, workspace / "rows")
    _drop_caches(rows)
    whole = answers_of(rows)
    shutil.rmtree(rows.gallery)
    for _ in range(rounds):
        hurt = copied(place, workspace / "hurt")
        what = damage(hurt.gallery)
        _judge(hurt, right, whole, what, outcome)
        shutil.rmtree(hurt.gallery)
    return outcome


def _judge(
    place: Place,
    right: list[list[Match]],
    whole: list[list[Match]],
    what: str,
    outcome: Flips,
) -> None:
    """Ask, check, repair and ask again; the answers must be `right`, and `whole` without caches."""
    try:
        try:
            answers = answers_of(place)
            told = False
        except ImgsearchError:
            answers, told = right, True
        found = True
        with suppress(ImgsearchError), open_gallery(place) as gallery:
            found = not gallery.check().clean
        wrong = answers != right and not found and not told
        mended = _mended(place)
    except Exception as error:  # noqa: BLE001 - none but imgsearch's own may come
        outcome.faults.append(f"{what}: {type(error).__name__}: {error}")
        return
    if wrong and not _only_facts(answers, right):
        outcome.faults.append(f"{what}: wrong answers, and check finds nothing")
    elif mended is not None and mended != whole and not _only_facts(mended, whole):
        outcome.faults.append(f"{what}: wrong answers after a repair")
    elif found or told:
        outcome.found += 1
    else:
        outcome.unchanged += 1


def _mended(place: Place) -> list[list[Match]] | None:
    """Return the answers after all that messages advise; None if the database is beyond repair."""
    try:
        with open_gallery(place) as gallery:
            gallery.check(repair=True, drop=True)
            gallery.index(place.photos, options=IndexOptions(rehash=True))
            gallery.prune()  # contents whose hash was another, which the projection would count
        # With its caches, a gallery keeps the projection of what it held then.
        _drop_caches(place)
        return answers_of(place)
    except ImgsearchError:
        return None


def _drop_caches(place: Place) -> None:
    for cache in place.gallery.glob("index-*"):
        cache.unlink()


def _only_facts(answers: list[list[Match]], right: list[list[Match]]) -> bool:
    """Tell whether answers differ in nothing but what a file tells of itself."""

    def bare(matches: list[list[Match]]) -> list[list[tuple[object, ...]]]:
        return [[(match.path.name, match.score, match.rank) for match in each] for each in matches]

    return bare(answers) == bare(right)


def _flip_file(gallery: Path, pattern: str, random: np.random.Generator) -> str:
    (path,) = gallery.glob(pattern)
    data = bytearray(path.read_bytes())
    place, bit = int(random.integers(len(data))), int(random.integers(8))
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"{path.name}, byte {place}, bit {bit}"


def _cut_file(gallery: Path, pattern: str, random: np.random.Generator) -> str:
    (path,) = gallery.glob(pattern)
    data = path.read_bytes()
    length = int(random.integers(len(data)))
    path.write_bytes(data[:length])
    return f"{path.name}, cut to {length} bytes"


def _flip_row(gallery: Path, table: str, random: np.random.Generator) -> str:
    with closing(sqlite3.connect(gallery / "gallery.db")) as rows:
        columns = [name for _, name, *_ in rows.execute(f"PRAGMA table_info({table})")]
        ids = [number for (number,) in rows.execute(f"SELECT rowid FROM {table}")]  # noqa: S608 - from ROWS
        column, row = str(random.choice(columns)), int(random.choice(ids))
        select = f"SELECT {column} FROM {table} WHERE rowid = ?"  # noqa: S608 - likewise
        (value,) = rows.execute(select, (row,)).fetchone()
        flipped = _flipped(value, random)
        with suppress(sqlite3.IntegrityError):  # of two rows with one key the first stays
            update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608 - likewise
            rows.execute(update, (flipped, row))
        rows.commit()
    return f"{table}.{column} of row {row}: {value!r:.60} -> {flipped!r:.60}"


def _flipped(value: object, random: np.random.Generator) -> object:
    if value is None:
        return 1
    if isinstance(value, int):
        return value ^ 1 << int(random.integers(62))
    if isinstance(value, float):
        return -value
    data = bytearray(value if isinstance(value, bytes) else str(value).encode())
    if not data:
        return "x"
    data[int(random.integers(len(data)))] ^= 1 << int(random.integers(7))
    return bytes(data) if isinstance(value, bytes) else data.decode("utf-8", "replace")


def _restored(workspace: Path, exact: Place) -> Flips:
    """Put an older database back, or older caches, ask, and index on."""
    outcome = Flips()
    for files in ("gallery.db", "index-*"):
        place = copied(exact, workspace / "restored")
        older = copied(place, workspace / "older")
        crash_operations.index(place, more=True)
        _replace(place, older, files)
        _compare(place, f"older {files}", outcome)
        crash_operations.index(place, more=True)
        _compare(place, f"older {files}, after indexing on", outcome)
        for used in (place, older):
            shutil.rmtree(used.gallery)
    return outcome


def _swapped(workspace: Path, exact: Place) -> Flips:
    """Put the files of a gallery of as many other pictures in their place, one kind at a time."""
    outcome = Flips()
    other = replace(exact, gallery=workspace / "other", photos=exact.more)
    crash_operations.index(other)
    for files in ("gallery.db", "index-*"):
        place = copied(exact, workspace / "swapped")
        _replace(place, other, files)
        _compare(
            replace(place, photos=exact.more) if files == "gallery.db" else place,
            f"{files} of another gallery",
            outcome,
        )
        shutil.rmtree(place.gallery)
    return outcome


def _replace(place: Place, source: Place, files: str) -> None:
    for path in [*place.gallery.glob(files)]:
        path.unlink()
    for path in source.gallery.glob(files):
        shutil.copy(path, place.gallery)


def _compare(place: Place, what: str, outcome: Flips) -> None:
    faults = inconsistencies(place)
    outcome.faults += [f"{what}: {fault}" for fault in faults]
    outcome.unchanged += not faults

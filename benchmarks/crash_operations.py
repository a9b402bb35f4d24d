"""Every command that writes a gallery, as a process that kills itself before a step on disk.

    python benchmarks/crash_operations.py COMMAND STEP GALLERY PHOTOS MORE MOVED

A step commits, opens a file of the gallery for writing, renames or removes one. Step 0 kills
nothing; the number of steps is printed at the end.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from crash_gallery import BATCH, ColourGrids, file_rows

from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions
from imgsearch.recipe import RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND: Final = "second"
LISTS: Final = "IVF6,SQ8"
DAMAGED: Final = 5
_WRITING: Final = os.O_WRONLY | os.O_RDWR
_STEPS: Final = frozenset({"os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round takes place: a gallery and the photos, and others that are later added."""

    gallery: Path
    photos: Path
    more: Path
    moved: Path


@dataclass(frozen=True, slots=True)
class Command:
    """A command that writes, and the gallery that it begins with.

    Attributes:
        run: the command.
        prepare: makes the gallery of one that holds the photos.
        drops: whether embeddings may go.
        damaged: whether the gallery is damaged to begin with.
    """

    run: Callable[[Place], None]
    prepare: Callable[[Place], None] = lambda _: None
    drops: bool = False
    damaged: bool = False


def open_gallery(place: Place, layer: str | None = None) -> Gallery:
    """Open the gallery under the toy's recipe of a layer."""
    wanted = None if layer is None else RecipeRequest(backbone="colour-grid", layer=layer)
    return Gallery(place.gallery, source=ColourGrids(0.002), recipe=wanted)


def index(
    place: Place, *, layer: str | None = None, index: str | None = None, more: bool = False
) -> None:
    """Index the photos, and those that come later."""
    with open_gallery(place, layer) as gallery:
        folders = (place.photos, place.more) if more else (place.photos,)
        gallery.index(*folders, options=IndexOptions(batch_size=BATCH, jobs=2, index=index))


def _remove(place: Place) -> None:
    album = os.fsencode(f"album1{os.sep}")
    if any(bytes(path).startswith(album) for _, path, *_ in file_rows(place.gallery)):
        with open_gallery(place) as gallery:
            gallery.remove(place.photos / "album1")


def _relocate(place: Place) -> None:
    with open_gallery(place) as gallery:
        if file_rows(place.gallery)[0][0] != os.fsencode(place.moved):
            gallery.relocate(place.photos, place.moved)


def _prune(place: Place) -> None:
    with open_gallery(place) as gallery:
        gallery.prune()


def _repair(place: Place) -> None:
    with open_gallery(place) as gallery:
        gallery.check(repair=True)


def _export(place: Place) -> None:
    with open_gallery(place) as gallery:
        gallery.export(place.gallery / "export", overwrite=True)


def _damage(place: Place) -> None:
    """Flip a sign in some embeddings of album1, and a bit in every cache."""
    with closing(sqlite3.connect(place.gallery / "gallery.db")) as rows:
        ids = rows.execute(
            "SELECT embedding.id, vector FROM embedding JOIN file USING (content_id) "
            "WHERE CAST(path AS TEXT) LIKE 'album1/%' LIMIT ?",
            (DAMAGED,),
        ).fetchall()
        for number, vector in ids:
            flipped = vector[:3] + bytes([vector[3] ^ 0x80]) + vector[4:]
            rows.execute("UPDATE embedding SET vector = ? WHERE id = ?", (flipped, number))
        rows.commit()
    for cache in place.gallery.glob("index-*"):
        data = bytearray(cache.read_bytes())
        data[len(data) // 2] ^= 1
        cache.write_bytes(data)


COMMANDS: Final[dict[str, Command]] = {
    "index into a gallery": Command(lambda place: index(place, more=True)),
    "index with a second recipe": Command(lambda place: index(place, layer=SECOND)),
    "index that builds lists": Command(lambda place: index(place, index=LISTS)),
    "index beside lists": Command(
        lambda place: index(place, more=True), lambda place: index(place, index=LISTS)
    ),
    "remove": Command(_remove, drops=True),
    "relocate": Command(_relocate),
    "prune": Command(_prune, _remove, drops=True),
    "check --repair": Command(_repair, _damage, drops=True, damaged=True),
    "export --overwrite": Command(_export, _export),
}


def _is_writing(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & _WRITING)


def _worker(name: str, step: int, place: Place) -> None:
    """Run a command in this process; kill it before its n-th step on the gallery's files."""
    taken = 0

    def take_step() -> None:
        nonlocal taken
        taken += 1
        if taken == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        named = event in _STEPS or (event == "open" and _is_writing(arguments[2]))
        if named and str(place.gallery) in str(arguments[0]):
            take_step()

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - passed on
        connection: sqlite3.Connection = real(*arguments, **options)
        connection.set_trace_callback(
            lambda statement: take_step() if statement in {"COMMIT", "VACUUM"} else None
        )
        return connection

    real, sqlite3.connect = sqlite3.connect, connect  # type: ignore[assignment]
    print("ready", flush=True)
    sys.addaudithook(watch)
    COMMANDS[name].run(place)
    print(taken, flush=True)


if __name__ == "__main__":
    _worker(sys.argv[1], int(sys.argv[2]), Place(*map(Path, sys.argv[3:])))

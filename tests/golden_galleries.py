"""How golden galleries are made, kept, and opened again.

Each is made over pictures beneath a temporary folder, relocated to `/golden`, where nothing is,
and packed. Whoever opens one draws the same pictures elsewhere and relocates it there.
"""

from __future__ import annotations

import io
import lzma
import os
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import FakeSource
from golden_pictures import WRITTEN_NS, Photo, Shot, write

from imgsearch import Gallery, IndexOptions, RecipeRequest

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = Path(__file__).parent / "golden"
HOME = Path("/golden")

_PHONE = {"maker": "Apple", "model": "iPhone 13", "lens": "iPhone 13 back camera"}
_SQUARE, _WIDE, _TALL = (16, 16), (32, 16), (16, 48)

BEACH = Photo(
    "photos/trip/beach.png", 1, _SQUARE, Shot(taken="2023:07:01 10:00:00", place=(48857, 2352))
)
SMALL = (
    BEACH,
    Photo("photos/copy.png", BEACH.seed, BEACH.size, BEACH.shot),
    Photo(
        "photos/trip/harbour.png", 2, _WIDE, Shot(taken="2023:07:01 18:30:00", place=(48805, 2120))
    ),
    Photo(
        "photos/trip/night.tiff",
        3,
        _WIDE,
        Shot(taken="2024:01:15 23:59:59", place=(-33857, 151215), **_PHONE),
    ),
    Photo("photos/trip/turned.png", 4, _WIDE, Shot(taken="2024:05:01 12:00:00", orientation=6)),
    Photo("photos/home/cat.bmp", 5, _SQUARE),
    Photo("photos/home/dog.ppm", 6, _TALL),
    Photo("photos/home/na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve \N{SNOWMAN}.bmp", 7, _WIDE),
    Photo(os.fsdecode(b"photos/home/caf\xe9.ppm"), 8, _SQUARE),
    Photo("archive/1998/scan.tiff", 9, _TALL, Shot(taken="1998:12:24 20:00:00", **_PHONE)),
    Photo("archive/1998/print.bmp", 10, _WIDE),
    Photo("archive/album.ppm", 11, _SQUARE),
    Photo("archive/cover.png", 12, _TALL),
)
EXCLUDED = Photo("photos/private/diary.png", 13)
GONE = Photo("archive/gone.png", 14)
NO_PICTURE = b"no picture"
# The newest decoding rules when the galleries were made.
DECODER = 1
SECOND = RecipeRequest(backbone="fake-2", size=32, resize="pad", pooling="gem:4", layer="inner")

# As many as a projection is fitted on, and a few more than named indexes are trained on.
PROJECTED = tuple(Photo(f"photos/{n % 3}/{n:03}.bmp", 1000 + n) for n in range(252))
MANY = tuple(
    Photo(f"photos/{n % 4}/{n:03}.{'ppm' if n % 5 == 0 else 'bmp'}", 2000 + n) for n in range(304)
)
REMOVED = MANY[7:200:48]
ADDED = tuple(Photo(f"photos/new/{n}.bmp", 3000 + n) for n in range(6))
REAL = tuple(Photo(f"photos/{n % 2}/{n}.png", 4000 + n, (96, 64 + 16 * n)) for n in range(8))
REAL_SECOND = RecipeRequest(backbone="compact", pooling="gem:4", resize="pad")

ONE_THREAD = IndexOptions(jobs=1)


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A kind of gallery that is kept.

    Attributes:
        name: of its files.
        photos: that its files are, so that they can be drawn again.
        make: makes its folder, given that of the pictures, which are drawn.
        fake: whether its embeddings are those of the fake backbone.
        slack: how far scores may lie from what they were.
        network_slack: likewise where pictures had to be embedded.
        unreadable: paths of files that are no pictures.
        added: pictures likewise, but drawn while it is made.
        others: pictures that are only there while it is made.
    """

    name: str
    photos: tuple[Photo, ...]
    make: Callable[[Path], None]
    fake: bool = True
    slack: float = 0.0
    network_slack: float = 0.0
    unreadable: tuple[str, ...] = ()
    added: tuple[Photo, ...] = ()
    others: tuple[Photo, ...] = ()

    @property
    def archive(self) -> Path:
        """Where the gallery's folder is kept."""
        return KEPT / f"{self.name}.tar.xz"

    @property
    def expected(self) -> Path:
        """Where its answers are kept."""
        return KEPT / f"{self.name}.json"

    def folder(self, base: Path) -> Path:
        """Return the gallery's folder beneath that of its pictures' roots."""
        return base / f"{self.name}.gallery"

    def source(self) -> FakeSource | None:
        """Return a fresh source of its embeddings; None for the real one."""
        return FakeSource(decoder=DECODER) if self.fake else None

    def open(self, base: Path, **choices: str) -> Gallery:
        """Return the gallery that lies beneath a folder."""
        return Gallery(self.folder(base), source=self.source(), offline=True, **choices)

    def draw(self, base: Path) -> None:
        """Draw its pictures, and write the files that are none."""
        for photo in self.photos + self.added:
            photo.draw(base)
        for path in self.unreadable:
            write(base / path, NO_PICTURE)

    def build(self, base: Path) -> None:
        """Make the gallery anew, over pictures beneath a folder, and relocate it from there."""
        for photo in self.photos + self.others:
            photo.draw(base)
        for path in self.unreadable:
            write(base / path, NO_PICTURE)
        self.make(base)
        with self.open(base) as gallery:
            gallery.relocate(base, HOME)
        with closing(sqlite3.connect(self.folder(base) / "gallery.db")) as database:
            database.execute("VACUUM")

    def pack(self, base: Path) -> None:
        """Keep the gallery that lies beneath a folder."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path in sorted(self.folder(base).iterdir()):
                if path.name == "gallery.db" or path.suffix in {".faiss", ".lists"}:
                    member = tarfile.TarInfo(path.name)
                    member.size = path.stat().st_size
                    member.mtime = WRITTEN_NS // 10**9
                    archive.addfile(member, io.BytesIO(path.read_bytes()))
        self.archive.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))

    def unpack(self, base: Path) -> None:
        """Put the gallery that is kept beneath a folder; its roots are offline."""
        with tarfile.open(self.archive) as archive:
            archive.extractall(self.folder(base), filter="data")

    def restore(self, base: Path) -> None:
        """Put the gallery that is kept beneath a folder, with its pictures."""
        self.unpack(base)
        self.draw(base)
        with self.open(base) as gallery:
            gallery.relocate(HOME, base)


def caches(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return bytes and time of every index file in a gallery's folder."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.glob("index-*"))
    }


def _make_exact(base: Path) -> None:
    with GOLDEN["exact"].open(base) as gallery:
        gallery.index(base / "photos", options=IndexOptions(exclude=("private",), jobs=1))
        gallery.index(base / "archive", options=ONE_THREAD)
        (base / GONE.path).unlink()
        gallery.index(options=ONE_THREAD)
    with Gallery(gallery.path, recipe=SECOND, source=FakeSource(decoder=DECODER)) as gallery:
        gallery.index(options=ONE_THREAD)


def _make_projected(base: Path) -> None:
    with GOLDEN["projected"].open(base) as gallery:
        gallery.index(base / "photos", options=ONE_THREAD)


def _make_approximate(base: Path, name: str, factory: str) -> None:
    with GOLDEN[name].open(base) as gallery:
        gallery.index(base / "photos", options=IndexOptions(index=factory, jobs=1))
        for photo in REMOVED:
            (base / photo.path).unlink()
        for photo in ADDED:
            photo.draw(base)
        gallery.index(options=ONE_THREAD)
        gallery.prune()


def _make_compact(base: Path) -> None:
    for recipe in (RecipeRequest(backbone="compact"), REAL_SECOND):
        with Gallery(GOLDEN["compact"].folder(base), recipe=recipe, offline=True) as gallery:
            gallery.index(base / "photos", options=ONE_THREAD)


_LEFT = tuple(photo for photo in MANY if photo not in REMOVED)
# A projected query is a product of matrices, whose sums BLAS takes in the processor's own order.
_BLAS = 2e-6
# Likewise the many sums of a network; test_embedder allows its runtimes as much.
_NETWORK = 1e-5

GOLDEN = {
    golden.name: golden
    for golden in (
        Golden(
            name="exact",
            photos=SMALL,
            make=_make_exact,
            unreadable=("photos/home/broken.png",),
            others=(EXCLUDED, GONE),
        ),
        Golden(name="projected", photos=PROJECTED, make=_make_projected, slack=_BLAS),
        Golden(
            name="lists",
            photos=_LEFT,
            make=lambda base: _make_approximate(base, "lists", "IVF4,SQ8"),
            slack=_BLAS,
            added=ADDED,
            others=REMOVED,
        ),
        Golden(
            name="refined",
            photos=_LEFT,
            make=lambda base: _make_approximate(base, "refined", "IVF4,PQ24x4fs"),
            slack=_BLAS,
            added=ADDED,
            others=REMOVED,
        ),
        Golden(name="compact", photos=REAL, make=_make_compact, fake=False, network_slack=_NETWORK),
    )
}

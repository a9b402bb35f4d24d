"""A served gallery for tests: pictures with every peculiarity, and a client that speaks HTTP."""

from __future__ import annotations

import http.client
import io
import json
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from conftest import FakeSource, write_picture
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from imgsearch.gallery.gallery import Gallery
from imgsearch.web.server import PageServer, ServerOptions
from imgsearch.web.service import ServiceOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKUP = "<img src=x onerror=alert(1)>"
# Twelve plain pictures, one in two files, two with every metadatum, and three odd names.
NUMBER = 17


@dataclass
class Reply:
    """An answer of HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's document."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.json["error"]["code"])


@dataclass
class Served:
    """A running server, and a client that shows its token unless told otherwise."""

    port: int
    token: str
    folder: Path
    gallery: Path
    source: FakeSource
    said: list[str] = field(default_factory=list)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        token: bool = True,
    ) -> Reply:
        """Send a request over a connection of its own."""
        wanted = dict(headers or {})
        if token:
            wanted.setdefault("Authorization", f"Bearer {self.token}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, wanted)
            answer = connection.getresponse()
            return Reply(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Reply:
        """GET an address below /api/v1."""
        return self.ask("GET", f"/api/v1{path}", **options)

    def send(self, method: str, path: str, content: object, **options: Any) -> Reply:
        """Send JSON to an address below /api/v1."""
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        body = json.dumps(content).encode()
        return self.ask(method, f"/api/v1{path}", body, headers=headers, **options)

    def upload(self, data: bytes) -> Reply:
        """Send a picture."""
        return self.ask("POST", "/api/v1/uploads", data)

    def query(self, *pictures: dict[str, Any], **options: Any) -> Reply:
        """Ask a question."""
        return self.send("POST", "/queries", {"pictures": list(pictures), **options})

    def contents(self, query: str = "") -> list[dict[str, Any]]:
        """Return the entries of the list."""
        entries: list[dict[str, Any]] = self.get(f"/contents?limit=500{query}").json["contents"]
        return entries

    def is_well(self) -> bool:
        """Whether the server still answers, and has said nothing of a bug."""
        return self.get("/info").status == 200 and not any("bug" in line for line in self.said)


def write_photo(path: Path, *, seed: int, taken: str, camera: str, lens: str) -> Path:
    """Write a JPEG that tells when, where and with what it was taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = camera
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = taken
    inner[ExifTags.Base.LensModel] = lens
    inner[ExifTags.Base.FNumber] = 2.8
    inner[ExifTags.Base.ExposureTime] = IFDRational(1, 250)
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place.update({1: "N", 2: (48.0, 51.0, 0.0), 3: "E", 4: (2.0, 21.0, 0.0)})
    Image.fromarray(grid).resize((600, 400)).save(path, exif=exif, quality=92)
    return path


def make_gallery(folder: Path, source: FakeSource) -> Path:
    """Make pictures and index them; return the gallery's folder."""
    photos = folder / "photos"
    for number in range(12):
        write_picture(photos / f"trip{number % 3}" / f"{number:02}.png", seed=number)
    (photos / "copies").mkdir()
    (photos / "copies" / "again.png").write_bytes((photos / "trip0" / "00.png").read_bytes())
    write_photo(
        photos / "dated" / "paris.jpg",
        seed=100,
        taken="2024:05:01 12:00:00",
        camera="Sharp Eye 3",
        lens="Long 70-200",
    )
    write_photo(
        photos / "dated" / "script.jpg",
        seed=101,
        taken="2023:11:05 08:30:00",
        camera=MARKUP,
        lens=MARKUP,
    )
    write_picture(photos / MARKUP / f"{MARKUP}.png", seed=102)
    write_picture(photos / "-rf; $(reboot) `x`.png", seed=103)
    written = write_picture(photos / "odd.png", seed=104)
    written.rename(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png"))
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    gallery = folder / "pictures.gallery"
    with Gallery(gallery, source=source) as opened:
        opened.index(photos)
    return gallery


@contextmanager
def serving(
    folder: Path,
    gallery: Path,
    source: FakeSource,
    said: list[str],
    **options: Any,
) -> Iterator[Served]:
    """Serve a gallery until the block ends."""
    service = options.pop("service", {})
    server = PageServer(
        lambda recipe: Gallery(gallery, recipe=recipe, source=source),
        ServerOptions(
            port=0,
            service=ServiceOptions(thumbnails=folder / "cache", **{"idle_work": False, **service}),
            **options,
        ),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Served(server.port, server.token, folder, gallery, source, said)
    finally:
        server.stop()
        thread.join()


def picture_bytes(seed: int, *, size: tuple[int, int] = (24, 24), kind: str = "PNG") -> bytes:
    """Return the bytes of a picture of 4 × 4 squares that no gallery holds."""
    grid = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(grid).resize(size, Image.Resampling.NEAREST).save(written, kind)
    return written.getvalue()

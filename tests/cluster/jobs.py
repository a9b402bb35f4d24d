"""Runs of `imgsearch index --on`, as processes of their own, and what they left in a gallery."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cli_fakes import command, picture

if TYPE_CHECKING:
    from pathlib import Path

    from ray_cluster import RayCluster

SECONDS = 120


def collection(folder: Path, count: int) -> Path:
    """Write pictures, copies of three of them, and two files that can't be read."""
    for number in range(count):
        picture(folder / f"{number % 7}/{number:04}.png", number)
    for number in range(3):
        shutil.copy(folder / f"{number}/{number:04}.png", folder / f"copy-{number}.png")
    (folder / "broken.png").write_bytes(b"half")
    (folder / "locked.png").symlink_to("nothing")
    return folder


def started(
    cluster: RayCluster, gallery: Path, *arguments: str | Path, **environment: str
) -> subprocess.Popen[str]:
    """Begin a run on the cluster."""
    return subprocess.Popen(
        command("index", *arguments, "--gallery", gallery, "--on", cluster.address),
        env={**os.environ, **cluster.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(job: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a run; return its exit code and what it said."""
    out, err = job.communicate(timeout=SECONDS)
    assert out == ""
    return job.returncode, err


def embedded(gallery: Path) -> int:
    """Return how many embeddings are committed."""
    try:
        with closing(sqlite3.connect(f"file:{gallery / 'gallery.db'}?mode=ro", uri=True)) as rows:
            return int(rows.execute("SELECT COUNT(*) FROM embedding").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # there is no gallery yet, or none of its tables


def wait_for(gallery: Path, count: int, job: subprocess.Popen[str]) -> None:
    """Wait until so many embeddings are committed, while the job is running."""
    end = time.monotonic() + SECONDS
    while embedded(gallery) < count:
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    assert job.poll() is None, "it was done before anything happened to it"


def rows(gallery: Path) -> dict[str, list[Any]]:
    """Return all that a gallery says of files, contents, embeddings and fingerprints."""
    statements = {
        "files": "SELECT file.path, file.size, file.mtime_ns, content.hash, file.reason, "
        "file.decoders FROM file LEFT JOIN content ON content.id = content_id ORDER BY path",
        "contents": "SELECT hash, bytes, width, height, format, taken, camera, lens, latitude, "
        "longitude, orientation FROM content ORDER BY hash",
        "embeddings": "SELECT hash, vector FROM embedding JOIN content "
        "ON content.id = content_id ORDER BY hash",
        "fingerprints": "SELECT content.hash, fingerprint.hash, rendering, version "
        "FROM fingerprint JOIN content ON content.id = content_id ORDER BY content.hash",
    }
    with closing(sqlite3.connect(gallery / "gallery.db")) as connection:
        return {name: connection.execute(text).fetchall() for name, text in statements.items()}

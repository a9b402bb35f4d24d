"""What docs/scaling.md says of a Ray cluster, as a person types it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_fakes import command, picture

import imgsearch

if TYPE_CHECKING:
    from ray_cluster import RayCluster
    from s3_server import S3Server

pytestmark = pytest.mark.cluster
SCALING = Path(imgsearch.__file__).resolve().parent.parent / "docs/scaling.md"


def lines() -> list[str]:
    """Return the commands of the section."""
    section = SCALING.read_text(encoding="utf-8").partition("## A Ray cluster")[2]
    (block, *_) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return [line for line in block.splitlines() if line.startswith("imgsearch index")]


def test_what_the_page_says_of_a_cluster_works_as_it_stands(
    cluster: RayCluster, bucket: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("bucket")
    for number in range(3):
        made = picture(tmp_path / f"photos/{number}.png", number)
        files.pipe(f"bucket/photos/{number + 10}.png", picture(made, number + 10).read_bytes())
        picture(made, number)
    environment = {**os.environ, **cluster.environment, "IMGSEARCH_GALLERY": "gallery"}
    shown = lines()
    assert len(shown) == 3
    said = []
    for line in shown:
        words = shlex.split(line, comments=True)[1:]
        done = subprocess.run(
            command(*(cluster.address if word == "ray://head:10001" else word for word in words)),
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (line, done.stderr)
        said.append(done.stderr)
    assert "3 embeddings with fake" in said[0]
    assert "3 embeddings with fake" in said[1]
    assert "unchanged   3" in said[2]
    assert bucket.environment["AWS_SECRET_ACCESS_KEY"] not in "".join(said)

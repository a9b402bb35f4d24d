"""A cluster for all tests of this folder, whose workers take their time."""

from __future__ import annotations

import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ray_cluster import RayCluster
from s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def bucket() -> Iterator[S3Server]:
    """Start object storage whose credentials the workers have from the start."""
    pytest.importorskip("moto.moto_server", reason="an S3 server to test with: moto[server]")
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, bucket: S3Server) -> Iterator[RayCluster]:
    """Start two nodes of one processor each, or skip the test."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'ray[client]'")
    scratch = Path(tempfile.mkdtemp(prefix="ray-"))  # pytest's own paths are too long for sockets
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGSEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        running = RayCluster(scratch, FAKE_DELAY="0.15", **bucket.environment)
        yield running
        running.stop()
    shutil.rmtree(scratch, ignore_errors=True)

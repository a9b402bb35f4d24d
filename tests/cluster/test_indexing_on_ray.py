"""What a cluster indexes is what one machine indexes, whatever happens to its workers and jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from cli_fakes import command, picture

from cluster.jobs import collection, embedded, ended, rows, started, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from ray_cluster import RayCluster

pytestmark = pytest.mark.cluster
COUNT = 700
SOME_UNREADABLE = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 700 pictures, three copies and two unreadable files."""
    return collection(tmp_path_factory.mktemp("cluster") / "photos", COUNT)


@pytest.fixture(scope="module")
def local(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the gallery that this machine makes of them by itself."""
    gallery = tmp_path_factory.mktemp("local") / "gallery"
    done = subprocess.run(
        command("index", photos, "--gallery", gallery), check=False, capture_output=True, text=True
    )
    assert done.returncode == SOME_UNREADABLE, done.stderr
    return gallery


def test_an_undisturbed_run_gives_the_same_rows_and_says_the_same(
    cluster: RayCluster, tmp_path: Path, photos: Path, local: Path
) -> None:
    code, said = ended(started(cluster, tmp_path / "gallery", photos))
    assert code == SOME_UNREADABLE, said
    assert rows(tmp_path / "gallery") == rows(local)
    assert len(rows(local)["embeddings"]) == COUNT
    assert "700 embeddings with fake" in said
    assert "not an image" in said or "broken.png" in said
    for noise in ("ray", "Warning", "Traceback", "INFO"):
        assert noise not in said.replace(cluster.address, "").replace(str(tmp_path), "")
    cluster.wait_until_idle()
    # All again: nothing is new, and moved files need no embedding.
    code, said = ended(started(cluster, tmp_path / "gallery"))
    assert code == 0, said
    (photos / "3").rename(photos / "30")
    try:
        code, said = ended(started(cluster, tmp_path / "gallery"))
    finally:
        (photos / "30").rename(photos / "3")
    assert "no embedding computed" in said
    assert "moved       100" in said


def test_a_worker_that_is_killed_in_the_middle_twice_costs_nothing(
    cluster: RayCluster, tmp_path: Path, photos: Path, local: Path
) -> None:
    job = started(cluster, tmp_path / "gallery", photos)
    for count in (1, 300):
        wait_for(tmp_path / "gallery", count, job)
        cluster.kill_worker()
    code, said = ended(job)
    assert code == SOME_UNREADABLE, said
    assert rows(tmp_path / "gallery") == rows(local)


def test_a_node_that_disappears_costs_nothing(
    cluster: RayCluster, tmp_path: Path, photos: Path, local: Path
) -> None:
    third = cluster.add_node()
    job = started(cluster, tmp_path / "gallery", photos)
    wait_for(tmp_path / "gallery", 1, job)
    cluster.remove_node(third)
    code, said = ended(job)
    assert code == SOME_UNREADABLE, said
    assert rows(tmp_path / "gallery") == rows(local)


def test_a_job_that_is_killed_goes_on_where_it_stopped(
    cluster: RayCluster, tmp_path: Path, photos: Path, local: Path
) -> None:
    job = started(cluster, tmp_path / "gallery", photos)
    wait_for(tmp_path / "gallery", 100, job)
    job.kill()
    job.communicate()
    before = embedded(tmp_path / "gallery")
    assert 100 <= before < COUNT
    code, said = ended(started(cluster, tmp_path / "gallery", photos))
    assert code == SOME_UNREADABLE, said
    assert f"{COUNT - before} embeddings" in said
    assert rows(tmp_path / "gallery") == rows(local)


def test_ctrl_c_ends_with_130_and_leaves_no_worker_and_nothing_undone(
    cluster: RayCluster, tmp_path: Path, photos: Path, local: Path
) -> None:
    job = started(cluster, tmp_path / "gallery", photos)
    wait_for(tmp_path / "gallery", 1, job)
    pressed = time.monotonic()
    job.send_signal(signal.SIGINT)
    code, said = ended(job)
    assert code == 130, said
    assert time.monotonic() - pressed < 20
    assert "the same command continues" in said
    assert 1 <= embedded(tmp_path / "gallery") < COUNT
    cluster.wait_until_idle()
    assert ended(started(cluster, tmp_path / "gallery", photos))[0] == SOME_UNREADABLE
    assert rows(tmp_path / "gallery") == rows(local)


def test_a_folder_whose_files_the_workers_do_not_see_ends_the_run_before_anything_is_written(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """The job has a folder of its own under a path that the workers do not have."""
    picture(tmp_path / "photos/a.png", 1)
    unshared = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshared, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a folder for one process alone")
    done = subprocess.run(
        [
            *unshared, "sh", "-c", 'mount --bind "$0" /mnt && exec "$@"', tmp_path / "photos",
            *command("index", "/mnt", "--gallery", tmp_path / "gallery", "--on", cluster.address),
        ],
        env={**os.environ, **cluster.environment},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "/mnt/a.png: is not there" in done.stderr
    assert not (tmp_path / "gallery/gallery.db").exists()


def test_a_cluster_asks_for_its_token(cluster: RayCluster, tmp_path: Path) -> None:
    picture(tmp_path / "photos/a.png", 1)
    job = started(cluster, tmp_path / "gallery", tmp_path / "photos", RAY_AUTH_TOKEN="0" * 64)
    code, said = ended(job)
    assert code == 1, said
    assert "no Ray cluster can be reached there" in said
    assert "Traceback" not in said
    assert not (tmp_path / "gallery").exists()

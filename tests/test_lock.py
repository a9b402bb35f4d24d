"""One writer at a time, whatever becomes of the one before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imgsearch.errors import GalleryLockedError
from imgsearch.storage.writer_lock import writer_lock

HOLD = """
import sys, pathlib
from imgsearch.storage.writer_lock import writer_lock
with writer_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_lock_can_be_taken_again_once_it_was_given_back(tmp_path: Path) -> None:
    for _ in range(3):
        with writer_lock(tmp_path):
            pass


def test_a_second_process_is_refused_with_the_first_ones_process_id(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        with (
            pytest.raises(GalleryLockedError, match=f"process {process.pid}:"),
            writer_lock(tmp_path),
        ):
            pytest.fail("two writers at once")
        process.communicate("")
    with writer_lock(tmp_path):
        pass


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with writer_lock(tmp_path):
        assert (tmp_path / "writer.pid").read_text() == f"{os.getpid()}\n"


def test_a_second_thread_of_the_same_process_is_refused(tmp_path: Path) -> None:
    caught: list[BaseException] = []

    def try_it() -> None:
        try:
            with writer_lock(tmp_path):
                pass
        except GalleryLockedError as error:
            caught.append(error)

    with writer_lock(tmp_path):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    (error,) = caught
    assert f"process {os.getpid()}:" in str(error)


def test_an_error_inside_the_block_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(tmp_path):
        raise ZeroDivisionError
    with writer_lock(tmp_path):
        pass


def test_a_holder_whose_process_id_cannot_be_read_is_called_unknown(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        (tmp_path / "writer.pid").unlink()
        with pytest.raises(GalleryLockedError, match="process unknown"), writer_lock(tmp_path):
            pytest.fail("two writers at once")

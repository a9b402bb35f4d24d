"""Ctrl-C at any moment ends in a line and exit code 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="signals are sent as POSIX systems send them"
)

HERE = Path(__file__).parent
# Importing Typer is where the half second went; this one says so and waits.
SLOW_TYPER = """
import time
print("loading", flush=True)
time.sleep(30)
"""
# Native code that no signal interrupts, as a training step is.
BUSY = """
import hashlib, threading
from imgsearch.cli import interrupts
interrupts.ABORTING_SECONDS = 0.3
with interrupts.interrupts(announce=True):
    # By then the main thread is in native code.
    threading.Timer(0.5, print, ["working"], {"flush": True}).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
"""
# The first raises in the main thread; while that closes what is open, the second ends the process.
CLOSING = """
import time
from imgsearch.cli.interrupts import abortable
with abortable():
    try:
        print("working", flush=True)
        time.sleep(30)
    finally:
        print("closing", flush=True)
        time.sleep(30)
"""


def test_ctrl_c_while_the_program_loads_is_answered_with_a_line_and_130(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(SLOW_TYPER)
    path = os.pathsep.join([str(tmp_path), str(HERE.parent)])
    process = subprocess.Popen(
        [sys.executable, "-m", "imgsearch", "--version"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"loading\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"imgsearch: interrupted\n")


def started(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_first_is_acknowledged_and_the_second_ends_the_process_whatever_keeps_it_busy() -> None:
    """The main thread, which runs the handlers, is in native code all the time."""
    process = started(BUSY)
    assert said(process) == b"working\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"imgsearch: finishing the current batch")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"imgsearch: interrupted\n")


def test_a_second_ctrl_c_does_not_wait_for_what_the_first_one_closes() -> None:
    process = started(CLOSING)
    assert said(process) == b"working\n"
    process.send_signal(signal.SIGINT)
    assert said(process) == b"closing\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"imgsearch: interrupted\n")


def test_an_interrupted_program_is_not_shut_down_while_native_threads_work(tmp_path: Path) -> None:
    """It leaves without the interpreter's shutdown, which would free what they use."""
    program = f"""
import atexit, sys
import imgsearch.cli
from imgsearch.errors import ImgsearchError
def shut_down():
    open({str(tmp_path / "shut down")!r}, "w").close()
def interrupted(*_, **__):
    raise KeyboardInterrupt
atexit.register(shut_down)
from imgsearch.gallery import gallery
gallery.Gallery.information = interrupted
sys.argv = ["imgsearch", "info", "--gallery", {str(tmp_path)!r}]
imgsearch.cli.main()
"""
    process = started(program)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"imgsearch: interrupted\n")
    assert not (tmp_path / "shut down").exists()

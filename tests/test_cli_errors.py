"""No traceback reaches a person: an error is one line, an exit code, and a way to see more."""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from cli_fakes import FakeSource, command, picture, run

from imgsearch import errors
from imgsearch.cli.boundary import describe


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo in a gallery of eight."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    for seed in range(8):
        picture(tmp_path / "photos" / f"{seed}.png", seed)
    assert run("index", tmp_path / "photos").exit_code == 0
    return tmp_path / "photos" / "0.png"


def _raising(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


CASES = [
    # what is raised                          exit  what is said
    (errors.NoGalleryError("none here"), 10, "imgsearch: none here\n"),
    (errors.GalleryLockedError("process 7 writes"), 11, "imgsearch: process 7 writes\n"),
    (errors.UsageError("k: 0 is too few"), 2, "imgsearch: k: 0 is too few\n"),
    (errors.ImgsearchError("a\x1b[31mb\nc"), 1, "imgsearch: a\\x1b[31mb\n  c\n"),
    (
        PermissionError(errno.EACCES, "Permission denied", "/a/\x1bb"),
        1,
        "imgsearch: /a/\\x1bb: Permission denied\n",
    ),
    (OSError(errno.ENOSPC, "No space left on device"), 1, "imgsearch: No space left on device\n"),
    (MemoryError(), 1, "imgsearch: out of memory; try a smaller --batch-size\n"),
    (KeyboardInterrupt(), 130, "imgsearch: interrupted\n"),
    (BrokenPipeError(), 141, ""),
]


@pytest.mark.parametrize(
    ("error", "code", "said"), CASES, ids=[type(case[0]).__name__ for case in CASES]
)
def test_every_error_has_its_line_and_exit_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.gallery.gallery.Gallery.information", _raising(error))
    result = run("info")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", said)


def test_an_unexpected_error_is_called_a_fault_and_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("imgsearch.gallery.gallery.Gallery.information", _raising(KeyError("lost")))
    result = run("info")
    assert result.exit_code == 1
    assert result.stderr.startswith("imgsearch: unexpected KeyError: 'lost'\n")
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    for arguments in (("info", "--debug"), ("--debug", "info")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "Traceback" in result.stderr


def test_errors_of_the_database_point_at_the_check() -> None:
    said = describe(sqlite3.OperationalError("disk I/O error"))
    assert said.startswith("the gallery's database: disk I/O error\n")
    assert "imgsearch check" in said


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY"])
def test_errors_of_the_disk_do_not_point_at_the_check(name: str) -> None:
    error = sqlite3.OperationalError("as SQLite has it")
    error.sqlite_errorname = name
    assert "imgsearch check" not in describe(error)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_the_file_and_the_remedy(number: int) -> None:
    assert describe(OSError(number, "Full", "/a/b")) == "/a/b: Full; free space and run again"


def test_errors_between_two_paths_name_both() -> None:
    error = OSError(errno.EXDEV, "Invalid cross-device link", "/a", None, "/b")
    assert describe(error) == "/a -> /b: Invalid cross-device link"


def test_errors_are_said_even_when_quiet(tmp_path: Path) -> None:
    result = run("info", "-q", "--gallery", tmp_path)
    assert result.exit_code == 10
    assert result.stderr.startswith("imgsearch: ")


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_bytes(b"this is not a database, by any means" * 40)
    for arguments in (("info",), ("check",), ("query", picture(tmp_path / "a.png", 1))):
        result = run(*arguments, "--gallery", tmp_path)
        assert result.exit_code == 1, result.stderr
        assert "gallery.db" in result.stderr or str(tmp_path) in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_leaves_ends_the_program_silently(photo: Path) -> None:
    listing = f"{photo}\n".encode() * 400
    process = subprocess.Popen(
        command("query", "--files-from", "-", "--jsonl"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdin.write(listing[: 40 * (len(listing) // 400)])
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(listing)
        process.stdin.close()
    except BrokenPipeError:
        pass
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_is_a_failure(photo: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("query", photo, "--json"), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"imgsearch: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
def test_closed_streams_are_survived(photo: Path) -> None:
    line = shlex.join(command("query", photo, "-k", "1"))
    closed = subprocess.run(["/bin/sh", "-c", f"{line} >&-"], capture_output=True, check=False)
    assert closed.returncode == 1
    assert closed.stderr == b"imgsearch: standard output is closed\n"
    mute = subprocess.run(["/bin/sh", "-c", f"{line} 2>&-"], capture_output=True, check=False)
    assert mute.returncode == 0
    assert mute.stdout.count(b"\n") == 1
    deaf = shlex.join(command("query", "-"))
    no_input = subprocess.run(["/bin/sh", "-c", f"{deaf} <&-"], capture_output=True, check=False)
    assert no_input.returncode == 2
    assert b"standard input" in no_input.stderr


def test_a_terminal_without_unicode_gets_names_spelled_out(tmp_path: Path, photo: Path) -> None:
    odd = picture(tmp_path / "photos" / "été.png", 3)
    assert run("index").exit_code == 0
    done = subprocess.run(
        command("query", odd, "--include-self", "-k", "1", "--all-files"),
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"\\xe9t\\xe9.png" in done.stdout
    assert photo.exists()


def test_warnings_of_libraries_reach_nobody_without_debug(tmp_path: Path) -> None:
    code = (
        "import sys, warnings\n"
        "from imgsearch import Gallery\n"
        "Gallery.information = lambda self: warnings.warn('inner matters')\n"
        "from imgsearch.cli import main\n"
        "main()\n"
    )
    arguments = ["info", "--json", "--gallery", str(tmp_path)]
    quiet = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=False
    )
    assert b"inner matters" not in quiet.stderr
    loud = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--debug"], capture_output=True, check=False
    )
    assert b"inner matters" in loud.stderr

"""What a person at a terminal sees: progress that leaves nothing behind, colours that obey."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakeSource, command, picture, run
from rich.console import Console

from imgsearch.cli import progress_line as display
from imgsearch.cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

if os.name == "nt":
    pytest.skip("pseudo-terminals are POSIX's", allow_module_level=True)

CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")
COLOUR = re.compile(rb"\x1b\[(3[0-7]|9[0-7]|38;)[0-9;]*m")


@pytest.fixture(autouse=True)
def _fake_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photos beneath the current one, a gallery named by the environment."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.chdir(tmp_path)
    return write_photos(tmp_path / "photos")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of photos and gallery that the tests of queries share, and do not change."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
        done = run("index", write_photos(folder / "photos"), "--gallery", folder / "gallery")
    assert done.exit_code == 0
    return folder


@pytest.fixture
def indexed(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared folder of photos, its gallery named by the environment."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(filled / "gallery"))
    monkeypatch.chdir(filled)
    return filled / "photos"


def write_photos(folder: Path) -> Path:
    """Write 24 photos and one with a hostile name; return their folder."""
    for seed in range(24):
        picture(folder / f"{seed:02}.png", seed)
    picture(folder / "evil\x1b[31m\n[bold]name.png", 77)
    return folder


def at_terminal(
    *arguments: str | Path, interrupt_after: bytes = b"", columns: int = 100, **environment: str
) -> tuple[int, bytes]:
    """Run the command line at a terminal; return its exit code and all that it wrote there.

    Args:
        arguments: of the command line.
        interrupt_after: press Ctrl-C once these bytes were written.
        columns: the terminal's width.
        environment: further variables.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | environment,
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        written += piece
        if interrupt_after and interrupt_after in written:
            process.send_signal(signal.SIGINT)
            interrupt_after = b""
    os.close(ours)
    return process.wait(timeout=10), written


def screen(written: bytes) -> str:
    """Return the lines that remain on the terminal, in order, without styles."""
    lines: list[str] = [""]
    row = 0
    for token in re.split(rb"(\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\|\r|\n)", written):
        if token == b"\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif token == b"\x1b[1A":
            row -= 1
        elif token in {b"\x1b[2K", b"\r"}:
            lines[row] = "" if token == b"\x1b[2K" else lines[row]
        elif not CONTROL.fullmatch(token):
            lines[row] += token.decode()
    return "\n".join(lines)


def test_progress_shows_rate_and_time_left_and_leaves_only_the_report(photos: Path) -> None:
    code, written = at_terminal("index", photos, "--batch-size", "4", FAKE_DELAY="0.4")
    assert code == 0
    assert re.search(rb"Indexing.*images/s", written)
    assert b" left" in written
    assert re.search(rb"\d+/25", written)
    remains = screen(written)
    assert "images/s" in remains
    assert " left" not in remains
    assert "/25" not in remains
    assert "backbone auto: a fake" in remains.splitlines()
    assert written.count(b"\x1b[?25l") == written.count(b"\x1b[?25h")  # the cursor is back


def test_quick_work_shows_no_progress_and_slow_work_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(display, "Console", lambda **_: Console(file=io.StringIO()))
    with display.shown_steps(Terminal(), "Checking", None) as steps:
        line = steps._progress
        assert list(line.get_renderables()) == []
        now[0] += display.DELAY_SECONDS
        assert list(line.get_renderables()) != []


def test_the_time_left_follows_from_the_pace_since_the_step_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """10 of 110 were there at the start; 50 more took 25 s, so the other 50 take 25 s."""
    now = [100.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO())
    monkeypatch.setattr(display, "Console", lambda **_: console)
    column = display._TimeLeft()
    with display.shown_steps(Terminal(), "Scanning", None) as steps:
        (task,) = steps._progress.tasks
        steps.at("Indexing", 10, 110)
        assert column.render(task).plain == ""
        now[0] += 25
        steps.at("Indexing", 60, 110)
        assert column.render(task).plain == "0:25 left"
        now[0] += 5
        assert display._TimeLeft().render(task).plain == "0:20 left"
        now[0] += 3600
        assert display._TimeLeft().render(task).plain == "0:00 left"


def test_an_interrupt_is_heard_on_the_progress_line(photos: Path) -> None:
    code, written = at_terminal(
        "index", photos, "--batch-size", "2", interrupt_after=b"Indexing", FAKE_DELAY="0.5"
    )
    assert code == 130
    assert b"Finishing the current batch" in written
    assert "Interrupted after" in screen(written)
    assert b"Traceback" not in written


def test_the_table_is_coloured_and_its_paths_are_links_and_hostile_names_harmless(
    indexed: Path,
) -> None:
    code, written = at_terminal("query", indexed / "00.png", "-k", "30")
    assert code == 0
    assert COLOUR.search(written)
    assert f"file://{indexed}/01.png".encode() in written
    assert b"evil\\x1b[31m\\n[bold]name.png" in written
    table = screen(written).strip("\n").splitlines()
    assert len(table) == 24
    assert {line.index("photos/") for line in table} == {table[0].index("photos/")}


def test_long_paths_are_not_cut_at_the_edge_of_the_terminal(tmp_path: Path, photos: Path) -> None:
    long = "/".join(["a folder with a rather long name"] * 4)
    picture(photos / long / "x.png", 200)
    run("index", photos)
    _, written = at_terminal("query", photos / "01.png", "-k", "30", columns=60)
    assert f"photos/{long}/x.png" in CONTROL.sub(b"", written).decode()
    assert tmp_path.exists()


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("arguments", [("query", "photos/00.png"), ("info",), ("query", "-h")])
def test_colours_obey_no_color(arguments: tuple[str, ...]) -> None:
    _, written = at_terminal(*arguments, NO_COLOR="1")
    assert written
    assert not COLOUR.search(written)
    _, written = at_terminal(*arguments)
    assert COLOUR.search(written)


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("arguments", [("query", "photos/00.png"), ("info", "--bad")])
def test_a_dumb_terminal_gets_plain_text(arguments: tuple[str, ...]) -> None:
    _, written = at_terminal(*arguments, TERM="dumb")
    assert written
    assert b"\x1b" not in written


def test_a_dumb_terminal_gets_no_animation(photos: Path) -> None:
    code, written = at_terminal("index", photos, TERM="dumb", FAKE_DELAY="0.6")
    assert code == 0
    assert b"\x1b" not in written
    assert b"Indexing" not in written


def test_help_is_coloured_at_a_terminal_and_plain_elsewhere() -> None:
    _, written = at_terminal("query", "--help", TERM="xterm")
    assert b"\x1b[1mUsage:\x1b[0m" in written
    assert b"\x1b[36m--min-score SCORE\x1b[0m" in written
    plain = run("query", "--help").stdout
    assert "\x1b" not in plain
    assert CONTROL.sub(b"", written).decode().split() == plain.split()


def test_nothing_is_animated_when_standard_error_is_no_terminal(photos: Path) -> None:
    done = subprocess.run(
        command("index", photos),
        env=os.environ | {"FAKE_DELAY": "0.6", "FORCE_COLOR": "1"},
        capture_output=True,
        check=True,
    )
    assert b"\x1b" not in done.stderr
    assert b"\r" not in done.stderr
    assert done.stdout == b""


def test_quiet_draws_nothing(photos: Path) -> None:
    code, written = at_terminal("index", photos, "--quiet", FAKE_DELAY="0.6")
    assert (code, written) == (0, b"")


def test_the_screen_reader_of_these_tests_understands_what_rich_writes() -> None:
    assert screen(b"a\r\n\x1b[32mbar\x1b[0m\r\x1b[2Kbaz\r\n\x1b[1A\x1b[2Kend") == "a\nend\n"

"""What a person sees holds no control character, whatever a file is called."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.cli.shown_paths import short_path, single_line
from imgsearch.text import is_utf8, printable, valid_text

CASES = [
    # as it is called               as it is shown
    ("sunset.jpg", "sunset.jpg"),
    ("été à la mer.jpg", "été à la mer.jpg"),
    ("日本の写真.jpg", "日本の写真.jpg"),
    ("a\nb", "a\\nb"),
    ("a\tb\r", "a\\tb\\r"),
    ("\x1b[31mred", "\\x1b[31mred"),
    ("\x07\x7f\x9b", "\\x07\\x7f\\x9b"),
    ("gpj.\u202eexe", "gpj.\\u202eexe"),
    ("a\u2028b", "a\\u2028b"),
    ("soft\u00adhyphen", "soft\\xadhyphen"),
    ("tag\U000e0041", "tag\\U000e0041"),
    ("raw \udcff byte", "raw \\xff byte"),
    ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
    ("screenshot 9.41\u202fAM", "screenshot 9.41\u202fAM"),
    ("[bold]markup[/bold]", "[bold]markup[/bold]"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_names_are_shown_with_what_is_dangerous_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_no_text_shows_a_control_direction_or_surrogate_character(text: str) -> None:
    left = {
        unicodedata.category(character)
        for character in printable(text)
        if character not in "\u200c\u200d"
    }
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.binary().filter(lambda name: b"\0" not in name))
def test_a_path_on_a_line_of_its_own_has_no_line_break_and_keeps_odd_bytes(name: bytes) -> None:
    line = single_line(Path("/" + os.fsdecode(name)))
    assert b"\n" not in line
    assert b"\r" not in line
    assert b"\x1b" not in line
    if not any(byte < 0x20 or byte == 0x7F for byte in name) and os.fsdecode(name).isascii():
        assert os.fsdecode(line) == os.fspath(Path("/" + os.fsdecode(name)))


def test_bytes_that_are_not_utf8_pass_raw_on_a_line() -> None:
    assert single_line(Path("/a/\udcff\udc80.jpg")) == b"/a/\xff\x80.jpg"


def test_text_of_a_path_that_is_not_utf8_is_valid_unicode() -> None:
    path = Path("/a/caf\udce9.jpg")
    assert not is_utf8(path)
    assert valid_text(path) == "/a/caf\ufffd.jpg"
    assert is_utf8(Path("/a/café.jpg"))
    assert valid_text(Path("/a/café.jpg")) == "/a/café.jpg"


def test_paths_are_shown_relative_beneath_the_current_folder_or_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    home.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    assert short_path(here / "a" / "b.jpg") == os.path.join("a", "b.jpg")  # noqa: PTH118 - the expected text
    assert short_path(home / "b.jpg") == os.path.join("~", "b.jpg")  # noqa: PTH118 - the expected text
    assert short_path(here) == str(here)
    assert short_path(Path("/elsewhere/b.jpg")) == "/elsewhere/b.jpg"


def test_paths_are_shown_whole_when_the_current_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert short_path(tmp_path / "a.jpg") == str(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("here/a.jpg", "a.jpg"),
        ("here", "~/here"),
        ("hereafter/a.jpg", "~/hereafter/a.jpg"),
        ("", "~"),
    ],
)
def test_a_path_is_shown_from_the_current_folder_or_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, shown: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Path(short_path(tmp_path / path)) == Path(shown)
    assert short_path(tmp_path.parent / "a.jpg") == str(tmp_path.parent / "a.jpg")
    monkeypatch.setenv("HOME", tmp_path.anchor)
    monkeypatch.setenv("USERPROFILE", tmp_path.anchor)
    assert short_path(tmp_path / "a.jpg") == str(tmp_path / "a.jpg")

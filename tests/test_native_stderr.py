"""What decoders write to descriptor 2 does not come through the progress line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fakes import picture

HERE = Path(__file__).parent
PROGRAM = """
import os, sys
import cli_fakes
embed = cli_fakes.FakeEmbedder.embed
def noisy(self, images):
    for _ in range(205):
        os.write(2, b"Bogus Huffman table definition\\n")
    print("a warning of Python's", file=sys.stderr)
    return embed(self, images)
cli_fakes.FakeEmbedder.embed = noisy
cli_fakes.start()
"""


def stderr_of(*arguments: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


@pytest.fixture
def index(tmp_path: Path) -> list[str | Path]:
    """Return the arguments that index one image into a new gallery."""
    picture(tmp_path / "photos/a.png", 1)
    return ["index", tmp_path / "photos", "--gallery", tmp_path / "gallery"]


def test_lines_of_decoders_are_not_shown(index: list[str | Path]) -> None:
    assert stderr_of(*index, "-q") == ["a warning of Python's"]


def test_verbose_shows_each_once_with_its_number(index: list[str | Path]) -> None:
    lines = stderr_of(*index, "-v")
    start = lines.index("decoders and other libraries wrote 205 lines:")
    assert lines[start + 1] == "  Bogus Huffman table definition  (205 times)"


def test_debug_lets_them_pass(index: list[str | Path]) -> None:
    assert stderr_of(*index, "--debug").count("Bogus Huffman table definition") == 205

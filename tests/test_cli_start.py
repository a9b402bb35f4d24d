"""The command line starts fast because it imports little, and says what it can do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakeSource, picture, run
from typer.main import get_command

from imgsearch import __version__
from imgsearch.cli import app

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = (
    "numpy",
    "tensorflow",
    "keras",
    "faiss",
    "openvino",
    "PIL",
    "sqlite3",
    "sqlite_utils",
    "rich",
    "pydantic",
    "imgsearch.gallery.gallery",
)
COMMANDS = (
    "index",
    "query",
    "info",
    "backbones",
    "evaluate",
    "recommend",
    "remove",
    "prune",
    "check",
    "relocate",
    "export",
    "map",
    "distill",
)


def _loaded_after(code: str) -> set[str]:
    listing = f"{code}\nimport sys; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import imgsearch.cli",
        "import imgsearch.cli\ntry: imgsearch.cli.app(['--help'])\nexcept SystemExit: pass",
        "import imgsearch.cli\ntry: imgsearch.cli.app(['--version'])\nexcept SystemExit: pass",
    ],
    ids=["import", "help", "version"],
)
def test_starting_loads_no_framework_and_no_drawing_library(code: str) -> None:
    assert not _loaded_after(code) & set(HEAVY)


def test_listing_the_catalogue_loads_neither_tensorflow_nor_a_gallery() -> None:
    code = "import imgsearch.cli\ntry: imgsearch.cli.app(['backbones'])\nexcept SystemExit: pass"
    assert not _loaded_after(code) & {"tensorflow", "keras", "faiss", "openvino", "PIL"}


def test_a_query_by_a_stored_file_loads_neither_decoders_nor_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    stored = picture(tmp_path / "photos/a.png", 1)
    picture(tmp_path / "photos/b.png", 2)
    gallery = tmp_path / "gallery"
    assert run("index", tmp_path / "photos", "--gallery", gallery).exit_code == 0
    asked = ["query", str(stored), "--gallery", str(gallery), "--paths"]
    code = f"import imgsearch.cli\ntry: imgsearch.cli.app({asked!r})\nexcept SystemExit: pass"
    loaded = _loaded_after(code)
    assert "imgsearch.search.answering" in loaded
    assert not loaded & {
        "tensorflow", "keras", "openvino", "rich", "PIL.JpegImagePlugin", "sqlite_utils",
        "imgsearch.images.loading", "imgsearch.indexing.run", "imgsearch.networks.embedder",
    }  # fmt: skip


def test_the_version_is_shown() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"imgsearch {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command_and_the_exit_codes(option: str) -> None:
    result = run(option)
    assert result.exit_code == 0
    assert all(f"  {command} " in result.stdout for command in COMMANDS)
    assert "130 interrupted" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_takes_the_common_options_and_explains_all(command: str, option: str) -> None:
    result = run(command, option)
    assert result.exit_code == 0
    for common in ("--gallery DIR", "-v, --verbose", "-q, --quiet", "--debug", "-h, --help"):
        assert common in result.stdout


def test_every_option_and_argument_is_explained() -> None:
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        assert all(parameter.help for parameter in command.params), command.name


def test_lines_of_help_fit_a_terminal_of_eighty_columns() -> None:
    for command in ("", *COMMANDS):
        result = run(*([command] if command else []), "--help", NO_COLOR="1")
        assert max(map(len, result.stdout.splitlines())) <= 86


def test_a_misspelt_command_is_answered_with_the_near_name() -> None:
    result = run("qery", "a.jpg")
    assert result.exit_code == 2
    assert "'query'" in result.stderr
    assert result.stdout == ""


def test_a_misspelt_option_is_answered_with_the_near_names() -> None:
    result = run("query", "a.jpg", "--min-scor", "1")
    assert result.exit_code == 2
    assert "--min-score" in result.stderr


def test_running_as_a_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imgsearch", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"imgsearch {__version__}\n"

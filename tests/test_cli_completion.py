"""A shell completes values, fast, and from a gallery that it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakeSource, picture, run

if TYPE_CHECKING:
    from pathlib import Path


def completed(*words: str | Path) -> list[str]:
    """Return what Bash is offered for the last of the words."""
    result = run(
        _IMGSEARCH_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(["imgsearch", *map(str, words)]),
        COMP_CWORD=str(len(words)),
    )
    assert result.exit_code == 0
    return result.stdout.split()


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a gallery of one PNG file."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    picture(tmp_path / "photos/a.png", 1)
    folder = tmp_path / "my.gallery"
    assert run("index", tmp_path / "photos", "--gallery", folder).exit_code == 0
    return folder


def test_names_of_the_catalogue_complete() -> None:
    assert completed("index", "--backbone", "mobilenet_v2") == ["mobilenet_v2"]
    assert completed("evaluate", "--backbone", "compact+resnet50_v") == ["compact+resnet50_v2"]
    assert "auto" in completed("index", "--backbone", "a")
    assert completed("backbones", "mobilenet_v2") == ["mobilenet_v2"]


def test_what_the_gallery_holds_completes(gallery: Path) -> None:
    assert completed("query", "--gallery", gallery, "--format", "p") == ["png"]
    assert completed("query", "--gallery", gallery, "--format", "j") == []
    assert completed("query", "--gallery", gallery, "--camera", "c") == []
    recipe = json.loads(run("info", "--gallery", gallery, "--json").stdout)["recipes"][0][
        "identifier"
    ]
    assert completed("query", "--gallery", gallery, "--recipe", recipe[:3]) == [recipe]
    assert completed("export", "--gallery", gallery, "--recipe", recipe[:3]) == [recipe]


def test_folders_of_galleries_complete(gallery: Path) -> None:
    assert completed("info", "--gallery", gallery.parent / "m") == [str(gallery)]
    assert completed("info", "--gallery", gallery.parent / "ph") == [str(gallery.parent / "photos")]
    assert completed("info", "--gallery", gallery.parent / "no" / "x") == []


def test_without_a_gallery_nothing_completes_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_bytes(b"not a database at all")
    for folder in (tmp_path, tmp_path / "none"):
        assert completed("query", "--gallery", folder, "--format", "p") == []
    assert not (tmp_path / "none").exists()


def test_completing_loads_no_framework(gallery: Path) -> None:
    code = "import sys, imgsearch.cli\ntry: imgsearch.cli.main()\n"
    code += "finally: print(*sys.modules, file=sys.stderr)"
    words = f"imgsearch query --gallery {gallery} --format p"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "_IMGSEARCH_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": "5",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["png"]
    assert {"numpy", "PIL", "tensorflow", "faiss"}.isdisjoint(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "meant"), [("find", "query"), ("search", "query"), ("rm", "remove")]
)
def test_a_name_that_other_programs_use_is_answered_with_the_command(name: str, meant: str) -> None:
    result = run(name, "x.jpg")
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.stderr


@pytest.mark.usefixtures("gallery")
def test_an_empty_folder_and_an_empty_gallery_are_called_so(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    new = tmp_path / "new.gallery"
    said = run("index", tmp_path / "nothing", "--gallery", new).stderr
    assert "No image files were found" in said
    assert "unchanged" not in said
    shown = run("info", "--gallery", new).stderr
    assert f"The gallery is empty: 'imgsearch index FOLDER --gallery {new}' fills it." in shown

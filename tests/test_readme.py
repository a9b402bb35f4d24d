"""The README's commands run, its links lead somewhere, and its figures are the real ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PHOTOS = ROOT / "sample_data" / "photos"


def blocks(language: str) -> list[str]:
    """Return the README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def user_commands() -> list[str]:
    """Return the lines of the block that shows what a person types."""
    (block,) = [block for block in blocks("sh") if "/media/archive" in block]
    return [line for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with photos and a current folder with pictures, as in the README."""
    home = tmp_path_factory.mktemp("home")
    pictures = sorted(PHOTOS.glob("*/*_1.jpg"))[:12]
    for number, picture in enumerate(pictures):
        folder = home / ("Photos/Travel" if number % 2 else "Photos")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder / picture.name)
    (home / "archive").mkdir()
    (home / "best").mkdir()
    shutil.copy(pictures[0], home / "archive")
    names = ("sunset.jpg", "a.jpg", "b.jpg", "c.jpg", "street.jpg", "cat.jpg", "mug.jpg")
    for name, picture in zip(names, sorted(PHOTOS.glob("*/*_2.jpg")), strict=False):
        shutil.copy(picture, home / name)
    return home


def run(command: str, *, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell line in a home, with this interpreter's imgsearch and without a network."""
    launcher = home / "bin" / "imgsearch"
    launcher.parent.mkdir(exist_ok=True)
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m imgsearch "$@"\n')
    launcher.chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("IMGSEARCH_GALLERY", None)
    # Which runtime is the fastest on this machine need not be measured once more.
    environment.setdefault("IMGSEARCH_CACHE", str(platformdirs.user_cache_path("imgsearch")))
    return subprocess.run(
        ["sh", "-c", command],  # noqa: S607 - the README's lines are for a shell
        cwd=home,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
        timeout=240,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the README's lines are for a POSIX shell")
def test_every_command_that_the_readme_shows_does_what_it_says(desk: Path) -> None:
    """The only changes: no network, so the small backbone; and cat instead of a download."""
    for line in user_commands():
        command = line.replace("/media/archive", "archive").replace("/media/card", "archive")
        command = re.sub(r"curl -s \S+", "cat cat.jpg", command)
        if command.startswith("imgsearch index"):
            command = command.replace("imgsearch index", "imgsearch index --backbone compact")
        done = run(command, home=desk)
        assert done.returncode == 0, (line, done.stderr)
        if "query" in line and "xargs" not in line:
            assert done.stdout, line
    assert list((desk / "best").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the README's lines are for a POSIX shell")
def test_the_commands_for_more_than_one_machine_do_what_they_say(desk: Path) -> None:
    (block,) = [block for block in blocks("sh") if "imgsearch merge" in block]
    for line in block.splitlines():
        command = line.replace("imgsearch index", "imgsearch index --backbone compact")
        done = run(command, home=desk)
        assert done.returncode == 0, (line, done.stderr)
    told = run("imgsearch list --paths --gallery all.gallery", home=desk)
    held = [path for path in (desk / "Photos").rglob("*") if path.is_file()]
    assert len(told.stdout.splitlines()) == len(held)


@pytest.mark.skipif(sys.platform == "win32", reason="the README's lines are for a POSIX shell")
def test_the_commands_that_clear_up_duplicates_do_what_they_say(desk: Path) -> None:
    """One picture is there twice, and its original lies where the README protects it."""
    picture = max(PHOTOS.glob("*/*_1.jpg"))
    originals = desk / "Photos/Originals"
    originals.mkdir()
    shutil.copy2(picture, originals)
    twice = desk / "Photos/again.jpg"
    shutil.copy2(picture, twice)
    (block,) = [block for block in blocks("sh") if block.startswith("imgsearch duplicates ")]
    there = []
    for line in ["imgsearch index --backbone compact ~/Photos", *block.splitlines()]:
        done = run(line, home=desk)
        assert done.returncode == 0, (line, done.stderr)
        there.append(twice.exists())
    assert there == [True, True, True, True, True, False, True]
    assert "<html" in (desk / "groups.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sorted_desk(desk: Path) -> Path:
    """Return the home with photos sorted into folders and named by groups besides."""
    for group in ("teapot", "lighthouse", "radio"):
        for picture in sorted(PHOTOS.glob(f"*/{group}_[1-4].jpg")):
            for folder in (desk / "labelled" / group, desk / "shop"):
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(picture, folder / picture.name)
    return desk


def lines_of(command: str) -> list[str]:
    """Return the lines of the README that begin with a command."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(command)]


@pytest.mark.skipif(sys.platform == "win32", reason="the README's lines are for a POSIX shell")
def test_the_commands_that_evaluate_do_what_they_say(sorted_desk: Path) -> None:
    lines = lines_of("imgsearch evaluate")
    assert len(lines) == 2
    for line in lines:
        done = run(line, home=sorted_desk)
        assert done.returncode == 0, (line, done.stderr)
        assert " ms " in done.stdout.splitlines()[-1], done.stdout
    assert "<html" in (sorted_desk / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the README's lines are for a POSIX shell")
def test_the_command_that_recommends_a_backbone_does_what_it_says(sorted_desk: Path) -> None:
    """The only changes: no network, so the small backbone; and little time."""
    (line,) = lines_of("imgsearch recommend")
    done = run(f"{line} --backbone compact --minutes 0.1", home=sorted_desk)
    assert done.returncode == 0, done.stderr
    assert "compact" in done.stdout.splitlines()[-1], done.stdout


def test_the_python_example_runs(desk: Path) -> None:
    """It indexes into a gallery of its own and prints five scores."""
    (example,) = blocks("python")
    script = desk / "example.py"
    script.write_text(example)
    done = run(f'"{sys.executable}" example.py', home=desk)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5


def test_the_main_command_names_what_is_there() -> None:
    """CI runs the whole line; this finds a renamed picture sooner."""
    (line,) = [block for block in blocks("sh") if "imgsearch index sample_data" in block]
    assert len(line.strip().splitlines()) == 1, "one shell line does all the set-up"
    for path in re.findall(r"sample_data/\S+", line):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    """Links to other sites are not followed."""
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", text)
    for markdown, html in links:
        link = markdown or html
        if not re.match(r"[a-z]+:|#", link):
            assert (document.parent / link.partition("#")[0]).exists(), link


def test_the_test_command_is_one_line_that_runs_pytest() -> None:
    """CI takes it from here."""
    (line,) = [block for block in blocks("sh") if "pytest" in block]
    assert len(line.strip().splitlines()) == 1

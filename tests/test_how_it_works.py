"""What `docs/how-it-works.md` says is true: its examples run, and what it names is there."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
TEXT = (DOCS / "how-it-works.md").read_text(encoding="utf-8")

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)", re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FORMULA = re.compile(r"\$\$?[^$]+\$\$?")
MOST_BYTES = 250_000


def sections() -> dict[str, str]:
    """Return the sections by heading."""
    parts = HEADING.split(TEXT)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def examples() -> Iterator[Any]:
    """Yield the Python of every section, all else blanked, so that lines keep their numbers."""
    start = 0
    for heading, text in sections().items():
        start = TEXT.index(f"## {heading}\n", start)
        lines: list[str] = []
        for match in EXAMPLE.finditer(text):
            lines += [""] * (text.count("\n", 0, match.start(1)) - len(lines))
            lines += match[1].splitlines()
        if lines:
            line = TEXT.count("\n", 0, start)
            yield pytest.param("\n".join(lines) + "\n", line, id=heading)


def named(module: Path) -> set[str]:
    """Return what a module defines, without importing it; methods as "Class.method"."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inside = (child for child in node.body if isinstance(child, ast.FunctionDef))
            names.update(f"{node.name}.{child.name}" for child in inside)
    return names


def prose() -> str:
    """Return the document without its fenced blocks."""
    return EXAMPLE.sub("", TEXT)


@pytest.fixture(name="script", scope="module")
def feature_maps_script() -> Any:
    """Load the script that draws the figure."""
    name = "how_it_works_feature_maps"
    specification = importlib.util.spec_from_file_location(
        name, DOCS / "figures" / "feature_maps.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Dataclasses look their module up while they are made.
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


# The examples.


@pytest.mark.tensorflow
@pytest.mark.parametrize(("source", "line"), list(examples()))
def test_every_example_prints_what_the_document_says(
    source: str, line: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each section is a session of its own, in the repository's folder."""
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path))
    example = doctest.DocTestParser().get_doctest(
        source, {}, "how-it-works.md", str(DOCS / "how-it-works.md"), line
    )
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert result.attempted > 0
    assert not result.failed, "".join(report)


def test_all_python_is_run() -> None:
    """A prompt outside of the blocks that are found would be an example that nobody runs."""
    assert ">>>" not in prose()
    assert TEXT.count("```") == 2 * len(EXAMPLE.findall(TEXT))


def test_every_formula_has_its_function_and_an_example() -> None:
    for heading, text in sections().items():
        if "$$" in text:
            assert EXAMPLE.search(text), f"{heading}: a formula without an example"
            assert "(../imgsearch/" in text, f"{heading}: a formula without its function"


# What is named.


def test_every_link_leads_to_a_file() -> None:
    targets = [target for _, target in LINK.findall(prose())]
    assert targets
    for target in targets:
        assert (DOCS / target).is_file(), target


def test_every_function_is_where_the_link_leads() -> None:
    links = [(text, target) for text, target in LINK.findall(prose()) if target.endswith(".py")]
    assert len(links) > 10
    for text, target in links:
        name = text.strip("`")
        assert name in named(DOCS / target), f"{name} is not in {target}"


def test_every_path_in_code_type_is_there() -> None:
    for span in CODE.findall(prose()):
        if "/" in span and not span.startswith(("-", "x/")):
            assert (PROJECT / span).exists(), span


def test_every_option_is_one_of_the_command_line() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (PROJECT / "imgsearch" / "cli").glob("*.py")
    )
    options = {span.split()[0] for span in CODE.findall(prose()) if span.startswith("--")}
    assert "--layer" in options
    for option in options:
        assert f'"{option}"' in sources, option


def test_formulas_are_written_so_that_github_shows_them() -> None:
    """Braces pair up; backslash and punctuation would lose the backslash to Markdown."""
    formulas = FORMULA.findall(prose())
    assert len(formulas) > 20
    for formula in formulas:
        assert formula.count("{") == formula.count("}"), formula
        assert not re.search(r"\\[^A-Za-z]", formula), formula
    assert prose().count("$") % 2 == 0


# The figure.


def test_the_figure_is_small_and_shown(script: Any) -> None:
    path = DOCS / "figures" / "feature_maps.png"
    assert f"({path.relative_to(DOCS).as_posix()})" in TEXT
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as figure:
        assert figure.width == script.WIDTH


def test_the_figure_shows_the_channels_that_vary_most(script: Any) -> None:
    """Ten channels, of which those from 2 on have one bright place, brighter and brighter."""
    maps = np.zeros((2, 2, 10), dtype=np.float32)
    maps[..., 0] = 100
    maps[0, 0, 2:] = np.arange(1, 9)
    assert script.Layer("last", maps).strongest().tolist() == list(range(2, 10))


def test_the_figure_draws_every_map_in_its_place(script: Any) -> None:
    """The brightest place of a map has the ramp's last colour, the dark ones its first."""
    maps = np.zeros((2, 2, 8), dtype=np.float32)
    maps[0, 1] = 5
    layer = script.Layer("last", maps)
    picture = np.full((4, 4, 3), 200, dtype=np.uint8)
    figure = script.draw(picture, [layer, layer], maps.mean(axis=(0, 1)))
    tiles = [
        (script.WIDTH - script.MARGIN - script.TILE, script.MARGIN + script.LABEL),
        (
            script.WIDTH - script.MARGIN - script.TILE,
            script.MARGIN + script.TILE + script.GAP + 2 * script.LABEL,
        ),
    ]
    for left, top in tiles:
        inside = script.TILE // 4
        assert figure.getpixel((left + inside, top + inside)) == tuple(script.RAMP[0])
        assert figure.getpixel((left + 3 * inside, top + inside)) == tuple(script.RAMP[-1])


def test_colours_go_from_dark_to_bright(script: Any) -> None:
    ramp = script.colours(np.linspace(0, 1, 50)).astype(float)
    lightness = ramp @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()

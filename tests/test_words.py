"""What the program tells a person is true of the world outside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = [
    *sorted((ROOT / "imgsearch").rglob("*.py")),
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
]
# On the package index, "imgsearch" is somebody else's; this one is "imgsearch-gallery".
STRANGER = re.compile(r"pip3? install [^\n&;|]*?(?<![\w./-])imgsearch(?![\w-])")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_is_told_to_install_a_strangers_package(path: Path) -> None:
    assert STRANGER.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "strange"),
    [
        ("pip install imgsearch", True),
        ("pip install -U imgsearch`", True),
        ("pip install 'imgsearch[heif]'", True),
        ("pip install imgsearch==0.1", True),
        ("pip install imgsearch-gallery", False),
        ("pip install -U 'imgsearch-gallery[raw]'", False),
        ("pip install pillow-heif", False),
        ("pip install --quiet . && .venv/bin/imgsearch index", False),
        ("pip install . && imgsearch index", False),
    ],
)
def test_the_pattern_knows_a_strangers_package(text: str, *, strange: bool) -> None:
    assert bool(STRANGER.search(text)) == strange

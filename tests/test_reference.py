"""docs/reference.md explains every name that its signatures use."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs/reference.md").read_text(encoding="utf-8")
# Python's own and NumPy's.
KNOWN = {
    "Callable",
    "False",
    "Iterable",
    "Iterator",
    "Mapping",
    "NDArray",
    "None",
    "Path",
    "Sequence",
    "True",
}


def test_every_type_of_a_signature_is_explained() -> None:
    signatures = " ".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    used = set(re.findall(r"\b[A-Z]\w+\b", re.sub(r'"[^"]*"', "", signatures)))
    explained = set(re.findall(r"^### (\w+)|^- `([A-Z]\w+)`: ", PAGE, re.MULTILINE))
    assert used - KNOWN == used & {name for pair in explained for name in pair if name}


def test_no_signature_shows_how_python_marks_what_is_missing() -> None:
    assert "inspect._empty" not in PAGE

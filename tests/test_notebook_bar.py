"""A notebook shows how far a run has come, by itself and in one place."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from imgsearch.gallery import notebook_bar as module
from imgsearch.gallery.notebook_bar import NotebookBar, notebook_bar
from imgsearch.indexing.report import IndexProgress

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.gallery import Gallery


@dataclass
class Notebook:
    """Stands for IPython's display: remembers what each output showed."""

    outputs: list[list[str]] = field(default_factory=list)

    def display(self, shown: object, *, display_id: bool) -> SimpleNamespace:
        """Make an output that can change."""
        assert display_id
        output = [repr(shown)]
        self.outputs.append(output)
        return SimpleNamespace(update=lambda later: output.append(repr(later)))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Pretend that this process is a notebook's kernel."""
    notebook = Notebook()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.display = notebook.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    return notebook


def test_indexing_in_a_notebook_shows_one_output_that_ends_at_its_total(
    notebook: Notebook, gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    (output,) = notebook.outputs
    assert output[0] == "Indexing 0 of 12 files"
    assert output[-1].startswith("Indexing 12 of 12 files, ")


def test_who_gives_a_function_sees_no_bar(
    notebook: Notebook, gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos, progress=lambda _: None)
    assert notebook.outputs == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_a_program_and_a_terminal_are_no_notebook(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, shell: object
) -> None:
    """IPython in a terminal has a shell, which has no kernel."""
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    assert notebook_bar() is None
    assert notebook.outputs == []


def test_the_bar_is_drawn_five_times_a_second_at_most_and_at_every_stages_ends() -> None:
    notebook = Notebook()
    bar = NotebookBar(notebook.display)
    for done in range(0, 3000, 500):
        bar(IndexProgress("scan", done, None))
    for done in range(1001):
        bar(IndexProgress("read", done, 1000, 56.78))
    (output,) = notebook.outputs
    assert output[:2] == ["Scanning 0 files", "Indexing 0 of 1,000 files, 56.8 images/s"]
    assert output[-1] == "Indexing 1,000 of 1,000 files, 56.8 images/s"
    assert len(output) < 100
    assert bar._repr_html_() == (
        '<progress value="1000" max="1000" style="width: 20em"></progress> '
        "Indexing 1,000 of 1,000 files, 56.8 images/s"
    )

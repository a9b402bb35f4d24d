"""The drawing of the modules is true: one owner for each framework, dependencies one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "imgsearch"

IMAGING = {
    "images", "metadata", "colours", "decoders", "geometry", "optional_decoders", "refusals",
    "strict_formats",
}  # fmt: skip
OWNERS = {
    "faiss": {"index", "inverted_lists", "approximate_index", "growing"},
    "openvino": {"runtimes.openvino"},
    "ai_edge_litert": {"runtimes.litert"},
    "tensorflow": {"backbones", "runtimes.tensorflow", "distillation"},
    "keras": {"backbones", "runtimes.tensorflow", "distillation"},
    "torch": {"distillation"},
    "PIL": IMAGING | {"distillation", "evaluation.edits", "evaluation.thumbnails"},
    "pillow_heif": {"optional_decoders"},
    "rawpy": {"optional_decoders"},
    "sqlite3": {"store", "checking"},
    "sqlite_utils": {"store", "schema"},
    "filelock": {"lock"},
    "pyarrow": {"exporting"},
    "typer": {"cli"},
    "rich": {"cli"},
    "jinja2": {"evaluation.report"},
}
HEAVY = {
    "tensorflow", "keras", "faiss", "openvino", "ai_edge_litert", "numpy", "PIL", "sqlite_utils",
    "torch", "jinja2",
}  # fmt: skip
# What each of the lowest modules may import of imgsearch.
FOUNDATIONS: dict[str, set[str]] = {
    "errors": set(),
    "recipe": {"errors"},
    "paths": {"errors"},
    "caches": set(),
    "scan": set(),
    "matches": {"errors"},
    "lock": {"errors"},
    "schema": {"errors"},
    "rows": set(),
    "file_rows": {"errors", "paths", "rows"},
    "content_rows": {"metadata", "rows"},
    "embedding_rows": {"errors", "recipe", "rows"},
    "store": {"errors", "schema", "file_rows", "content_rows", "embedding_rows", "rows"},
    "metadata": set(),
    "atomic_file": set(),
    "index": {"errors"},
    "index_file": {"atomic_file", "errors", "index"},
    "index_choice": {"errors"},
    "visited_lists": set(),
    "inverted_lists": {"errors", "index", "index_choice"},
    "approximate_index": {"errors", "index", "index_choice", "inverted_lists", "visited_lists"},
    "growing": {
        "approximate_index",
        "errors",
        "index",
        "index_choice",
        "inverted_lists",
        "visited_lists",
    },
    "approximate_file": {
        "approximate_index",
        "atomic_file",
        "errors",
        "index_choice",
        "inverted_lists",
        "visited_lists",
    },
    "segments": {"index", "approximate_index"},
    "projection": {"errors"},
    "pooling": {"errors", "recipe"},
}


class Imports(ast.NodeVisitor):
    """Collects what a module imports when it runs, not what only type checkers read."""

    def __init__(self, *, lazy: bool) -> None:
        self.names: set[str] = set()
        self._lazy = lazy

    def visit_If(self, node: ast.If) -> None:
        """Pass over `if TYPE_CHECKING`."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Enter functions only for imports that are put off."""
        if self._lazy:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        """Take in `import a.b`."""
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Take in `from a import b`, where b may be a module."""
        assert node.level == 0, "relative import"
        assert node.module is not None
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            is_module = inner.removeprefix("imgsearch.") in FILES
            self.names.add(inner if is_module else node.module)


def name_of(path: Path) -> str:
    """Return "cli.index" for imgsearch/cli/index.py, and "cli" for its __init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "__init__"


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(name: str, *, lazy: bool = True) -> set[str]:
    """Return the full names that a module imports."""
    visitor = Imports(lazy=lazy)
    visitor.visit(ast.parse(FILES[name].read_text(encoding="utf-8")))
    return visitor.names


def internal(name: str, *, lazy: bool = True) -> set[str]:
    """Return the modules of imgsearch that a module imports."""
    found = {full.removeprefix("imgsearch.") for full in imported(name, lazy=lazy)}
    return {module for module in found if module in FILES} - {name}


def belongs_to(name: str, owners: set[str]) -> bool:
    """Whether a module is one of the owners, or lies in a package that is."""
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


@pytest.mark.parametrize("framework", OWNERS)
def test_each_framework_is_imported_by_its_owner_alone(framework: str) -> None:
    users = {
        name for name in FILES if any(full.split(".")[0] == framework for full in imported(name))
    }
    strangers = {name for name in users if not belongs_to(name, OWNERS[framework])}
    assert strangers == set()


@pytest.mark.parametrize("name", FOUNDATIONS)
def test_the_lowest_modules_rest_on_nothing_above_them(name: str) -> None:
    assert internal(name) <= FOUNDATIONS[name]


def test_no_module_imports_one_that_imports_it() -> None:
    """At import time anywhere; beneath the command line not even within functions."""
    for lazy in (False, True):
        graph = {
            name: internal(name, lazy=lazy)
            for name in FILES
            if not lazy or not belongs_to(name, {"cli", "__main__"})
        }
        assert list(TopologicalSorter(graph).static_order())


def test_nothing_imports_the_command_line_but_its_start() -> None:
    users = {name for name in FILES if any(belongs_to(used, {"cli"}) for used in internal(name))}
    assert {name for name in users if not belongs_to(name, {"cli", "__main__"})} == set()


def test_nothing_beneath_the_facade_imports_it() -> None:
    users = {name for name in FILES if "gallery" in internal(name)}
    assert {name for name in users if not belongs_to(name, {"cli", "__init__"})} == set()


@pytest.mark.parametrize("name", [name for name in FILES if not belongs_to(name, {"cli"})])
def test_only_the_command_line_prints_or_exits(name: str) -> None:
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit", "input"}, ast.unparse(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            spoken = (node.value.id, node.attr)
            assert spoken not in {("sys", "stdout"), ("sys", "stderr"), ("os", "_exit")}
            assert spoken != ("sys", "exit") or name == "__main__"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("imgsearch", HEAVY),
        ("imgsearch.cli", HEAVY),
        ("imgsearch.gallery", HEAVY - {"numpy", "PIL"}),
    ],
)
def test_starting_loads_no_framework(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert forbidden.isdisjoint(done.stdout.split())


def test_an_unchanged_folder_is_indexed_without_any_framework(tmp_path: Path) -> None:
    """A second run hashes nothing, decodes nothing, and loads neither FAISS nor TensorFlow."""
    code = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
from imgsearch import images
folder = Path(sys.argv[2])
if sys.argv[3] == "first":
    for number in range(3):
        conftest.write_picture(folder / f"photos/{number}.png", seed=number)
def run():
    conftest.Gallery(folder / "gallery", source=conftest.FakeSource()).index(folder / "photos")
if sys.argv[3] == "first":
    run()
else:
    images.read_file = None
    run()
    print(*sorted(name.split(".")[0] for name in sys.modules))
"""
    loaded = []
    for run in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(REPOSITORY / "tests"), str(tmp_path), run],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = done.stdout.split()
    assert "imgsearch" in loaded
    assert {"faiss", "tensorflow", "keras", "openvino"}.isdisjoint(loaded)

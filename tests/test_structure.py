"""The drawing of the rooms is true: dependencies one way, one owner for each framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "imgsearch"

# The ground, which every room stands on; its modules may import those named.
GROUND: dict[str, str] = {
    "errors": "",
    "addresses": "errors",
    "text": "",
    "quantities": "",
    "forking": "",
    "fresh_python": "",
    "files": "",
    "html_pages": "text",
    "checked_file": "errors files",
    "pooling_choice": "errors",
    "recipe": "errors pooling_choice",
    "paths": "addresses errors",
}
# What each room may import besides the ground and itself, types included.
ROOMS: dict[str, str] = {
    "sources": "",
    "images": "sources",
    "networks": "",
    "vectors": "",
    "storage": "images",
    "services": "images vectors storage",
    "indexing": "sources images networks storage",
    "workers": "sources images networks indexing",
    "search": "images networks vectors storage services",
    "regions": "images networks vectors storage search",
    "duplicates": "images networks vectors storage search",
    "plans": "images storage search duplicates",
    "explaining": "networks vectors",
    "exchange": "images networks storage",
    "maps": "images networks vectors storage search",
    "gallery": "sources images networks vectors storage services indexing search regions "
    "duplicates plans explaining maps exchange",
    "evaluation": "images networks vectors storage indexing search gallery",
    "distillation": "images networks vectors indexing evaluation",
    "sheets": "images explaining search duplicates plans gallery",
    "documents": "images networks storage indexing search duplicates plans maps exchange gallery "
    "evaluation",
    "web": "images networks storage search duplicates plans maps gallery documents",
    "cli": "sources images networks vectors storage services indexing workers search duplicates "
    "plans maps exchange gallery evaluation distillation sheets documents web",
}
# Of the rooms above, `documents` reads these modules of values and nothing that works.
VALUES = {
    "duplicates.groups",
    "evaluation.recommendation",
    "evaluation.results",
    "exchange.exporting",
    "exchange.importing",
    "gallery.checking",
    "gallery.explaining",
    "gallery.information",
    "gallery.maintenance",
    "gallery.merging",
    "gallery.overview",
    "gallery.picture_sets",
    "gallery.published",
    "gallery.publishing",
    "indexing.report",
    "maps.gallery_map",
    "networks.backbones.catalogue",
    "networks.backbones.hub.presets",
    "networks.backbones.layer_names",
    "plans.reports",
    "search.matches",
    "storage.facets",
    "storage.findings",
    "storage.folder_tree",
    "storage.timelines",
}
OWNERS: dict[str, str] = {
    "faiss": "vectors",
    "openvino": "networks.runtimes.openvino",
    "ai_edge_litert": "networks.runtimes.litert",
    "tensorflow": "networks.backbones networks.runtimes.tensorflow distillation",
    "keras": "networks.backbones networks.runtimes.tensorflow distillation",
    "keras_hub": "networks.backbones.hub.library",
    "kagglehub": "networks.backbones.hub.fetching",
    "tokenizers": "networks.backbones.hub.tokens",
    "sentencepiece": "networks.backbones.hub.tokens",
    "torch": "",
    "PIL": "images distillation",
    "pillow_heif": "images.heif_decoder",
    "pillow_jxl": "images.jxl_decoder",
    "rawpy": "images.raw_decoder",
    "sqlite3": "storage",
    "sqlite_utils": "storage",
    "filelock": "storage.writer_lock",
    "send2trash": "plans.system_trash",
    "fsspec": "sources.fsspec_files",
    "pyarrow": "exchange.parquet",
    "psycopg": "services.pgvector",
    "pymilvus": "services.milvus",
    "grpc": "services.milvus",
    "openTSNE": "maps.tsne",
    "ray": "workers.ray_machines",
    "typer": "cli",
    "rich": "cli",
    "IPython": "gallery.notebook_bar",
    "jinja2": "html_pages",
    "starlette": "web",
    "uvicorn": "web.server web.protocol",
}
HEAVY = {
    "tensorflow", "keras", "faiss", "openvino", "ai_edge_litert", "numpy", "PIL", "sqlite_utils",
    "torch", "jinja2", "openTSNE", "starlette", "uvicorn", "keras_hub", "kagglehub", "tokenizers",
    "sentencepiece", "ray",
}  # fmt: skip
LONGEST = 300


@dataclass
class Imports(ast.NodeVisitor):
    """Collects what a module imports: as it is loaded, within functions, for type checkers.

    Attributes:
        loading: full names imported when the module is.
        later: those imported within functions.
        typing: those that only type checkers read.
    """

    loading: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    typing: set[str] = field(default_factory=set)
    _depth: int = 0
    _for_types: bool = False

    def visit_If(self, node: ast.If) -> None:
        """Tell `if TYPE_CHECKING` apart."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            self._for_types = True
            for statement in node.body:
                self.visit(statement)
            self._for_types = False
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Know that what is within is imported later."""
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Import(self, node: ast.Import) -> None:
        """Take in `import a.b`."""
        self._add({alias.name for alias in node.names})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Take in `from a import b`, where b may be a module."""
        assert node.level == 0, "relative import"
        assert node.module is not None
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            is_module = inner.removeprefix("imgsearch.") in FILES
            self._add({inner if is_module else node.module})

    def _add(self, names: set[str]) -> None:
        kind = self.typing if self._for_types else self.later if self._depth else self.loading
        kind.update(names)


def name_of(path: Path) -> str:
    """Return "cli.index" for imgsearch/cli/index.py, and "cli" for its __init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "__init__"


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
ROOM_MODULES = [name for name in FILES if name.split(".")[0] in ROOMS]


@cache
def tree_of(name: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


@cache
def imports_of(name: str) -> Imports:
    """Return what a module imports."""
    found = Imports()
    found.visit(tree_of(name))
    return found


def internal(name: str, names: set[str]) -> set[str]:
    """Return the modules of imgsearch among some full names, without the module itself."""
    found = {full.removeprefix("imgsearch.") for full in names}
    return {module for module in found if module in FILES} - {name}


def within(name: str, owners: set[str]) -> bool:
    """Whether a module is one of the owners, or lies in a package that is."""
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def used_by(name: str) -> set[str]:
    """Return every module of imgsearch that a module imports, in whatever way."""
    found = imports_of(name)
    return internal(name, found.loading | found.later | found.typing)


def test_the_table_names_every_room_and_all_of_the_ground() -> None:
    tops = {name.split(".")[0] for name in FILES} - {"__init__", "__main__"}
    assert tops == set(ROOMS) | set(GROUND)


@pytest.mark.parametrize("name", ROOM_MODULES)
def test_a_room_imports_only_what_lies_beneath_it(name: str) -> None:
    room = name.partition(".")[0]
    allowed = {room, "__init__", *GROUND, *ROOMS[room].split()}
    assert {used for used in used_by(name) if used.split(".")[0] not in allowed} == set()


@pytest.mark.parametrize("name", GROUND)
def test_the_ground_stands_on_itself(name: str) -> None:
    assert used_by(name) <= set(GROUND[name].split())


@pytest.mark.parametrize("name", [name for name in FILES if within(name, {"documents"})])
def test_documents_read_values_only(name: str) -> None:
    allowed = VALUES | set(GROUND)
    assert {used for used in used_by(name) if not within(used, {"documents"})} <= allowed


@pytest.mark.parametrize("framework", OWNERS)
def test_each_framework_is_imported_by_its_owner_alone(framework: str) -> None:
    users = set()
    for name in FILES:
        found = imports_of(name)
        if any(full.split(".")[0] == framework for full in found.loading | found.later):
            users.add(name)
    assert {name for name in users if not within(name, set(OWNERS[framework].split()))} == set()


def test_no_module_imports_one_that_imports_it() -> None:
    """Neither when it is loaded nor within its functions."""
    everything = {
        name: internal(name, imports_of(name).loading | imports_of(name).later) for name in FILES
    }
    assert list(TopologicalSorter(everything).static_order())


SPEAKS_SQL = {"storage", "services.pgvector"}


@pytest.mark.parametrize("name", [name for name in FILES if not within(name, SPEAKS_SQL)])
def test_only_storage_and_an_sql_service_execute_sql(name: str) -> None:
    executing = {
        node.attr
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Attribute)
        and node.attr in {"execute", "executemany", "executescript", "create_function"}
    }
    assert executing == set()


@cache
def classes_of_indexes() -> set[str]:
    return {
        node.name
        for module in FILES
        if within(module, {"vectors"})
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    }


@pytest.mark.parametrize("name", [name for name in FILES if not within(name, {"vectors"})])
def test_nobody_asks_of_which_class_an_index_is(name: str) -> None:
    """What differs from kind to kind is a member of `VectorIndex`."""
    asked = set()
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"isinstance", "type"}:
            asked |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if isinstance(node, ast.MatchClass):
            asked.add(ast.unparse(node.cls))
    assert asked & classes_of_indexes() == set()


@pytest.mark.parametrize("name", FILES)
def test_a_module_fits_a_reader(name: str) -> None:
    lines = len(FILES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST


@pytest.mark.parametrize("name", [name for name in FILES if not within(name, {"cli"})])
def test_only_the_command_line_prints_or_exits(name: str) -> None:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit", "input"}, ast.unparse(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            spoken = (node.value.id, node.attr)
            assert spoken not in {("sys", "stdout"), ("sys", "stderr")}
            assert spoken not in {("sys", "exit"), ("os", "_exit")} or name == "__main__"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("imgsearch", HEAVY),
        ("imgsearch.cli", HEAVY),
        ("imgsearch.gallery.gallery", HEAVY - {"numpy", "PIL"}),
    ],
)
def test_starting_loads_no_framework(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert forbidden.isdisjoint(done.stdout.split())


def test_an_unchanged_folder_is_indexed_without_any_framework(tmp_path: Path) -> None:
    """A second run hashes nothing, decodes nothing, and loads no framework."""
    code = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
from imgsearch.images import loading
folder = Path(sys.argv[2])
if sys.argv[3] == "first":
    for number in range(3):
        conftest.write_picture(folder / f"photos/{number}.png", seed=number)
def run():
    conftest.Gallery(folder / "gallery", source=conftest.FakeSource()).index(folder / "photos")
if sys.argv[3] == "first":
    run()
else:
    loading.read_file = None
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
    assert {"faiss", "tensorflow", "keras", "openvino", "sqlite_utils"}.isdisjoint(loaded)

"""Write docs/cli.md, docs/reference.md and docs/openapi.json from what they describe.

That is the command line's own help, the docstrings, and the table of the page's addresses.

Run it after changing a help text or a public docstring. With `--check` it writes nothing and
exits with 1 when a page is not up to date.
"""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, Final, get_args

from typer.main import get_command
from typer.testing import CliRunner

import imgsearch
import imgsearch.cli
import imgsearch.errors
from imgsearch.web.endpoints.table import ENDPOINTS
from imgsearch.web.openapi import description

LINE: Final = 88  # characters of a signature that stay on one line
HERE: Final = Path(__file__).resolve().parent
SECTIONS: Final = ("Args", "Attributes", "Returns", "Yields", "Raises")
# The public names, all of which `from imgsearch import ...` offers.
REFERENCE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("The gallery", ("Gallery", "default_gallery_path")),
    (
        "Indexing",
        ("IndexOptions", "Shard", "IndexProgress", "IndexReport", "MergedPath", "UnreadableFile"),
    ),
    (
        "Querying",
        (
            "Match",
            "GalleryFile",
            "FileCopy",
            "Answer",
            "Comparison",
            "Explanation",
            "ScoreMap",
            "Filters",
            "Near",
            "CropBox",
            "Part",
            "HeldContent",
            "Weighted",
            "Words",
            "Expansion",
            "Examined",
        ),
    ),
    (
        "Browsing",
        (
            "Timeline",
            "Section",
            "Facets",
            "ValueCount",
            "PlaceCount",
            "Folder",
            "Overview",
            "HeldRoot",
            "HeldRecipe",
            "FilesNotRead",
            "FileNotRead",
            "Detail",
            "Original",
            "PictureSet",
        ),
    ),
    (
        "Tidying up",
        (
            "Group",
            "Member",
            "Evidence",
            "Companion",
            "Plan",
            "Choice",
            "PlannedGroup",
            "PlannedRemoval",
            "PlannedFile",
            "LeftFile",
            "write_plan",
            "read_plan",
            "ApplyReport",
            "UndoReport",
            "Refusal",
        ),
    ),
    ("Recipes", ("RecipeRequest", "Recipe")),
    (
        "Looking after a gallery",
        (
            "GalleryInformation",
            "RootInformation",
            "RecipeInformation",
            "CalibrationInformation",
            "EngineState",
            "RemovalReport",
            "PruneReport",
            "RelocationReport",
            "CheckReport",
            "Finding",
            "MergeReport",
            "MergedPart",
            "JoinedRows",
            "ExportReport",
            "ImportReport",
        ),
    ),
    ("Search services", ("PublishedGallery", "PublishedInformation", "PublishReport")),
    ("The map", ("GalleryMap", "MapCluster", "MapAge", "MapReport", "MapProgress")),
    ("Sources of embeddings", ("EmbedderSource", "PretrainedNetworks")),
)

# Names of types in the signatures above, in the order in which a reader meets them: module, name,
# meaning. None is a `Literal` or a class, which say it themselves.
TYPES: Final[tuple[tuple[str, str, str | None], ...]] = (
    (
        "search.query_inputs",
        "Plain",
        "a path, the `bytes` of a file, a file object, Pillow's image, `(h, w, 3)` or `(dim,)`",
    ),
    ("search.query_inputs", "QueryImage", "a `Plain`, `HeldContent`, `Part` or `Weighted`"),
    ("search.matches", "PixelBox", "x, y, width and height: four whole numbers"),
    (
        "duplicates.groups",
        "Kind",
        'a `str`: "identical", "pixels", "copy", "edit", "burst", "similar"',
    ),
    (
        "duplicates.grouping",
        "Rank",
        "a function from a `GalleryFile` to a sort key, as `sorted` takes",
    ),
    ("storage.timelines", "Order", None),
    ("gallery.taking", "BufferedReader", "a binary file open for reading, of Python's `io`"),
    ("recipe", "Pooling", 'a `str`: "gap", "gmp", "gem", "rmac", "gem:4", "rmac:2"'),
    ("recipe", "Resize", None),
    ("recipe", "Preprocessing", None),
    ("recipe", "Precision", None),
    ("networks.runtimes.runtime", "RuntimeChoice", None),
    ("indexing.report", "Stage", None),
    ("maps.layout", "MapMethod", None),
    ("maps.watch", "MapStage", None),
    ("exchange.layouts", "Layout", None),
    ("storage.filters", "Undated", None),
    ("storage.findings", "Severity", None),
    ("plans.step_values", "Link", None),
    ("plans.plan", "KeepRule", "a `str`, one of the rules that `Gallery.plan` names"),
    ("search.engine", "CacheState", None),
    ("images.geometry", "Size", "width and height in pixels, a `tuple[int, int]`"),
    ("images.geometry", "Box", "left, top, right and bottom, a `tuple[float, ...]` of four"),
    ("networks.source", "EmbedsImages", None),
    ("networks.source", "EmbedsText", None),
    ("indexing.executor", "Executor", None),
    ("search.engine", "SearchEngine", None),
)


def cli_page() -> str:
    """Return the page about the command line: every command's own help."""
    lines = [
        "# The command line",
        "",
        "Written by `docs/generate.py` from the command line's own help.",
        "[json.md](json.md) describes what `--json` and its like print.",
        "",
        *_help([]),
    ]
    for name in get_command(imgsearch.cli.app).commands:  # type: ignore[attr-defined]
        lines += ["", f"## imgsearch {name}", "", *_help([name])]
    return "\n".join(lines) + "\n"


def _help(command: list[str]) -> list[str]:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(
        imgsearch.cli.app, [*command, "--help"], prog_name="imgsearch"
    )
    if result.exit_code:
        raise SystemExit(result.output)
    return ["```text", *(line.rstrip() for line in result.stdout.rstrip().splitlines()), "```"]


def reference_page() -> str:
    """Return the page about the library: its public names, in their docstrings' own words."""
    lines = [
        "# The library",
        "",
        "Written by `docs/generate.py` from the docstrings. All names are imported with",
        "`from imgsearch import ...`; errors come from `imgsearch.errors`.",
    ]
    for title, names in REFERENCE:
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", *_entry(getattr(imgsearch, name))]
    lines += ["", "## Types in signatures", "", "`NDArray` is `numpy.typing.NDArray`.", ""]
    lines += [_type(*row) for row in TYPES]
    tree = (imgsearch.errors.__doc__ or "").split("\n\n")
    lines += ["", "## Errors", "", "In `imgsearch.errors`.", "", tree[0], "", "```text"]
    lines += [*inspect.cleandoc("\n" + tree[1]).splitlines(), "```", "", *tree[2:], ""]
    errors = (item for item in vars(imgsearch.errors).values() if _is_error(item))
    lines += [f"- **{error.__name__}**: {_summary(error)}" for error in errors]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _type(module: str, name: str, meaning: str | None) -> str:
    if meaning is None:
        alias = getattr(importlib.import_module(f"imgsearch.{module}"), name)
        values = " or ".join(f'"{value}"' for value in get_args(alias))
        meaning = values or f"a protocol: {_summary(alias)} See `imgsearch.{module}`."
    return f"- `{name}`: {meaning}"


def _is_error(item: object) -> bool:
    return inspect.isclass(item) and issubclass(item, Exception)


def _summary(item: object) -> str:
    return (inspect.getdoc(item) or "").split("\n\n", 1)[0].replace("\n", " ")


def _entry(item: Any) -> list[str]:  # noqa: ANN401 - a class or a function
    lines = [f"### {item.__name__}", ""]
    if not inspect.isclass(item):
        return [*lines, *_signature(item.__name__, item), "", *_docstring(item)]
    is_made = "__init__" in vars(item) and not getattr(item, "_is_protocol", False)
    if dataclasses.is_dataclass(item) or is_made:
        lines += [*_signature(item.__name__, item.__init__), ""]
    lines += _docstring(item)
    if is_made and not dataclasses.is_dataclass(item):
        lines += ["", *_docstring(item.__init__)]
    for name, member in _members(item).items():
        if name.startswith("_") or not (
            isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)
        ):
            continue
        if isinstance(member, property):
            lines += ["", f"#### {item.__name__}.{name}", "", *_docstring(member)]
            continue
        function = getattr(item, name)
        lines += ["", f"#### {item.__name__}.{name}", "", *_signature(name, function)]
        lines += ["", *_docstring(function)]
    return lines


def _members(item: type) -> dict[str, Any]:
    """Return what a class has of its own and from the bases that imgsearch gives it."""
    members = dict(vars(item))
    for base in item.__mro__[1:]:
        if base.__module__.startswith("imgsearch."):
            members |= {name: value for name, value in vars(base).items() if name not in members}
    return members


def _signature(name: str, function: Any) -> list[str]:  # noqa: ANN401 - whatever can be called
    signature = inspect.signature(function)
    parameters = [
        parameter for parameter in signature.parameters.values() if parameter.name != "self"
    ]
    arguments = _arguments(parameters)
    returns = "" if name[0].isupper() else f" -> {signature.return_annotation}"
    text = f"{name}({', '.join(arguments)}){returns}"
    if len(text) > LINE:
        inner = ",\n    ".join(arguments)
        text = f"{name}(\n    {inner},\n){returns}"
    return ["```python", text, "```"]


def _arguments(parameters: list[inspect.Parameter]) -> list[str]:
    shown: list[str] = []
    starred = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            starred = True
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            starred = True
            shown.append("*")
        star = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else ""
        text = f"{star}{parameter.name}: {parameter.annotation}"
        if parameter.default is not inspect.Parameter.empty:
            # Members of an enumeration are shown as what a caller may write for them.
            text += " = " + re.sub(r"<[\w.]+: ('[^']*')>", r"\1", repr(parameter.default))
        shown.append(text.replace("'", '"'))
    return shown


def _docstring(item: object) -> list[str]:
    """Return a docstring as Markdown: its sections become lists, its examples code."""
    blocks = re.split(r"\n\n", inspect.getdoc(item) or "")
    lines: list[str] = []
    for block in blocks:
        head, _, rest = block.partition("\n")
        if head.rstrip(":") in SECTIONS and head.endswith(":"):
            lines += [f"*{head[:-1]}*", "", *_items(rest, head[:-1]), ""]
        elif block.startswith(">>>"):
            code = re.sub(r"\s*# doctest:.*", "", block)
            lines += ["```python", *code.splitlines(), "```", ""]
        else:
            lines += [*block.splitlines(), ""]
    return lines[:-1]


def _items(text: str, section: str) -> list[str]:
    items: list[str] = []
    for line in inspect.cleandoc("\n" + text).splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif section in {"Returns", "Yields"} and items:
            items[-1] += " " + line
        else:
            items.append(line)
    if section in {"Returns", "Yields"}:
        return items
    named = (item.partition(":") for item in items)
    return [f"- `{name}`:{meaning}" if colon else f"- {name}" for name, colon, meaning in named]


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    pages = {
        HERE / "cli.md": cli_page(),
        HERE / "reference.md": reference_page(),
        HERE / "openapi.json": json.dumps(description(ENDPOINTS), indent=1) + "\n",
    }
    if "--check" not in sys.argv[1:]:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    old = [
        path.name
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for name in old:
        sys.stderr.write(f"docs/{name} is not up to date: run docs/generate.py\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())

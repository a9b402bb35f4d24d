"""What can be said of the pages' scripts and styles without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imgsearch.web.pages import VIEWS
from imgsearch.web.refusals import RefusalError
from imgsearch.web.static_files import modules_of, static_file

PAGES = Path(__file__).parents[1] / "imgsearch" / "web"
SCRIPTS = sorted((PAGES / "static").rglob("*.js"))
STYLES = sorted((PAGES / "static").rglob("*.css"))
SHELL = (PAGES / "templates" / "shell.html").read_text(encoding="utf-8")
LONGEST = 300
IMPORT = re.compile(r'^import \{([^}]+)\} from "([^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
# What turns text into markup or code, or asks another machine.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    r"|https?://(?!www\.w3\.org/2000/svg)"
)


def name(path: Path) -> str:
    """Return a file's path below the static files."""
    return path.relative_to(PAGES / "static").as_posix()


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES], ids=name)
def test_a_file_of_the_pages_fits_a_reader(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_says_what_it_is_for_and_makes_no_markup_of_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("/**")
    assert FORBIDDEN.findall(text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_imports_what_is_there(path: Path) -> None:
    """Both the files, and the names in them."""
    text = path.read_text(encoding="utf-8")
    for names, source in IMPORT.findall(text):
        imported = (path.parent / source).resolve()
        assert imported in SCRIPTS, source
        given = EXPORT.findall(imported.read_text(encoding="utf-8"))
        for each in filter(None, map(str.strip, names.split(","))):
            there, _, here = each.partition(" as ")
            assert there in given
            assert len(re.findall(rf"\b{here or there}\b", text)) > 1, f"{each} is for nothing"


def test_every_script_is_reached_from_the_first() -> None:
    reached: set[Path] = set()
    waiting = [PAGES / "static" / "app" / "main.js"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        text = path.read_text(encoding="utf-8")
        sources = re.findall(r'(?:from|import\()\s*"(\./[^"]+|\.\./[^"]+)"', text)
        waiting += [(path.parent / source).resolve() for source in sources]
    assert reached == set(SCRIPTS)


def test_the_shell_loads_every_style_sheet_and_nothing_of_another_host() -> None:
    (listed,) = re.findall(r"/css/([\w,]+)\.css", SHELL)
    assert sorted(listed.split(",")) == [path.stem for path in STYLES]
    assert "http" not in SHELL


def test_a_page_is_told_of_all_modules_that_its_view_cannot_begin_without() -> None:
    """And of no other view's: what a browser learns of one by one it fetches one after another."""
    main = (PAGES / "static" / "app" / "main.js").read_text(encoding="utf-8")
    assert sorted(f"app/{name}" for name in re.findall(r'import\("\./([^"]+)"\)', main)) == sorted(
        VIEWS.values()
    )
    for view in VIEWS.values():
        told = modules_of(view)
        assert len(set(told)) == len(told)
        assert {"app/main.js", view} <= set(told)
        assert not set(VIEWS.values()) & (set(told) - {view})
        for module in told:
            path = PAGES / "static" / module
            for _, source in IMPORT.findall(path.read_text(encoding="utf-8")):
                assert name((path.parent / source).resolve()) in told


def test_style_sheets_are_given_together_and_none_of_them_twice() -> None:
    both = static_file("css/base,grid.css").data
    assert both == b"\n".join(static_file(f"css/{each}.css").data for each in ("base", "grid"))
    for refused in ("css/base,base.css", "css/base,nothing.css", "css/base,.css", "app/main,x.js"):
        with pytest.raises(RefusalError):
            static_file(refused)


def test_icons_that_are_asked_for_are_drawn() -> None:
    icons = (PAGES / "static" / "app" / "core" / "icons.js").read_text(encoding="utf-8")
    drawn = set(re.findall(r'^  (\w+): "[Mm]', icons, re.MULTILINE))
    asked = {
        each
        for path in SCRIPTS
        for each in re.findall(r'(?:icon\(|icon: )"(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert asked <= drawn


def test_the_guide_lists_the_keys_that_the_page_lists() -> None:
    script = (PAGES / "static" / "app" / "shell" / "keys.js").read_text(encoding="utf-8")
    listed = script[script.index("const KEYS") : script.index("export function startKeys")]
    pairs = re.findall(r'\["([^"]+)", "([^"]+)"\]', listed)
    shown = [(keys.split(), meaning.lower()) for keys, meaning in pairs]
    guide = (PAGES.parents[1] / "docs" / "web.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [A-Z][^|]+ \| (`[^|]+) \| ([^|]+) \|$", guide, re.MULTILINE)
    assert [(re.findall(r"`([^`]+)`", keys), meaning.lower()) for keys, meaning in rows] == shown

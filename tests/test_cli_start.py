"""The command line starts fast because it imports little, and says what it can do."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from cli_fakes import FakeSource, picture, run
from typer.main import get_command

import imgsearch.cli
from imgsearch import __version__
from imgsearch.cli import app
from imgsearch.cli.commands import COMMANDS as TABLE
from imgsearch.cli.quick_values import Unsure, plain_value, quicken

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = (
    "numpy",
    "tensorflow",
    "keras",
    "faiss",
    "openvino",
    "PIL",
    "sqlite3",
    "sqlite_utils",
    "rich",
    "pydantic",
    "imgsearch.gallery.gallery",
)
COMMANDS = (
    "index",
    "query",
    "info",
    "backbones",
    "evaluate",
    "recommend",
    "remove",
    "prune",
    "check",
    "relocate",
    "export",
    "map",
    "distill",
)


def _loaded_after(code: str) -> set[str]:
    listing = f"{code}\nimport sys; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import imgsearch.cli",
        "import imgsearch.cli\ntry: imgsearch.cli.app(['--help'])\nexcept SystemExit: pass",
        "import imgsearch.cli\ntry: imgsearch.cli.app(['--version'])\nexcept SystemExit: pass",
    ],
    ids=["import", "help", "version"],
)
def test_starting_loads_no_framework_and_no_drawing_library(code: str) -> None:
    assert not _loaded_after(code) & set(HEAVY)


def test_listing_the_catalogue_loads_neither_tensorflow_nor_a_gallery() -> None:
    code = "import imgsearch.cli\ntry: imgsearch.cli.app(['backbones'])\nexcept SystemExit: pass"
    assert not _loaded_after(code) & {"tensorflow", "keras", "faiss", "openvino", "PIL"}


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a gallery of two pictures, and one of them."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    asked = picture(tmp_path / "photos/a.png", 1)
    picture(tmp_path / "photos/b.png", 2)
    gallery = tmp_path / "gallery"
    assert run("index", tmp_path / "photos", "--gallery", gallery).exit_code == 0
    return gallery, asked


def test_what_is_stored_is_shown_without_decoders_or_a_network(stored: tuple[Path, Path]) -> None:
    gallery, asked = stored
    query = ["query", str(asked), "--paths", "-k", "1", "--format", "png"]
    for arguments, needed, more in (
        (
            query,
            "imgsearch.search.answering",
            {"rich", "imgsearch.images.loading", "PIL.JpegImagePlugin"},
        ),
        (["info"], "imgsearch.gallery.information", {"PIL", "faiss", "imgsearch.images.exif"}),
    ):
        given = [*arguments, "--gallery", str(gallery)]
        code = f"import imgsearch.cli\ntry: imgsearch.cli.app({given!r})\nexcept SystemExit: pass"
        loaded = _loaded_after(code)
        assert needed in loaded
        assert not loaded & more
        assert not loaded & {
            "tensorflow", "keras", "openvino", "sqlite_utils", "pydantic",
            "imgsearch.indexing.run", "imgsearch.networks.embedder",
        }  # fmt: skip


def test_the_version_is_shown() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"imgsearch {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command_and_the_exit_codes(option: str) -> None:
    result = run(option)
    assert result.exit_code == 0
    assert all(f"  {command} " in result.stdout for command in COMMANDS)
    assert "130 interrupted" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_takes_the_common_options_and_explains_all(command: str, option: str) -> None:
    result = run(command, option)
    assert result.exit_code == 0
    for common in ("--gallery DIR", "-v, --verbose", "-q, --quiet", "--debug", "-h, --help"):
        assert common in result.stdout


def test_every_option_and_argument_is_explained() -> None:
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        assert all(parameter.help for parameter in command.params), command.name


def test_lines_of_help_fit_a_terminal_of_eighty_columns() -> None:
    for command in ("", *COMMANDS):
        result = run(*([command] if command else []), "--help", NO_COLOR="1")
        assert max(map(len, result.stdout.splitlines())) <= 86


def test_a_misspelt_command_is_answered_with_the_near_name() -> None:
    result = run("qery", "a.jpg")
    assert result.exit_code == 2
    assert "'query'" in result.stderr
    assert result.stdout == ""


def test_a_misspelt_option_is_answered_with_the_near_names() -> None:
    result = run("query", "a.jpg", "--min-scor", "1")
    assert result.exit_code == 2
    assert "--min-score" in result.stderr


def test_running_as_a_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imgsearch", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"imgsearch {__version__}\n"


def test_the_table_of_commands_says_what_the_commands_themselves_say() -> None:
    built = get_command(app).commands  # type: ignore[attr-defined]
    assert list(built) == list(TABLE)
    for name, row in TABLE.items():
        assert built[name].name == name
        assert built[name].help.partition("\n\n")[0].replace("\n", " ") == row.help
        assert built[name].get_short_help_str(60) == row.short_help(60)


def test_every_module_with_a_command_is_in_the_table() -> None:
    """A command takes `settings`, which nothing else in the modules' own functions does."""
    commands = {
        f"{module.stem}:{node.name}"
        for module in Path(imgsearch.cli.__file__).parent.glob("*.py")
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not node.args.args
        and "settings" in {argument.arg for argument in node.args.kwonlyargs}
    }
    assert {row.place for row in TABLE.values()} == commands


def test_only_the_command_that_is_asked_for_is_imported() -> None:
    code = "import imgsearch.cli\ntry: imgsearch.cli.app(['info', '-h'])\nexcept SystemExit: pass"
    others = {f"imgsearch.cli.{row.place.partition(':')[0]}" for row in TABLE.values()}
    assert _loaded_after(code) & others == {"imgsearch.cli.info"}


# What may be typed, or be an option's default, right or wrong.
VALUES = (
    *("", " ", "a", "A", "0", "1", "07", " 7 ", "7.0", "0.5", ".5", "5.", "1e3", "1_000", "-1"),
    *("65536", "٣", "inf", "nan", "true", "9" * 30, "tsne", "TSNE", "auto", "Auto", "hard"),
    *("no\udcffname", 0, 1, 3, 128, 0.5, 10.0, float("nan"), True, False, None),
)


def _outcome(convert: Callable[[], object]) -> tuple[str, str]:
    """Return what came of a conversion, so that it can be compared: a type and what is said."""
    try:
        value = convert()
    except typer.BadParameter as error:
        return "refused", error.message
    return type(value).__name__, repr(value)


def test_a_plain_value_is_what_typer_makes_of_it() -> None:
    """For every option there is; where `plain_value` is not sure, Typer is asked anyway."""
    taken = 0
    for command in get_command(app).commands.values():  # type: ignore[attr-defined]
        context = typer.Context(command)
        for parameter in command.get_params(context):
            typers = partial(parameter.get_runtime_param().coerce, param=parameter, ctx=context)
            several = parameter.multiple or parameter.nargs == -1
            for value in VALUES:
                given = value if not several or value is None else [value, value]
                try:
                    plain = _outcome(partial(plain_value, given, parameter))
                except Unsure:
                    continue
                taken += 1
                assert plain == _outcome(partial(typers, given)), (command.name, parameter.name)
    assert taken > len(VALUES)


def test_typers_own_message_tells_what_is_wrong_with_a_value() -> None:
    for option, value, said in (
        ("-k", "0", "Input should be greater than or equal to 1"),
        ("-k", "ten", "Input should be a valid integer"),
        ("--min-score", "high", "Input should be a valid number"),
    ):
        result = run("query", "a.jpg", option, value)
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_typer_that_converts_in_another_way_is_left_alone() -> None:
    class Other:
        multiple = False

    parameter = Other()
    quicken([parameter])
    assert vars(parameter) == {}

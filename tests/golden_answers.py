"""What golden galleries answer, and how an answer is held against the one of before.

Answers are plain JSON in which `/golden` stands for the folder that the pictures lie beneath.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from golden_galleries import HOME
from golden_pictures import Photo
from golden_questions import CALLS, COMMANDS, NEEDS_NETWORK, OUTSIDE, place, query
from typer.testing import CliRunner

from imgsearch.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from golden_galleries import Golden

# What a run takes, and sizes that are SQLite's business.
# Of `query --csv`, when the answers were kept.
CSV_COLUMNS = 18
VOLATILE = {"seconds", "images_per_second", "bytes_freed"}


def command_line_answers(golden: Golden, base: Path) -> dict[str, Any]:
    """Return what every command prints about a restored gallery."""
    OUTSIDE.draw(base)
    return {
        name: run(golden, base, *arguments) for name, arguments in COMMANDS[golden.name].items()
    }


def library_answers(golden: Golden, base: Path) -> dict[str, Any]:
    """Return the matches of every call on a restored gallery."""
    OUTSIDE.draw(base)
    with golden.open(base) as gallery:
        return {
            name: [_plain(asdict(match), base) for match in call(gallery, base)]
            for name, call in CALLS[golden.name].items()
        }


def offline_answers(golden: Golden, base: Path) -> dict[str, Any]:
    """Return what an unpacked gallery answers that no writer has opened, its roots absent."""
    known = golden.photos[0].encoded()
    with golden.open(base) as gallery:
        matches = gallery.query(known, k=2)
        return {
            "matches": [_plain(asdict(match), base) for match in matches],
            "info": run(golden, base, "info", "--json"),
        }


def changed_answers(golden: Golden, base: Path) -> dict[str, Any]:
    """Return what a restored gallery answers after each of some changes."""
    asked = query(place(golden.photos[3]), "-k", "3")
    answers = {"remove": run(golden, base, "remove", place(golden.photos[2]), "--json")}
    (base / golden.photos[2].path).unlink()
    answers["after removal"] = run(golden, base, *asked)
    new = Photo("photos/added.png", 9100, (16, 32)).draw(base)
    with golden.open(base) as gallery:
        report = gallery.index()
        matches = gallery.query(new, k=2)
    answers["added"] = [report.new, report.unchanged, report.embedded]
    answers["nearest to the added"] = [_plain(asdict(match), base) for match in matches]
    answers["prune"] = run(golden, base, "prune", "--json")
    answers["info"] = run(golden, base, "info", "--json")
    answers["check"] = run(golden, base, "check", "--json")
    answers["after all"] = run(golden, base, *asked)
    return answers


def run(golden: Golden, base: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line; return exit code and output, parsed where it is JSON."""
    placed = [argument.replace(str(HOME), str(base)) for argument in arguments]
    result = CliRunner().invoke(
        app, [*placed, "--gallery", str(golden.folder(base)), "--quiet"], prog_name="imgsearch"
    )
    answer: dict[str, Any] = {"exit_code": result.exit_code}
    if "--jsonl" in arguments or "--each" in arguments:
        answer["lines"] = [json.loads(line) for line in result.stdout_bytes.splitlines()]
    elif "--json" in arguments:
        answer["document"] = json.loads(result.stdout_bytes or b"null")
    else:
        answer["text"] = result.stdout_bytes.decode("utf-8", "surrogateescape")
    if "--csv" in arguments:
        answer["text"] = _first_columns(answer["text"])
    if arguments[0] == "info" and answer.get("document"):
        answer["document"].pop("bytes", None)
    if arguments[0] == "export":
        answer |= _exported(base / "export")
    return {"exit_code": result.exit_code, **_plain(answer, base)}


def _first_columns(text: str) -> str:
    """Return comma-separated values without the columns that were added at the end since."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerows(row[:CSV_COLUMNS] for row in csv.reader(io.StringIO(text)))
    return written.getvalue()


def _exported(folder: Path) -> dict[str, Any]:
    """Return what an export wrote, and delete it: the array's hash, and its first lines."""
    array = np.load(folder / "embeddings.npy")
    text = (folder / "contents.jsonl").read_text(encoding="ascii")
    lines = [json.loads(line) for line in text.splitlines()]
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    for path in folder.iterdir():
        path.unlink()
    return {
        "shape": list(array.shape),
        "dtype": array.dtype.str,
        "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
        "contents": lines[:12],
        "recipe": recipe,
    }


def _plain(value: Any, base: Path) -> Any:
    """Return a value as JSON reads it, without what varies, `/golden` for the pictures' folder."""
    if isinstance(value, dict):
        return {
            key: _spelled_out(item, base) if "_base64" in key else _plain(item, base)
            for key, item in value.items()
            if key not in VOLATILE
        }
    if isinstance(value, list | tuple):
        return [_plain(item, base) for item in value]
    if isinstance(value, str | Path):
        return str(value).replace(str(base), str(HOME))
    return value


def _spelled_out(encoded: str | list[str], base: Path) -> Any:
    if isinstance(encoded, list):
        return [_spelled_out(item, base) for item in encoded]
    return _plain(os.fsdecode(base64.b64decode(encoded)), base)


def slack(golden: Golden, group: str, case: str) -> float:
    """Return how far the scores of an answer may lie from what they were."""
    if group == "library" or case in NEEDS_NETWORK:
        return max(golden.slack, golden.network_slack)
    return golden.slack


def differences(expected: Any, found: Any, *, slack: float, where: str = "") -> list[str]:
    """Say where an answer is not the one of before; keys may have been added to objects.

    Args:
        expected: the answer of before.
        found: the answer of now.
        slack: how far numbers called `score` may lie apart.
        where: what is compared, by its keys.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for key, value in expected.items()
            for line in (
                differences(value, found[key], slack=slack, where=f"{where}/{key}")
                if key in found
                else [f"{where}/{key}: is no longer there"]
            )
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for number, pair in enumerate(zip(expected, found, strict=True))
            for line in differences(*pair, slack=slack, where=f"{where}/{number}")
        ]
    if where.endswith("/score") and isinstance(found, float):
        # Both are rounded, so that a difference of the slack itself shows as up to 10^-12 more.
        same = abs(expected - found) <= slack + 1e-12
    else:
        same = type(expected) is type(found) and expected == found
    return [] if same else [f"{where}: was {expected!r}, is {found!r}"]


GROUPS: dict[str, Callable[[Golden, Path], dict[str, Any]]] = {
    "offline": offline_answers,
    "command line": command_line_answers,
    "library": library_answers,
    "changed": changed_answers,
}

"""docs/json.md describes every key that is printed, and nothing else; the pages are up to date."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeSource, picture, run
from evaluation_fakes import FakeNetworks, labelled

import imgsearch
from imgsearch.cli import comma_separated
from imgsearch.documents import backbone_documents, gallery_documents
from imgsearch.gallery.gallery import Gallery
from imgsearch.networks.backbones.layer_names import CustomInfo, LayerInfo
from imgsearch.plans.plan_file import write_plan
from imgsearch.services import finding

DOCS = Path(imgsearch.__file__).resolve().parent.parent / "docs"
SCALARS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
}
# A heading whose keys come on top of another's.
EXTENDS = {
    "backbone": "catalogue entry",
    "stored recipe": "recipe",
    "match": "gallery file",
    "grouped file": "gallery file",
    "member": "grouped file",
    "jsonl": "match",
    "keeper": "planned file",
    "planned removal": "planned file",
}

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="installed without its documents")


def described() -> dict[str, dict[str, str]]:
    """Return the keys and types under every heading of docs/json.md."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in (DOCS / "json.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            heading = line[4:]
            found[heading] = {}
        row = re.fullmatch(r"\| `(\w+)` \| (.+?) \| .+ \|", line)
        if row:
            found[heading][row[1]] = re.sub(r"\[([\w ]+)\]\(#[\w-]+\)", r"\1", row[2])
    for heading, base in EXTENDS.items():
        found[heading] = found[base] | found[heading]
    return found


def differences(value: Any, kind: str, objects: dict[str, dict[str, str]]) -> list[str]:
    """Return where a value is not what docs/json.md says of its kind."""
    if kind.endswith(" or null"):
        return [] if value is None else differences(value, kind.removesuffix(" or null"), objects)
    if kind.startswith("list of "):
        if not isinstance(value, list):
            return [f"{value!r} is not a list"]
        item = kind.removeprefix("list of ")
        return [text for entry in value for text in differences(entry, item, objects)]
    if kind in SCALARS:
        right = isinstance(value, SCALARS[kind]) and (
            kind == "boolean" or not isinstance(value, bool)
        )
        return [] if right else [f"{value!r} is not {kind}"]
    keys = objects[kind]
    exact = {key for key in value if key.endswith("_base64") and key[:-7] in keys}
    wrong = [f"{kind}: {key} is not described" for key in value.keys() - keys.keys() - exact]
    wrong += [f"{kind}: {key} is not printed" for key in keys.keys() - value.keys()]
    for key in keys.keys() & value.keys():
        wrong += [f"{kind}.{key}: {text}" for text in differences(value[key], keys[key], objects)]
    return wrong


def check(text: str) -> None:
    """Assert that a document is as docs/json.md describes it."""
    document = json.loads(text)
    assert document.pop("version") == gallery_documents.VERSION
    assert differences(document, document.pop("imgsearch"), described()) == []
    assert text.isascii()


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos, a duplicate, a broken file and one whose name is not UTF-8."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setattr("imgsearch.evaluation.networks.CatalogueNetworks", FakeNetworks)
    monkeypatch.setattr("imgsearch.evaluation.costs.LEAST_SECONDS", 0.0)
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    for seed in range(4):
        picture(folder / f"{seed}.png", seed)
    shutil.copy(folder / "1.png", folder / "one.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    if sys.platform == "linux":
        picture(folder / "caf\udce9.png", 9)
    return folder


def test_every_document_is_as_described(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(finding.ENGINES, "memory", "services.memory_engine")
    commands: list[tuple[str | Path, ...]] = [
        ("index", photos, "--dry-run"),
        ("index", photos, "--exclude", "*.tmp"),
        ("index",),
        ("query", photos / "0.png"),
        ("query", photos / "0.png", "--all-files"),
        ("list",),
        ("list", "--all-files"),
        ("compare", photos / "0.png", photos / "1.png"),
        ("info",),
        ("info", "--unreadable"),
        ("backbones",),
        ("backbones", "--hub"),
        ("evaluate", labelled(tmp_path / "labelled"), "--backbone", "one", "--backbone", "two"),
        ("recommend", tmp_path / "labelled", "--backbone", "one"),
        ("check",),
        ("check", "--repair"),
        ("remove", photos / "0.png"),
        ("prune",),
        ("export", tmp_path / "out"),
        ("import", tmp_path / "out", "--gallery", tmp_path / "imported"),
        ("merge", tmp_path / "gallery", "--gallery", tmp_path / "merged"),
        ("publish", "memory://documents/photos"),
        ("info", "--gallery", "memory://documents/photos"),
        ("duplicates",),
        ("info",),
        ("map", "--method", "pca"),
        ("relocate", photos, tmp_path / "elsewhere"),
        ("index",),
    ]
    printed = set()
    for command in commands:
        if command[0] == "relocate":
            photos.rename(tmp_path / "elsewhere")
        result = run(*command, "--json")
        assert result.exit_code in {0, 3}, result.stderr
        check(result.stdout)
        printed.add(json.loads(result.stdout)["imgsearch"])
    (tmp_path / "elsewhere").rename(tmp_path / "unplugged")
    check(run("index", "--json").stdout)
    documented = (DOCS / "json.md").read_text(encoding="utf-8")
    documented = documented.partition("## Documents")[2].partition("## Objects")[0]
    assert printed | {"backbone", "captions", "plan", "apply", "undo"} == set(
        re.findall(r"^### (\w+)$", documented, re.MULTILINE)
    )


def test_the_documents_of_plans_are_as_described(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if sys.platform == "linux":
        shutil.copy(photos / "caf\udce9.png", photos / "caf\udce9 (2).png")
    assert run("index", photos).exit_code == 3
    plan = tmp_path / "tidy.json"
    with Gallery() as gallery:
        protected = photos / "protected"
        protected.mkdir()
        write_plan(gallery.plan(gallery.duplicates(), protect=[protected]), plan)
    check(plan.read_text())
    for command in (("apply", plan), ("apply", plan, "--yes"), ("undo", "--dry-run"), ("undo",)):
        result = run(*command, "--json")
        assert result.exit_code == 0, result.stderr
        check(result.stdout)
        document = json.loads(result.stdout)
        assert document.get("removed") or document.get("restored")


def test_the_document_of_one_backbone_is_as_described() -> None:
    from imgsearch.networks.backbones.catalogue import find

    content = backbone_documents.backbone_keys(find("mobilenet_v2"), available=True)
    content["layers"] = backbone_documents.layer_keys([LayerInfo("out_relu", (7, 7, 1280))])
    check(gallery_documents.dump("backbone", content).decode())
    model = CustomInfo(16, "second", 355, (LayerInfo("second", (5, 5, 6)),))
    content = backbone_documents.custom_keys("/models/own.keras", model)
    content["layers"] = backbone_documents.layer_keys(model.layers)
    check(gallery_documents.dump("backbone", content).decode())


def test_each_of_several_answers_is_a_document_on_a_line(photos: Path) -> None:
    assert run("index", photos).exit_code == 3
    asked = ("0.png", "broken.jpg", "1.png")
    result = run("query", *(photos / name for name in asked), "--each", "--json")
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert [Path(json.loads(line)["images"][0]["path"]).name for line in lines] == list(asked)
    for line in lines:
        check(line)
    assert [json.loads(line)["reason"] is None for line in lines] == [True, False, True]
    assert json.loads(lines[1])["matches"] == []


def test_lines_of_json_are_as_described(photos: Path) -> None:
    assert run("index", photos).exit_code == 3
    lines = run("query", photos / "0.png", "--jsonl").stdout.splitlines()
    assert lines
    for line in lines:
        assert differences(json.loads(line), "jsonl", described()) == []
    listed = run("list", "--jsonl").stdout.splitlines()
    assert len(listed) >= 4
    for line in listed:
        assert differences(json.loads(line), "gallery file", described()) == []


def test_the_columns_of_csv_are_as_described() -> None:
    text = (DOCS / "json.md").read_text(encoding="utf-8").partition("## CSV")[2]
    for first, columns in (
        ("query", comma_separated.COLUMNS),
        ("one", comma_separated.COMPARISON_COLUMNS),
    ):
        (line,) = (line for line in text.splitlines() if line.startswith(f"`{first}`, "))
        assert tuple(re.findall(r"`(\w+)`", line)) == columns
    assert comma_separated.COLUMNS[3:-1] == comma_separated.FILE_COLUMNS


def test_the_comparison_itself_notices_what_is_missing_odd_or_of_another_type() -> None:
    objects = {"thing": {"a": "integer", "b": "list of text", "c": "text or null"}}
    assert differences({"a": 1, "b": ["x"], "c": None}, "thing", objects) == []
    assert differences({"a": 1, "b": [], "c": "y", "c_base64": "eQ=="}, "thing", objects) == []
    assert differences({"a": True, "b": [1], "d": 0}, "thing", objects) != []
    assert len(differences({"a": True, "b": [1], "d": 0}, "thing", objects)) == 4


def test_the_generated_pages_are_up_to_date(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 0, capsys.readouterr().err

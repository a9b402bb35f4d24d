"""`imgsearch publish`, and `query` and `info` of what was published, as a person types them."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from cli_fakes import FakeSource, picture, run
from services import memory_engine

import imgsearch
from imgsearch.services import finding

SCALING = Path(imgsearch.__file__).resolve().parent.parent / "docs/scaling.md"
ADDRESS = "memory://here/photos"


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an empty service in this process."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setitem(finding.ENGINES, "memory", "services.memory_engine")
    monkeypatch.setattr(memory_engine, "KEPT", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photos(nothing: Path) -> Path:
    """A gallery of ten photos in the current folder, and a service in this process."""
    for seed in range(10):
        picture(nothing / f"photos/{seed % 2}/{seed}.png", seed)
    assert run("index", "photos", "--gallery", "own").exit_code == 0
    return nothing / "photos"


def published(*arguments: str) -> None:
    """Publish the gallery."""
    done = run("publish", ADDRESS, "--gallery", "own", *arguments)
    assert done.exit_code == 0, done.stderr


def test_a_query_by_address_prints_what_the_gallery_does(photos: Path) -> None:
    """The table, paths, CSV and every key of JSON but the gallery's name."""
    published()
    asked = ["query", "photos/0/2.png", "-k", "4", "--under", "photos/1"]
    for form in ((), ("--paths",), ("--csv",), ("--jsonl",)):
        ours = run(*asked, *form, "--gallery", "own")
        theirs = run(*asked, *form, "--gallery", ADDRESS)
        assert (theirs.exit_code, theirs.stdout) == (0, ours.stdout)
        assert ours.stdout
    ours, theirs = (
        json.loads(run(*asked, "--json", "--gallery", name).stdout) for name in ("own", ADDRESS)
    )
    assert theirs.pop("gallery") == ADDRESS
    assert ours.pop("gallery").endswith("own")
    assert theirs == ours
    assert len(ours["matches"]) == 4
    each = run("query", "--each", "photos/0/2.png", "photos/1/1.png", "--gallery", ADDRESS)
    assert each.exit_code == 0
    sheet = run("query", "photos/0/2.png", "--sheet", "sheet.html", "--gallery", ADDRESS)
    assert sheet.exit_code == 0, sheet.stderr
    assert "data:image/" in Path("sheet.html").read_text(encoding="utf-8")
    assert photos.is_dir()


@pytest.mark.usefixtures("photos")
def test_the_address_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    monkeypatch.setenv("IMGSEARCH_GALLERY", ADDRESS)
    assert run("query", "photos/0/2.png", "--paths").stdout
    assert json.loads(run("info", "--json").stdout)["address"] == ADDRESS


def test_what_the_page_on_scaling_shows_works_as_it_stands(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a service in this process in the place of both."""
    monkeypatch.setenv("HOME", str(photos.parent))
    photos.rename("Photos")
    picture(Path("sunset.jpg"), 1)
    monkeypatch.setenv("IMGSEARCH_GALLERY", "fresh")
    text = SCALING.read_text(encoding="utf-8").partition("## A search service")[2]
    blocks = re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    lines = [line for line in "".join(blocks).splitlines() if line.startswith("imgsearch ")]
    assert len(lines) == 7
    for line in lines:
        here = re.sub(r"(postgresql://host/db|milvus://host:19530)/photos", ADDRESS, line)
        words = shlex.split(here, comments=True)
        done = run(*(os.path.expanduser(word) for word in words[1:]))  # noqa: PTH111 - words
        assert done.exit_code == 0, (line, done.stderr)


def test_publishing_again_sends_what_has_changed(photos: Path) -> None:
    done = run("publish", ADDRESS, "--gallery", "own", "--json")
    report = json.loads(done.stdout)
    assert (report["sent"], report["removed"], report["contents"]) == (10, 0, 10)
    assert report["anew"]
    (photos / "0/0.png").rename(photos / "moved.png")
    (photos / "1/1.png").unlink()
    picture(photos / "new.png", 100)
    assert run("index", "--gallery", "own").exit_code == 0
    report = json.loads(run("publish", ADDRESS, "--gallery", "own", "--json").stdout)
    assert (report["sent"], report["removed"], report["contents"]) == (2, 1, 10)
    assert not report["anew"]
    found = run("query", "photos/new.png", "-k", "20", "--paths", "--gallery", ADDRESS).stdout
    assert "moved.png" in found
    assert "0/0.png" not in found
    assert "1/1.png" not in found
    again = run("publish", ADDRESS, "--gallery", "own")
    assert again.stderr.strip() == f"{ADDRESS}: 10 contents, nothing new"


@pytest.mark.usefixtures("photos")
def test_info_shows_the_collection() -> None:
    published()
    shown = run("info", "--gallery", ADDRESS).stdout
    for text in (ADDRESS, "memory", "contents", "10", "fake", "photos"):
        assert text in shown
    done = run("info", "--unreadable", "--gallery", ADDRESS)
    assert done.exit_code == 2
    assert "not published" in done.stderr


@pytest.mark.usefixtures("photos")
def test_another_gallery_or_recipe_is_not_replaced_unasked() -> None:
    published()
    assert run("index", "photos/1", "--gallery", "other").exit_code == 0
    refused = run("publish", ADDRESS, "--gallery", "other")
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    assert json.loads(run("info", "--json", "--gallery", ADDRESS).stdout)["contents"] == 10
    assert run("publish", ADDRESS, "--gallery", "other", "--replace").exit_code == 0
    assert json.loads(run("info", "--json", "--gallery", ADDRESS).stdout)["contents"] == 5


@pytest.mark.usefixtures("photos")
def test_what_is_searched_may_be_the_embeddings_themselves() -> None:
    published("--projection", "none", "--recipe", "fake")
    assert json.loads(run("info", "--json", "--gallery", ADDRESS).stdout)["projection"] == "none"
    ours = run("query", "photos/0/2.png", "--projection", "none", "--gallery", "own").stdout
    theirs = run("query", "photos/0/2.png", "--recipe", "fake", "--gallery", ADDRESS)
    assert theirs.stdout == ours
    wrong = run("query", "photos/0/2.png", "--recipe", "resnet50", "--gallery", ADDRESS)
    assert wrong.exit_code == 2
    words = run("query", "--text", "a dog", "--gallery", ADDRESS)
    assert words.exit_code == 2


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(
    "option",
    [
        ("--anywhere",),
        ("--copies",),
        ("--exact",),
        ("--explain", "--json"),
        ("--projection", "none"),
    ],
    ids=" ".join,
)
def test_what_a_service_cannot_do_is_refused_by_its_option(option: tuple[str, ...]) -> None:
    done = run("query", "photos/0/2.png", *option, "--gallery", ADDRESS)
    assert done.exit_code == 2
    assert option[0] in done.stderr
    assert "service" in done.stderr


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("command", [("list",), ("index", "photos"), ("duplicates",), ("check",)])
def test_other_commands_want_the_folder(command: tuple[str, ...]) -> None:
    done = run(*command, "--gallery", ADDRESS)
    assert done.exit_code == 2
    assert "search service" in done.stderr
    assert not Path("memory:").exists()


@pytest.mark.usefixtures("nothing")
def test_nothing_published_is_no_gallery() -> None:
    done = run("query", "photos/0/2.png", "--gallery", "memory://here/nothing")
    assert done.exit_code == 10
    assert "nothing is published" in done.stderr


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@host/db/photos",
        "postgresql://host/db/photos?password=s3cret",
        "POSTGRESQL://anna:s3cret@host/db/photos",
        " postgresql://anna:s3cret@host/db/photos",
        "postgresql:/anna:s3cret@host/db/photos",
        "postgres://anna:s3cret@host/db/photos",
        "postgresql://host/db/photos#s3cret",
        "postgresql://me:s3cret@host:nonsense/db/photos",
    ],
)
@pytest.mark.parametrize(
    "command", [("publish", "{}"), ("info", "--gallery", "{}"), ("list", "--gallery", "{}")]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(
    address: str, command: tuple[str, ...]
) -> None:
    """Whatever the command, also with --verbose and --debug."""
    words = [word.format(address) for word in command]
    own = [] if "--gallery" in words else ["--gallery", "own"]
    done = run(*words, *own, "--verbose")
    assert done.exit_code == 2
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://host/db", "DATABASE/COLLECTION"),
        ("postgresql://host/db/a/b", "DATABASE/COLLECTION"),
        ("postgresql://host/db/a%22b", "name of a collection"),
        ("milvus://host", "[DATABASE/]COLLECTION"),
        ("milvus://host/db/photos/2024", "[DATABASE/]COLLECTION"),
        ("milvus://host/my__photos", "name of a collection"),
        ("milvus://host/my-photos", "name of a collection"),
        ("milvus://host/photos?tls=perhaps", "?tls=true"),
        ("mysql://host/db/photos", "milvus://, postgresql://"),
        ("photos", "postgresql://"),
    ],
)
def test_an_address_that_is_none_says_what_was_expected(address: str, expected: str) -> None:
    done = run("publish", address, "--gallery", "own")
    assert done.exit_code == 2
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("extra", "package", "address"),
    [
        ("pgvector", "psycopg", "postgresql://host/db/photos"),
        ("milvus", "pymilvus", "milvus://host:19530/photos"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, extra: str, package: str, address: str
) -> None:
    own = f"imgsearch.services.{extra}."
    for name in [name for name in sys.modules if name.startswith(own)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    done = run("info", "--gallery", address)
    assert done.exit_code == 1
    assert f"imgsearch-gallery[{extra}]" in done.stderr

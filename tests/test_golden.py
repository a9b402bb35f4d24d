"""Galleries, caches and JSON that were made before open, and answer the same, ever after.

`golden/make.py` made them, and says when to make them again.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeSource
from golden_answers import GROUPS, differences, run, slack
from golden_galleries import GOLDEN, HOME, Golden, caches
from golden_questions import COMMANDS, query

from imgsearch import Gallery
from imgsearch.search.local_engine import LocalEngine
from imgsearch.storage.database import Store
from imgsearch.storage.schema_steps import STEPS
from imgsearch.vectors.exact_file import load

KEPT_SCHEMA = 4
EVERY = pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN.keys())


def expected(golden: Golden) -> dict[str, dict[str, Any]]:
    """Return all the answers of before, by group and case, at the schema of today."""
    text = golden.expected.read_text(encoding="ascii")
    text = text.replace(f'"schema": {KEPT_SCHEMA},', f'"schema": {len(STEPS)},')
    answers: dict[str, dict[str, Any]] = json.loads(text)
    return answers


def assert_same(golden: Golden, group: str, found: dict[str, Any]) -> None:
    """Assert that a group's answers, or those of its cases that are given, are those of before."""
    before = expected(golden)[group]
    lines = [
        line
        for case, answer in found.items()
        for line in differences(before[case], answer, slack=slack(golden, group, case), where=case)
    ]
    assert lines == []


def asked_again(golden: Golden, base: Path) -> dict[str, Any]:
    """Return what the command line answers about the stored picture's nearest, and `info`."""
    return {case: run(golden, base, *COMMANDS[golden.name][case]) for case in ("nearest", "info")}


def test_old_galleries_are_of_every_kind() -> None:
    """So that what follows means something."""
    recipes = {
        name: expected(golden)["command line"]["info"]["document"]["recipes"]
        for name, golden in GOLDEN.items()
    }
    assert {(name, recipe["index"]) for name in recipes for recipe in recipes[name]} == {
        ("exact", "exact"),
        ("projected", "exact"),
        ("lists", "IVF4,SQ8"),
        ("refined", "IVF4,PQ24x4fs"),
        ("compact", "exact"),
    }
    assert [len(recipes[name]) for name in GOLDEN] == [2, 1, 1, 1, 2]
    assert recipes["projected"][0]["projection_dim"] == 48
    assert [recipes["lists"][0][f"index_{change}"] for change in ("added", "removed")] == [6, 5]
    assert recipes["compact"][0]["backbone"] == "compact-10"
    for name in GOLDEN:
        assert {recipe["cache"] for recipe in recipes[name]} == {"fresh"}


@pytest.mark.parametrize("group", GROUPS)
@EVERY
def test_old_galleries_answer_as_they_did(golden: Golden, group: str, tmp_path: Path) -> None:
    if group == "offline":
        golden.unpack(tmp_path)
    else:
        golden.restore(tmp_path)
    found = GROUPS[group](golden, tmp_path)
    assert found.keys() == expected(golden)[group].keys()
    assert_same(golden, group, found)


def test_an_old_gallery_is_relocated_and_answers_by_processes_of_their_own(tmp_path: Path) -> None:
    golden = GOLDEN["compact"]
    golden.unpack(tmp_path)
    golden.draw(tmp_path)

    def process(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "imgsearch", *arguments]
        done = subprocess.run(
            [*command, "--gallery", str(golden.folder(tmp_path))],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            check=True,
        )
        home = done.stdout.replace(str(tmp_path).encode(), str(HOME).encode())
        document: dict[str, Any] = json.loads(home)
        return document

    assert process("relocate", str(HOME), str(tmp_path), "--json") == {
        "imgsearch": "relocate",
        "version": 1,
        "gallery": "/golden/compact.gallery",
        "root": "/golden",
        "files": 8,
        "found": 8,
        "dry_run": False,
    }
    asked = [part.replace(str(HOME), str(tmp_path)) for part in COMMANDS["compact"]["nearest"]]
    answer = {"exit_code": 0, "document": process(*asked)}
    assert_same(golden, "command line", {"nearest": answer})


@EVERY
def test_caches_made_before_are_left_as_they_are(golden: Golden, tmp_path: Path) -> None:
    golden.restore(tmp_path)
    made = caches(golden.folder(tmp_path))
    assert made
    assert_same(golden, "command line", asked_again(golden, tmp_path))
    with golden.open(tmp_path) as gallery:
        gallery.index()
    assert caches(golden.folder(tmp_path)) == made


@pytest.mark.parametrize("name", ["exact", "projected", "compact"])
def test_caches_made_before_are_what_answers(name: str, tmp_path: Path) -> None:
    """The database's own embeddings are spoilt, but for that of the picture asked about."""
    golden = GOLDEN[name]
    golden.restore(tmp_path)
    asked = Path(COMMANDS[name]["nearest"][1]).relative_to(HOME)
    spoil = """
        UPDATE embedding SET vector = zeroblob(length(vector)) WHERE content_id NOT IN (
            SELECT content_id FROM file JOIN root ON root.id = file.root_id
            WHERE root.path || '/' || file.path = ?)
        """
    with closing(sqlite3.connect(golden.folder(tmp_path) / "gallery.db")) as database, database:
        spoilt = database.execute(spoil, (str(tmp_path / asked),)).rowcount
    assert spoilt > 0
    assert_same(golden, "command line", asked_again(golden, tmp_path))


@pytest.mark.parametrize("name", ["lists", "refined"])
def test_approximate_caches_made_before_are_what_answers(name: str, tmp_path: Path) -> None:
    """Without the lists, everything is built from the rows: exactly, and otherwise projected."""
    golden = GOLDEN[name]
    golden.restore(tmp_path)
    (lists,) = golden.folder(tmp_path).glob("*.lists")
    lists.unlink()
    found = asked_again(golden, tmp_path)
    (recipe,) = found["info"]["document"]["recipes"]
    assert recipe["cache"] == "damaged"
    before = expected(golden)["command line"]["nearest"]
    assert differences(before, found["nearest"], slack=golden.slack)


@EVERY
def test_unchanged_pictures_of_an_old_gallery_are_not_embedded(
    golden: Golden, tmp_path: Path
) -> None:
    golden.restore(tmp_path)
    source = FakeSource()
    with Gallery(golden.folder(tmp_path), source=source) as gallery:
        report = gallery.index()
    assert source.embedded == 0
    assert (report.new, report.changed, report.moved, report.missing) == (0, 0, 0, 0)
    assert report.embedded == 0
    assert report.unchanged == len(golden.photos + golden.added + golden.unreadable)
    assert [file.path for file in report.unreadable_files] == [
        tmp_path / path for path in golden.unreadable
    ]


@pytest.mark.parametrize("suffix", [".faiss", ".lists"])
@EVERY
def test_a_byte_that_changed_in_an_old_cache_is_noticed_and_mended(
    golden: Golden, suffix: str, tmp_path: Path
) -> None:
    golden.restore(tmp_path)
    names = [name for name in caches(golden.folder(tmp_path)) if name.endswith(suffix)]
    for name in names:
        path = golden.folder(tmp_path) / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    found = run(golden, tmp_path, "check", "--json")
    damaged = [item for item in found["document"]["findings"] if item["severity"] == "cache"]
    assert len(damaged) == len(names)
    assert found["exit_code"] == (1 if names else 0)
    assert run(golden, tmp_path, "check", "--repair", "--json")["exit_code"] == 0
    about = run(golden, tmp_path, "info", "--json")["document"]["recipes"]
    assert {recipe["cache"] for recipe in about} == {"fresh"}
    assert run(golden, tmp_path, "check", "--json")["document"]["clean"]


def test_a_repair_writes_an_exact_cache_as_it_was_and_says_whose_it_is(tmp_path: Path) -> None:
    for name in ("exact", "compact"):
        golden = GOLDEN[name]
        golden.restore(tmp_path)
        folder = golden.folder(tmp_path)
        made = {file: load(folder / file) for file in caches(folder)}
        for file in made:
            (folder / file).write_bytes(b"")
        with golden.open(tmp_path) as gallery:
            gallery.check(repair=True)
        assert caches(folder).keys() == made.keys()
        for file, (index, header, extra) in made.items():
            again, about, more = load(folder / file)
            assert again.ids.tolist() == index.ids.tolist()
            assert again.matrix().tobytes() == index.matrix().tobytes()
            assert more == extra
            assert about.gallery
            assert about.contents
            assert replace(about, gallery="", contents="") == header


@pytest.mark.parametrize("name", ["exact", "projected"])
def test_a_gallery_made_anew_has_the_rows_that_it_had_before(name: str, tmp_path: Path) -> None:
    golden = GOLDEN[name]
    golden.build(tmp_path / "new")
    golden.unpack(tmp_path / "old")
    Store.create(golden.folder(tmp_path / "old")).close()
    assert rows(golden, tmp_path / "new") == rows(golden, tmp_path / "old")
    assert (
        caches(golden.folder(tmp_path / "new")).keys()
        == caches(golden.folder(tmp_path / "old")).keys()
    )


def rows(golden: Golden, base: Path) -> list[str]:
    """Return the whole database as sorted SQL, without what is drawn by chance or new.

    That is: the versions of what decoded, the ids of gallery and contents (the latter become
    ranks), and what rows of before lack or no other machine has.
    """
    Store.create(golden.folder(base)).close()
    with closing(sqlite3.connect(golden.folder(base) / "gallery.db")) as database, database:
        database.execute("UPDATE file SET decoders = NULL, inode = NULL, ctime_ns = NULL")
        database.execute("DELETE FROM setting WHERE name = 'gallery'")
        database.execute("UPDATE recipe SET digest = 0, undigested = -1")
        database.execute("UPDATE embedding SET checksum = NULL")
        database.execute("DELETE FROM fingerprint")
        ids = [row[0] for row in database.execute("SELECT id FROM content ORDER BY id")]
        for rank, content_id in enumerate(ids, start=1):
            for statement in (
                "UPDATE content SET id = ? WHERE id = ?",
                "UPDATE file SET content_id = ? WHERE content_id = ?",
                "UPDATE embedding SET content_id = ? WHERE content_id = ?",
            ):
                database.execute(statement, (rank, content_id))
        database.execute("UPDATE sqlite_sequence SET seq = ?", (len(ids),))
        database.text_factory = bytes
        marks = [
            database.execute(f"PRAGMA {mark}").fetchone()
            for mark in ("user_version", "application_id", "journal_mode")
        ]
        database.text_factory = str
        # sqlite-utils, which once made the views, left spaces at the ends of lines.
        return [
            *map(str, marks),
            *sorted(line.replace(" \n", "\n") for line in database.iterdump()),
        ]


def test_answers_are_not_the_same_when_a_score_or_a_key_differs() -> None:
    answer = {"matches": [{"score": 0.5, "path": "/a"}, {"score": 0.4, "path": "/b"}]}
    other = copy.deepcopy(answer)
    other["matches"][1] |= {"score": 0.400001, "added": 1}
    assert differences(answer, answer, slack=0) == []
    assert differences(answer, other, slack=2e-6) == []
    assert differences(answer, other, slack=0) == ["/matches/1/score: was 0.4, is 0.400001"]
    assert differences(other, answer, slack=2e-6) == ["/matches/1/added: is no longer there"]
    assert differences([1], [1, 2], slack=0) == [": was [1], is [1, 2]"]
    assert differences({"rank": 1}, {"rank": True}, slack=0) == ["/rank: was 1, is True"]


def test_an_exact_query_finds_what_the_lists_overlook(tmp_path: Path) -> None:
    golden = GOLDEN["lists"]
    golden.restore(tmp_path)
    asked = [tmp_path / photo.path for photo in golden.photos[10:130]]

    def nearest(engine: LocalEngine) -> dict[Path, list[str]]:
        with Gallery(golden.folder(tmp_path), source=FakeSource(), engine=engine) as gallery:
            answers = gallery.query_many(asked, k=2)
            return {
                path: [match.content for match in answer.matches]
                for path, answer in zip(asked, answers, strict=True)
            }

    usual, exact = nearest(LocalEngine()), nearest(LocalEngine(exact=True))
    overlooked = next(path for path in asked if usual[path] != exact[path])
    for options, expected in (([], usual), (["--exact"], exact)):
        answer = run(golden, tmp_path, *query(str(overlooked), "-k", "2", *options))
        found = [match["content"] for match in answer["document"]["matches"]]
        assert found == expected[overlooked]

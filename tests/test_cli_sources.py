"""What docs/scaling.md says of object storage and tars, as a person types it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakeSource, picture, run
from s3_server import SECRET, Requests, S3Server
from test_tars import shard

import imgsearch
from imgsearch.sources import finding, retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALING = Path(imgsearch.__file__).resolve().parent.parent / "docs/scaling.md"
s3fs = pytest.importorskip("s3fs", reason="object storage needs s3fs")
pytest.importorskip("moto.moto_server", reason="an S3 server to test with: moto[server]")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A current folder with shards, and a server with a bucket of photos and shards."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.setenv("IMGSEARCH_GALLERY", "gallery")
    monkeypatch.chdir(tmp_path)
    running = S3Server()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.001)
    s3fs.S3FileSystem.clear_instance_cache()
    finding._source.cache_clear()
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    running.files = files
    files.mkdir("bucket")
    for number in range(4):
        made = picture(tmp_path / "made.png", number)
        files.pipe(f"bucket/photos/{number}.jpg", made.read_bytes())
        made.unlink()
    for number in range(3):
        shard(tmp_path / f"shards/photos-{number:03}.tar", 10 + number)
    files.put(str(tmp_path / "shards/photos-000.tar"), "bucket/shards/photos-000.tar")
    (tmp_path / "addresses.txt").write_text("s3://bucket/photos/0.jpg\ns3://bucket/photos/1.jpg\n")
    yield running
    running.requests = Requests()
    files.rm("bucket", recursive=True)
    running.stop()


def lines() -> list[str]:
    """Return the commands of the sections about object storage and tars."""
    text = SCALING.read_text(encoding="utf-8").partition("## Object storage")[2]
    text = text.partition("## A search service")[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("imgsearch")]


@pytest.mark.usefixtures("server")
def test_what_the_page_says_of_object_storage_and_tars_works_as_it_stands() -> None:
    shown = lines()
    assert len(shown) > 6
    for line in shown:
        words = shlex.split(line.replace("photos-{000..009}.tar", "photos-*.tar"), comments=True)
        words = [
            name
            for word in words[1:]
            for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        done = run(*words)
        assert done.exit_code == 0, (line, done.stderr)
    assert "s3://bucket/photos" in run("info").stdout


def test_matches_in_a_bucket_are_shown_listed_and_copied(server: S3Server) -> None:
    run("index", "s3://bucket/photos")
    found = run("query", "s3://bucket/photos/0.jpg", "--paths", "--copy-to", "out")
    assert found.exit_code == 0
    matches = found.stdout.splitlines()
    assert len(matches) == 3
    assert all(match.startswith("s3://bucket/photos/") for match in matches)
    assert len(list(Path("out").iterdir())) == 3
    run("query", "s3://bucket/photos/0.jpg", "--sheet", "sheet.html")
    assert Path("sheet.html").read_text().count("data:image/") == 4
    under = run("list", "--under", "s3://bucket/photos", "--paths")
    assert len(under.stdout.splitlines()) == 4
    assert run("remove", "s3://bucket/photos/0.jpg").exit_code == 0
    server.files.cp("bucket/photos/1.jpg", "bucket/card/again.jpg")
    held = run("duplicates", "--new", "s3://bucket/card", "--json")
    assert [group["keeper"]["path"] for group in json.loads(held.stdout)["groups"]] == [
        "s3://bucket/photos/1.jpg"
    ]
    assert run("compare", "s3://bucket/photos/1.jpg", "s3://bucket/photos/1.jpg").exit_code == 0


def test_a_bucket_that_cannot_be_listed_is_named_and_no_secret_is(server: S3Server) -> None:
    server.requests.share = 1
    done = run("index", "s3://bucket/photos", "-v")
    assert done.exit_code == 3
    assert "throttled: the server asks to slow down" in done.stderr
    refused = run("index", f"s3://me:{SECRET}@bucket/photos", "--debug")
    assert refused.exit_code == 2
    for text in (done.stdout, done.stderr, refused.stdout, refused.stderr):
        assert SECRET not in text
    assert SECRET not in run("info", "--json").stdout

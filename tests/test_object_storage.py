"""Pictures in object storage are indexed as those in folders are, whatever the server does."""

from __future__ import annotations

import io
import json
import os
import tarfile
from functools import partial
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, collected_log, write_picture
from s3_server import SECRET, Requests, S3Server
from web_fakes import serving

from imgsearch import Gallery, IndexOptions
from imgsearch.addresses import Address
from imgsearch.documents import gallery_documents
from imgsearch.errors import UnreadableImageError, UsageError
from imgsearch.sources import finding, retrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch import IndexReport

s3fs = pytest.importorskip("s3fs", reason="object storage needs s3fs")
pytest.importorskip("moto.moto_server", reason="an S3 server to test with: moto[server]")

PHOTOS = "s3://bucket/photos"


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    """A server for all tests of this module, and a client of it."""
    server = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        finding._source.cache_clear()
        server.files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
        yield server
    finding._source.cache_clear()
    server.stop()


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The server, with an empty bucket; nobody waits between two tries."""
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.001)
    running.requests = Requests()
    running.files.mkdir("bucket")
    yield running
    running.requests = Requests()
    running.files.rm("bucket", recursive=True)


def put(server: S3Server, name: str, *, seed: int, tmp_path: Path) -> bytes:
    """Put a picture into the bucket."""
    data = write_picture(tmp_path / "made.png", seed=seed).read_bytes()
    server.files.pipe(f"bucket/photos/{name}", data)
    return data


@pytest.fixture
def filled(server: S3Server, tmp_path: Path) -> S3Server:
    """The server with six pictures in three folders, and what is none."""
    for number in range(6):
        put(server, f"trip{number % 3}/{number:02}.png", seed=number, tmp_path=tmp_path)
    server.files.pipe("bucket/photos/notes.txt", b"none")
    server.files.pipe("bucket/photos/.hidden/1.png", b"none")
    server.files.pipe("bucket/elsewhere/1.png", b"none")
    server.requests.seen.clear()
    return server


def counts(report: IndexReport) -> tuple[int, ...]:
    """Return what a run found: new, changed, moved, unchanged, missing, unreadable, embedded."""
    return (report.new, report.changed, report.moved, report.unchanged, report.missing,
            report.unreadable, report.embedded)  # fmt: skip


def test_a_bucket_is_indexed_and_asked_as_a_folder_is(filled: S3Server, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    assert counts(gallery.index(PHOTOS)) == (6, 0, 0, 0, 0, 0, 6)
    # One request for each folder but hidden ones, and one for each picture.
    assert filled.requests.listings() == 4
    assert len(filled.requests.seen) == 4 + 6
    filled.requests.seen.clear()
    best = gallery.query(f"{PHOTOS}/trip1/01.png", k=3)
    assert [str(match.path).startswith(f"{PHOTOS}/trip") for match in best] == [True] * 3
    assert (best[0].root, best[0].offline) == (Address(PHOTOS), False)
    assert filled.requests.seen == []
    # What is shown is read from where it lies.
    assert gallery.image(best[0].content).shape == (24, 24, 3)
    original = gallery.original(best[0].content)
    assert original.file.read(4) == b"\x89PNG"
    within = [file.path.name for file in gallery.files(under(f"{PHOTOS}/trip2"))]
    assert sorted(within) == ["02.png", "05.png"]
    assert gallery.remove(f"{PHOTOS}/trip2").files == 2


def under(folder: str) -> object:
    """Return the filter for a folder."""
    from imgsearch import Filters

    return Filters(under=(folder,))


def test_a_second_run_lists_and_reads_nothing(filled: S3Server, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.index(PHOTOS)
    filled.requests.seen.clear()
    assert counts(gallery.index()) == (0, 0, 0, 6, 0, 0, 0)
    assert len(filled.requests.seen) == filled.requests.listings() == 4


def test_changes_renames_and_deletions_are_found(filled: S3Server, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.index(PHOTOS)
    filled.files.mv("bucket/photos/trip0/00.png", "bucket/photos/trip1/renamed.png")
    filled.files.rm("bucket/photos/trip0/03.png")
    put(filled, "trip2/02.png", seed=99, tmp_path=tmp_path)
    put(filled, "new.png", seed=98, tmp_path=tmp_path)
    filled.requests.seen.clear()
    assert counts(gallery.index()) == (1, 1, 1, 3, 1, 0, 2)
    # The folder that held what is gone is gone itself.
    assert len(filled.requests.seen) == 3 + 3
    names = {str(file.path).removeprefix(PHOTOS) for file in gallery.files()}
    assert len(names) == 6
    assert {"/trip1/renamed.png", "/new.png"} < names


def test_requests_that_fail_are_made_again_and_nothing_is_lost(
    filled: S3Server, tmp_path: Path
) -> None:
    """One in four is told to slow down; two pictures break off on their way."""
    filled.requests.share = 0.25
    filled.requests.cut = {"/bucket/photos/trip0/00.png": 2, "/bucket/photos/trip1/01.png": 1}
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    assert counts(gallery.index(PHOTOS)) == (6, 0, 0, 0, 0, 0, 6)
    assert counts(gallery.index()) == (0, 0, 0, 6, 0, 0, 0)
    filled.requests.share = 0
    sound = Gallery(tmp_path / "sound", source=FakeSource())
    sound.index(PHOTOS)
    contents, rows = gallery.embeddings()
    assert contents == sound.embeddings()[0]
    assert (rows == sound.embeddings()[1]).all()


def test_what_goes_on_failing_is_named_and_read_the_next_time(
    filled: S3Server, tmp_path: Path
) -> None:
    filled.requests.cut = {"/bucket/photos/trip0/00.png": 1000}
    filled.requests.gone = {"/bucket/photos/trip1/01.png"}
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    report = gallery.index(PHOTOS)
    assert counts(report) == (6, 0, 0, 0, 0, 2, 4)
    broken, vanished = sorted(report.unreadable_files, key=lambda file: file.path)
    assert str(broken.path) == f"{PHOTOS}/trip0/00.png"
    assert broken.reason.startswith("the transfer failed (")
    assert broken.reason.endswith("(6 tries)")
    assert vanished.reason == "nothing there (it may have vanished) (2 tries)"
    filled.requests.cut, filled.requests.gone = {}, set()
    assert counts(gallery.index())[5:] == (0, 2)


def test_a_server_that_does_not_answer_makes_nothing_missing(
    filled: S3Server, tmp_path: Path
) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.index(PHOTOS)
    filled.requests.share = 1
    report = gallery.index()
    assert (report.missing, report.unchanged) == (0, 0)
    (unlisted,) = report.unlisted
    assert (str(unlisted.path), unlisted.reason) == (
        PHOTOS,
        "throttled: the server asks to slow down (6 tries)",
    )
    assert len(list(gallery.files())) == 6
    filled.requests.share = 0
    filled.files.rm("bucket/photos", recursive=True)
    emptied = gallery.index()
    assert (emptied.missing, emptied.unlisted[0].reason) == (
        0,
        "nothing there (it may have vanished)",
    )


def test_a_list_of_many_pages_comes_whole_though_pages_fail(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed page is asked for again by itself; what comes is in order, page after page."""
    for number in range(30):
        server.files.pipe(f"bucket/many/{number:02}.png", b"x")
        if number % 10 == 0:
            server.files.pipe(f"bucket/many/{number:02}/inner.png", b"x")
    source = finding.source_of(Address("s3://bucket/many"))
    ask = source._files.call_s3
    monkeypatch.setattr(source._files, "call_s3", partial(ask, MaxKeys=4))
    server.requests = Requests(share=0.3)
    names = [entry.name + b"/" * (entry.file is None) for entry in source.list(b"")]
    expected = {f"{number:02}.png".encode() for number in range(30)} | {b"00/", b"10/", b"20/"}
    assert names == sorted(expected)
    assert 9 < server.requests.listings() < 30


def test_credentials_are_nowhere(filled: S3Server, tmp_path: Path) -> None:
    """Not in what is logged, reported, kept or raised, whatever the server says."""
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    filled.requests.cut = {"/bucket/photos/trip0/00.png": 1000}
    with collected_log() as said:
        report = gallery.index(PHOTOS)
        filled.requests.share = 1
        with pytest.raises(UnreadableImageError) as raised:
            gallery.query(f"{PHOTOS}/unknown.png")
    told = [*said, str(raised.value), str(raised.value.__cause__), repr(report)]
    told.append(json.dumps(gallery_documents.index_keys(gallery.path, report)))
    told.append(repr(gallery.information()))
    assert not any(SECRET in text for text in told)
    gallery.close()
    for file in (tmp_path / "g").iterdir():
        assert SECRET.encode() not in file.read_bytes()
    with pytest.raises(UsageError, match=r"^s3://…: credentials in an address") as refused:
        gallery.index(f"s3://me:{SECRET}@bucket/photos")
    assert SECRET not in str(refused.value)
    with pytest.raises(UsageError, match="may hold a signature"):
        gallery.query(f"https://host/1.png?X-Amz-Signature={SECRET}")


def test_whoever_has_no_credentials_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    finding._source.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    report = Gallery(tmp_path / "g", source=FakeSource()).index(PHOTOS)
    finding._source.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    assert report.unlisted[0].reason == "no credentials found"


def test_single_pictures_of_a_bucket_stay_single(filled: S3Server, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    one = f"{PHOTOS}/trip0/00.png"
    assert counts(gallery.index(one)) == (1, 0, 0, 0, 0, 0, 1)
    filled.requests.seen.clear()
    assert counts(gallery.index()) == (0, 0, 0, 1, 0, 0, 0)
    assert [method for method, _ in filled.requests.seen] == ["HEAD"]
    filled.files.rm("bucket/photos/trip0/00.png")
    assert gallery.index().missing == 1
    # A folder takes the roots beneath it in.
    gallery.index(PHOTOS)
    assert [str(root.path) for root in gallery.information().roots] == [PHOTOS]


def test_names_without_a_suffix_are_looked_into_when_asked_for(
    filled: S3Server, tmp_path: Path
) -> None:
    put(filled, "nameless", seed=50, tmp_path=tmp_path)
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    assert gallery.index(PHOTOS).new == 6
    assert gallery.index(PHOTOS, options=IndexOptions(any_name=True)).new == 1
    later = gallery.index()
    assert (later.unchanged, later.missing) == (7, 0)


@pytest.mark.usefixtures("filled")
def test_the_page_shows_and_gives_away_what_lies_in_a_bucket(tmp_path: Path) -> None:
    source = FakeSource()
    with Gallery(tmp_path / "g", source=source) as gallery:
        gallery.index(PHOTOS)
    with serving(tmp_path, tmp_path / "g", source, []) as served:
        entry = served.contents()[0]
        assert entry["path"].startswith(f"{PHOTOS}/trip")
        address = f"/contents/{entry['content']}"
        assert served.get(f"{address}/thumbnail").status == 200
        original = served.get(f"{address}/original")
        assert (original.status, original.body[1:4]) == (200, b"PNG")
        assert len(served.get(f"{address}/original", headers={"Range": "bytes=1-3"}).body) == 3


@pytest.mark.usefixtures("filled")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_that_was_forked_off_asks_by_itself(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    gallery.index(PHOTOS)
    content = next(gallery.files()).content
    whole = gallery.image(content)
    child = os.fork()
    if not child:
        same = False
        try:
            same = bool((gallery.image(content) == whole).all())
        finally:
            os._exit(not same)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.mark.usefixtures("filled")
def test_shares_of_a_bucket_hold_every_picture_once(tmp_path: Path) -> None:
    from imgsearch import Shard

    seen: list[str] = []
    for number in (1, 2, 3):
        part = Gallery(tmp_path / f"part{number}", source=FakeSource())
        part.index(PHOTOS, options=IndexOptions(shard=Shard(number, 3)))
        seen += [str(file.path) for file in part.files()]
    assert len(seen) == len(set(seen)) == 6
    whole = Gallery(tmp_path / "all", source=FakeSource())
    whole.merge(*(tmp_path / f"part{number}" for number in (1, 2, 3)))
    assert len(list(whole.files())) == 6
    assert whole.index().unchanged == 6


def test_tars_in_a_bucket_are_folders_of_their_members(server: S3Server, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(3):
            tar.add(write_picture(tmp_path / "one.png", seed=number), f"{number:03}.png")
    server.files.pipe("bucket/shards/a.tar", packed.getvalue())
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    assert counts(gallery.index("s3://bucket/shards/a.tar")) == (3, 0, 0, 0, 0, 0, 3)
    assert counts(gallery.index()) == (0, 0, 0, 3, 0, 0, 0)
    match = gallery.query("tar:s3://bucket/shards/a.tar/001.png", k=1)[0]
    assert str(match.path).startswith("tar:s3://bucket/shards/a.tar/00")
    assert gallery.image(match.content).shape == (24, 24, 3)

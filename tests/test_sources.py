"""Addresses, and what answers for them: spelled, tried again, and refused with the reason."""

from __future__ import annotations

import errno
import pickle
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, touch_later, write_picture
from hypothesis import given
from hypothesis import strategies as st

from imgsearch import Gallery, paths
from imgsearch.addresses import Address, address_of, decoded, is_address
from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.sources import finding
from imgsearch.sources.faults import Fault, fault_of
from imgsearch.sources.protocol import SourceError
from imgsearch.sources.retrying import FIRST_PAUSE, TRIES, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda part: part not in {".", ".."})


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket",
        "s3://bucket/photos/a b/1.jpg",
        "s3://bucket/what?/no#1.jpg",
        "https://host:8080/a/1.jpg",
        "tar:/data/shards/0.tar/1.jpg",
        "tar:s3://bucket/shards/0.tar/1.jpg",
    ],
)
def test_an_address_is_spelled_as_it_was_typed(text: str) -> None:
    address = address_of(text)
    assert str(address) == text
    assert decoded(paths.encode(address)) == address
    assert pickle.loads(pickle.dumps(address)) == address  # noqa: S301 - of its own
    assert str(address / "x.png") == f"{text}/x.png"
    assert address.is_absolute()
    assert str((address / "x").parent) == text
    assert paths.absolute(text) == paths.absolute(address) == address


@given(st.lists(PART, min_size=1, max_size=4), st.lists(PART, min_size=1, max_size=4))
def test_a_part_of_an_address_joins_to_the_whole_again(folder: list[str], below: list[str]) -> None:
    root = Address("s3://bucket/" + "/".join(folder))
    relative = "/".join(below).encode()
    whole = paths.join(paths.encode(root), relative)
    assert paths.relative_to(whole, root) == relative
    assert paths.relative_to(Path("/elsewhere"), root) is None


def test_paths_of_files_are_no_addresses() -> None:
    for text in ("photos/a.jpg", "/data/s3:/x", "C:\\photos", "a:b", "./s3://x", "1s3://x"):
        assert not is_address(text)
    assert type(decoded(b"/data/a.jpg")) is type(Path("/data/a.jpg"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://key:hush@bucket/photos", "^s3://…: credentials in an address"),
        ("tar:https://me:hush@host/a.tar", "^tar:https://…: credentials in an address"),
        ("https://host/a.jpg?sig=hush", "may hold a signature"),
        ("https://host/a.jpg#hush", "may hold a signature"),
        ("file:///photos", "without file://"),
        ("s3:///photos", "expected a bucket or host"),
    ],
)
def test_what_should_not_be_kept_is_refused_unseen(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        address_of(text)
    assert "hush" not in str(refused.value)


def test_a_kind_of_address_that_nobody_knows_is_refused(gallery: Gallery) -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(UsageError, match="nobody://: fsspec knows no such addresses"):
        gallery.index("nobody://host/photos")


@pytest.mark.parametrize(
    ("module", "address", "message"),
    [("fsspec", "s3://b/p", "pip install fsspec s3fs"), ("gcsfs", "gs://b/p", "pip install gcsfs")],
)
def test_a_package_that_is_not_installed_is_named(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, module: str, address: str, message: str
) -> None:
    if module != "fsspec":
        pytest.importorskip("fsspec")
    finding._source.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=message):
        gallery.index(address)


class Flaky:
    """Fails so often, then returns a value."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        """Fail or succeed."""
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_fails_is_tried_again_ever_more_slowly() -> None:
    slept: list[float] = []
    flaky = Flaky(*[ConnectionError("hush")] * (TRIES - 1))
    assert patiently(flaky, fault_of, sleep=slept.append) == "done"
    assert len(slept) == TRIES - 1
    for number, pause in enumerate(slept):
        assert FIRST_PAUSE * 2**number / 2 <= pause <= FIRST_PAUSE * 2**number


@pytest.mark.parametrize(
    ("error", "tries", "reason"),
    [
        (ConnectionError("hush"), 6, "the transfer failed (ConnectionError) (6 tries)"),
        (OSError(errno.EBUSY, "hush"), 6, "throttled: the server asks to slow down (6 tries)"),
        (TimeoutError("hush"), 6, "no answer in time (6 tries)"),
        (FileNotFoundError("hush"), 2, "nothing there (it may have vanished) (2 tries)"),
        (PermissionError("hush"), 1, "access denied: check the credentials"),
        (IsADirectoryError("hush"), 1, "a folder, not a file"),
        (ValueError("hush"), 1, "can't be asked for (ValueError)"),
    ],
)
def test_what_cannot_be_had_says_why_and_nothing_that_the_server_said(
    error: Exception, tries: int, reason: str
) -> None:
    flaky = Flaky(*[error] * 10)
    with pytest.raises(SourceError) as raised:
        patiently(flaky, fault_of, sleep=lambda _: None)
    assert (flaky.tries, raised.value.reason) == (tries, reason)
    assert raised.value.gone == isinstance(error, FileNotFoundError)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_status_tells_where_an_error_does_not() -> None:
    class StatusError(Exception):
        status = 429

    assert fault_of(StatusError()) == Fault("throttled: the server asks to slow down")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server's address, and what it was asked."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.command)

    handler = partial(Handler, directory=str(tmp_path / "site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_pictures_of_a_web_server_are_named_one_by_one(
    web: tuple[str, list[str]], tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp")
    address, asked = web
    for seed in range(3):
        write_picture(tmp_path / f"site/album/{seed}.png", seed=seed)
    gallery = Gallery(tmp_path / "g", source=FakeSource())
    named = [f"{address}/album/{seed}.png" for seed in range(3)]
    report = gallery.index(*named)
    assert (report.new, report.embedded) == (3, 3)
    assert sorted(str(file.path) for file in gallery.files()) == named
    asked.clear()
    assert gallery.index().unchanged == 3
    assert asked == ["HEAD"] * 3
    touch_later(write_picture(tmp_path / "site/album/1.png", seed=9))
    (tmp_path / "site/album/2.png").unlink()
    later = gallery.index()
    assert (later.missing, later.unchanged, later.changed) == (1, 1, 1)

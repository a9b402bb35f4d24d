"""Weights are found in Keras's cache, known by their checksum, and fetched whole or not at all."""

from __future__ import annotations

import hashlib
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from conftest import silently

from imgsearch.errors import WeightsUnavailableError
from imgsearch.networks.backbones import weights
from imgsearch.networks.backbones.catalogue import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.networks.backbones.catalogue import Backbone

CONTENT = weights.HDF5_MAGIC + bytes(range(256)) * 9_000


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the user's own cache."""
    home = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


class Server(BaseHTTPRequestHandler):
    """Answers by the path: whole, short, a log-in page, or not at all."""

    def do_GET(self) -> None:
        """Answer."""
        body = b"<html>please log in</html>" if self.path == "/page" else CONTENT
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def server() -> Iterator[str]:
    """Serve on a free port of this machine, and return the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def backbone_at(url: str, *, checksum: str = "") -> Backbone:
    return replace(find("mobilenet_v2"), weights_url=url, checksum=checksum)


def test_weights_lie_where_keras_keeps_them(keras_home: Path) -> None:
    expected = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    assert weights.cached_path(find("mobilenet_v2")) == keras_home / "models" / expected
    assert not weights.is_available(find("mobilenet_v2"))


def test_without_keras_home_they_lie_in_the_users_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert weights.cache_folder() == tmp_path / ".keras" / "models"


def test_a_fingerprint_is_the_files_sha256(tmp_path: Path) -> None:
    """The digest of three bytes "abc" stands in FIPS 180-2, appendix B.1."""
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert weights.fingerprint(path) == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_file_that_is_not_there_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match="nowhere"):
        weights.fingerprint(tmp_path / "nowhere")


def test_weights_that_are_there_are_taken_without_a_word() -> None:
    path = weights.cached_path(find("vgg16"))
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert silently(weights.ensure, find("vgg16"), offline=False) == path


def test_offline_the_error_names_file_folder_address_and_compact(keras_home: Path) -> None:
    with pytest.raises(WeightsUnavailableError) as caught:
        silently(weights.ensure, find("resnet50"), offline=True)
    message = str(caught.value)
    for part in (
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        str(keras_home / "models"),
        "https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        "94 MB",
        "offline",
        "--weights FILE",
        "compact needs no download",
    ):
        assert part in message


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_download_lands_whole_under_its_name(
    server: str, algorithm: str, said: list[str]
) -> None:
    checksum = hashlib.new(algorithm, CONTENT).hexdigest()
    backbone = backbone_at(f"{server}/whole", checksum=checksum)

    path = weights.ensure(backbone, offline=False)

    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == [backbone.weights_file]
    assert len(said) == 1
    assert "downloading" in said[0]
    assert "9 MB" in said[0]


@pytest.mark.parametrize(
    ("path", "checksum", "reason"),
    [
        ("short", "", "bytes arrived|IncompleteRead"),
        ("page", "", "not an HDF5 file"),
        ("missing", "", "404"),
        ("whole", "0" * 32, f"checksum is {hashlib.md5(CONTENT).hexdigest()}"),  # noqa: S324  as Keras publishes it
        ("whole", "0" * 64, f"checksum is {hashlib.sha256(CONTENT).hexdigest()}"),
    ],
)
def test_a_download_that_fails_leaves_the_cache_as_it_was(
    server: str, path: str, checksum: str, reason: str
) -> None:
    backbone = backbone_at(f"{server}/{path}", checksum=checksum)
    target = weights.cached_path(backbone)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"what was there before")

    with pytest.raises(WeightsUnavailableError, match=reason):
        weights.download(backbone)

    assert [entry.name for entry in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == b"what was there before"


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        backbone = backbone_at(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(WeightsUnavailableError, match=r"no answer within|timed out"):
            weights.download(backbone, timeout=0.1)


def test_a_server_that_refuses_is_an_error_with_its_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    backbone = backbone_at(f"http://127.0.0.1:{port}/")
    with pytest.raises(WeightsUnavailableError, match="download failed"):
        weights.download(backbone)


def test_a_cache_folder_that_cannot_be_made_is_an_error_with_its_reason(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", __file__)
    with pytest.raises(WeightsUnavailableError, match="download failed"):
        weights.download(backbone_at(f"{server}/whole"))


def test_compact_has_its_weights_with_it() -> None:
    assert weights.is_available(find("compact"))
    path = silently(weights.ensure, find("compact"), offline=True)
    assert path.is_file()

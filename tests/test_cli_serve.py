"""`imgsearch serve` from the command line: it says where, serves, and ends at Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from cli_fakes import FakeSource, command, picture, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = "0.0.0.0"  # noqa: S104 - refused without a password


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take embeddings from the fake source, and no password from whoever runs the tests."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    monkeypatch.delenv("IMGSEARCH_PASSWORD", raising=False)


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    for seed in range(3):
        picture(tmp_path / "photos" / f"{seed}.png", seed)
    run("index", tmp_path / "photos", "--gallery", tmp_path / "g")
    return tmp_path / "g"


@pytest.fixture
def started(gallery: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("serve", "--no-open", "--no-idle-work", "--port", "0", "--gallery", gallery),
        env={**os.environ, "IMGSEARCH_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_prints_its_address_serves_and_ends_in_good_order_at_ctrl_c(
    started: subprocess.Popen[str],
) -> None:
    assert started.stdout is not None
    address = urlsplit(started.stdout.readline().strip())
    assert address.hostname == "127.0.0.1"
    assert address.port
    connection = http.client.HTTPConnection(address.netloc, timeout=20)
    token = address.query.removeprefix("token=")
    connection.request("GET", "/api/v1/info", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(connection.getresponse().read())["contents"] == 3
    # The connection stays open: nobody waits for it.
    begun = time.monotonic()
    started.send_signal(signal.SIGINT)
    assert started.wait(20) == 0
    assert time.monotonic() - begun < 10
    connection.close()
    assert started.stderr is not None
    assert started.stderr.read() == "Ctrl-C ends it.\n"


def test_a_port_that_is_taken_is_an_error_that_names_it(gallery: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--no-open", "--port", port, "--gallery", gallery)
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}: address already in use; --port 0 takes a free port" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--host", EVERY), 2, "IMGSEARCH_PASSWORD"),
        (("--host", "nowhere.invalid"), 2, "needed"),
        (("--port", "65536"), 2, "--port"),
        (("--links", "/no/such/folder"), 2, "no such folder"),
        (("--password-file", "/no/such/file"), 1, "/no/such/file"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    gallery: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    result = run("serve", "--no-open", *options, "--gallery", gallery)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_an_empty_password_is_none(gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n", encoding="utf-8")
    options = ("--host", EVERY, "--password-file", tmp_path / "password")
    assert run("serve", "--no-open", *options, "--gallery", gallery).exit_code == 2


def test_a_gallery_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert run("serve", "--no-open", "--gallery", tmp_path / "none").exit_code == 10


def test_the_browser_is_given_the_address(
    gallery: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("imgsearch.web.server.PageServer.run", lambda _: None)
    password = tmp_path / "password"
    password.write_text("long enough\n", encoding="utf-8")
    result = run(
        "serve", "--gallery", gallery, "--port", 0, "--links", tmp_path, "--runtime", "auto"
    )
    assert (result.exit_code, opened) == (0, [result.stdout.strip()])
    result = run(
        *("serve", "--gallery", gallery, "--port", 0, "--host", "127.0.0.2"),
        *("--password-file", password),
    )
    assert "not encrypted" in result.stderr
    assert result.exit_code == 0

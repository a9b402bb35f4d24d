"""A Milvus of the tests' own, from the wheel `milvus`, reached by one port of this machine alone.

Whatever it is told, it listens on all interfaces; so it runs in a network namespace of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

TOKEN: Final = "root:Milvus"  # noqa: S105 - of a server that lives as long as a test
START_SECONDS: Final = 120
# Root may make a network namespace; others may where they can be root in a namespace of users.
WAYS: Final = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
ALONE: Final = ["--pid", "--fork", "--kill-child", "--mount-proc"]


class MilvusServer:
    """A server whose clients find the token in the environment."""

    def __init__(self, folder: Path, way: list[str]) -> None:
        self._folder = folder
        self._way = way
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, collection: str) -> str:
        """Return the address of a collection."""
        return f"milvus://127.0.0.1:{self._port}/{collection}"

    def start(self) -> None:
        """Start the server, at the port that it had, and wait until it answers."""
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", self._port))
            listening.listen(128)
            self._port = listening.getsockname()[1]
            bridge = Path(__file__).with_name("milvus_bridge.py")
            with (self._folder / "bridge.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        *self._way, *ALONE, "--", sys.executable, str(bridge),
                        str(listening.fileno()), str(self._folder / "data"),
                    ],
                    pass_fds=[listening.fileno()],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                )  # fmt: skip
        self._wait()

    def kill(self) -> None:
        """End the server and whatever it has started, at once."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait(30)
        self._process.stdin.close()
        until = time.monotonic() + START_SECONDS
        while _answers(self._port):  # the others die after it
            assert time.monotonic() < until, "the server does not die"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server and delete what it kept."""
        self.kill()
        shutil.rmtree(self._folder)

    def _wait(self) -> None:
        from pymilvus import MilvusClient, MilvusException

        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                client = MilvusClient(
                    f"http://127.0.0.1:{self._port}", token=TOKEN, timeout=5, dedicated=True
                )
                client.list_collections(timeout=5)
                client.close()
            except MilvusException:
                log = (self._folder / "bridge.log").read_text()
                assert self._process.poll() is None, log
                assert time.monotonic() < until, f"the server does not answer: {log}"
                time.sleep(0.5)
            else:
                return


def milvus(folder: Path) -> MilvusServer:
    """Return a server, or skip the test where something is missing."""
    pytest.importorskip("imgsearch.services.milvus.library", reason="pymilvus is not installed")
    # Importing it would make a server's folder in the user's home.
    if find_spec("milvus") is None:
        pytest.skip("the wheel milvus, which has the server, is not installed")
    way = next((way for way in WAYS if _works([*way, *ALONE, "true"])), None)
    if way is None:
        pytest.skip("no network namespace can be made, in which alone Milvus may listen")
    os.environ["MILVUS_TOKEN"] = TOKEN
    return MilvusServer(folder, way)


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0  # noqa: PLW1510
    except OSError:
        return False

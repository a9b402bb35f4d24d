"""A real Ray cluster of this machine: some nodes of one processor each, on 127.0.0.1 alone.

It runs in a process of its own, which is this module: Ray reads its environment as it is imported,
and leaves files open.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TRIES: Final = 4
"""Ray gives a node 30 seconds to start, which a busy machine may need."""
HERE: Final = Path(__file__).resolve().parent
OBJECT_STORE: Final = 80 << 20


class RayCluster:
    """The nodes, between the start and `stop`.

    Attributes:
        address: what `--on` takes.
        environment: of whoever connects, with the cluster's token.
    """

    def __init__(self, scratch: Path, *, nodes: int = 2, **environment: str) -> None:
        """Start it.

        Args:
            scratch: a short path, for Ray's sockets lie beneath.
            nodes: of one processor each.
            environment: of the workers, besides what they need.
        """
        self.environment: Mapping[str, str] = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Otherwise Ray's client server looks for 127.0.0.1 at the network's address.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            # Of a job that was killed, workers end at once rather than after 30 seconds.
            "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "1",
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"ray://127.0.0.1:{port}"
        self._raylets: dict[str, int] = {}
        self._log = (scratch / "cluster.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(scratch), str(port), str(nodes)],
            env={**os.environ, **self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._take_answer()

    @property
    def process_id(self) -> int:
        """Of the process that all others descend from."""
        return self._process.pid

    def add_node(self) -> str:
        """Add a node of one processor, and return its name."""
        before = set(self._raylets)
        self._tell("add")
        (name,) = set(self._raylets) - before
        return name

    def remove_node(self, name: str) -> None:
        """Take a node away as a power failure would."""
        self._tell("remove", name)

    def workers(self) -> list[int]:
        """Return the process ids of the workers of imgsearch, on all nodes."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                title = (entry / "cmdline").read_bytes()
                # After the name in parentheses: the state, then the parent.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in self._raylets.values() and title.startswith(b"ray::Worker"):
                    found.append(int(entry.name))
        return sorted(found)

    def kill_worker(self, *, seconds: float = 60) -> None:
        """End one of the workers at once, when there is one."""
        end = time.monotonic() + seconds
        while not (workers := self.workers()):
            assert time.monotonic() < end, "no worker has begun"
            time.sleep(0.05)
        os.kill(workers[0], signal.SIGKILL)

    def wait_until_idle(self, *, seconds: float = 60) -> None:
        """Wait until no worker is left."""
        end = time.monotonic() + seconds
        while self.workers():
            assert time.monotonic() < end, "workers are left"
            time.sleep(0.1)

    def stop(self) -> None:
        """End all nodes."""
        self._process.communicate()
        self._log.close()

    def _tell(self, *words: str) -> None:
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        self._take_answer()

    def _take_answer(self) -> None:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, f"Ray did not start: see {self._log.name}"
        self._raylets = json.loads(answer)


def serve(scratch: str, port: str, count: str) -> None:
    """Be the cluster until standard input ends; answer each line with the nodes' processes."""
    from ray.cluster_utils import Cluster

    settings = {
        "num_cpus": 1,
        "node_ip_address": "127.0.0.1",
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE,
    }
    for tries_left in reversed(range(TRIES)):
        cluster = Cluster()
        try:
            head = {"ray_client_server_port": int(port), "temp_dir": scratch}
            nodes = [cluster.add_node(**settings, **head)]
            nodes += [cluster.add_node(**settings) for _ in range(int(count) - 1)]
            break
        except Exception:
            cluster.shutdown()
            if not tries_left:
                raise
    while True:
        raylets = {
            node.unique_id: node.all_processes["raylet"][0].process.pid
            for node in nodes
            if "raylet" in node.all_processes
        }
        sys.stdout.write(json.dumps(raylets) + "\n")
        sys.stdout.flush()
        words = sys.stdin.readline().split()
        if not words:
            break
        if words[0] == "add":
            nodes.append(cluster.add_node(**settings))
        else:
            (node,) = [node for node in nodes if node.unique_id == words[1]]
            nodes.remove(node)
            cluster.remove_node(node, allow_graceful=False)
    cluster.shutdown()


if __name__ == "__main__":
    serve(*sys.argv[1:])

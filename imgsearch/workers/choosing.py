"""From what a person types after --on to the executor that it means."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from imgsearch.errors import UsageError
from imgsearch.workers.ray_machines import RayMachines
from imgsearch.workers.remote_executor import RemoteExecutor

HERE: Final = "ray://local"
_ADDRESS: Final = re.compile(r"ray://(?P<host>\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?")
_PORT: Final = "10001"


def executor_on(text: str, *, processors: int | None = None) -> RemoteExecutor:
    """Return the executor whose work is done on other machines; nothing is asked yet.

    Args:
        text: "ray://HOST:PORT", or "ray://local" for workers of this machine alone.
        processors: of each worker; None for one worker on each machine, with all of them.

    Raises:
        UsageError: it is no such address.
    """
    if text.rstrip("/") == HERE:
        return RemoteExecutor(RayMachines.start, name=HERE, processors=processors)
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--on {text}: expected the address of a Ray cluster, such as ray://head:10001, or "
            f"{HERE} for a cluster of this machine alone"
        )
    address = f"ray://{found['host']}:{found['port'] or _PORT}"
    return RemoteExecutor(
        partial(RayMachines.connect, address), name=address, processors=processors
    )

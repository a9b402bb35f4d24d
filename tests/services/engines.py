"""The engines that the contract is held to, each with a server that tests start and kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services import memory_engine
from services.milvus_server import milvus
from services.postgres_server import postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Server(Protocol):
    """A server of the tests' own, on this machine alone."""

    def address(self, collection: str) -> str:
        """Return the address of a collection."""

    def kill(self) -> None:
        """End it as `kill -9` and a loss of power do; what it promised to keep is still there."""

    def start(self) -> None:
        """Start it, or start it again."""

    def stop(self) -> None:
        """End it in good order."""


class MemoryServer:
    """No server at all."""

    def __init__(self, folder: Path) -> None:
        self._name = folder.name

    def address(self, collection: str) -> str:
        """Return memory://NAME/COLLECTION."""
        return f"memory://{self._name}/{collection}"

    def kill(self) -> None:
        """Forget who was writing."""
        for kept in memory_engine.KEPT.values():
            kept.writing = False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Forget everything."""
        memory_engine.KEPT.clear()


def memory(folder: Path) -> MemoryServer:
    """Return the toy."""
    return MemoryServer(folder)


# What makes a server in a folder, by engine; it skips the test where its packages are missing.
ENGINES: dict[str, Callable[[Path], Server]] = {
    "memory": memory,
    "pgvector": postgres,
    "milvus": milvus,
}

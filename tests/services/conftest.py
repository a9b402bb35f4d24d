"""Servers, and collections on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imgsearch.services import finding
from services.engines import ENGINES, Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the toy, try the contract every time, and the rest with what is slow."""
    for item in items:
        ours = Path(__file__).parent in item.path.parents and "[memory" in item.name
        if ours and item.path.name != "test_contract.py":
            item.add_marker(pytest.mark.slow)


def _marked(engine: str) -> object:
    return engine if engine == "memory" else pytest.param(engine, marks=pytest.mark.services)


@pytest.fixture(scope="session", params=[_marked(engine) for engine in ENGINES])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give a running server of each engine, or skip by name."""
    server = ENGINES[request.param](tmp_path_factory.mktemp(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(finding.ENGINES, "memory", "services.memory_engine")
        server.start()
        yield server
        server.stop()


@pytest.fixture
def address(server: Server, request: pytest.FixtureRequest) -> str:
    """Return the address of a collection that nobody has written yet."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in request.node.originalname)
    return server.address(letters[-40:].lower().strip("_"))

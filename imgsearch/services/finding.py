"""Which engine an address is of."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from imgsearch.errors import UsageError
from imgsearch.services.service_address import scheme_of

if TYPE_CHECKING:
    from imgsearch.services.protocol import SearchService

# The module whose `open_service(address)` answers, by scheme. It is imported when it is needed.
ENGINES: Final[dict[str, str]] = {
    "milvus": "imgsearch.services.milvus.opening",
    "postgresql": "imgsearch.services.pgvector.opening",
}


def is_service(text: str) -> bool:
    """Whether a text is meant as the address of a search service, known or not."""
    return scheme_of(text, known=ENGINES) is not None


def open_service(address: str) -> SearchService:
    """Return the service at an address; nothing is asked of it yet.

    Raises:
        UsageError: no such kind of address, or it holds a password.
        MissingExtraError: the engine's package is not installed.
    """
    scheme = scheme_of(address, known=ENGINES)
    if scheme not in ENGINES:
        # Behind whatever slip, what stands before "@" may be a password.
        shown = f"{scheme}://…" if scheme else "…" if "@" in address else address
        raise UsageError(
            f"{shown}: no address of a search service; "
            f"expected one that begins with {', '.join(f'{known}://' for known in ENGINES)}"
        )
    return cast("SearchService", import_module(ENGINES[scheme]).open_service(address))

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
    "postgresql": "imgsearch.services.pgvector.opening",
}


def is_service(text: str) -> bool:
    """Whether a text is the address of a search service."""
    return scheme_of(text) in ENGINES


def open_service(address: str) -> SearchService:
    """Return the service at an address; nothing is asked of it yet.

    Raises:
        UsageError: no such kind of address, or it holds a password.
        MissingExtraError: the engine's package is not installed.
    """
    scheme = scheme_of(address)
    if scheme not in ENGINES:
        raise UsageError(
            f"{address if scheme is None else scheme + '://…'}: no address of a search service; "
            f"expected one that begins with {', '.join(f'{known}://' for known in ENGINES)}"
        )
    return cast("SearchService", import_module(ENGINES[scheme]).open_service(address))

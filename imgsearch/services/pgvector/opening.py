"""Addresses of PostgreSQL's, looked at before psycopg is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.services import service_address

if TYPE_CHECKING:
    from imgsearch.services.protocol import SearchService

# How the server proves who it is; nothing secret.
OPTIONS: Final = frozenset({"sslmode", "sslrootcert"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


def open_service(address: str) -> SearchService:
    """Return the service at an address; nothing is asked of it yet.

    Raises:
        UsageError: the address is none, or holds a password.
        MissingExtraError: psycopg is not installed.
    """
    found = service_address.parse(address, options=OPTIONS)
    if len(found.parts) != 2:  # noqa: PLR2004 - database, collection
        raise UsageError(
            f"{found}: expected postgresql://HOST[:PORT]/DATABASE/COLLECTION, such as "
            "postgresql://host/db/photos"
        )
    if not _NAME.fullmatch(found.parts[1]):
        raise UsageError(
            f"{found}: {found.parts[1]!r} is not the name of a collection: expected letters, "
            "digits, '_' and '-', 63 at most"
        )
    try:
        from imgsearch.services.pgvector.service import PgvectorService
    except ImportError as error:
        raise MissingExtraError(
            f"{found}: needs a package that is not installed: "
            "pip install 'imgsearch-gallery[pgvector]'"
        ) from error
    return PgvectorService(found)

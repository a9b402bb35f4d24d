"""Addresses of Milvus's, looked at before pymilvus is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.services import service_address
from imgsearch.services.milvus.names import checked_name

if TYPE_CHECKING:
    from imgsearch.services.protocol import SearchService

# Whether what is sent is encrypted.
_OPTIONS: Final = frozenset({"tls"})


def open_service(address: str) -> SearchService:
    """Return the service at an address; nothing is asked of it yet.

    Raises:
        UsageError: the address is none, or holds a password.
        MissingExtraError: pymilvus is not installed.
    """
    found = service_address.parse(address, options=_OPTIONS)
    if not 1 <= len(found.parts) <= 2:  # noqa: PLR2004 - database, collection
        raise UsageError(
            f"{found}: expected milvus://HOST[:PORT]/[DATABASE/]COLLECTION, such as "
            "milvus://host:19530/photos"
        )
    if found.options not in ((), (("tls", "true"),)):
        raise UsageError(f"{found}: expected ?tls=true, or nothing behind the name")
    checked_name(found)
    try:
        from imgsearch.services.milvus.service import MilvusService
    except ImportError as error:
        raise MissingExtraError(
            f"{found}: needs a package that is not installed: "
            "pip install 'imgsearch-gallery[milvus]'"
        ) from error
    return MilvusService(found)

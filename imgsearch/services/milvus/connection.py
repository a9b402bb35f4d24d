"""The connection to a Milvus server: credentials, patience with one that starts, plain errors."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc

from imgsearch.errors import ServiceError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.services.milvus.library import pymilvus

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgsearch.services.service_address import ServiceAddress

T = TypeVar("T")

PORT: Final = 19530
CONNECT_SECONDS: Final = 10
# A server that was killed answers questions some 40 s after its start.
ANSWER_SECONDS: Final = 120
NOT_FOUND: Final = 100
# "not ready", "not loaded", "not fully loaded", and channels and nodes that are on their way.
_STARTING: Final = frozenset({1, 101, 103, 104, 502, 503, 901, 902, 904})
_PAUSE: Final = 0.5
# Within which a server that was killed has its rows again: it moves collections for up to a minute.
_RECOVERED_SECONDS: Final = 90.0


class Connection:
    """A client, made when it is first needed; any thread may ask.

    Credentials come from MILVUS_TOKEN, or else MILVUS_USER (or the address) and MILVUS_PASSWORD.
    """

    def __init__(self, address: ServiceAddress, database: str) -> None:
        self.shown = str(address)
        self._place = address
        self._database = database
        self._client: pymilvus.MilvusClient | None = None
        self._making = threading.Lock()
        forget_in_children(self._forget)

    def ask(self, method: str, /, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as pymilvus has it
        """Call a method of the client, again while the server is starting.

        Raises:
            ServiceError: the server does not answer or refuses.
        """
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                client = self._made()
                return getattr(client, method)(*arguments, timeout=ANSWER_SECONDS, **named)
            except (pymilvus.MilvusException, grpc.RpcError) as error:
                if not _is_starting(error) or time.monotonic() > until:
                    raise ServiceError(self._reason(error)) from error
                time.sleep(_PAUSE)

    def wait_for(self, look: Callable[[], T | None]) -> T:
        """Return what is found, looked for again while it is None.

        A server that starts after a crash answers before it has its rows again.

        Raises:
            ServiceError: it is not found within a minute and a half.
        """
        until = time.monotonic() + _RECOVERED_SECONDS
        while (found := look()) is None:
            if time.monotonic() > until:
                raise ServiceError(
                    f"{self.shown}: the server lacks entries of what was published; ask again, and "
                    "if that is of no use, drop its collections and `imgsearch publish` again"
                )
            time.sleep(_PAUSE)
        return found

    def find(self, collection: str) -> dict[str, Any] | None:
        """Return what a collection, or the one that an alias names, is; None where none is."""
        try:
            found: dict[str, Any] = self.ask("describe_collection", collection)
        except ServiceError as error:
            if getattr(error.__cause__, "code", None) == NOT_FOUND:
                return None
            raise
        return found

    def written(self, collection: str) -> int:
        """Return the server's time of this process's last change to a collection, 0 for none."""
        place = f"{self._place.host}:{self._place.port or PORT}"
        from pymilvus.client.ts_utils import get_collection_ts

        return int(get_collection_ts(collection, place, self._database) or 0)

    def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _made(self) -> pymilvus.MilvusClient:
        with self._making:
            if self._client is None:
                scheme = "https" if ("tls", "true") in self._place.options else "http"
                host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
                self._client = pymilvus.MilvusClient(
                    f"{scheme}://{host}:{self._place.port or PORT}",
                    token=self._token(),
                    db_name=self._database,
                    timeout=CONNECT_SECONDS,
                    dedicated=True,
                )
            return self._client

    def _token(self) -> str:
        token = os.environ.get("MILVUS_TOKEN", "")
        user = self._place.user or os.environ.get("MILVUS_USER", "")
        password = os.environ.get("MILVUS_PASSWORD", "")
        return token or (f"{user}:{password}" if user else "")

    def _reason(self, error: Exception) -> str:
        """Say what kind of error it is; what a server says may repeat what was sent."""
        code = error.code() if isinstance(error, grpc.RpcError) else getattr(error, "code", None)
        kind = f"{type(error).__name__.lstrip('_')}, code {getattr(code, 'name', code)}"
        return (
            f"{self.shown}: {kind}; "
            "the address, MILVUS_TOKEN, or MILVUS_USER and MILVUS_PASSWORD may be wrong, or the "
            "server away: try again, nothing published is lost"
        )

    def _forget(self) -> None:
        """In a forked child, the client's threads are dead."""
        never_free(self._client)
        self._client = None
        self._making = threading.Lock()


def _is_starting(error: Exception) -> bool:
    return isinstance(error, pymilvus.MilvusException) and error.code in _STARTING

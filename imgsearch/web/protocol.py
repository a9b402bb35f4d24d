"""HTTP/1.1 for clients that are slow on purpose: each has its time, then its connection ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from imgsearch.web.neighbours import is_other_user

if TYPE_CHECKING:
    import asyncio

LOG: Final = logging.getLogger(__name__)
HEADER_SECONDS: Final = 10.0
STALLED_SECONDS: Final = 30.0


class TimedProtocol(H11Protocol):
    """uvicorn's protocol, with a time for a request's head and for an answer that nobody takes."""

    header_seconds: float = HEADER_SECONDS
    stalled_seconds: float = STALLED_SECONDS
    own_user_only: bool = False

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **options)
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, unless another user's process is at the other end."""
        super().connection_made(transport)
        if self.own_user_only and is_other_user(self.client, self.server):
            LOG.warning("a process of another user tried to connect, and was sent away")
            transport.abort()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a request that is not whole yet keeps its first moment."""
        if self._head is None and not self._answering():
            self._await_head()
        super().data_received(data)
        if self._answering():
            self._cancel_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._cancel_head()
        self._cancel_stall()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client does not take what it asked for."""
        self.flow.pause_writing()
        self._cancel_stall()
        self._stall = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that it does."""
        self.flow.resume_writing()
        self._cancel_stall()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._cancel_head()
        self._head = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _cancel_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _cancel_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class OwnUserProtocol(TimedProtocol):
    """The same, for processes of the server's own user alone."""

    own_user_only = True

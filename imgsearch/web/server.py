"""The server as a whole: a socket, uvicorn, and the application."""

from __future__ import annotations

import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import uvicorn

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.web.access import Access
from imgsearch.web.application import application
from imgsearch.web.protection import hosts_of
from imgsearch.web.protocol import OwnUserProtocol, TimedProtocol
from imgsearch.web.service import Service, ServiceOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.applications import Starlette
    from starlette.types import Lifespan

    from imgsearch.gallery.gallery import Gallery

LOOPBACK: Final = "127.0.0.1"
USUAL_PORT: Final = 8737
MOST_HEAD: Final = 16 << 10
MOST_CONNECTIONS: Final = 256
KEEP_ALIVE_SECONDS: Final = 60
GOODBYE_SECONDS: Final = 3
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where a server listens, and to whom.

    Attributes:
        host: address that it listens on.
        port: 0 for a free one; None for the usual one, or a free one where that is taken.
        password: what a person may show in place of the token; needed where `host` is not this
            machine alone.
        service: what it does.
    """

    host: str = LOOPBACK
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    service: ServiceOptions = field(default_factory=ServiceOptions)


class PageServer:
    """Serves a gallery's page until it is stopped."""

    def __init__(
        self, open_gallery: Callable[[str | None], Gallery], options: ServerOptions
    ) -> None:
        """Take the port; nobody is answered before `run`.

        Args:
            open_gallery: opens the gallery under the recipe of that identifier; None for the
                primary one.
            options: where and to whom.

        Raises:
            UsageError: another address than this machine's own without a password, or one that
                this machine does not have.
            ImgsearchError: the port is taken, or may not be used.
        """
        self._open_gallery = open_gallery
        self._options = options
        self._socket = _bound(options)
        self.port: int = self._socket.getsockname()[1]
        self._access = Access(self.port, options.password)
        self._server: uvicorn.Server | None = None

    @property
    def address(self) -> str:
        """The first address, with the token that lets in whoever opens it."""
        name = self._options.host if is_local(self._options.host) else socket.gethostname()
        return f"http://{name}:{self.port}/?token={self._access.token}"

    @property
    def token(self) -> str:
        """The token alone, for programs."""
        return self._access.token

    def run(self) -> None:
        """Answer requests until Ctrl-C or `stop`.

        Raises:
            KeyboardInterrupt: Ctrl-C ended it, in good order.
        """
        quiet = logging.getLogger("uvicorn")
        quiet.setLevel(logging.CRITICAL + 1)
        quiet.propagate = False
        service = Service(self._open_gallery, self._options.service)
        app = application(
            service,
            access=self._access,
            hosts=hosts_of(self._options.host),
            lifespan=_lifespan_of(service),
        )
        config = uvicorn.Config(
            app,
            http=OwnUserProtocol if is_local(self._options.host) else TimedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MOST_HEAD,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Have `run` return soon; for another thread."""
        if self._server is not None:
            self._server.should_exit = True

    @property
    def started(self) -> bool:
        """Whether requests are answered."""
        return self._server is not None and self._server.started

    def close(self) -> None:
        """Give the port back, if `run` did not."""
        self._socket.close()


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    return host == LOOPBACK


def _bound(options: ServerOptions) -> socket.socket:
    if not is_local(options.host) and not options.password:
        raise UsageError(
            f"host: {options.host} can be reached from other machines, so that a password is "
            "needed: set IMGSEARCH_PASSWORD, or give --password-file"
        )
    if options.port is not None:
        return _listening(options.host, options.port)
    try:
        return _listening(options.host, USUAL_PORT)
    except ImgsearchError:
        return _listening(options.host, 0)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Not SO_REUSEPORT: nobody else may take a share of the connections.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(_BACKLOG)
    except OSError as error:
        taken.close()
        if isinstance(error, socket.gaierror):
            raise UsageError(f"host: {host!r} is not an address of this machine") from error
        raise ImgsearchError(
            f"{host}:{port}: {(error.strerror or str(error)).lower()}; --port 0 takes a free port"
        ) from error
    return taken


def _lifespan_of(service: Service) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    return lifespan

"""The server's addresses, and what becomes of errors."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from imgsearch.errors import ImgsearchError
from imgsearch.web import pages, replies
from imgsearch.web.endpoints.table import ENDPOINTS
from imgsearch.web.openapi import description
from imgsearch.web.protection import Protection
from imgsearch.web.refusals import RefusalError, refusal_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Lifespan

    from imgsearch.web.access import Access
    from imgsearch.web.service import Service

    Handler = Callable[[Request], Awaitable[Response]]

LOG: Final = logging.getLogger(__name__)
GONE: Final = 499
"""The status of an answer that nobody is there to read."""


def application(
    service: Service,
    *,
    access: Access,
    hosts: frozenset[str],
    lifespan: Lifespan[Starlette] | None = None,
) -> ASGIApp:
    """Return the whole server.

    Args:
        service: what all endpoints share.
        access: who may use it.
        hosts: names and addresses under which it may be asked, without the port.
        lifespan: of Starlette: what begins and ends with the server.
    """
    by_path: dict[str, dict[str, Handler]] = {}
    for endpoint in ENDPOINTS:
        # A set's name may hold what otherwise ends a part of an address.
        path = endpoint.path.replace("{name}", "{name:path}")
        by_path.setdefault(path, {})[endpoint.method] = endpoint.handler
    # The pages' files first: there are many of them, and each asks every route before its own.
    routes = [Route("/static/{path:path}", _answered(pages.static), methods=["GET"])]
    routes += [
        Route(path, _answered(_by_method(handlers)), methods=list(handlers))
        for path, handlers in by_path.items()
    ]
    routes += [
        Route(path, _answered(pages.shell_of(view)), methods=["GET"])
        for path, view in pages.VIEWS.items()
    ]
    routes.append(Route("/login", _answered(pages.login), methods=["GET", "POST"]))
    inner = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused_by_router},
        lifespan=lifespan,
    )
    inner.router.redirect_slashes = False
    inner.state.service = service
    inner.state.access = access
    inner.state.description = description(ENDPOINTS)
    return Protection(inner, access=access, hosts=hosts)


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return handle


def _answered(handler: Handler) -> Handler:
    """Return a handler whose errors are documents, and never end the server."""

    @functools.wraps(handler)
    async def handle(request: Request) -> Response:
        request.app.state.service.asked()
        try:
            return await handler(request)
        except RefusalError as refusal:
            return replies.error(refusal)
        except ImgsearchError as error:
            return replies.error(refusal_of(error))
        except ClientDisconnect:
            return Response(status_code=GONE)
        except MemoryError:
            return replies.error(RefusalError(503, "busy", "out of memory; try again"))
        except Exception as error:
            LOG.warning(
                "%s %s: unexpected %s: %s; this is a bug in imgsearch, --debug shows the traceback",
                request.method,
                request.scope["path"],
                type(error).__name__,
                error,
            )
            LOG.debug("the traceback:", exc_info=error)
            return replies.error(
                RefusalError(500, "failed", "this is a bug in imgsearch; its terminal has more")
            )

    return handle


async def _refused_by_router(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:  # noqa: PLR2004 - of HTTP
        allowed = dict(getattr(error, "headers", None) or {})
        return replies.error(RefusalError(405, "method", "not with this method", allowed))
    return replies.error(RefusalError(404, "not-found", "there is nothing at this address"))

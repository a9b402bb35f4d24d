"""Closes the server to everybody else: what stands before every address.

- `Host` must name this very server with its port, or another site's name may have been pointed at
  127.0.0.1 (rebinding).
- Pages of other sites, and of other ports, get nothing: `Sec-Fetch-Site`; and what changes
  something needs `Origin` or `Sec-Fetch-Site` to say that this server's page sent it.
- Nobody without the cookie or the token gets more than a page that says so, and how it looks.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from imgsearch.html_pages import environment
from imgsearch.web import replies
from imgsearch.web.refusals import RefusalError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from imgsearch.web.access import Access

LOG: Final = logging.getLogger(__name__)
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
FROM_HERE: Final = frozenset({"same-origin", "none"})
USUAL_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
INERT: Final = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PLAIN_PAGE: Final = f"{INERT.decode('ascii')}; style-src 'self'; img-src 'self'"
# What the pages without secrets look like: files that come with the program.
OPEN: Final = re.compile(r"/static/(v-\w+/)?(icon\.svg|css/[\w,]+\.css)")
_HTTP: Final = 80
_ENTERED: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>imgsearch</title>'
    '<meta http-equiv="refresh" content="0; url=/"><p><a href="/">Go on</a></p></html>'
)


class _Body:
    """What is sent with a request, and whether some of it was not read."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        headers = dict(scope["headers"])
        self.is_left = b"transfer-encoding" in headers or (
            headers.get(b"content-length", b"0").strip(b"0") != b""
        )

    async def receive(self) -> Message:
        """Return the next piece."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.is_left = False
        return message


class Protection:
    """Middleware around the whole server."""

    def __init__(self, app: ASGIApp, *, access: Access, hosts: frozenset[str]) -> None:
        """Put it around a server.

        Args:
            app: the server.
            access: who may use it.
            hosts: names and addresses under which it may be asked, without the port.
        """
        self._app = app
        self._access = access
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive)

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _close(message)
                if body.is_left:
                    # Or the rest of it, however long, would be read and thrown away.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        request = Request(scope, receive)
        try:
            self._check_origin(request)
            answer = self._entered(request)
            if answer is None:
                self._check_access(request)
        except RefusalError as refusal:
            answer = self._refused(request, refusal)
        if answer is not None:
            await answer(scope, receive, send_closed)
            return
        try:
            await self._app(scope, body.receive, send_closed)
        except Exception as error:
            LOG.warning("%s %s: %s", scope["method"], scope["path"], error)
            raise  # the answer has begun, and all that is left is to end the connection

    def _check_origin(self, request: Request) -> None:
        hosts = request.headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if host.lower() not in self._allowed(request):
            raise RefusalError(400, "usage", "Host: not an address of this server")
        origins = request.headers.getlist("origin")
        sites = request.headers.getlist("sec-fetch-site")
        entering = request.scope["path"] == "/" and "token" in request.query_params
        if any(site not in FROM_HERE for site in sites) and not (
            entering and request.method in SAFE_METHODS
        ):
            raise RefusalError(403, "refused", "another site's page asked for this")
        if any(origin.lower() != f"http://{host.lower()}" for origin in origins):
            raise RefusalError(403, "refused", "Origin: another site's page asked for this")
        if request.method in SAFE_METHODS or _bearer(request):
            return
        if not origins and sites != ["same-origin"]:
            raise RefusalError(
                403, "refused", "neither Origin nor Sec-Fetch-Site says which page asks"
            )

    def _allowed(self, request: Request) -> frozenset[str]:
        port = self._access.port
        # The address that a packet came to is this machine's, whatever else its name may mean.
        here = request.scope.get("server") or ("", 0)
        names = self._hosts | {_in_address(str(here[0]))}
        allowed = {f"{name}:{port}" for name in names}
        return frozenset(allowed | (names if port == _HTTP else set()))

    def _entered(self, request: Request) -> Response | None:
        """Return what an address with the right token leads to, None for any other."""
        if request.scope["path"] != "/" or request.method not in SAFE_METHODS:
            return None
        if not self._access.knows_token(request.query_params.get("token", "")):
            return None
        headers = {"Set-Cookie": self._access.cookie, "Cache-Control": "no-store"}
        if request.headers.get("sec-fetch-site", "none") in FROM_HERE:
            return RedirectResponse("/", 303, headers)
        # Browsers send no strict cookie where a redirection began on another site.
        return HTMLResponse(_ENTERED, headers=headers)

    def _check_access(self, request: Request) -> None:
        path: str = request.scope["path"]
        if path == "/login" and self._access.password is not None:
            return
        if request.method in SAFE_METHODS and OPEN.fullmatch(path):
            return
        known = self._access.knows_token(_bearer(request)) or any(
            self._access.knows_cookie(header) for header in request.headers.getlist("cookie")
        )
        if not known:
            raise RefusalError(
                401,
                "no-access",
                "open the address that imgsearch serve printed; it has a token that lets you in",
                {"WWW-Authenticate": "Bearer"},
            )

    def _refused(self, request: Request, refusal: RefusalError) -> Response:
        if refusal.status == 401 and _wants_page(request):  # noqa: PLR2004 - no access
            if self._access.password is not None:
                return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
            template = environment("imgsearch.web").get_template("refused.html")
            page = template.render(static="/static")
            return HTMLResponse(page, refusal.status, {"Content-Security-Policy": PLAIN_PAGE})
        return replies.error(refusal)


def _close(message: Message) -> None:
    headers = message.setdefault("headers", [])
    present = {name.lower() for name, _ in headers}
    headers.extend((name, value) for name, value in USUAL_HEADERS if name not in present)
    if b"content-security-policy" not in present:
        headers.append((b"content-security-policy", INERT))
    if b"cache-control" not in present:
        headers.append((b"cache-control", b"no-store"))


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _wants_page(request: Request) -> bool:
    path: str = request.scope["path"]
    return request.method in SAFE_METHODS and not path.startswith(("/api/", "/static/"))


def _in_address(host: str) -> str:
    """Return a host as `Host` has it: addresses of version 6 in brackets."""
    return f"[{host}]" if ":" in host else host.lower()


def hosts_of(address: str) -> frozenset[str]:
    """Return the names under which a server that listens on an address may be asked.

    Args:
        address: of an interface, or one that stands for all of them.
    """
    names = {_in_address(address)}
    try:
        listens_on = ipaddress.ip_address(address)
    except ValueError:
        return frozenset(names)
    if listens_on.is_loopback or listens_on.is_unspecified:
        names |= {"localhost", "127.0.0.1"}
    if not listens_on.is_loopback:
        name = socket.gethostname().lower()
        names |= {name, f"{name.partition('.')[0]}.local"}
    if listens_on.is_unspecified:
        names.discard(_in_address(address))
    return frozenset(names)

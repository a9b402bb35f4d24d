"""The pages: one shell that every address of theirs gets, and the files that it loads."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from imgsearch import __version__
from imgsearch.html_pages import environment
from imgsearch.text import path_keys
from imgsearch.web import replies
from imgsearch.web.refusals import RefusalError, not_found
from imgsearch.web.service import service_of
from imgsearch.web.static_files import FOLDER, modules_of, static_address, static_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from imgsearch.web.access import Access

# The addresses, and the module of each page; what is shown there is for that to ask.
VIEWS: Final = {
    "/": "app/search/view.js",
    "/browse": "app/browse/view.js",
    "/content/{content}": "app/picture/view.js",
    "/map": "app/map/view.js",
    "/duplicates": "app/duplicates/view.js",
    "/selections": "app/selections/view.js",
    "/backbones": "app/backbones/view.js",
}
MOST_FORM: Final = 4096


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page whose script has a nonce."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "worker-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _page(template: str, *, status: int = 200, **values: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    page = (
        environment("imgsearch.web")
        .get_template(template)
        .render(nonce=nonce, release=__version__, static=static_address(), **values)
    )
    headers = {"Content-Security-Policy": policy(nonce), "Cache-Control": "no-store"}
    return HTMLResponse(page, status, headers)


def shell_of(view: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what gives the shell of all pages, with the modules of one view."""

    async def shell(request: Request) -> Response:
        gallery = path_keys(service_of(request).gallery.path)["path"]
        name = gallery.rpartition("/")[2]
        return _page("shell.html", gallery_name=name, modules=modules_of(view))

    return shell


async def login(request: Request) -> Response:
    """Ask for the password, or let in whoever knows it."""
    access: Access = request.app.state.access
    if access.password is None:
        raise not_found("no password is asked for")
    if request.method == "GET":
        return _page("login.html", wrong=False)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM:
            raise RefusalError(413, "too-large", "the password is too long")
    if not await access.knows_password(_field(bytes(body), "password")):
        return _page("login.html", status=403, wrong=True)
    return RedirectResponse("/", 303, {"Set-Cookie": access.cookie, "Cache-Control": "no-store"})


def _field(body: bytes, name: str) -> str:
    from urllib.parse import parse_qsl

    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    return dict(pairs).get(name, "")


async def static(request: Request) -> Response:
    """Give a file of the pages."""
    path: str = request.path_params["path"]
    current = f"{static_address().removeprefix(FOLDER)}/"
    file = static_file(path.removeprefix(current))
    if path.startswith(current):
        return replies.for_ever(file.data, file.media_type)
    known = replies.unchanged(request, file.tag)
    if known is not None:
        return known
    return Response(file.data, headers=replies.versioned(file.tag), media_type=file.media_type)

"""The pages: one shell that every address of theirs gets, and the files that it loads."""

from __future__ import annotations

import hashlib
import mimetypes
import secrets
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from imgsearch import __version__
from imgsearch.html_pages import environment
from imgsearch.text import path_keys
from imgsearch.web import replies
from imgsearch.web.refusals import RefusalError, not_found
from imgsearch.web.service import service_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

    from imgsearch.web.access import Access

ADDRESSES: Final = (
    *("/", "/browse", "/content/{content}", "/map", "/duplicates", "/selections", "/backbones"),
)
MOST_FORM: Final = 4096
VERSIONED: Final = "v-"
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}


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


async def shell(request: Request) -> Response:
    """Give the shell of all pages; what it shows is for its script to ask."""
    gallery = path_keys(service_of(request).gallery.path)["path"]
    return _page("shell.html", gallery_name=gallery.rpartition("/")[2], modules=_modules())


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


@dataclass(frozen=True, slots=True)
class _StaticFile:
    data: bytes
    media_type: str
    tag: str


@cache
def static_files() -> dict[str, _StaticFile]:
    """Return the files of the pages by their address below /static/; nothing else is given."""
    found: dict[str, _StaticFile] = {}
    _collect(files("imgsearch.web") / "static", "", found)
    return found


@cache
def static_address() -> str:
    """Return the address of the files, which is another one where one of them is.

    So that a browser keeps them, and asks again only after an upgrade.
    """
    tags = "".join(f"{name}{file.tag}" for name, file in sorted(static_files().items()))
    return f"/static/{VERSIONED}{hashlib.sha256(tags.encode('ascii')).hexdigest()[:12]}"


@cache
def _modules() -> tuple[str, ...]:
    """Return the script's modules: a browser that knows them all fetches them at once."""
    return tuple(name for name in sorted(static_files()) if name.startswith("app/"))


def _collect(folder: Traversable, below: str, found: dict[str, _StaticFile]) -> None:
    for entry in folder.iterdir() if folder.is_dir() else ():
        name = f"{below}{entry.name}"
        if entry.is_dir():
            _collect(entry, f"{name}/", found)
        elif not entry.name.startswith((".", "__")):
            data = entry.read_bytes()
            suffix = f".{entry.name.rpartition('.')[2]}"
            kind = _TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0]
            found[name] = _StaticFile(data, kind or "application/octet-stream", _tag(data))


@lru_cache(maxsize=64)
def _named(path: str) -> _StaticFile:
    """Return a file, or several style sheets as one: `css/base,grid.css` is both, in that order.

    Raises:
        RefusalError: there is none of that name.
    """
    folder, _, names = path.rpartition("/")
    wanted = [path]
    if folder == "css" and "," in names:
        wanted = [f"css/{name}.css" for name in names.removesuffix(".css").split(",")]
    found = [static_files().get(name) for name in wanted]
    files = [file for file in found if file is not None]
    if len(files) < len(wanted):
        raise not_found("no such file")
    if len(files) == 1:
        return files[0]
    tag = "".join(file.tag for file in files)
    return _StaticFile(b"\n".join(file.data for file in files), files[0].media_type, _tag(tag))


def _tag(text: str | bytes) -> str:
    data = text.encode("ascii") if isinstance(text, str) else text
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


async def static(request: Request) -> Response:
    """Give a file of the pages."""
    path: str = request.path_params["path"]
    current = f"{static_address().removeprefix('/static/')}/"
    file = _named(path.removeprefix(current))
    if path.startswith(current):
        return replies.for_ever(file.data, file.media_type)
    known = replies.unchanged(request, file.tag)
    if known is not None:
        return known
    return Response(file.data, headers=replies.versioned(file.tag), media_type=file.media_type)

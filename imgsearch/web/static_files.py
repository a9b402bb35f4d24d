"""The files that the pages load, and the addresses under which browsers keep them."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Final

from imgsearch.web.refusals import not_found

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER: Final = "/static/"
VERSIONED: Final = "v-"
MAIN: Final = "app/main.js"
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}
# The modules that a module cannot begin without; what `import()` fetches comes later.
_IMPORTED: Final = re.compile(
    r'^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)";|^import "(\.[^"]+)";', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the pages.

    Attributes:
        data: its bytes.
        media_type: as HTTP has it.
        tag: an entity tag: another one for other bytes.
    """

    data: bytes
    media_type: str
    tag: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Return the files of the pages by their address below /static/; nothing else is given."""
    found: dict[str, StaticFile] = {}
    _collect(files("imgsearch.web") / "static", "", found)
    return found


@cache
def static_address() -> str:
    """Return the address of the files, which is another one where one of them is.

    So that a browser keeps them, and asks again only after an upgrade.
    """
    tags = "".join(f"{name}{file.tag}" for name, file in sorted(static_files().items()))
    return f"{FOLDER}{VERSIONED}{hashlib.sha256(tags.encode('ascii')).hexdigest()[:12]}"


@cache
def modules_of(view: str) -> tuple[str, ...]:
    """Return all modules that a page needs: a browser that knows them fetches them at once.

    Args:
        view: the module that `main.js` fetches for the page.
    """
    found: list[str] = []
    waiting = [MAIN, view]
    while waiting:
        module = waiting.pop(0)
        if module in found:
            continue
        found.append(module)
        script = static_files()[module].data.decode("utf-8")
        named = (one or other for one, other in _IMPORTED.findall(script))
        waiting += [normpath(join(dirname(module), name)) for name in named]
    return tuple(found)


@lru_cache(maxsize=64)
def static_file(path: str) -> StaticFile:
    """Return a file, or several style sheets as one: `css/base,grid.css` is both, in that order.

    Raises:
        RefusalError: there is none of that name.
    """
    folder, _, names = path.rpartition("/")
    wanted = [path]
    if folder == "css" and "," in names:
        wanted = [f"css/{name}.css" for name in names.removesuffix(".css").split(",")]
    found = [static_files()[name] for name in wanted if name in static_files()]
    # No sheet twice: else an address of some kilobytes would ask for gigabytes.
    if len(found) < len(wanted) or len(set(wanted)) < len(wanted):
        raise not_found("no such file")
    if len(found) == 1:
        return found[0]
    tags = "".join(file.tag for file in found).encode("ascii")
    return StaticFile(b"\n".join(file.data for file in found), found[0].media_type, _tag(tags))


def _collect(folder: Traversable, below: str, found: dict[str, StaticFile]) -> None:
    for entry in folder.iterdir() if folder.is_dir() else ():
        name = f"{below}{entry.name}"
        if entry.is_dir():
            _collect(entry, f"{name}/", found)
        elif not entry.name.startswith((".", "__")):
            data = entry.read_bytes()
            suffix = f".{entry.name.rpartition('.')[2]}"
            kind = _TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0]
            found[name] = StaticFile(data, kind or "application/octet-stream", _tag(data))


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'

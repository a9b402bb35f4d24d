"""Addresses of collections: postgresql://host:5432/DATABASE/COLLECTION and their like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container

# Also with one slash, a blank before it or capitals, as slips have it: a password may follow. A
# drive of Windows has one letter.
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+):/(/?)")
# A number of IPv6 in brackets, or another host; and a port.
_PLACE: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]*))(?::([0-9]+))?")


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """An address of a collection, without any secret.

    Attributes:
        scheme: such as "postgresql".
        host: name or number, or the folder of a socket, which is typed as %2Frun%2Fpostgresql.
        port: None for the engine's own.
        user: None where the environment names one, or there is none.
        parts: of the path, such as ("db", "photos").
        options: behind "?", in their order.
    """

    scheme: str
    host: str
    port: int | None
    user: str | None
    parts: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        user = "" if self.user is None else f"{quote(self.user, safe='')}@"
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        port = "" if self.port is None else f":{self.port}"
        options = "&".join(f"{name}={value}" for name, value in self.options)
        path = "/".join(quote(part, safe="") for part in self.parts)
        return f"{self.scheme}://{user}{host}{port}/{path}{'?' if options else ''}{options}"


def scheme_of(text: str, *, known: Container[str] = ()) -> str | None:
    """Return the scheme of an address in small letters, or None of what is none.

    Args:
        text: that was typed.
        known: schemes behind which one slash is enough to be taken for an address.
    """
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else None
    return scheme if found and (found[2] or scheme in known) else None


def parse(text: str, *, options: frozenset[str] = frozenset()) -> ServiceAddress:
    """Return what was typed as an address.

    Args:
        text: SCHEME://[USER@]HOST[:PORT]/PART/PART[?OPTION=VALUE].
        options: that may stand behind "?".

    Raises:
        UsageError: it holds a password, an option that may hold one, or makes no sense. What was
            typed is not repeated.
    """
    scheme = scheme_of(text)
    if scheme is None:
        raise UsageError("no address, such as postgresql://host/database/photos")
    shown = f"{scheme}://…"
    try:
        split = urlsplit(text.strip())
    except ValueError:
        raise UsageError(f"{shown}: no host and port, such as host:5432") from None
    before, at, place = split.netloc.rpartition("@")
    if at and ":" in unquote(before):
        raise UsageError(
            f"{shown}: a password in an address would be shown; give it by the environment or a "
            "file, as docs/scaling.md says, and leave it out here"
        )
    given = tuple(parse_qsl(split.query, keep_blank_values=True))
    strange = [name for name, _ in given if name not in options]
    if strange or split.fragment or (split.query and not given):
        allowed = ", ".join(sorted(options)) or "none"
        raise UsageError(
            f"{shown}: what stands behind '?' or '#' may be a secret, and would be shown; expected "
            f"options: {allowed}"
        )
    found = _PLACE.fullmatch(place)
    host = "" if found is None else found[1] or unquote(found[2])
    if found is None or not host:
        raise UsageError(f"{shown}: expected a host, such as localhost or host:5432")
    return ServiceAddress(
        scheme,
        host,
        int(found[3]) if found[3] else None,
        unquote(before) if at else None,
        tuple(unquote(part) for part in split.path.split("/") if part),
        given,
    )

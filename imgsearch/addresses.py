"""Addresses of pictures that are no files here: in object storage, on a web server, in a tar.

s3://bucket/photos/1.jpg           gs://…, https://…: what fsspec knows
tar:/data/shards/000.tar/1.jpg     a member of a tar on this machine
tar:s3://bucket/shards/000.tar/1.jpg
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PosixPath
from typing import Final

from imgsearch.errors import UsageError

TAR: Final = "tar:"

_ADDRESS: Final = re.compile(r"(?:tar:)?([a-z][a-z0-9+.-]+)://|tar:")
# What a path makes of it: "//" becomes "/".
_COLLAPSED: Final = re.compile(r"((?:tar:)?(?!tar:)[a-z][a-z0-9+.-]+:)/+")


class Address(PosixPath):
    """An address, as a path with parents and parts.

    The local file system has nothing at it, so whatever does not know of addresses finds nothing
    there.
    """

    __slots__ = ()

    def __str__(self) -> str:
        """Return the address as it is typed."""
        text = super().__str__()
        found = _COLLAPSED.match(text)
        return f"{found[1]}//{text[found.end() :]}" if found else text

    def is_absolute(self) -> bool:
        """Say that it means the same wherever the current folder is."""
        return True


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a path."""
    return _ADDRESS.match(text) is not None


def address_of(text: str) -> Address:
    """Return what was typed as an address.

    Raises:
        UsageError: it holds a name or a password, or a signature may be in it; or it is no
            address of any folder or file.
    """
    found = _ADDRESS.match(text)
    if found is None:
        raise UsageError(f"{text}: no address, such as s3://bucket/photos")
    scheme, rest = found[1], text[found.end() :]
    if scheme is None:
        return Address(f"{TAR}{os.path.abspath(os.path.expanduser(rest))}")  # noqa: PTH100, PTH111 - as paths.absolute
    shown = f"{found[0]}…"
    if scheme == "file":
        raise UsageError(f"{shown}: a folder of this machine is named by its path, without file://")
    host = rest.partition("/")[0]
    if "@" in host:
        raise UsageError(
            f"{shown}: credentials in an address would be kept with the gallery and shown; give "
            "them by the environment or a file, as docs/scaling.md says, and leave them out here"
        )
    # In object storage these are characters of a name like others.
    if scheme in {"http", "https"} and ("?" in rest or "#" in rest):
        raise UsageError(
            f"{shown}: an address with '?' or '#' may hold a signature, and would be kept with the "
            "gallery and shown; name the address without"
        )
    if not host:
        raise UsageError(f"{text}: expected a bucket or host, such as s3://bucket/photos")
    return Address(text)


def decoded(stored: bytes) -> Path:
    """Return the path, or the address, of a stored form."""
    text = os.fsdecode(stored)
    # Most are absolute paths, asked for by the hundred thousand.
    return Path(text) if text.startswith("/") or not is_address(text) else Address(text)


def top_of(stored: bytes) -> bytes | None:
    """Return an address's bucket or host, in stored form, or the folder of a tar's member.

    Returns:
        None for the path of a file.
    """
    text = os.fsdecode(stored)
    found = _ADDRESS.match(text)
    if found is None:
        return None
    if text.startswith(TAR):
        return os.path.dirname(stored)  # noqa: PTH120 - bytes
    return os.fsencode(found[0] + text[found.end() :].partition("/")[0])


def named(text: str) -> Path:
    """Return the path, or the address, that a person typed.

    Raises:
        UsageError: an address that is none, or that should not be kept.
    """
    return address_of(text) if is_address(text) else Path(text)


def is_file_name(name: str, suffixes: frozenset[str]) -> bool:
    """Whether the last part of an address is that of a file, by its suffix."""
    return os.path.splitext(name)[1].lower() in suffixes  # noqa: PTH122 - of a name

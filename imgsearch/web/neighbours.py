"""Which user of this machine a connection comes from, where the system tells.

A token can be seen by other users while a browser starts, among its arguments. So on Linux a server
that is for its own user alone looks at whose the other end of each connection is.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
ROOT: Final = 0
_LOCAL, _REMOTE, _OWNER = 1, 2, 7  # columns of proc(5)
_MAPPED: Final = "0000000000000000FFFF0000"


def is_other_user(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
    """Whether a connection comes from another user's process.

    Args:
        client: address and port at the far end.
        server: at this end.

    Returns:
        False where the system does not tell, and for the administrator, who may do all.
    """
    if client is None or server is None or server[1] is None or not hasattr(os, "getuid"):
        return False
    owner = owner_of(client, (server[0], server[1]), _lines())
    return owner is not None and owner not in (os.getuid(), ROOT)


def owner_of(client: tuple[str, int], server: tuple[str, int], lines: Iterable[str]) -> int | None:
    """Return the user whose process has a connection's far end, None where none is listed.

    Args:
        client: address and port at the far end.
        server: at this end.
        lines: of the system's tables of connections.
    """
    far, near = _written(client), _written(server)
    for line in lines:
        columns = line.split()
        if len(columns) > _OWNER and (
            columns[_LOCAL].removeprefix(_MAPPED) == far
            and columns[_REMOTE].removeprefix(_MAPPED) == near
            and columns[_OWNER].isdigit()
        ):
            return int(columns[_OWNER])
    return None


def _written(end: tuple[str, int]) -> str:
    """Return an address of version 4 and a port as the tables have them."""
    try:
        packed = socket.inet_pton(socket.AF_INET, end[0])
    except OSError:
        return ""
    # The address is a number in the machine's own order of bytes.
    return f"{int.from_bytes(packed, sys.byteorder):08X}:{end[1]:04X}"


def _lines() -> Iterable[str]:
    for table in TABLES:
        try:
            yield from table.read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue

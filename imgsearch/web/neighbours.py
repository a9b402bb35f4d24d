"""Which user of this machine a connection comes from, where the system tells.

A token can be seen by other users while a browser starts, among its arguments. So on Linux a server
that is for its own user alone asks the system whose the other end of each connection is, by its
interface sock_diag(7). That takes microseconds, where reading /proc/net/tcp takes milliseconds.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

ROOT: Final = 0
SECONDS: Final = 1.0
_SOCK_DIAG: Final = 4  # the protocol's number in netlink's family
_BY_FAMILY: Final = 20
_REQUEST: Final = 1
_HEADER: Final = struct.Struct("=IHHII")
_QUESTION: Final = struct.Struct("=BBBxI")
_ANY_STATE: Final = 0xFFFFFFFF
_NO_COOKIE: Final = b"\xff" * 8
# After the answer's header: family, state and the like, the two ends, three counters, the user.
_USER: Final = struct.Struct("=I")
_USER_AT: Final = _HEADER.size + 4 + 48 + 12


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
    owner = owner_of(client, (server[0], server[1]))
    return owner is not None and owner not in (os.getuid(), ROOT)


def owner_of(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user whose process has a connection's far end, None where nobody tells.

    Args:
        client: address of version 4 and port at the far end.
        server: at this end.
    """
    if not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        ends = (socket.inet_aton(client[0]), socket.inet_aton(server[0]))
        question = (
            _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ANY_STATE)
            + struct.pack("!HH", client[1], server[1])
            + b"".join(end + bytes(12) for end in ends)
            + bytes(4)
            + _NO_COOKIE
        )
        head = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 1, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as system:
            system.settimeout(SECONDS)
            system.send(head + question)
            answer = system.recv(4096)
        _, kind, *_ = _HEADER.unpack_from(answer)
        (user,) = _USER.unpack_from(answer, _USER_AT)
    except (OSError, struct.error):
        return None
    return int(user) if kind == _BY_FAMILY else None

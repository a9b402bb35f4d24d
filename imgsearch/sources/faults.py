"""What went wrong with a server, as far as that is told without its own words."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

_MANY: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something could not be had.

    Attributes:
        reason: one short sentence.
        tries: how often it is worth trying, at most.
        gone: whether there is nothing.
    """

    reason: str
    tries: int = _MANY
    gone: bool = False


_DENIED: Final = "access denied: check the credentials"
NOTHING_THERE: Final = "nothing there (it may have vanished)"
_NO_CREDENTIALS: Final = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "TokenRetrievalError",
    }
)
_THROTTLED: Final = 503, 429


def fault_of(error: Exception) -> Fault:
    """Return what an error of fsspec, or of the library behind it, means."""
    return _final_fault(error, _status(error)) or _passing_fault(error, _status(error))


def _status(error: Exception) -> object:
    return getattr(error, "status", None) or getattr(error, "code", None)


def _final_fault(error: Exception, status: object) -> Fault | None:
    """Return what will not change by asking again."""
    # Seen once, it may be a server that does not know yet what it just listed.
    if isinstance(error, FileNotFoundError) or status == 404:  # noqa: PLR2004 - HTTP's
        return Fault(NOTHING_THERE, tries=2, gone=True)
    if type(error).__name__ in _NO_CREDENTIALS:
        return Fault("no credentials found", tries=1)
    if isinstance(error, PermissionError) or status in {401, 403}:
        return Fault(_DENIED, tries=1)
    if isinstance(error, IsADirectoryError):
        return Fault("a folder, not a file", tries=1)
    if isinstance(error, (TypeError, ValueError, NotImplementedError)):
        return Fault(f"can't be asked for ({type(error).__name__})", tries=1)
    return None


def _passing_fault(error: Exception, status: object) -> Fault:
    if status in _THROTTLED or getattr(error, "errno", None) == errno.EBUSY:
        return Fault("throttled: the server asks to slow down")
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return Fault("no answer in time")
    return Fault(f"the transfer failed ({type(error).__name__})")

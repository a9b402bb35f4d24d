"""Why a request is not answered as it was meant: a status, a code and a sentence."""

from __future__ import annotations

from imgsearch.errors import (
    GalleryDamagedError,
    GalleryLockedError,
    ImgsearchError,
    MissingExtraError,
    NoGalleryError,
    NotThereError,
    UnreadableImageError,
    UsageError,
)

SOON = 1
"""Seconds after which a busy server may be asked again."""


class RefusalError(Exception):
    """A request that is refused.

    Attributes:
        status: of HTTP.
        code: what programs tell refusals apart by, as docs/web-api.md lists them.
        message: a sentence to show.
        headers: of the answer, besides the usual ones.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        super().__init__(message)


def usage(message: str) -> RefusalError:
    """Return the refusal of a parameter or field that makes no sense."""
    return RefusalError(400, "usage", message)


def not_found(what: str) -> RefusalError:
    """Return the refusal of something that does not exist."""
    return RefusalError(404, "not-found", what)


def busy() -> RefusalError:
    """Return the refusal of what would have to wait too long."""
    return RefusalError(
        503, "busy", "too many requests are waiting; try again", {"Retry-After": str(SOON)}
    )


def refusal_of(error: ImgsearchError) -> RefusalError:
    """Return what an error of the library means for a request."""
    message = str(error)
    if isinstance(error, UsageError):
        return usage(message)
    if isinstance(error, NotThereError):
        return RefusalError(410, "not-there", message)
    if isinstance(error, UnreadableImageError):
        return RefusalError(422, "unreadable", message)
    if isinstance(error, NoGalleryError | GalleryDamagedError | GalleryLockedError):
        return RefusalError(503, "gallery", message)
    if isinstance(error, MissingExtraError):
        return RefusalError(501, "missing-extra", message)
    return RefusalError(500, "failed", message)

"""The process that `decoding_process` starts: takes requests, and answers each.

The operating system bounds its address space, where it can. Should the parent be gone, it ends
itself. What native code writes to standard error goes nowhere: it tells nothing that the reason
does not (docs/design.md).
"""

from __future__ import annotations

import faulthandler
from contextlib import suppress
from typing import Final

from PIL import Image

from imgsearch import fresh_python
from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.images.decoding_process import Answer, MemoryWanted, Request
from imgsearch.images.memory import MOST_MEMORY, InUse
from imgsearch.images.refusals import unexpected

GRACE_SECONDS: Final = 5.0
"""The parent is the first to end the process."""
_OTHERWISE: Final = 2 << 30
"""For Python, its libraries and what decoders take besides pixels."""


def serve() -> None:
    """Answer requests until there are no more."""
    with fresh_python.parent() as parent:
        child = _Child(parent)
        InUse.memory = child
        while (request := parent.receive()) is not None:
            assert isinstance(request, Request)  # noqa: S101 - the parent's
            parent.send(child.decode(request))


class _Child:
    """What decodes, and asks the parent for memory."""

    def __init__(self, parent: fresh_python.Parent) -> None:
        self._parent = parent
        self._seconds = 0.0

    def take(self, amount: int) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._parent.send(MemoryWanted(amount))
        self._parent.receive()
        self._set_timer()

    def give_back(self) -> None:
        """Do nothing: an answer gives back all that was taken."""

    def decode(self, request: Request) -> Answer:
        self._seconds = request.seconds
        Image.MAX_IMAGE_PIXELS = request.most_pixels
        _bound(MOST_MEMORY + _OTHERWISE + 3 * len(request.data))
        image, reason = None, None
        self._set_timer()
        try:
            image = loading.load(
                request.data,
                size=request.size,
                resize=request.resize,
                decoder=request.decoder,
                fingerprint=request.fingerprint,
            )
        except UnreadableImageError as error:
            reason = error.reason
        except Exception as error:  # noqa: BLE001 - as in the parent's threads
            reason = unexpected(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return Answer(image, reason)

    def _set_timer(self) -> None:
        # A thread of native code, so it also ends a decoder that holds the interpreter's lock.
        faulthandler.dump_traceback_later(
            self._seconds + GRACE_SECONDS, exit=True, file=self._parent.nowhere
        )


def _bound(address_space: int) -> None:
    with suppress(ImportError, OSError, ValueError):  # not on Windows, or a lower limit is set
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, address_space),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))

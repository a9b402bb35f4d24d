"""The process that `decoding_process` starts: takes requests, and answers each.

What it may take is bounded by the operating system, where that can: the address space, the size of
files, among them that of what native code says, and, should the parent be gone, the time.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import tempfile
from contextlib import suppress
from typing import IO, Final

from PIL import Image

from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.images.decoding_process import Answer, MemoryWanted, Request
from imgsearch.images.memory import MOST_MEMORY, InUse
from imgsearch.images.refusals import unexpected

MOST_SAID: Final = 1 << 20
GRACE_SECONDS: Final = 5.0
"""The parent is the first to end the process."""
_OTHERWISE: Final = 2 << 30
"""For Python, its libraries and what decoders take besides pixels."""


def serve() -> None:
    """Answer requests until there are no more."""
    # Standard output is the way back, so nothing else may write there.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with requests, answers, tempfile.TemporaryFile() as said:
        for descriptor in (1, 2):
            os.dup2(said.fileno(), descriptor)
        child = _Child(requests, answers, said)
        InUse.memory = child
        child.send(None)
        while (request := child.receive()) is not None:
            child.send(child.decode(request))


class _Child:
    """Both ends of the way to the parent, which also grants memory."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes], said: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers
        self._said = said
        self._seconds = 0.0

    def send(self, message: object) -> None:
        pickle.dump(message, self._answers, pickle.HIGHEST_PROTOCOL)
        self._answers.flush()

    def receive(self) -> Request | None:
        try:
            request: Request = pickle.load(self._requests)  # noqa: S301 - the parent's
        except EOFError:
            return None
        return request

    def take(self, amount: int) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.send(MemoryWanted(amount))
        pickle.load(self._requests)  # noqa: S301 - the parent's
        self._set_timer()

    def give_back(self) -> None:
        """Do nothing: an answer gives back all that was taken."""

    def decode(self, request: Request) -> Answer:
        self._seconds = request.seconds
        self._said.truncate(0)
        self._said.seek(0)
        Image.MAX_IMAGE_PIXELS = request.most_pixels
        _bound(MOST_MEMORY + _OTHERWISE + 3 * len(request.data))
        image, reason = None, None
        self._set_timer()
        try:
            image = loading.load(
                request.data,
                size=request.size,
                resize=request.resize,
                fingerprint=request.fingerprint,
            )
        except UnreadableImageError as error:
            reason = error.reason
        except Exception as error:  # noqa: BLE001 - as in the parent's threads
            reason = unexpected(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
        self._said.seek(0)
        return Answer(image, reason, self._said.read(MOST_SAID).decode("utf-8", "replace"))

    def _set_timer(self) -> None:
        # A thread of native code, so it also ends a decoder that holds the interpreter's lock.
        faulthandler.dump_traceback_later(
            self._seconds + GRACE_SECONDS, exit=True, file=self._said.fileno()
        )


def _bound(address_space: int) -> None:
    with suppress(ImportError, OSError, ValueError):  # not on Windows, or a lower limit is set
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, address_space),
            (resource.RLIMIT_FSIZE, MOST_SAID),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))

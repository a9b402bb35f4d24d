"""A process that decodes one file at a time, and that can be ended whatever its decoder does.

It shares the memory limits of this process, gets the same bytes, runs the same code, and so gives
the same pixels.
"""

from __future__ import annotations

import pickle
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

from imgsearch import fresh_python
from imgsearch.errors import UnreadableImageError
from imgsearch.images import memory
from imgsearch.images.formats import identify

if TYPE_CHECKING:
    import subprocess

    from imgsearch.images.loading import LoadedImage
    from imgsearch.recipe import Resize

STARTING_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """A file to decode.

    Attributes:
        data: the bytes of the whole file.
        size: as in `loading.load`.
        resize: likewise.
        decoder: likewise.
        fingerprint: likewise.
        seconds: after which the child gives up by itself, should its parent be gone.
        most_pixels: Pillow's limit, which a program may have changed.
    """

    data: bytes
    size: int
    resize: Resize
    decoder: int
    fingerprint: bool
    seconds: float
    most_pixels: int | None


@dataclass(frozen=True, slots=True)
class MemoryWanted:
    """What the child asks while it decodes; any answer lets it go on."""

    amount: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        image: decoded.
        reason: why it could not be decoded.
    """

    image: LoadedImage | None = None
    reason: str | None = None


class DecodingProcess:
    """The parent's end. One thread uses it; any may end it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._ended = False

    def load(
        self,
        data: bytes,
        *,
        size: int,
        resize: Resize,
        decoder: int,
        seconds: float,
        fingerprint: bool = False,
    ) -> LoadedImage:
        """Decode a file's bytes as `loading.load` does.

        Args:
            data: the bytes of a whole file.
            size: side of the square in pixels.
            resize: how the image becomes a square.
            decoder: version of the decoding rules.
            seconds: how long decoding may take; to wait for memory or for the process to start
                does not count.
            fingerprint: make that of the whole image too.

        Raises:
            UnreadableImageError: the bytes cannot be decoded, decoding takes too long, or the
                decoder crashes.
            OSError: no process can be started here.
        """
        process = self._started()
        request = Request(data, size, resize, decoder, fingerprint, seconds, Image.MAX_IMAGE_PIXELS)
        clock = _Clock(process, seconds)
        try:
            answer = _exchange(process, request, clock)
        except fresh_python.GONE as error:
            self._forget(process)
            crashed = f"damaged {name_of_format(data)}: its decoder crashed"
            reason = too_long(seconds) if clock.has_run_out else crashed
            raise UnreadableImageError(reason) from error
        finally:
            clock.stop()
            memory.SHARED.give_back()
        if answer.image is None:
            raise UnreadableImageError(answer.reason or "")
        return answer.image

    def end(self) -> None:
        """End the process, whatever it does; it is not started again."""
        with self._lock:
            self._ended = True
            process = self._process
        if process is not None:
            self._forget(process)

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is None:
            return process
        if process is not None:
            self._forget(process)
        with self._lock:
            if self._ended:
                raise UnreadableImageError("interrupted")
            process = self._process = fresh_python.start("imgsearch.images.decoding_child")
        clock = _Clock(process, STARTING_SECONDS)
        try:
            clock.start()
            fresh_python.receive(process)
        except fresh_python.GONE as error:
            self._forget(process)
            raise OSError("a process for decoding could not be started") from error
        finally:
            clock.stop()
        return process

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        fresh_python.end(process)
        self._process = None


def name_of_format(data: bytes) -> str:
    """Return the name of a file's format, "file" where it has none."""
    row = identify(data)
    return row.name if row else "file"


def too_long(seconds: float) -> str:
    """Return the reason of a file whose decoding was given up."""
    return f"took longer than {seconds:g} seconds to decode"


class _Clock:
    """Kills a process once it has run for long enough."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.has_run_out = False
        self._process = process
        self._left = seconds
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._began = 0.0

    def start(self) -> None:
        self._began = time.monotonic()
        self._timer = threading.Timer(max(0.0, self._left), self._run_out)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            self._left -= time.monotonic() - self._began

    def _run_out(self) -> None:
        with self._lock:
            if self._timer is not None:
                self.has_run_out = True
                self._process.kill()


def _exchange(process: subprocess.Popen[bytes], request: Request, clock: _Clock) -> Answer:
    clock.start()
    fresh_python.send(process, request)
    while True:
        received = fresh_python.receive(process)
        if isinstance(received, Answer):
            return received
        if not isinstance(received, MemoryWanted):
            raise pickle.UnpicklingError("the child's answer makes no sense")
        clock.stop()
        memory.SHARED.take(received.amount)
        clock.start()
        fresh_python.send(process, received)

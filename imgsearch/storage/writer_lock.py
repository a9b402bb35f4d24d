"""One writer at a time, by a lock of the operating system."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from imgsearch.errors import GalleryLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writer_lock(gallery: Path) -> Iterator[None]:
    """Hold the gallery's writer lock for the length of a `with` block.

    The operating system releases the lock when the process ends, however it ends, so a crash
    never leaves a gallery locked. The process id in `writer.pid` is only for the error message.

    Args:
        gallery: the gallery's folder, which must exist.

    Raises:
        GalleryLockedError: another process, or another thread of this one, holds it.
    """
    from filelock import FileLock, Timeout

    holder = gallery / "writer.pid"
    lock = FileLock(gallery / "writer.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise GalleryLockedError(
            f"{gallery} is being written by process {_process_id(holder)}: wait until it has "
            "finished, or stop it"
        ) from None
    try:
        with suppress(OSError):  # on a full disk, what comes next says so
            holder.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _process_id(holder: Path) -> str:
    try:
        return holder.read_text(encoding="ascii").strip() or "unknown"
    except OSError:
        return "unknown"

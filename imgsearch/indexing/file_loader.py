"""The pipeline from files to pixels: read, hash and decode side by side, in order, bounded.

Worker threads read and decode while the caller's thread goes on; Pillow and hashlib release the
interpreter's lock while they work. No more than a window of files is under way, so memory does
not grow with their number.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from imgsearch.images.loading import LoadedImage
    from imgsearch.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedFile(Generic[T]):
    """What came of reading one file.

    Attributes:
        item: what the caller asked for.
        hash: SHA-256 of the content, 64 hexadecimal digits; "" if it could not be read.
        bytes: size of the content.
        image: pixels and metadata; None if not wanted or not readable.
        reason: why the file could not be read or decoded, or None.
    """

    item: T
    hash: str = ""
    bytes: int = 0
    image: LoadedImage | None = None
    reason: str | None = None


def load_files(
    items: Iterable[T],
    path_of: Callable[[T], Path],
    *,
    recipe: Recipe,
    is_embedded: Callable[[str], bool],
    jobs: int | None = None,
) -> Generator[LoadedFile[T]]:
    """Yield one `LoadedFile` for every item, in the items' order.

    Args:
        items: drawn from in the caller's thread, as the window has room.
        path_of: the file of an item.
        recipe: says the size and how images become squares.
        is_embedded: asked with a content's hash, from worker threads; such contents are not
            decoded.
        jobs: worker threads; None for one per processor.

    Yields:
        Files that cannot be read carry the reason and raise nothing.
    """
    workers = jobs or os.cpu_count() or 1
    window: deque[Future[LoadedFile[T]]] = deque()

    def load(item: T) -> LoadedFile[T]:
        return _load(item, path_of(item), recipe=recipe, is_embedded=is_embedded)

    with ThreadPoolExecutor(workers, thread_name_prefix="imgsearch-decode") as pool:
        try:
            for item in items:
                window.append(pool.submit(load, item))
                if len(window) >= 8 * workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for future in window:
                future.cancel()


def _load(
    item: T, path: Path, *, recipe: Recipe, is_embedded: Callable[[str], bool]
) -> LoadedFile[T]:
    content_hash, size = "", 0
    try:
        data = loading.read_file(path)
        content_hash, size = hashlib.sha256(data).hexdigest(), len(data)
    except Exception as error:  # noqa: BLE001 - no single file may stop a run
        return LoadedFile(item, reason=_reason(error))
    if is_embedded(content_hash):
        return LoadedFile(item, content_hash, size)
    try:
        image = loading.load(data, size=recipe.size, resize=recipe.resize, fingerprint=True)
    except Exception as error:  # noqa: BLE001 - no single file may stop a run
        return LoadedFile(item, content_hash, size, reason=_reason(error))
    return LoadedFile(item, content_hash, size, image)


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImageError):
        return error.reason
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    detail = str(error).strip().split("\n", 1)[0]
    return printable(f"unexpected {type(error).__name__}{': ' if detail else ''}{detail}")

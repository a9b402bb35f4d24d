"""The pipeline from files to pixels: read, hash and decode side by side, in order, bounded.

Worker threads read and decode while the caller's thread goes on; Pillow and hashlib release the
interpreter's lock while they work. No more than a window of files is under way, so memory does
not grow with their number.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from imgsearch.errors import UnreadableImageError
from imgsearch.images import loading
from imgsearch.images.geometry import rules_of
from imgsearch.images.refusals import unexpected
from imgsearch.indexing.decoding_threads import DecodingThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from imgsearch.images.loading import LoadedImage
    from imgsearch.indexing.decoding_threads import Decoder, Task
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
    seconds: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[LoadedFile[T]]:
    """Yield one `LoadedFile` for every item, in the items' order.

    Args:
        items: drawn from in the caller's thread, as the window has room.
        path_of: the file of an item.
        recipe: says the size and how images become squares.
        is_embedded: asked with a content's hash, from worker threads; such contents are not
            decoded.
        jobs: worker threads; None for one per processor.
        seconds: that decoding one file may take; None for any.
        stop: asked while a file takes long; True ends it all.

    Yields:
        Files that cannot be read carry the reason and raise nothing.

    Raises:
        RecipeMismatchError: the recipe's decoding rules are not known.
    """
    rules_of(recipe.decoder)  # before a file is blamed for rules that nobody here knows
    workers = jobs or os.cpu_count() or 1
    window: deque[Task[LoadedFile[T]]] = deque()

    with DecodingThreads[LoadedFile[T]](workers, seconds=seconds, stop=stop) as threads:
        for item in items:
            window.append(
                threads.submit(
                    partial(_load, item, path_of(item), recipe=recipe, is_embedded=is_embedded)
                )
            )
            if len(window) >= 8 * workers:
                loaded = threads.result(window.popleft())
                if loaded is None:
                    return
                yield loaded
        while window:
            loaded = threads.result(window.popleft())
            if loaded is None:
                return
            yield loaded


def _load(
    item: T,
    path: Path,
    decoder: Decoder,
    *,
    recipe: Recipe,
    is_embedded: Callable[[str], bool],
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
        image = decoder.load(
            data,
            size=recipe.size,
            resize=recipe.resize,
            decoder=recipe.decoder,
            fingerprint=True,
        )
    except Exception as error:  # noqa: BLE001 - no single file may stop a run
        return LoadedFile(item, content_hash, size, reason=_reason(error))
    return LoadedFile(item, content_hash, size, image)


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, UnreadableImageError) else unexpected(error)

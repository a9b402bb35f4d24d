"""Fingerprints of contents that have none: those of an earlier version, or of another executor.

The files are read and decoded once more, and nothing is embedded.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Final

from imgsearch import paths
from imgsearch.images import loading
from imgsearch.indexing.report import IndexProgress
from imgsearch.storage.typed_values import RootsById

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imgsearch.images.fingerprints import Fingerprint
    from imgsearch.storage.database import Store

BATCH: Final = 256


def fill_in(
    store: Store,
    *,
    jobs: int | None = None,
    progress: Callable[[IndexProgress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> int:
    """Give each content a fingerprint whose file is there as it was; return how many got one.

    Args:
        store: open for writing.
        jobs: decoding threads; None for one per processor.
        progress: told how many contents are done, of how many.
        stop: asked after every batch; True ends it in good order.
    """
    lacking = store.contents_without_fingerprint()
    made = 0
    wanted = _files(store, lacking)
    with ThreadPoolExecutor(jobs, thread_name_prefix="imgsearch-decode") as pool:
        for start in range(0, len(lacking), BATCH):
            if stop is not None and stop():
                break
            if progress is not None:
                progress(IndexProgress("fingerprint", start, len(lacking)))
            part = list(islice(wanted, BATCH))
            found = list(pool.map(_fingerprint, (file[1:] for file in part)))
            with store.transaction():
                for (content_id, *_), fingerprint in zip(part, found, strict=True):
                    if fingerprint is not None:
                        store.put_fingerprint(content_id, fingerprint)
                        made += 1
    return made


def _files(store: Store, content_ids: list[int]) -> Iterator[tuple[int, str, list[Path]]]:
    """Yield ids, hashes and the files that hold them."""
    roots = RootsById({root.id: paths.encode(root.path) for root in store.roots()})
    for start in range(0, len(content_ids), BATCH):
        part = content_ids[start : start + BATCH]
        contents, held = store.contents(part), store.files_of_contents(part)
        for content_id in part:
            places = [paths.join(roots[root_id], path) for root_id, path in held[content_id]]
            yield content_id, contents[content_id].hash, places


def _fingerprint(content: tuple[str, list[Path]]) -> Fingerprint | None:
    content_hash, places = content
    for place in places:
        try:
            data = loading.read_file(place)
            if hashlib.sha256(data).hexdigest() == content_hash:
                return loading.fingerprint(data)
        except Exception:  # noqa: BLE001, S112 - the run has told of unreadable files already
            continue
    return None

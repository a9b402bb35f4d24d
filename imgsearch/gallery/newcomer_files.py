"""Reading and embedding files that are not to be added to a gallery."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.addresses import Address, is_file_name
from imgsearch.duplicates.newcomers import Newcomer, Newcomers
from imgsearch.errors import UsageError
from imgsearch.images import formats
from imgsearch.indexing.file_loader import load_files
from imgsearch.indexing.scan import ScanRules, walk
from imgsearch.paths import ScannedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from pathlib import Path

    from imgsearch.indexing.file_loader import LoadedFile
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe

BATCH: Final = 32


def read_newcomers(
    places: Sequence[Path],
    *,
    recipe: Recipe,
    known: Container[str],
    network: Callable[[], EmbedsImages],
    failed: Callable[[Path, str], None] | None = None,
) -> Newcomers:
    """Return what files and folders hold, embedded as far as the gallery does not know it.

    Args:
        places: absolute paths.
        recipe: of the embeddings.
        known: hashes of the contents that the gallery holds.
        network: called for what embeds, when that is needed.
        failed: told of each file that cannot be read, and why; they are left out.

    Raises:
        UsageError: a path of this machine that does not exist.
    """
    found = Newcomers()
    loading = load_files(
        _files(places), lambda path: path, recipe=recipe, is_embedded=known.__contains__
    )
    while batch := list(islice(loading, BATCH)):
        fresh: dict[str, LoadedFile[Path]] = {}
        for loaded in batch:
            if loaded.reason is not None:
                if failed is not None:
                    failed(loaded.item, loaded.reason)
                continue
            if loaded.image is not None and loaded.hash not in found.files:
                fresh[loaded.hash] = loaded
            found.files.setdefault(loaded.hash, []).append(loaded.item)
        images = [loaded.image.pixels for loaded in fresh.values() if loaded.image is not None]
        rows = network().embed(np.stack(images)) if images else ()
        for loaded, row in zip(fresh.values(), rows, strict=True):
            image = loaded.image
            if image is not None and image.fingerprint is not None:
                found.contents.append(
                    Newcomer(
                        content=loaded.hash,
                        bytes=loaded.bytes,
                        metadata=image.metadata,
                        fingerprint=image.fingerprint,
                        embedding=row,
                    )
                )
    return found


def _files(places: Sequence[Path]) -> Iterator[Path]:
    rules = ScanRules(suffixes=formats.suffixes())
    for place in places:
        elsewhere = isinstance(place, Address)
        if not elsewhere and not place.exists():
            raise UsageError(f"{place}: no such file or folder")
        if is_file_name(place.name, rules.suffixes) if elsewhere else not place.is_dir():
            yield place
            continue
        root = paths.encode(place)
        for found in walk(place, rules):
            if isinstance(found, ScannedFile):
                yield paths.join(root, found.path)

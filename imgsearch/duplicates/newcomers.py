"""Files that are not in a gallery, to be found there without adding them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.duplicates.candidates import NEIGHBOURS
from imgsearch.duplicates.hashes import near_pairs
from imgsearch.images import loading
from imgsearch.search.matches import FileCopy, GalleryFile
from imgsearch.storage.records import Content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.images.fingerprints import Fingerprint
    from imgsearch.images.metadata import Metadata
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Newcomer:
    """A content that is not in the gallery.

    Attributes:
        content: SHA-256 of the bytes, 64 hexadecimal digits.
        bytes: their number.
        metadata: of the image.
        fingerprint: of the image.
        embedding: shape (dim,).
    """

    content: str
    bytes: int
    metadata: Metadata
    fingerprint: Fingerprint
    embedding: NDArray[np.float32]


@dataclass(slots=True, kw_only=True)
class Newcomers:
    """Contents that are not in the gallery, and files that hold them or contents that are.

    Attributes:
        files: paths by the hashes of what they hold.
        contents: those that are not in the gallery.
    """

    files: dict[str, list[Path]] = field(default_factory=dict)
    contents: list[Newcomer] = field(default_factory=list)

    @property
    def renderings(self) -> dict[int, bytes]:
        """Renderings by the numbers, below 0, that stand for ids."""
        return {-1 - n: one.fingerprint.rendering for n, one in enumerate(self.contents)}

    def reading(self, read: Callable[[str], bytes]) -> Callable[[str], bytes]:
        """Return what reads their contents too, beside those of the gallery.

        Args:
            read: from a hash of the gallery to bytes; raises `UnreadableImageError`.
        """

        def of_either(content: str) -> bytes:
            places = self.files.get(content)
            return loading.read_file(places[0]) if places else read(content)

        return of_either

    def join(self, files: dict[int, GalleryFile], contents: dict[int, Content]) -> None:
        """Add them to the files and contents of a gallery.

        Files whose bytes the gallery holds become its files' duplicates.
        """
        for content_id, file in files.items():
            copies = [
                FileCopy(path, path.parent, False) for path in self.files.get(file.content, ())
            ]
            if copies:
                known = {file.path, *(copy.path for copy in file.duplicates)}
                more = tuple(copy for copy in copies if copy.path not in known)
                files[content_id] = replace(file, duplicates=file.duplicates + more)
        for number, one in enumerate(self.contents):
            facts = one.metadata
            first, *others = self.files[one.content]
            contents[-1 - number] = Content(-1 - number, one.content, one.bytes, facts)
            files[-1 - number] = GalleryFile(
                path=first,
                root=first.parent,
                content=one.content,
                width=facts.width,
                height=facts.height,
                format=facts.format,
                bytes=one.bytes,
                taken=facts.taken,
                camera=facts.camera,
                lens=facts.lens,
                latitude=facts.latitude,
                longitude=facts.longitude,
                offline=False,
                duplicates=tuple(FileCopy(path, path.parent, False) for path in others),
            )

    def pairs(self, embeddings: Embeddings, space: SearchSpace) -> list[tuple[int, int]]:
        """Return the pairs of a newcomer and a content of the gallery that are worth a look."""
        if not self.contents:
            return []
        ids, hashes = embeddings.store.perceptual_hashes()
        mine = np.frombuffer(b"".join(one.fingerprint.hash for one in self.contents), np.uint8)
        by_hash = near_pairs(mine.reshape(len(self.contents), -1), hashes)
        found = {(-1 - new, int(ids[place])) for new, place in by_hash.tolist()}
        rows = space.project(np.stack([one.embedding for one in self.contents]))
        _, nearest = space.index.search(rows, NEIGHBOURS)
        for number, row in enumerate(nearest[:, :NEIGHBOURS].tolist()):
            found |= {(-1 - number, content_id) for content_id in row if content_id >= 0}
        return sorted(found)

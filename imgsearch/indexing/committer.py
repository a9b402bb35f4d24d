"""The end of the pipeline: batches go through the network in one thread, another commits them.

While a batch is in the network, the caller's thread commits the one before it and collects the
next, so that neither waits for the other: at most one batch is in the network and one is being
collected. All statements are the caller's thread's; a batch is one transaction.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from imgsearch.images import formats
from imgsearch.storage.records import ScannedRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.indexing.file_loader import LoadedFile
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.storage.scan_comparison import Changes, PendingFile


COMMIT_EVERY: Final = 256
NOT_FINITE: Final = "the backbone's activations are not finite numbers"


@dataclass(slots=True)
class Committed:
    """What a run has committed so far.

    Attributes:
        files: files of which the gallery now knows what they hold, or why that cannot be told.
        new: of these, files at paths that the gallery did not know, copies included.
        changed: files whose bytes are others than before.
        moved: files found at another path than before.
        unchanged: files with the same bytes as before.
        embedded: embeddings.
    """

    files: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    embedded: int = 0


@dataclass(slots=True)
class _Batch:
    files: list[LoadedFile[PendingFile]] = field(default_factory=list)
    to_embed: dict[str, LoadedFile[PendingFile]] = field(default_factory=dict)


class Committer:
    """Takes loaded files and commits them, with their embeddings, batch by batch.

    Used in a `with` block, whose end waits for the network; what was not committed by then never
    is.

    Attributes:
        committed: what is in the gallery for good.
    """

    def __init__(
        self,
        store: Store,
        changes: Changes,
        stored: StoredRecipe,
        *,
        batch_size: int,
        load_embedder: Callable[[], EmbedsImages],
    ) -> None:
        """Prepare to commit.

        Args:
            store: the gallery's rows; only the thread that calls the methods here uses them.
            changes: the scan that the files come from.
            stored: the recipe.
            batch_size: images that go through the network at once.
            load_embedder: called once, in the network's thread, as soon as there is a picture to
                embed.
        """
        self.committed = Committed()
        self._store = store
        self._changes = changes
        self._recipe = stored
        self._batch_size = batch_size
        self._load_embedder = load_embedder
        self._network = ThreadPoolExecutor(1, thread_name_prefix="imgsearch-network")
        self._embedder: Future[EmbedsImages] | None = None
        self._collected = _Batch()
        self._under_way: tuple[_Batch, Future[NDArray[np.float32]] | None] | None = None
        self._refused: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._network.shutdown(cancel_futures=True)

    def take(self, loaded: LoadedFile[PendingFile]) -> bool:
        """Take one file in; return whether a batch was committed meanwhile.

        A content that is on its way already is not embedded twice.

        Raises:
            Exception: whatever the network or the database raised for this batch or the last.
        """
        batch = self._collected
        if loaded.picture is not None and not self._is_known(loaded.hash):
            batch.to_embed[loaded.hash] = loaded
            if self._embedder is None:
                self._embedder = self._network.submit(self._load_embedder)
        batch.files.append(replace(loaded, picture=None))
        if len(batch.to_embed) >= self._batch_size or len(batch.files) >= COMMIT_EVERY:
            return self._hand_over()
        return self._is_embedded() and self._commit()

    def finish(self) -> None:
        """Embed and commit all that was taken in.

        Raises:
            Exception: whatever the network or the database raised.
        """
        self._hand_over()
        self._commit()

    def _is_known(self, content_hash: str) -> bool:
        under_way = self._under_way[0].to_embed if self._under_way else {}
        return (
            content_hash in self._collected.to_embed
            or content_hash in under_way
            or content_hash in self._refused
            or self._store.find_content(content_hash, self._recipe.id)[1]
        )

    def _hand_over(self) -> bool:
        """Give what was collected to the network, and commit what it has finished before."""
        batch, before = self._collected, self._under_way
        if before and before[1]:
            # The network is given its next batch before this thread goes to the disk.
            before[1].result()
        self._collected = _Batch()
        handed = self._network.submit(self._embed, batch) if batch.to_embed else None
        committed = self._commit()
        self._under_way = (batch, handed) if batch.files else None
        return committed

    def _is_embedded(self) -> bool:
        under_way = self._under_way
        return under_way is not None and (under_way[1] is None or under_way[1].done())

    def _embed(self, batch: _Batch) -> NDArray[np.float32]:
        assert self._embedder is not None  # noqa: S101 - `take` submitted it to this very thread
        pictures = (loaded.picture for loaded in batch.to_embed.values())
        pixels = [picture.pixels for picture in pictures if picture is not None]
        return self._embedder.result().embed(np.stack(pixels))

    def _commit(self) -> bool:
        """Commit the batch that is under way: the only place where a run writes contents."""
        if self._under_way is None:
            return False
        batch, embedding = self._under_way
        vectors = np.empty((0, self._recipe.recipe.dim), np.float32)
        if embedding is not None:
            vectors = embedding.result()
        counts = replace(self.committed, files=self.committed.files + len(batch.files))
        with self._store.transaction():
            for vector, loaded in zip(vectors, batch.to_embed.values(), strict=True):
                counts.embedded += self._put_content(loaded, vector)
            if batch.to_embed:
                self._store.raise_generation(self._recipe.id)
            for loaded in batch.files:
                self._put_file(loaded, counts)
        self.committed = counts
        self._under_way = None
        return True

    def _put_content(self, loaded: LoadedFile[PendingFile], vector: NDArray[np.float32]) -> bool:
        if not np.isfinite(vector).all():
            self._refused[loaded.hash] = NOT_FINITE
            return False
        assert loaded.picture is not None  # noqa: S101 - for the type checker; `take` saw to it
        content_id = self._store.add_content(loaded.hash, loaded.bytes, loaded.picture.metadata)
        self._store.add_embedding(self._recipe.id, content_id, vector)
        return True

    def _put_file(self, loaded: LoadedFile[PendingFile], counts: Committed) -> None:
        pending = loaded.item
        reason = loaded.reason or self._refused.get(loaded.hash)
        file_id, content_id = pending.file_id, None
        if loaded.hash:
            content_id, _ = self._store.find_content(loaded.hash, self._recipe.id)
        if content_id is not None and pending.reason == "new":
            file_id = self._changes.take_missing(content_id)
        if pending.file_id is None and file_id is None:
            counts.new += 1
        elif pending.file_id is None:
            counts.moved += 1
        elif pending.reason != "embed" or content_id != pending.content_id:
            known = content_id is not None or pending.reason == "retry"
            same = known and content_id == pending.content_id
            counts.unchanged += same
            counts.changed += not same
        self._store.put_file(
            file_id,
            ScannedRow(pending.root_id, pending.path, pending.size, pending.mtime_ns),
            content_id=content_id,
            reason=reason,
            # A file whose very bytes could not be had is tried again in every run.
            decoders=formats.decoders_fingerprint() if reason and loaded.hash else None,
        )

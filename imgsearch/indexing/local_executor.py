"""The executor of this process: some threads read, hash and decode, one runs the network.

While a batch is in the network, the caller's thread commits the one before it and collects the
next, so that neither waits for the other: at most one batch is in the network and one is being
collected.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from imgsearch.indexing.executor import EmbeddedFile
from imgsearch.indexing.file_loader import load_files

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from numpy.typing import NDArray

    from imgsearch.indexing.executor import EmbeddingJob, FileWork
    from imgsearch.indexing.file_loader import LoadedFile
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe

MOST_FILES: Final = 256  # in a batch, most of which may be known
NOT_FINITE: Final = "the backbone's activations are not finite numbers"


class LocalExecutor:
    """Embeds files with threads of this process."""

    def __init__(self, load: Callable[[Recipe], EmbedsImages] | None = None) -> None:
        """Say where the network comes from.

        Args:
            load: called once per run, in the network's thread, when there is something to embed;
                None for the job's own source. A caller that has the network loaded passes it on.
        """
        self._load = load

    def embed(
        self,
        job: EmbeddingJob,
        chunks: Iterable[Sequence[FileWork]],
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> Generator[Sequence[EmbeddedFile]]:
        """Yield what came of every file, in the order of the work, batch by batch.

        A content that occurs twice is embedded once. `stop` is asked after every file.

        Raises:
            Exception: whatever the network or `job.known` raised.
        """
        loading = load_files(
            chain.from_iterable(chunks),
            lambda work: work.path,
            recipe=job.recipe,
            is_embedded=job.known.__contains__,
            jobs=job.jobs,
            seconds=job.seconds_per_file,
            stop=stop,
        )
        load = self._load
        network = _Network(job.load if load is None else lambda: load(job.recipe))
        with closing(loading), network:
            batches = _Batches(job, network)
            for loaded in loading:
                done = batches.take(loaded)
                if done:
                    yield done
                if stop():
                    break
            yield from batches.finish()


class _Network:
    """One thread that loads the network and runs it; the end of its `with` block waits for it."""

    def __init__(self, load: Callable[[], EmbedsImages]) -> None:
        self._load = load
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imgsearch-network")
        self._embedder: Future[EmbedsImages] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin_loading(self) -> None:
        """Load the network if nobody has asked for it yet."""
        if self._embedder is None:
            self._embedder = self._thread.submit(self._load)

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> Future[NDArray[np.float32]]:
        """Queue images `(size, size, 3)`; their embeddings will be `(n, dim)`."""
        return self._thread.submit(self._embed, images)

    def _embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        assert self._embedder is not None  # noqa: S101 - loading began before anything was queued
        return self._embedder.result().embed(np.stack(images))


@dataclass(slots=True)
class _Batch:
    """Files in order, the pixels to embed, and by hash whose file in the list they are."""

    files: list[EmbeddedFile] = field(default_factory=list)
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    embeddings: Future[NDArray[np.float32]] | None = None

    @property
    def is_embedded(self) -> bool:
        return self.embeddings is None or self.embeddings.done()


class _Batches:
    """Collects loaded files into batches for the network, and gives them back embedded."""

    def __init__(self, job: EmbeddingJob, network: _Network) -> None:
        self._job = job
        self._network = network
        self._collected = _Batch()
        self._under_way = _Batch()
        self._refused: set[str] = set()

    def take(self, loaded: LoadedFile[FileWork]) -> list[EmbeddedFile]:
        """Take one file in; return the batch that has come out of the network meanwhile, if any.

        Raises:
            Exception: whatever the network raised for that batch.
        """
        batch = self._collected
        image, metadata, fingerprint = loaded.image, None, None
        if image is not None and not self._is_known(loaded.hash):
            self._network.begin_loading()
            batch.positions[loaded.hash] = len(batch.files)
            batch.images.append(image.pixels)
            metadata, fingerprint = image.metadata, image.fingerprint
        batch.files.append(
            EmbeddedFile(
                loaded.item,
                loaded.hash,
                loaded.bytes,
                metadata=metadata,
                reason=loaded.reason,
                fingerprint=fingerprint,
            )
        )
        if len(batch.images) >= self._job.batch_size or len(batch.files) >= MOST_FILES:
            return self._hand_over()
        return self._finished() if self._under_way.is_embedded else []

    def finish(self) -> Generator[list[EmbeddedFile]]:
        """Yield the batch that is under way and the one that was being collected.

        Raises:
            Exception: whatever the network raised.
        """
        for last in (self._hand_over, self._finished):
            done = last()
            if done:
                yield done

    def _is_known(self, content_hash: str) -> bool:
        return (
            content_hash in self._collected.positions
            or content_hash in self._under_way.positions
            or content_hash in self._refused
            # Asked when the file was read already, but a copy may have been committed since.
            or content_hash in self._job.known
        )

    def _hand_over(self) -> list[EmbeddedFile]:
        """Give what was collected to the network, and return what it has finished before."""
        batch = self._collected
        if self._under_way.embeddings is not None:
            # The caller commits what is returned: by then the network has its next batch.
            self._under_way.embeddings.result()
        self._collected = _Batch()
        if batch.images:
            batch.embeddings = self._network.embed(batch.images)
        done = self._finished()
        self._under_way = batch
        return done

    def _finished(self) -> list[EmbeddedFile]:
        """Wait for the batch that is under way, and return it embedded."""
        batch, self._under_way = self._under_way, _Batch()
        if batch.embeddings is not None:
            embeddings = batch.embeddings.result()
            for position, embedding in zip(batch.positions.values(), embeddings, strict=True):
                self._put(batch.files, position, embedding)
        if self._refused:
            return [self._without_refused(file) for file in batch.files]
        return batch.files

    def _put(
        self, files: list[EmbeddedFile], position: int, embedding: NDArray[np.float32]
    ) -> None:
        if np.isfinite(embedding).all():
            files[position] = replace(files[position], embedding=embedding)
        else:
            self._refused.add(files[position].hash)

    def _without_refused(self, file: EmbeddedFile) -> EmbeddedFile:
        if file.hash not in self._refused:
            return file
        return replace(file, metadata=None, reason=file.reason or NOT_FINITE)

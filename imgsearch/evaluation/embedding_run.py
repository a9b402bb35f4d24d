"""From images to embeddings, written to the cache batch by batch.

A run that is stopped at any moment continues where it was.
"""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from imgsearch.errors import ImgsearchError, UnreadableImageError, UsageError
from imgsearch.evaluation.embedding_cache import item_key
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.networks.pooling import l2_normalise, pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_cache import EmbeddingCache, EmbeddingWriter
    from imgsearch.evaluation.embedding_plan import SharedDecoding
    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.networks.source import Network
    from imgsearch.recipe import Recipe

Stage = Literal["embed", "measure", "evaluate"]


class StoppedError(ImgsearchError):
    """The caller asked to stop; the embeddings computed so far are in the cache."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation has come.

    Attributes:
        stage: computing embeddings, measuring costs, or evaluating variants.
        done: images, networks or variants completed.
        total: of how many.
        images_per_second: embeddings computed per second in this stage.
    """

    stage: Stage
    done: int
    total: int
    images_per_second: float = 0.0


def _ignore(_: Progress) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How a run works, and whom it tells and asks.

    Attributes:
        batch_size: images that go through a network at once.
        jobs: decoding threads; None for one per CPU core.
        progress: called after every step.
        stop: called between steps; when it returns True the run ends with a `StoppedError`.
    """

    batch_size: int = 32
    jobs: int | None = None
    progress: Callable[[Progress], None] = _ignore
    stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: one is below 1.
        """
        if self.batch_size < 1:
            raise UsageError(f"batch size: {self.batch_size} is not a number of images above 0")
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs: {self.jobs} is not a number of threads above 0")

    @property
    def threads(self) -> int:
        """Number of decoding threads."""
        return self.jobs or os.cpu_count() or 1

    def go_on(self) -> None:
        """Do nothing, unless the caller asked to stop.

        Raises:
            StoppedError: the caller asked to stop.
        """
        if self.stop():
            raise StoppedError("stopped; the same run goes on where this one was")


class Loaded:
    """The networks of a `SharedDecoding`, each loaded when it is first needed."""

    def __init__(self, source: NetworkSource) -> None:
        self._source = source
        self._networks: dict[Recipe, Network] = {}

    def get(self, network: Recipe) -> Network:
        """Return a network, loading it the first time."""
        if network not in self._networks:
            self._networks[network] = self._source.load(network)
        return self._networks[network]


@dataclass(slots=True)
class Embedding:
    """Computes the embeddings that the cache lacks.

    Attributes:
        items: in the order of the embeddings' rows.
        cache: where embeddings are kept.
        work: how to do it.
        unreadable: so far, the reason why an item could not be read, by its position.
    """

    items: Sequence[Item]
    cache: EmbeddingCache
    work: Work
    unreadable: dict[int, str] = field(default_factory=dict)
    _keys: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = [item_key(item) for item in self.items]

    def missing(self, shared: SharedDecoding) -> Mapping[Recipe, NDArray[np.bool_]]:
        """Return for each network which items lack an embedding, shape (n,)."""
        lacking = {}
        for each in shared.passes:
            known = np.ones(len(self.items), dtype=np.bool_)
            for recipe in each.recipes:
                known &= self.cache.read(recipe, self._keys)[1]
            lacking[each.network] = ~known
        return lacking

    def read(self, recipe: Recipe) -> NDArray[np.float32]:
        """Return the embeddings of all items, shape (n, dim); zeros for unreadable ones.

        Raises:
            ImgsearchError: the cache has lost some since they were computed.
        """
        rows, known = self.cache.read(recipe, self._keys)
        lost = np.flatnonzero(~known)
        if any(position not in self.unreadable for position in lost.tolist()):
            raise ImgsearchError(
                f"{self.cache.folder}: embeddings of {recipe.name} were changed or deleted while "
                "the run needed them, or an image file changed; run again"
            )
        return rows

    def compute(
        self, shared: SharedDecoding, loaded: Loaded, missing: Mapping[Recipe, NDArray[np.bool_]]
    ) -> None:
        """Compute the missing embeddings and write them to the cache.

        Args:
            shared: what to compute.
            loaded: its networks.
            missing: what the method `missing` returned.

        Raises:
            StoppedError: the caller asked to stop.
            OSError: the cache cannot be written.
            ImgsearchError: a network cannot be loaded.
        """
        wanted = [
            position
            for position in np.flatnonzero(np.any(list(missing.values()), axis=0)).tolist()
            if position not in self.unreadable
        ]
        passes = [each for each in shared.passes if missing[each.network].any()]
        began, computed = time.monotonic(), 0
        with ExitStack() as stack:
            writers = {
                recipe: stack.enter_context(self.cache.writer(recipe))
                for each in passes
                for recipe in each.recipes
            }
            for positions, pixels in self._batches(wanted, shared):
                for each in passes:
                    lacking = missing[each.network][positions]
                    if lacking.any():
                        maps = loaded.get(each.network).feature_maps(pixels[lacking])
                        keys = [self._keys[position] for position in positions[lacking]]
                        _keep(maps, keys, {recipe: writers[recipe] for recipe in each.recipes})
                        computed += len(keys)
                self.work.go_on()
                done = int(np.searchsorted(wanted, positions[-1])) + 1
                rate = computed / max(time.monotonic() - began, 1e-9)
                self.work.progress(Progress("embed", done, len(wanted), rate))

    def _batches(
        self, positions: Sequence[int], shared: SharedDecoding
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Yield positions (b,) and pixels (b, size, size, 3) of readable items, in order."""
        readable: list[tuple[int, NDArray[np.uint8]]] = []
        for position, pixels in self._decoded(positions, shared):
            if isinstance(pixels, str):
                self.unreadable[position] = pixels
                continue
            readable.append((position, pixels))
            if len(readable) == self.work.batch_size:
                yield _stacked(readable)
                readable = []
        if readable:
            yield _stacked(readable)

    def _decoded(
        self, positions: Sequence[int], shared: SharedDecoding
    ) -> Iterator[tuple[int, NDArray[np.uint8] | str]]:
        """Yield every item's pixels, or the reason why it is unreadable; decoded in parallel."""
        window: deque[Future[tuple[int, NDArray[np.uint8] | str]]] = deque()

        def load(position: int) -> tuple[int, NDArray[np.uint8] | str]:
            try:
                return position, load_item(
                    self.items[position], size=shared.size, resize=shared.resize
                )
            except UnreadableImageError as error:
                return position, error.reason

        with ThreadPoolExecutor(self.work.threads, thread_name_prefix="imgsearch-decode") as pool:
            try:
                for position in positions:
                    window.append(pool.submit(load, position))
                    # Decode ahead: one batch while the network works on the one before.
                    if len(window) >= max(8 * self.work.threads, 2 * self.work.batch_size):
                        yield window.popleft().result()
                while window:
                    yield window.popleft().result()
            finally:
                for future in window:
                    future.cancel()


def _stacked(
    readable: Sequence[tuple[int, NDArray[np.uint8]]],
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    positions = np.array([position for position, _ in readable], dtype=np.int64)
    return positions, np.stack([pixels for _, pixels in readable])


def _keep(
    maps: NDArray[np.float32], keys: Sequence[bytes], writers: Mapping[Recipe, EmbeddingWriter]
) -> None:
    for recipe, writer in writers.items():
        writer.append(keys, l2_normalise(pool(maps, recipe.pooling)))

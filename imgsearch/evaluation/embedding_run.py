"""From pictures to embeddings under several recipes, with as few decodings and passes as can be.

Recipes that differ in their pooling alone share one pass of the network, and networks that want
pictures of the same size share their decoding. What is computed goes into the cache batch by
batch, so that a run may be stopped at any moment and continues where it was.
"""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from imgsearch.errors import ImgsearchError, UnreadableImageError, UsageError
from imgsearch.evaluation.embedding_cache import item_key
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.networks.pooling import l2_normalise, pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_cache import EmbeddingCache, EmbeddingWriter
    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.networks.source import Network
    from imgsearch.recipe import Recipe, Resize

# Networks in memory at once; more of one size decode their pictures again.
MOST_NETWORKS: Final = 4

Stage = Literal["embed", "measure", "evaluate"]


class StoppedError(ImgsearchError):
    """The caller asked to stop; what was computed so far is in the cache."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation has come.

    Attributes:
        stage: computing embeddings, measuring costs, or evaluating variants.
        done: pictures, networks or variants dealt with.
        total: of how many.
        images_per_second: embeddings computed, over the time since their computing began.
    """

    stage: Stage
    done: int
    total: int
    images_per_second: float = 0.0


def _nobody(_: Progress) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How a run goes about its work.

    Attributes:
        batch_size: images that go through a network at once.
        jobs: decoding threads; None for one a processor.
        progress: is told of every step.
        stop: asked between steps; True ends the run in good order.
    """

    batch_size: int = 32
    jobs: int | None = None
    progress: Callable[[Progress], None] = _nobody
    stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            UsageError: names the option and the number.
        """
        if self.batch_size < 1:
            raise UsageError(f"batch size: {self.batch_size} is not a number of images above 0")
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"jobs: {self.jobs} is not a number of threads above 0")

    @property
    def threads(self) -> int:
        """How many threads decode."""
        return self.jobs or os.cpu_count() or 1

    def go_on(self) -> None:
        """Raise where the caller asked to stop.

        Raises:
            StoppedError: the caller did.
        """
        if self.stop():
            raise StoppedError("stopped; the same run goes on where this one was")


def network_of(recipe: Recipe) -> Recipe:
    """Return what recipes of one network pass have in common: the recipe without its pooling."""
    return replace(recipe, pooling="gap")


@dataclass(frozen=True, slots=True)
class Pass:
    """One network over pictures of one shape, and the poolings of its feature maps.

    Attributes:
        network: the recipe that stands for all.
        recipes: one for each pooling.
    """

    network: Recipe
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Passes that share their decoding and are in memory together.

    Attributes:
        size: side of the square in pixels.
        resize: how pictures become squares.
        passes: at most `MOST_NETWORKS`.
    """

    size: int
    resize: Resize
    passes: tuple[Pass, ...]


def plan(recipes: Sequence[Recipe]) -> list[Shared]:
    """Return how recipes are computed with the fewest decodings and passes, in their order."""
    poolings: dict[Recipe, dict[Recipe, None]] = {}
    for recipe in recipes:
        poolings.setdefault(network_of(recipe), {})[recipe] = None
    shapes: dict[tuple[int, Resize], list[Pass]] = {}
    for network, some in poolings.items():
        shapes.setdefault((network.size, network.resize), []).append(Pass(network, tuple(some)))
    return [
        Shared(size, resize, passes)
        for (size, resize), wanted in shapes.items()
        for passes in _chunks(wanted)
    ]


def _chunks(passes: list[Pass]) -> list[tuple[Pass, ...]]:
    starts = range(0, len(passes), MOST_NETWORKS)
    return [tuple(passes[start : start + MOST_NETWORKS]) for start in starts]


class Loaded:
    """The networks of a `Shared`, each loaded when it is first needed."""

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
    """Computes what the cache lacks.

    Attributes:
        items: the pictures, aligned with the embeddings.
        cache: where embeddings are kept.
        work: how to go about it.
        unreadable: position and reason of pictures that could not be read, so far.
    """

    items: Sequence[Item]
    cache: EmbeddingCache
    work: Work
    unreadable: dict[int, str] = field(default_factory=dict)
    _keys: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = [item_key(item) for item in self.items]

    def missing(self, shared: Shared) -> Mapping[Recipe, NDArray[np.bool_]]:
        """Return, for every pass by its network, which items lack an embedding, shape (n,)."""
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
            ImgsearchError: the cache lost some since they were computed.
        """
        rows, known = self.cache.read(recipe, self._keys)
        lost = np.flatnonzero(~known)
        if any(position not in self.unreadable for position in lost.tolist()):
            raise ImgsearchError(
                f"{self.cache.folder}: embeddings of {recipe.name} were changed or deleted while "
                "the run needed them, or a picture changed; run again"
            )
        return rows

    def compute(
        self, shared: Shared, loaded: Loaded, missing: Mapping[Recipe, NDArray[np.bool_]]
    ) -> None:
        """Compute the embeddings that are missing, and keep them.

        Args:
            shared: what to compute.
            loaded: gives its networks.
            missing: what `missing` returned.

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
        self, positions: Sequence[int], shared: Shared
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
        self, positions: Sequence[int], shared: Shared
    ) -> Iterator[tuple[int, NDArray[np.uint8] | str]]:
        """Yield every item's pixels or the reason why there are none, decoded side by side."""
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
                    # A batch waits decoded while the network is busy with the one before.
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

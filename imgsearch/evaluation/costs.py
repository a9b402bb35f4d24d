"""What a variant costs on this machine: time to decode, to embed and to search; bytes; memory.

Costs are measured in the same run as the metrics, even if the embeddings come from the cache, on
one sample of images for all networks. Other busy programs slow everything down, so ratios within
a run mean more than absolute figures.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import ImgsearchError, UnknownBackboneError, UnreadableImageError
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.networks.pooling import l2_normalise, pool
from imgsearch.recipe import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_plan import SharedDecoding
    from imgsearch.evaluation.ground_truth.values import Item
    from imgsearch.evaluation.variants import Composition
    from imgsearch.networks.source import Network
    from imgsearch.recipe import Recipe, Resize

SAMPLE: Final = 64
QUERIES: Final = 25
MATCHES: Final = 10
FLOAT_BYTES: Final = 4
# A timing repeats until it has lasted this long, in seconds, and at least this often.
LEAST_SECONDS: Final = 0.5
LEAST_REPEATS: Final = 3


@dataclass(slots=True)
class CostMeter:
    """Times decoding, networks and poolings, each once per run.

    Attributes:
        items: the sample, at most `SAMPLE`.
        threads: that decode.
        batch_size: images that go through a network at once.
    """

    items: Sequence[Item]
    threads: int
    batch_size: int
    _decoding: dict[tuple[int, Resize], float] = field(default_factory=dict)
    _networks: dict[Recipe, float] = field(default_factory=dict)
    _poolings: dict[Recipe, float] = field(default_factory=dict)

    def measure(self, shared: SharedDecoding, load: Callable[[Recipe], Network]) -> None:
        """Time the parts of a plan that have not been timed yet.

        Args:
            shared: the plan.
            load: returns one of its networks.
        """
        shape = (shared.size, shared.resize)
        untimed = [
            each for each in shared.passes if _timing_key(each.network) not in self._networks
        ]
        if shape in self._decoding and not untimed:
            return
        pixels = self._decode(shape)
        for each in shared.passes:
            key = _timing_key(each.network)
            if all(replace(recipe, resize="squash") in self._poolings for recipe in each.recipes):
                continue
            batch = np.resize(pixels, (self.batch_size, *pixels.shape[1:]))
            network = load(each.network)
            maps = network.feature_maps(batch)
            self._networks[key] = _seconds(lambda: network.feature_maps(batch)) / len(batch)  # noqa: B023  called at once
            for recipe in each.recipes:
                taken = _seconds(lambda: l2_normalise(pool(maps, recipe.pooling)))  # noqa: B023  called at once
                self._poolings[replace(recipe, resize="squash")] = taken / len(batch)

    def decode_seconds(self, composition: Composition) -> float:
        """Return the seconds per image to decode for a composition, on all cores."""
        shapes = dict.fromkeys((made.size, made.resize) for made in composition.recipes)
        return sum(self._decoding[shape] for shape in shapes)

    def network_seconds(self, composition: Composition) -> float:
        """Return the seconds per image of a composition's networks and poolings."""
        networks = dict.fromkeys(_timing_key(recipe) for recipe in composition.recipes)
        poolings = (self._poolings[replace(made, resize="squash")] for made in composition.recipes)
        return sum(self._networks[network] for network in networks) + sum(poolings)

    def seconds(self, composition: Composition) -> float:
        """Return the seconds per image from file to embedding, on all cores."""
        return self.decode_seconds(composition) + self.network_seconds(composition)

    def _decode(self, shape: tuple[int, Resize]) -> NDArray[np.uint8]:
        """Time the decoding of the sample, and return pixels to time networks with."""

        def load(item: Item) -> NDArray[np.uint8] | None:
            try:
                return load_item(item, size=shape[0], resize=shape[1])
            except UnreadableImageError:
                return None

        with ThreadPoolExecutor(self.threads) as pool_of_threads:
            # Once untimed, so that the files are in the page cache for every shape.
            list(pool_of_threads.map(load, self.items[: self.threads]))
            began = time.perf_counter()
            loaded = [
                pixels for pixels in pool_of_threads.map(load, self.items) if pixels is not None
            ]
            taken = time.perf_counter() - began
        if not loaded:
            raise ImgsearchError(
                f"none of {len(self.items)} sampled files can be read, the first of them "
                f"{self.items[0].path}; costs cannot be measured"
            )
        self._decoding[shape] = taken / len(loaded)
        return np.stack(loaded[: self.batch_size])


def sample_of(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return at most `SAMPLE` items, evenly spread; unedited ones where there are some."""
    plain = [item for item in items if item.edit is None] or list(items)
    count = min(SAMPLE, len(plain))
    return tuple(plain[at * len(plain) // count] for at in range(count))


def query_milliseconds(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], *, more: Callable[[int], object]
) -> float:
    """Return the median time of one exact query, in milliseconds.

    Args:
        queries: shape (q, dim), a sample of which is timed, one by one.
        gallery: shape (n, dim).
        more: called with the position of a query, does what else a query takes.
    """
    # FAISS is imported when needed, so that --help stays fast.
    from imgsearch.vectors.exact import ExactIndex

    index = ExactIndex.build(np.arange(len(gallery)), gallery)
    count = min(QUERIES, len(queries))
    times = []
    for at in range(count):
        position = at * len(queries) // count
        began = time.perf_counter()
        more(position)
        index.search(queries[position : position + 1], min(MATCHES, len(gallery)))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def weights_bytes(composition: Composition) -> int:
    """Return the size of the weights of a composition's networks, each file once."""
    sizes = {recipe.weights: _weights_bytes(recipe) for recipe in composition.recipes}
    return sum(sizes.values())


def peak_bytes() -> float:
    """Return the largest resident memory of this process so far; NaN on Windows."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    return float(largest if sys.platform == "darwin" else largest * 1024)


def _weights_bytes(recipe: Recipe) -> int:
    if recipe.weights_path is not None and Path(recipe.weights_path).is_file():
        return Path(recipe.weights_path).stat().st_size
    if recipe.weights_path is not None and recipe.backbone.startswith(HUB):
        from imgsearch.networks.backbones.hub import folders

        return (Path(recipe.weights_path) / folders.WEIGHTS).stat().st_size
    from imgsearch.networks.backbones import catalogue, weights

    try:
        backbone = catalogue.find(recipe.backbone)
    except UnknownBackboneError:
        return 0
    if backbone.is_compact:
        return weights.cached_path(backbone).stat().st_size
    return backbone.download_bytes


def _timing_key(recipe: Recipe) -> Recipe:
    # A network's time depends neither on resizing nor on pooling.
    return replace(recipe, resize="squash", pooling="gap")


def _seconds(act: Callable[[], object]) -> float:
    """Return the median seconds of a call that has been made once already."""
    times: list[float] = []
    while len(times) < LEAST_REPEATS or sum(times) < LEAST_SECONDS:
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)

"""Regions of the contents that have none: read, pooled, projected, committed batch by batch.

The projection is fitted on the regions of some images, and stays: what is kept of a region went
through it. A run that is stopped or killed leaves what it has committed, and the next one goes on.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import paths
from imgsearch.errors import ImgsearchError, UnreadableImageError, UsageError
from imgsearch.networks.source import Network
from imgsearch.regions.codes import encode
from imgsearch.regions.layout import DIM, VERSION, Layout, cost, enlarged, region_boxes
from imgsearch.regions.pooling import box_means
from imgsearch.storage.typed_values import RootsById
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.region_rows import StoredRegions

    Loads = Callable[[Recipe], EmbedsImages]

LOG: Final = logging.getLogger(__name__)
BATCH: Final = 16
# The projection of the benchmark was fitted on as many; regions of fewer say less.
FITTED: Final = 300
POWER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches regions being made.

    Attributes:
        jobs: decoding threads; None for one per processor.
        progress: told how many images are done, of how many; None for nobody.
        stop: asked after every batch; None for never.
    """

    jobs: int | None = None
    progress: Callable[[int, int], None] | None = None
    stop: Callable[[], bool] | None = None

    def at(self, done: int, total: int) -> bool:
        """Tell how far it has come; return whether it is to stop."""
        if self.progress is not None:
            self.progress(done, total)
        return self.stop is not None and self.stop()


def refuse_unfit(recipe: Recipe) -> None:
    """Refuse a recipe whose embeddings are no means.

    Raises:
        UsageError: says what to type.
    """
    if recipe.pooling != "gap":
        raise UsageError(
            f"regions: recipe {recipe.name} pools by {recipe.pooling}, and a region is a mean; "
            "index with --pooling gap beside it"
        )


def region_network(recipe: Recipe, network: Loads) -> Network:
    """Return what gives the feature maps of a recipe at the size of regions.

    Raises:
        UsageError: the network gives none, or takes images of one size only.
    """
    wanted = enlarged(recipe)
    try:
        loaded = network(wanted)
    except ImgsearchError as error:
        raise UsageError(
            f"regions: the network of recipe {recipe.name} cannot be run at {wanted.size} pixels "
            f"({error}); index with another --backbone to search parts of pictures"
        ) from error
    if not isinstance(loaded, Network):
        raise UsageError(
            f"regions: the network of recipe {recipe.name} gives no feature maps; index with a "
            "--backbone of imgsearch's own (`imgsearch backbones`) to search parts of pictures"
        )
    return loaded


@dataclass(frozen=True, slots=True)
class Made:
    """What making regions came to.

    Attributes:
        images: how many got some.
        stopped: whether it was stopped before its end.
    """

    images: int = 0
    stopped: bool = False


def make(embeddings: Embeddings, network: Loads, watch: Watch) -> Made:
    """Give each content regions that has an embedding, a file that is there, and none.

    Args:
        embeddings: open for writing.
        network: loads the network of a recipe.
        watch: who watches.

    Raises:
        UsageError: the recipe's network gives no feature maps, or its embeddings are no means.
    """
    recipe, store, recipe_id = embeddings.recipe, embeddings.store, embeddings.stored.id
    refuse_unfit(recipe)
    stored = store.regions_of(recipe_id)
    if stored is not None and is_outgrown(stored, embeddings.count()):
        with store.transaction():
            store.drop_regions(recipe_id)
        stored = None
    lacking = _at_hand(store, store.contents_without_regions(recipe_id))
    if not lacking:
        return Made()
    LOG.info("regions: %s", cost(len(lacking)))
    maker = _Maker(embeddings, region_network(recipe, network), watch, len(lacking))
    if stored is not None:
        maker.projection = Projection.from_bytes(stored.projection)
    elif maker.fit(_by_hash(embeddings, lacking)):
        made = set(store.ids_with_regions(recipe_id).tolist())
        lacking = [content_id for content_id in lacking if content_id not in made]
    if maker.projection is not None and not maker.stopped:
        maker.fill(lacking)
    return Made(maker.done, maker.stopped)


def is_outgrown(stored: StoredRegions, count: int) -> bool:
    """Whether the projection was fitted on few images, and there are twice as many by now."""
    layout = Layout.from_json(stored.layout)
    return layout.version != VERSION or (layout.fitted < FITTED and count >= 2 * layout.held)


def _at_hand(store: Store, content_ids: Sequence[int]) -> list[int]:
    """Return those contents of which a file is there."""
    roots = RootsById({root.id: paths.encode(root.path) for root in store.roots()})
    held = store.files_of_contents(content_ids)
    return [
        content_id
        for content_id in content_ids
        if any(paths.join(roots[root_id], path).exists() for root_id, path in held[content_id])
    ]


def _by_hash(embeddings: Embeddings, content_ids: Sequence[int]) -> list[int]:
    """Return contents in the order of their hashes, the first of which are a uniform sample."""
    wanted = set(content_ids)
    every = embeddings.sample(embeddings.count())
    return [content_id for content_id in every if content_id in wanted]


class _Maker:
    """Makes regions, once it has a projection."""

    def __init__(self, embeddings: Embeddings, network: Network, watch: Watch, total: int) -> None:
        self.done = 0
        self.stopped = False
        self.projection: Projection | None = None
        self._embeddings = embeddings
        self._network = network
        self._watch = watch
        self._total = total
        self._boxes = region_boxes()

    def fit(self, content_ids: Sequence[int]) -> bool:
        """Fit the projection on the first images that can be read, and store their regions.

        Returns:
            Whether there is one now.
        """
        from imgsearch.vectors.projection_fitting import fit

        ids: list[int] = []
        found: list[NDArray[np.float32]] = []
        for some, means in self._pooled(content_ids):
            ids += some
            found.append(means)
            if len(ids) >= FITTED:
                break
        if not found:
            return False
        raw = np.concatenate(found)
        try:
            self.projection = fit(raw.reshape(-1, raw.shape[2]), dim=DIM, power=POWER)
        except UsageError:
            LOG.warning("regions: nothing tells the parts of these pictures apart; none were made")
            return False
        network = self._network.recipe
        layout = Layout(
            size=network.size,
            dim=self.projection.out,
            fitted=len(ids),
            held=self._embeddings.count(),
        )
        store, recipe_id = self._embeddings.store, self._embeddings.stored.id
        with store.transaction():
            store.put_region_recipe(recipe_id, layout.to_json(), self.projection.to_bytes())
            self._add(ids, raw)
        return True

    def fill(self, content_ids: Sequence[int]) -> None:
        """Give images regions, each batch in a transaction."""
        for ids, means in self._pooled(content_ids):
            with self._embeddings.store.transaction():
                self._add(ids, means)

    def _add(self, content_ids: Sequence[int], means: NDArray[np.float32]) -> None:
        assert self.projection is not None  # noqa: S101 - whoever calls this has fitted one
        projected = self.projection.apply(means.reshape(-1, means.shape[2]))
        codes = encode(projected.reshape(*means.shape[:2], -1))
        for content_id, rows in zip(content_ids, codes, strict=True):
            self._embeddings.store.add_regions(self._embeddings.stored.id, content_id, rows)
        self.done += len(content_ids)

    def _pooled(
        self, content_ids: Sequence[int]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield ids and unit means (m, regions, c) of the images that are there, until stopped.

        The next batch is decoded while this one is in the network.
        """
        recipe = self._network.recipe
        batches = [
            content_ids[start : start + BATCH] for start in range(0, len(content_ids), BATCH)
        ]
        with ThreadPoolExecutor(self._watch.jobs, thread_name_prefix="imgsearch-decode") as pool:

            def begin(batch: Sequence[int]) -> Iterator[NDArray[np.uint8] | None]:
                return pool.map(partial(_pixels, recipe), *zip(*self._files(batch), strict=True))

            coming = begin(batches[0]) if batches else iter(())
            for number, batch in enumerate(batches):
                here = [
                    (content_id, pixels)
                    for content_id, pixels in zip(batch, coming, strict=True)
                    if pixels is not None
                ]
                if self._watch.at(min(self._total, self.done), self._total):
                    self.stopped = True
                    return
                if number + 1 < len(batches):
                    coming = begin(batches[number + 1])
                if here:
                    maps = self._network.feature_maps(np.stack([pixels for _, pixels in here]))
                    yield [content_id for content_id, _ in here], box_means(maps, self._boxes)

    def _files(self, content_ids: Sequence[int]) -> list[tuple[str, list[Path]]]:
        store = self._embeddings.store
        hashes = {key: content.hash for key, content in store.contents(content_ids).items()}
        return [(hashes[key], store.files_holding(hashes[key])) for key in content_ids]


def _pixels(recipe: Recipe, content: str, files: Sequence[Path]) -> NDArray[np.uint8] | None:
    """Return what the network sees of a content, or None where no file holds it now."""
    from imgsearch.images import loading
    from imgsearch.search.originals import read_content

    try:
        data = read_content(content, files)
        return loading.load(
            data, size=recipe.size, resize=recipe.resize, decoder=recipe.decoder
        ).pixels
    except (UnreadableImageError, OSError):
        return None

"""A preset's text tower: texts to embeddings that are comparable with its image tower's.

It is exported for LiteRT the first time that words are asked, and kept with its tokenizer beside
the exported graphs of image towers; from then on words need neither TensorFlow nor KerasHub, only
the small packages `tokenizers` and `sentencepiece`, which KerasHub brings.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError, RecipeMismatchError, UsageError
from imgsearch.networks.backbones.custom import in_short
from imgsearch.networks.backbones.framework import load_keras, refuse_after_fork
from imgsearch.networks.backbones.hub import folders, image_tower, resolving, tokens
from imgsearch.networks.backbones.hub.library import load_hub
from imgsearch.networks.pooling import l2_normalise
from imgsearch.networks.runtimes import graphs, litert
from imgsearch.networks.runtimes.graphs import Graph, GraphKey
from imgsearch.networks.runtimes.trial import LEAST_AGREEMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe

    ToIds = Callable[[Sequence[str]], NDArray[np.int32]]
    ToRows = Callable[[NDArray[np.int32]], NDArray[np.float32]]

LOG: Final = logging.getLogger(__name__)
LAYER: Final = "text"


class TextTower:
    """Embeds texts; what `networks.source.EmbedsText` says."""

    def __init__(self, runtime_name: str, to_ids: ToIds, to_rows: ToRows) -> None:
        """Take what makes ids of texts, and rows (n, dim) of ids."""
        self.runtime_name = runtime_name
        self._to_ids = to_ids
        self._to_rows = to_rows

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit embeddings `(n, dim)`, float32, of n ≥ 1 texts."""
        return l2_normalise(self._to_rows(self._to_ids(texts)))


def load(recipe: Recipe, *, threads: int | None = None) -> TextTower:
    """Return the text tower of a recipe of KerasHub's.

    Args:
        recipe: whose `text` names it.
        threads: of the runtime; None uses all cores.

    Raises:
        MissingExtraError: it has to be exported first, and KerasHub is not installed.
        RecipeMismatchError: the preset on this machine is not the recipe's.
        UsageError: the recipe has none.
        WeightsUnavailableError: it is gone.
    """
    if recipe.text is None:
        raise UsageError(f"text: recipe {recipe.name} has no text tower")
    # The precision is of images; texts are embedded in float32.
    key = replace(
        GraphKey.of(recipe, "litert"), weights=recipe.text, layer=LAYER, precision="float32"
    )
    try:
        graph = graphs.load(key)
        if graph is not None:
            return _exported(graph, threads=threads)
    except DamagedCacheError as error:
        LOG.info("%s", error)
    except ImportError as error:
        LOG.info("words need TensorFlow here, which takes seconds to start (%s)", error)
    folder = resolving.locate(recipe)
    if folders.text_fingerprint(folder) != recipe.text:
        raise RecipeMismatchError(
            f"{folder}: the text tower or its vocabulary is not the one that recipe {recipe.name} "
            "was made with; restore the preset, or index with it as another recipe"
        )
    LOG.info("preparing %s for words on this machine (once)", recipe.backbone)
    tower, model, to_ids, preprocessor = _kerashub(folder)
    graph = _agreeing(tower, model, to_ids, preprocessor)
    if graph is None:
        return tower
    try:
        graphs.save(key, graph)
    except OSError as error:
        LOG.info("%s: the text tower cannot be stored (%s)", graphs.folder(), error.strerror)
    return _exported(graph, threads=threads)


def _exported(graph: Graph, *, threads: int | None) -> TextTower:
    """Return the tower of a graph; its constants, which LiteRT has none of, are the tokenizer."""
    to_ids = tokens.Tokenizer(tokens.Tokenization.from_bytes(graph.constants))
    runtime = litert.LiteRTRuntime(graph, threads=threads)
    return TextTower(runtime.name, to_ids, runtime.run)


def _kerashub(folder: Path) -> tuple[TextTower, Any, ToIds, Any]:
    """Return KerasHub's own tower and tokenization, with its model (n, length) -> (n, dim)."""
    keras, hub = load_keras(), load_hub()
    with image_tower.loading(folder):
        backbone = image_tower.load_backbone(folder, with_weights=True, size=None)
        preprocessor = hub.models.CausalLMPreprocessor.from_preset(str(folder))
        given = keras.Input((int(preprocessor.sequence_length),), dtype="int32")
        model = keras.Model(given, backbone.get_text_embeddings(given))

    def to_ids(texts: Sequence[str]) -> NDArray[np.int32]:
        # It insists on images; what becomes of them is left.
        images = np.zeros((len(texts), 1, 1, 3), dtype=np.float32)
        found = preprocessor({"prompts": list(texts), "images": images})["token_ids"]
        return np.asarray(found, dtype=np.int32)

    def to_rows(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        refuse_after_fork()
        return np.asarray(model(ids, training=False), dtype=np.float32)

    return TextTower("tensorflow", to_ids, to_rows), model, to_ids, preprocessor


def _agreeing(tower: TextTower, model: Any, to_ids: ToIds, preprocessor: Any) -> Graph | None:  # noqa: ANN401  Keras has no types
    """Return the exported tower and tokenizer; None where they differ from KerasHub's own."""
    from imgsearch.networks.runtimes.tensorflow import concrete_function

    how = tokens.described(preprocessor)
    if how is None:
        LOG.info("this tokenizer is KerasHub's alone, so words need TensorFlow")
        return None
    try:
        same = np.array_equal(tokens.Tokenizer(how)(tokens.PROBES), to_ids(tokens.PROBES))
        exported = litert.export(concrete_function(model))
        graph = Graph(topology=exported.topology, constants=how.to_bytes())
        rows = _exported(graph, threads=None).embed_text(tokens.PROBES).astype(np.float64)
    except Exception as error:  # noqa: BLE001  a converter may raise anything; the reference works
        LOG.info("words need TensorFlow: LiteRT cannot run it (%s)", in_short(str(error)))
        return None
    cosine = float(np.min(np.sum(rows * tower.embed_text(tokens.PROBES), axis=1)))
    # Written so that NaN is refused.
    if not same or not cosine >= LEAST_AGREEMENT["float32"]:
        LOG.info("words need TensorFlow: the exported text tower differs (cosine %.6f)", cosine)
        return None
    return graph

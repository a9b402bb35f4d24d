"""The fast runtime: OpenVINO on the CPU, from a graph that was exported once."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.networks.runtimes.graphs import Graph
from imgsearch.networks.runtimes.runtime import available_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from imgsearch.recipe import Precision

DEVICE: Final = "CPU"
HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16"}
TELEMETRY: Final = "openvino_telemetry"
TOGETHER: Final = 8
"""Images that share one reading of a graph's weights, where reading them binds."""
FEW_USES: Final = 64.0
"""Multiply-adds a weight below which reading the weights binds: compact has 37, MobileNetV2 136."""


class OpenVINORuntime:
    """Runs an exported graph; safe to share between threads, which then take turns.

    The graph is compiled for one image, and as many images are under way as there are threads,
    one thread each: nothing waits for another thread within a layer, and no length of a batch is
    compiled anew. Where an image uses each weight so seldom that reading the weights binds, long
    batches are taken by eights as well, if these give the same bits as one image alone does: so an
    image's maps are bit for bit the same in any batch.

    Attributes:
        name: "openvino".
    """

    name = "openvino"

    def __init__(
        self, graph: Graph, *, precision: Precision = "float32", threads: int | None = None
    ) -> None:
        """Compile the graph for this machine's CPU.

        Args:
            graph: what `export` returned.
            precision: arithmetic; bfloat16 only where `has_bfloat16` says so.
            threads: number of threads; None takes all cores.

        Raises:
            DamagedCacheError: OpenVINO does not accept the graph.
        """
        openvino = load_openvino()
        count = available_threads(threads)
        settings: dict[str, Any] = {
            # Left alone, OpenVINO computes in bfloat16 where the CPU can, and the embeddings
            # are not those of the recipe.
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": str(count),
            "NUM_STREAMS": str(count),
            # Decoders and other programs share the processors.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        try:
            model = core.read_model(
                graph.topology, openvino.Tensor(np.frombuffer(graph.constants, dtype=np.uint8))
            )
            _, *self._image = model.input(0).partial_shape
            model.reshape([1, *self._image])
            compiled = core.compile_model(model, DEVICE, settings)
        except RuntimeError as error:
            raise DamagedCacheError(
                f"OpenVINO does not accept an exported graph: {error}"
            ) from error
        # The constants are read in place for as long as the network lives.
        self._graph = graph
        self._model = model
        self._compile: Callable[[], Any] = lambda: core.compile_model(model, DEVICE, settings)
        self._shape = tuple(compiled.output(0).shape[1:])
        self._threads = count
        self._singly = _queue(compiled, count)
        self._together: Any = None
        self._shares_weights = uses_of_weights(model) < FEW_USES
        self._lock = threading.Lock()

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        images = np.ascontiguousarray(batch)
        maps = np.empty((len(images), *self._shape), dtype=np.float32)
        with self._lock:
            done = 0
            if self._shares_weights and len(images) >= TOGETHER * self._threads:
                done = self._by_eights(images, maps)
            _run(self._singly, images[done:], maps[done:], at_once=1)
        return maps

    def _by_eights(self, images: NDArray[np.float32], maps: NDArray[np.float32]) -> int:
        """Fill in the maps of all whole eights, and return how many images those are."""
        if self._together is None:
            # Only now: a query's few images shall not wait for it.
            self._model.reshape([TOGETHER, *self._image])
            self._together = _queue(self._compile(), self._threads)
            several, single = np.empty_like(maps[:TOGETHER]), np.empty_like(maps[:TOGETHER])
            _run(self._together, images[:TOGETHER], several, at_once=TOGETHER)
            _run(self._singly, images[:TOGETHER], single, at_once=1)
            self._shares_weights = np.array_equal(several, single)
        whole = len(images) // TOGETHER * TOGETHER if self._shares_weights else 0
        _run(self._together, images[:whole], maps[:whole], at_once=TOGETHER)
        return whole


def uses_of_weights(model: Any) -> float:  # noqa: ANN401  OpenVINO's model
    """Return how many multiply-adds an image costs for each weight of its convolutions.

    A kernel's weights are each used once at every location of what it gives. Without convolutions
    the answer is infinite: nothing is known that binds.

    Args:
        model: for one image of a known size.
    """
    convolutions = [op for op in model.get_ordered_ops() if "Convolution" in op.get_type_name()]
    weights = [math.prod(op.input(1).get_shape()) for op in convolutions]
    # OpenVINO's maps are (n, c, h, w).
    places = [math.prod(op.output(0).get_shape()[2:]) for op in convolutions]
    return (
        sum(w * n for w, n in zip(weights, places, strict=True)) / sum(weights)
        if weights
        else math.inf
    )


def has_bfloat16() -> bool:
    """Tell whether this machine's processor computes in bfloat16 by itself."""
    return "BF16" in load_openvino().Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


def _queue(compiled: Any, count: int) -> Any:  # noqa: ANN401  OpenVINO has no types
    """Return so many requests of a compiled graph."""
    requests = load_openvino().AsyncInferQueue(compiled, count)
    requests.set_callback(_keep)
    return requests


def _run(
    requests: Any,  # noqa: ANN401  as above
    images: NDArray[np.float32],
    maps: NDArray[np.float32],
    *,
    at_once: int,
) -> None:
    """Fill in the maps of images, whose number is a multiple of those taken at once."""
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        requests.start_async([images[part]], maps[part], share_inputs=True)
    requests.wait_all()


def _keep(request: Any, maps: NDArray[np.float32]) -> None:  # noqa: ANN401  OpenVINO's request
    """Copy an answer, because the request writes its next one into the same memory."""
    maps[...] = request.get_output_tensor(0).data


def export(function: Any) -> Graph:  # noqa: ANN401  TensorFlow has no types
    """Export a concrete TensorFlow function as an OpenVINO graph, with float32 constants.

    Args:
        function: what `imgsearch.networks.runtimes.tensorflow.concrete_function` returned.

    Raises:
        Exception: whatever OpenVINO's converter raises for an operation that it does not know.
    """
    openvino = load_openvino()
    with _without_telemetry(), tempfile.TemporaryDirectory(prefix="imgsearch-") as folder:
        model = openvino.convert_model(function)
        path = Path(folder) / "graph.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        return Graph(topology=path.read_bytes(), constants=path.with_suffix(".bin").read_bytes())


def load_openvino() -> Any:  # noqa: ANN401  the module is not typed strictly
    """Return the module `openvino`, with its telemetry off."""
    with _without_telemetry():
        import openvino
    return openvino


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    """Hide the package `openvino_telemetry`, so that OpenVINO falls back to its own dummy.

    Otherwise `import openvino` reports itself over the network and leaves an identifier in the
    home folder, unless its user has declined by hand. A program that has imported the telemetry
    before is left as it is.
    """
    if TELEMETRY in sys.modules:
        yield
        return
    # None is Python's own mark for "not to be imported", which the types do not know.
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[TELEMETRY]

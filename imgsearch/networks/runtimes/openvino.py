"""OpenVINO on the CPU, from an exported graph: the fastest on most processors."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.networks.runtimes.graphs import Graph
from imgsearch.networks.runtimes.runtime import available_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.recipe import Precision

DEVICE: Final = "CPU"
HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16"}
TELEMETRY: Final = "openvino_telemetry"
TOGETHER: Final = 8
"""Images per request, where reading the weights is the bottleneck."""
FEW_USES: Final = 64.0
"""Multiply-adds per weight below which reading the weights is the bottleneck: compact has 37,
MobileNetV2 136."""


class OpenVINORuntime:
    """Runs an exported graph; several callers' threads may share it and take turns.

    The graph is compiled for one image, and as many images run in parallel as there are threads,
    one thread each: no thread waits for another within a layer, and no batch length is compiled
    separately. Where each weight is used so rarely that reading the weights is the bottleneck,
    long batches run eight images per request, if that gives the same bits as one image alone: an
    image's maps are bit for bit the same in any batch.
    """

    name = "openvino"

    def __init__(
        self, graph: Graph, *, precision: Precision = "float32", threads: int | None = None
    ) -> None:
        """Compile the graph for this machine's CPU.

        Args:
            graph: from `export`.
            precision: bfloat16 only if `has_bfloat16` is true.
            threads: None uses all cores.

        Raises:
            DamagedCacheError: OpenVINO does not accept the graph.
        """
        self._graph = graph
        self._precision = precision
        self._threads = available_threads(threads)
        self._lock = threading.Lock()
        self._singly: Any = None
        self._prepare()
        forget_in_children(self._forget_parents)

    def _forget_parents(self) -> None:
        never_free(self._graph, self._model, self._compile, self._singly, self._together)
        self._singly = None
        self._lock = threading.Lock()

    def _prepare(self) -> None:
        openvino = load_openvino()
        count = self._threads
        settings: dict[str, Any] = {
            # By default, OpenVINO computes in bfloat16 where the CPU can, and the embeddings
            # would not be those of the recipe.
            "INFERENCE_PRECISION_HINT": HINTS[self._precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": str(count),
            "NUM_STREAMS": str(count),
            # Decoding threads and other programs share the processors.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        try:
            # The constants are read in place as long as the network exists.
            constants = np.frombuffer(self._graph.constants, dtype=np.uint8)
            model = core.read_model(self._graph.topology, openvino.Tensor(constants))
            _, *self._image = model.input(0).partial_shape
            model.reshape([1, *self._image])
            compiled = core.compile_model(model, DEVICE, settings)
        except RuntimeError as error:
            raise DamagedCacheError(
                f"OpenVINO does not accept an exported graph: {error}"
            ) from error
        self._model: Any = model
        self._compile: Callable[[], Any] = lambda: core.compile_model(model, DEVICE, settings)
        self._shape = tuple(compiled.output(0).shape[1:])
        self._singly = _requests(compiled, count)
        self._together: Any = None
        self._shares_weights = uses_of_weights(model) < FEW_USES

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        images = np.ascontiguousarray(batch)
        maps = np.empty((len(images), *self._shape), dtype=np.float32)
        with self._lock:
            if self._singly is None:
                self._prepare()
            done = 0
            if self._shares_weights and len(images) >= TOGETHER * self._threads:
                done = self._by_eights(images, maps)
            _run(self._singly, images[done:], maps[done:], at_once=1)
        return maps

    def _by_eights(self, images: NDArray[np.float32], maps: NDArray[np.float32]) -> int:
        """Fill in the maps of all complete groups of eight; return how many images those are."""
        if self._together is None:
            # Compiled on first use, so that a query's few images do not wait for it.
            self._model.reshape([TOGETHER, *self._image])
            self._together = _requests(self._compile(), self._threads)
            several, single = np.empty_like(maps[:TOGETHER]), np.empty_like(maps[:TOGETHER])
            _run(self._together, images[:TOGETHER], several, at_once=TOGETHER)
            _run(self._singly, images[:TOGETHER], single, at_once=1)
            self._shares_weights = np.array_equal(several, single)
        whole = len(images) // TOGETHER * TOGETHER if self._shares_weights else 0
        _run(self._together, images[:whole], maps[:whole], at_once=TOGETHER)
        return whole


def uses_of_weights(model: Any) -> float:  # noqa: ANN401  OpenVINO's model
    """Return the multiply-adds per image for each weight of the convolutions.

    Each weight of a kernel is used once per location of its output. Infinite without convolutions,
    so that nothing counts as a bottleneck.

    Args:
        model: with a batch of one image of a known size.
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
    """Return whether this machine's processor has bfloat16 arithmetic."""
    return "BF16" in load_openvino().Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


def _requests(compiled: Any, count: int) -> list[Any]:  # noqa: ANN401  OpenVINO has no types
    """Return `count` requests of a compiled graph, which can run in parallel.

    `AsyncInferQueue` does the same with a callback in Python. Its threads take Python's lock once
    more after the last result, and whoever frees the queue then, holding the lock and waiting for
    the threads, waits for ever.
    """
    return [compiled.create_infer_request() for _ in range(count)]


def _run(
    requests: Sequence[Any],
    images: NDArray[np.float32],
    maps: NDArray[np.float32],
    *,
    at_once: int,
) -> None:
    """Fill in the maps of images, whose number is a multiple of `at_once`."""
    idle = deque(requests)
    running: deque[tuple[Any, NDArray[np.float32]]] = deque()

    def finish() -> None:
        request, part = running.popleft()
        request.wait()
        # Copied, because the request writes its next result into the same memory.
        part[...] = request.get_output_tensor(0).data
        idle.append(request)

    try:
        for start in range(0, len(images), at_once):
            if not idle:
                finish()
            place = slice(start, start + at_once)
            request = idle.popleft()
            request.start_async([images[place]], share_inputs=True)
            running.append((request, maps[place]))
    finally:
        while running:
            finish()


def export(function: Any) -> Graph:  # noqa: ANN401  TensorFlow has no types
    """Export a TensorFlow function as an OpenVINO graph, with float32 constants.

    Args:
        function: from `imgsearch.networks.runtimes.tensorflow.concrete_function`.

    Raises:
        Exception: of any kind, from the converter, for an operation that it does not support.
    """
    openvino = load_openvino()
    with _without_telemetry(), tempfile.TemporaryDirectory(prefix="imgsearch-") as folder:
        model = openvino.convert_model(function)
        path = Path(folder) / "graph.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        return Graph(topology=path.read_bytes(), constants=path.with_suffix(".bin").read_bytes())


def load_openvino() -> Any:  # noqa: ANN401  the module is not typed strictly
    """Return the module `openvino`, with telemetry off."""
    with _without_telemetry():
        import openvino
    return openvino


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    """Hide the package `openvino_telemetry`, so that OpenVINO falls back to its own dummy.

    Otherwise `import openvino` reports over the network and leaves an identifier in the home
    folder, unless the user has opted out. If the program has imported the telemetry already,
    nothing is changed.
    """
    if TELEMETRY in sys.modules:
        yield
        return
    # None makes Python refuse the import, which the type stubs do not know.
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[TELEMETRY]

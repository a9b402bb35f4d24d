"""LiteRT on the CPU, from an exported graph: fast, and the quickest to start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.forking import forget_in_children, never_free
from imgsearch.networks.framework_noise import without_greetings
from imgsearch.networks.runtimes.graphs import Graph
from imgsearch.networks.runtimes.runtime import available_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LiteRTRuntime:
    """Runs an exported graph; several callers' threads may share it and take turns.

    The graph takes one image at a time, which XNNPACK spreads over the threads: larger batches are
    not faster, would be prepared again for every length, and would not give an image's maps bit
    for bit as it has them alone.
    """

    name = "litert"

    def __init__(self, graph: Graph, *, threads: int | None = None) -> None:
        """Prepare the graph for this machine's CPU.

        Args:
            graph: from `export`.
            threads: None uses all cores.

        Raises:
            DamagedCacheError: LiteRT does not accept the graph.
        """
        self._graph = graph
        self._threads = available_threads(threads)
        self._lock = threading.Lock()
        self._interpreter: Any = self._prepared()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        forget_in_children(self._forget_parents)

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        return self.run(batch)

    def run(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Return what the graph puts out for a batch, (n, ...), of the type that it takes."""
        outputs = []
        with self._lock:
            if self._interpreter is None:
                self._interpreter = self._prepared()
            for item in batch:
                self._interpreter.set_tensor(self._input, item[np.newaxis])
                self._interpreter.invoke()
                outputs.append(self._interpreter.get_tensor(self._output))
        return np.concatenate(outputs)

    def _prepared(self) -> Any:  # noqa: ANN401  LiteRT has no types
        from ai_edge_litert.interpreter import Interpreter

        try:
            with without_greetings():
                interpreter = Interpreter(
                    model_content=self._graph.topology, num_threads=self._threads
                )
                interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise DamagedCacheError(f"LiteRT does not accept an exported graph: {error}") from error
        return interpreter

    def _forget_parents(self) -> None:
        never_free(self._interpreter)
        self._interpreter = None
        self._lock = threading.Lock()


def export(function: Any) -> Graph:  # noqa: ANN401  TensorFlow has no types
    """Export a TensorFlow function as a LiteRT graph, with float32 constants.

    Args:
        function: from `imgsearch.networks.runtimes.tensorflow.concrete_function`.

    Raises:
        Exception: of any kind, from the converter, for an operation that it does not support.
    """
    from imgsearch.networks.runtimes.tensorflow import as_flatbuffer

    return Graph(topology=as_flatbuffer(function), constants=b"")

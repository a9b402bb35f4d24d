"""The fast runtime: OpenVINO on the CPU, from a graph that was exported once."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import DamagedCacheError
from imgsearch.runtimes.graphs import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DEVICE: Final = "CPU"
TELEMETRY: Final = "openvino_telemetry"


class OpenVINORuntime:
    """Runs an exported graph; safe to share between threads, which then take turns.

    Attributes:
        name: "openvino".
    """

    name = "openvino"

    def __init__(self, graph: Graph, *, threads: int | None = None) -> None:
        """Compile the graph for this machine's CPU.

        Args:
            graph: what `export` returned.
            threads: number of threads; None takes all cores.

        Raises:
            DamagedCacheError: OpenVINO does not accept the graph.
        """
        openvino = load_openvino()
        settings: dict[str, Any] = {
            # Left alone, OpenVINO computes in bfloat16 where the CPU can, and the embeddings
            # are not those of the recipe.
            "INFERENCE_PRECISION_HINT": "f32",
            # One stream of batches on all cores: the batch is split, not queued.
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        core = openvino.Core()
        try:
            model = core.read_model(
                graph.topology, openvino.Tensor(np.frombuffer(graph.constants, dtype=np.uint8))
            )
            compiled = core.compile_model(model, DEVICE, settings)
        except RuntimeError as error:
            raise DamagedCacheError(
                f"OpenVINO does not accept an exported graph: {error}"
            ) from error
        # The constants are read in place for as long as the network lives.
        self._graph = graph
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        with self._lock:
            results = self._request.infer([np.ascontiguousarray(batch)], share_inputs=True)
            # Copied, because the request writes its next answer into the same memory.
            return np.array(results[0], dtype=np.float32)


def export(function: Any) -> Graph:  # noqa: ANN401  TensorFlow has no types
    """Export a concrete TensorFlow function as an OpenVINO graph, with float32 constants.

    Args:
        function: what `imgsearch.runtimes.tensorflow.concrete_function` returned.

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

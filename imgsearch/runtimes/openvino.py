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
from imgsearch.runtimes import available_threads
from imgsearch.runtimes.graphs import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from imgsearch.recipe import Precision

DEVICE: Final = "CPU"
HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16"}
TELEMETRY: Final = "openvino_telemetry"


class OpenVINORuntime:
    """Runs an exported graph; safe to share between threads, which then take turns.

    The graph is compiled for one image, and as many images are under way as there are threads,
    one thread each: nothing waits for another thread within a layer, no length of a batch is
    compiled anew, and an image's maps are bit for bit the same in any batch.

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
            _, *image = model.input(0).partial_shape
            model.reshape([1, *image])
            compiled = core.compile_model(model, DEVICE, settings)
        except RuntimeError as error:
            raise DamagedCacheError(
                f"OpenVINO does not accept an exported graph: {error}"
            ) from error
        # The constants are read in place for as long as the network lives.
        self._graph = graph
        self._shape = tuple(compiled.output(0).shape[1:])
        self._requests = openvino.AsyncInferQueue(compiled, count)
        self._requests.set_callback(_keep)
        self._lock = threading.Lock()

    def feature_maps(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the activations, shape (n, h, w, c), float32, of a batch (n, s, s, 3)."""
        images = np.ascontiguousarray(batch)
        maps = np.empty((len(images), *self._shape), dtype=np.float32)
        with self._lock:
            for position in range(len(images)):
                self._requests.start_async(
                    [images[position : position + 1]], maps[position], share_inputs=True
                )
            self._requests.wait_all()
        return maps


def has_bfloat16() -> bool:
    """Tell whether this machine's processor computes in bfloat16 by itself."""
    return "BF16" in load_openvino().Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


def _keep(request: Any, maps: NDArray[np.float32]) -> None:  # noqa: ANN401  OpenVINO's request
    """Copy an answer, because the request writes its next one into the same memory."""
    maps[...] = request.get_output_tensor(0).data[0]


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

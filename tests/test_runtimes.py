"""Every runtime gives the feature maps that Keras itself computes."""

from __future__ import annotations

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from backbone_fixtures import CHANNELS, SIZE, random_images, tiny_network

from imgsearch.errors import DamagedCacheError
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.runtimes import litert, openvino
from imgsearch.networks.runtimes.graphs import Graph
from imgsearch.networks.runtimes.litert import LiteRTRuntime
from imgsearch.networks.runtimes.openvino import OpenVINORuntime, export, has_bfloat16
from imgsearch.networks.runtimes.tensorflow import TensorFlowRuntime, concrete_function

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.networks.runtimes.runtime import Runtime

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def model() -> Any:
    """Return a network of two convolutions, image to feature maps."""
    network = tiny_network()
    return load_keras().Model(network.inputs[0], network.get_layer("second").output)


@pytest.fixture(scope="module")
def graph(model: Any) -> Graph:
    return export(concrete_function(model))


@pytest.fixture(scope="module")
def flatbuffer(model: Any) -> Graph:
    return litert.export(concrete_function(model))


@pytest.fixture(scope="module", params=["tensorflow", "openvino", "litert"])
def runtime(request: pytest.FixtureRequest, model: Any, graph: Graph, flatbuffer: Graph) -> Runtime:
    match request.param:
        case "openvino":
            return OpenVINORuntime(graph, threads=2)
        case "litert":
            return LiteRTRuntime(flatbuffer, threads=2)
    return TensorFlowRuntime(model)


def batch_of(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    return random_images(count, SIZE, seed=seed).astype(np.float32) / 255


def test_a_runtime_has_its_name(runtime: Runtime) -> None:
    assert runtime.name in type(runtime).__name__.lower()


@pytest.mark.parametrize("count", [1, 3, 32, 2])
def test_a_batch_of_any_size_gives_what_keras_gives(
    runtime: Runtime, model: Any, count: int
) -> None:
    batch = batch_of(count, seed=count)
    before = batch.copy()
    maps = runtime.feature_maps(batch)
    assert maps.shape == (count, 5, 5, CHANNELS)
    assert maps.dtype == np.float32
    expected = np.asarray(model(batch, training=False))
    np.testing.assert_allclose(maps, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(batch, before)


def test_a_batch_gives_what_its_images_give_alone(runtime: Runtime) -> None:
    batch = batch_of(5)
    together = runtime.feature_maps(batch)
    for position in range(5):
        alone = runtime.feature_maps(batch[position : position + 1])
        np.testing.assert_allclose(together[position], alone[0], rtol=1e-5, atol=1e-6)


def test_an_exported_graph_gives_an_image_the_same_bits_in_any_batch(
    graph: Graph, flatbuffer: Graph
) -> None:
    """So embeddings depend neither on the batch's length nor on who shares it."""
    batch = batch_of(7)
    for fast in (OpenVINORuntime(graph, threads=3), LiteRTRuntime(flatbuffer, threads=2)):
        together = fast.feature_maps(batch)
        for position in range(7):
            np.testing.assert_array_equal(
                together[position], fast.feature_maps(batch[position : position + 1])[0]
            )


@pytest.fixture
def wide_graph() -> Graph:
    """Return a graph of 2 x 2 locations and many weights, whose reading binds."""
    keras = load_keras()
    images = keras.Input((SIZE, SIZE, 3))
    small = keras.layers.AveragePooling2D(SIZE // 2)(images)
    maps = keras.layers.Conv2D(300, 1, activation="relu")(small)
    return export(concrete_function(keras.Model(images, keras.layers.Conv2D(64, 1)(maps))))


def test_a_network_can_be_dropped_right_after_it_was_used(wide_graph: Graph) -> None:
    """Whoever frees it holds Python's lock, which none of its threads may want then."""
    for _ in range(25):
        OpenVINORuntime(wide_graph, threads=2).feature_maps(batch_of(5))


def test_weights_that_are_seldom_used_are_read_once_for_eight_images_with_the_same_bits(
    wide_graph: Graph,
) -> None:
    """19 images on two threads are two eights and three alone."""
    fast, alone = OpenVINORuntime(wide_graph, threads=2), OpenVINORuntime(wide_graph, threads=2)
    batch = batch_of(19)
    expected = np.concatenate([alone.feature_maps(batch[i : i + 1]) for i in range(19)])
    for _ in range(2):
        np.testing.assert_array_equal(fast.feature_maps(batch), expected)
    assert fast._together is not None
    assert alone._together is None


def test_eights_that_give_other_bits_than_one_image_are_not_taken(
    wide_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = OpenVINORuntime(wide_graph, threads=1)
    expected = fast.feature_maps(batch_of(5))
    run = openvino._run

    def run_with_noise(requests: Any, images: Any, maps: Any, *, at_once: int) -> None:
        run(requests, images, maps, at_once=at_once)
        if at_once > 1:
            maps += 1

    monkeypatch.setattr(openvino, "_run", run_with_noise)
    for _ in range(2):
        np.testing.assert_array_equal(fast.feature_maps(batch_of(16))[:5], expected)


def test_uses_of_weights_are_their_locations_weighed_by_their_number(wide_graph: Graph) -> None:
    """Every kernel here is used at 2 x 2 locations."""
    core = openvino.load_openvino().Core()
    constants = np.frombuffer(wide_graph.constants, dtype=np.uint8)
    model = core.read_model(wide_graph.topology, openvino.load_openvino().Tensor(constants))
    model.reshape([1, SIZE, SIZE, 3])
    assert openvino.uses_of_weights(model) == 4


def test_maps_stay_what_they_are_after_the_next_batch(runtime: Runtime) -> None:
    """A runtime that hands out its own memory would overwrite them."""
    first = runtime.feature_maps(batch_of(2, seed=1))
    kept = first.copy()
    runtime.feature_maps(batch_of(2, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_a_batch_that_is_not_in_order_in_memory_is_taken_as_it_reads(runtime: Runtime) -> None:
    batch = batch_of(2)
    flipped = batch[:, ::-1]
    np.testing.assert_array_equal(
        runtime.feature_maps(flipped), runtime.feature_maps(np.ascontiguousarray(flipped))
    )


def test_threads_share_a_runtime_without_mixing_their_images(runtime: Runtime) -> None:
    batches = [batch_of(1 + seed % 3, seed=seed) for seed in range(12)]
    expected = [runtime.feature_maps(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for received, wanted in zip(pool.map(runtime.feature_maps, batches), expected, strict=True):
            np.testing.assert_allclose(received, wanted, rtol=1e-5, atol=1e-6)


def test_a_traced_function_outlives_its_callers_model() -> None:
    """Nobody else keeps the network; without it, its variables would be deleted."""
    reference = TensorFlowRuntime(tiny_network())
    gc.collect()
    exported = OpenVINORuntime(export(reference.function))
    batch = batch_of(1)
    np.testing.assert_allclose(
        exported.feature_maps(batch), reference.feature_maps(batch), rtol=1e-5, atol=1e-6
    )


def test_openvino_computes_in_float32_even_where_the_processor_prefers_less(
    graph: Graph, model: Any
) -> None:
    """In bfloat16 these maps would be off by about a thousandth."""
    batch = batch_of(8)
    expected = np.asarray(model(batch, training=False))
    received = OpenVINORuntime(graph, threads=1).feature_maps(batch)
    assert np.abs(received - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    "damage",
    [
        Graph(topology=b"no network", constants=b""),
        Graph(topology=b"", constants=b""),
    ],
)
def test_a_graph_that_openvino_does_not_accept_is_a_damaged_cache(damage: Graph) -> None:
    with pytest.raises(DamagedCacheError, match="does not accept"):
        OpenVINORuntime(damage)


@pytest.mark.parametrize("damage", [b"", b"no network", bytes(64)])
def test_bytes_that_litert_does_not_accept_are_a_damaged_cache(damage: bytes) -> None:
    with pytest.raises(DamagedCacheError, match="LiteRT does not accept"):
        LiteRTRuntime(Graph(topology=damage, constants=b""))


def test_litert_starts_without_a_word(flatbuffer: Graph, capfd: pytest.CaptureFixture[str]) -> None:
    """Its C++ side greets on stderr for every network."""
    LiteRTRuntime(flatbuffer)
    assert capfd.readouterr() == ("", "")


def test_bfloat16_is_near_float32_and_not_the_same(graph: Graph) -> None:
    """A number of eight significant bits is off by up to a 256th, a sum of them by less."""
    network = tiny_network()
    model = load_keras().Model(network.inputs[0], network.get_layer("second").output)
    reference = TensorFlowRuntime(model)
    batch = batch_of(4)
    expected = reference.feature_maps(batch)
    runtimes: list[Runtime] = [TensorFlowRuntime(model, precision="bfloat16")]
    if has_bfloat16():
        runtimes.append(OpenVINORuntime(graph, precision="bfloat16"))
    for rounded in runtimes:
        received = rounded.feature_maps(batch)
        assert received.dtype == np.float32
        difference = np.abs(received - expected).max() / np.abs(expected).max()
        assert 1e-5 < difference < 2e-2
    np.testing.assert_array_equal(reference.feature_maps(batch), expected)


def test_a_graph_keeps_its_constants_in_float32(graph: Graph, model: Any) -> None:
    """Half precision would halve them."""
    assert len(graph.constants) >= 4 * model.count_params()


def test_openvino_sends_no_telemetry(tmp_path: Path) -> None:
    """Imported the plain way, it leaves an identifier in the home folder and reports itself."""
    program = (
        "import sys\n"
        "from imgsearch.networks.runtimes.openvino import load_openvino\n"
        "assert load_openvino().Core().available_devices\n"
        "print(sorted(name for name in sys.modules if name.startswith('openvino_telemetry')))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""},
    )
    assert result.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []

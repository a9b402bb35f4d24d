"""A custom model is loaded with its checksum, in safe mode, and only if it gives feature maps."""

from __future__ import annotations

import hashlib
import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from backbone_fixtures import CHANNELS, SIZE, random_images, save_network, tiny_network

from imgsearch.errors import UntrustedModelError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones import custom
from imgsearch.networks.backbones.framework import load_keras

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tensorflow


def test_a_network_is_not_read_before_its_checksum_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.keras"
    sha256 = save_network(tiny_network(), path)

    def fail(*_: object, **__: object) -> None:
        pytest.fail("the network was read")

    monkeypatch.setattr(load_keras().saving, "load_model", fail)
    with pytest.raises(UntrustedModelError, match=f"--trust-model {sha256}"):
        custom.check_trust(path, None)
    with pytest.raises(UntrustedModelError, match=f"its SHA-256 is {sha256}, but '000"):
        custom.load(path, sha256=64 * "0", size=None)


def test_a_checksum_may_be_written_in_either_case(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    sha256 = save_network(tiny_network(), path)
    assert custom.check_trust(path, f" {sha256.upper()}\n") == f"sha256:{sha256}"
    assert custom.check_trust(path, f"sha256:{sha256}") == f"sha256:{sha256}"


def test_a_network_shows_its_layers_and_runs_up_to_one(tmp_path: Path) -> None:
    """The maps are those of the network that was saved."""
    network = tiny_network()
    path = tmp_path / "mine.keras"
    outputs, inputs = custom.load(path, sha256=save_network(network, path), size=None)
    assert list(outputs) == ["first", "second", "pooled", "classes"]
    assert custom.default_layer(outputs) == "second"

    keras = load_keras()
    images = random_images(2, SIZE).astype(np.float32)
    expected = keras.Model(network.inputs[0], network.get_layer("second").output)(images)
    received = keras.Model(inputs, outputs["second"])(images)
    assert received.shape == (2, 5, 5, CHANNELS)
    np.testing.assert_array_equal(np.asarray(received), np.asarray(expected))


def test_a_network_inside_a_network_is_a_layer_like_any_other(tmp_path: Path) -> None:
    """Transfer learning saves a backbone inside a Sequential classifier."""
    keras = load_keras()
    backbone = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(5, 3)], name="backbone"
    )
    classifier = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(2.0),
            backbone,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    path = tmp_path / "classifier.keras"
    outputs, inputs = custom.load(path, sha256=save_network(classifier, path), size=None)
    assert custom.default_layer(outputs) == "backbone"

    images = random_images(1, SIZE).astype(np.float32)
    received = keras.Model(inputs, outputs["backbone"])(images)
    expected = backbone(2 * images)
    np.testing.assert_allclose(np.asarray(received), np.asarray(expected), rtol=1e-6)


def test_a_network_of_any_size_takes_the_size_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "any.keras"
    sha256 = save_network(tiny_network(size=None), path)
    outputs, inputs = custom.load(path, sha256=sha256, size=32)
    assert tuple(inputs.shape) == (None, 32, 32, 3)
    assert tuple(outputs["first"].shape) == (None, 15, 15, 4)
    with pytest.raises(UsageError, match="images of any size; give one with --size"):
        custom.load(path, sha256=sha256, size=None)


def test_a_network_of_one_size_refuses_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    sha256 = save_network(tiny_network(), path)
    with pytest.raises(UsageError, match="images of 16 pixels only, but 32 was asked for"):
        custom.load(path, sha256=sha256, size=32)


def network_of(shape: tuple[int, ...]) -> Any:
    keras = load_keras()
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 8, 1), "one RGB image"),
        ((8,), "one RGB image"),
        ((8, 6, 3), "a square image"),
    ],
)
def test_a_network_that_takes_no_square_rgb_image_is_refused(
    tmp_path: Path, shape: tuple[int, ...], message: str
) -> None:
    path = tmp_path / "odd.keras"
    sha256 = save_network(network_of(shape), path)
    with pytest.raises(UsageError, match=message):
        custom.load(path, sha256=sha256, size=None)


def test_a_network_of_two_inputs_is_refused(tmp_path: Path) -> None:
    keras = load_keras()
    first, second = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    path = tmp_path / "two.keras"
    sha256 = save_network(keras.Model([first, second], keras.layers.add([first, second])), path)
    with pytest.raises(UsageError, match="one RGB image"):
        custom.load(path, sha256=sha256, size=None)


def test_a_network_without_maps_has_no_default_layer() -> None:
    keras = load_keras()
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(UsageError, match="no layer of this network gives feature maps"):
        custom.default_layer({"flat": keras.layers.Flatten()(inputs)})


def test_code_inside_a_network_is_never_run(tmp_path: Path) -> None:
    """A Lambda layer carries Python byte code; trust in the file does not switch safe mode off."""
    keras = load_keras()
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Lambda(lambda maps: maps * 2, output_shape=(8, 8, 3))(inputs)
    path = tmp_path / "lambda.keras"
    sha256 = save_network(keras.Model(inputs, outputs), path)
    with pytest.raises(UntrustedModelError, match="contains code"):
        custom.load(path, sha256=sha256, size=None)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.keras"
    path.write_text("not a network")
    sha256 = hashlib.sha256(b"not a network").hexdigest()
    with pytest.raises(WeightsUnavailableError, match="a ZIP archive"):
        custom.load(path, sha256=sha256, size=None)


def test_a_broken_network_is_described_in_a_line(tmp_path: Path) -> None:
    """Keras repeats the whole configuration."""
    whole, path = tmp_path / "whole.keras", tmp_path / "broken.keras"
    save_network(tiny_network(), whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = content.replace(b'"kernel_size"', b'"kernel_sighs"')
            target.writestr(name, content)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(WeightsUnavailableError, match="Keras cannot load") as caught:
        custom.load(path, sha256=sha256, size=None)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_vocabulary_outside_of_the_file_is_named_and_refused(tmp_path: Path) -> None:
    keras = load_keras()
    words = tmp_path / "words.txt"
    words.write_text("one\ntwo\n")
    inputs = keras.Input((), dtype="string")
    outputs = keras.layers.StringLookup(vocabulary=["one", "two"])(inputs)
    whole, path = tmp_path / "whole.keras", tmp_path / "lookup.keras"
    save_network(keras.Model(inputs, outputs), whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = re.sub(
                    rb'"vocabulary": (null|\[[^]]*\])', b'"vocabulary": "/etc/passwd"', content
                )
            target.writestr(name, content)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UntrustedModelError, match="reads '/etc/passwd', a file outside"):
        custom.load(path, sha256=sha256, size=None)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"gone\.keras"):
        custom.check_trust(tmp_path / "gone.keras", 64 * "0")

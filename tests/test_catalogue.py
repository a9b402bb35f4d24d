"""The catalogue says of every network what the installed Keras says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from imgsearch.errors import UnknownBackboneError
from imgsearch.networks.backbones.catalogue import CATALOGUE, find
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.framework import load_keras

if TYPE_CHECKING:
    from imgsearch.networks.backbones.catalogue import Backbone

pytestmark = pytest.mark.tensorflow

APPLICATIONS = [backbone for backbone in CATALOGUE.values() if not backbone.is_compact]


class Fetch(Exception):  # noqa: N818  not an error: it ends the construction at the point of interest
    """What Keras was about to download."""


@pytest.fixture
def keras_that_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Keras with layers that pass their input through, so that a network costs nothing."""
    keras = load_keras()
    from keras.src.utils import file_utils

    def pass_through(_: Any, inputs: Any, *_arguments: Any, **_options: Any) -> Any:
        return inputs[0] if isinstance(inputs, list) else inputs

    def fetch(name: str, origin: str, *, cache_subdir: str, file_hash: str = "") -> NoReturn:
        raise Fetch(name, origin, cache_subdir, file_hash)

    monkeypatch.setattr(keras.layers.Layer, "__call__", pass_through)
    monkeypatch.setattr(keras.Sequential, "__call__", pass_through)
    monkeypatch.setattr(file_utils, "get_file", fetch)
    return keras


@pytest.mark.parametrize("backbone", APPLICATIONS, ids=lambda backbone: backbone.name)
def test_keras_would_download_the_file_that_the_catalogue_names(
    backbone: Backbone, keras_that_builds_nothing: Any
) -> None:
    """File name in the cache, address, folder and checksum, at the native input size."""
    constructor = getattr(keras_that_builds_nothing.applications, backbone.keras_class)
    with pytest.raises(Fetch) as caught:
        constructor(
            weights="imagenet", include_top=False, input_shape=(backbone.size, backbone.size, 3)
        )
    assert caught.value.args == (
        backbone.weights_file,
        backbone.weights_url,
        "models",
        backbone.checksum,
    )


@pytest.mark.parametrize("backbone", APPLICATIONS, ids=lambda backbone: backbone.name)
def test_the_smallest_size_is_the_one_that_keras_states(
    backbone: Backbone, keras_that_builds_nothing: Any
) -> None:
    constructor = getattr(keras_that_builds_nothing.applications, backbone.keras_class)
    too_small = backbone.minimum_size - 1
    with pytest.raises(ValueError, match=f"at least {backbone.minimum_size}"):
        constructor(weights=None, include_top=False, input_shape=(too_small, too_small, 3))


def test_all_of_keras_applications_is_there_and_compact_besides() -> None:
    """Every function of keras.applications that builds a network has one entry."""
    applications = load_keras().applications
    constructors = {
        name for name, value in vars(applications).items() if callable(value) and name[0].isupper()
    }
    assert {backbone.keras_class for backbone in APPLICATIONS} == constructors
    assert len(APPLICATIONS) == 40
    assert CATALOGUE[bundled.NAME].is_compact


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("mobilenet_v2", "mobilenet_v2"),
        ("MobileNetV2", "mobilenet_v2"),
        ("mobilenet-v2", "mobilenet_v2"),
        ("EfficientNetV2B0", "efficientnet_v2_b0"),
        ("ResNet50V2", "resnet50_v2"),
        ("VGG16", "vgg16"),
        ("compact", "compact"),
        (f"compact-{bundled.VERSION}", "compact"),
    ],
)
def test_a_name_is_found_however_it_is_spelled(spelling: str, name: str) -> None:
    assert find(spelling).name == name


def test_no_two_networks_share_a_spelling() -> None:
    for backbone in APPLICATIONS:
        assert find(backbone.name) is backbone
        assert find(backbone.keras_class) is backbone


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownBackboneError, match=r"'mobilnet_v2'.*did you mean mobilenet_v2"):
        find("mobilnet_v2")
    with pytest.raises(UnknownBackboneError, match=r"'zzz' is not in the catalogue \("):
        find("zzz")


def test_the_download_is_four_bytes_a_parameter_and_nothing_for_compact() -> None:
    assert find("mobilenet_v2").download_bytes == 4 * 2_257_984
    assert find("compact").download_bytes == 0


def test_listing_the_catalogue_starts_no_framework() -> None:
    """`imgsearch backbones` must be quick."""
    program = (
        "import sys; from imgsearch.networks.backbones import catalogue, weights; "
        "print(sorted({'keras', 'tensorflow', 'openvino', 'h5py'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_near_name_is_suggested_once() -> None:
    """The bundled network is found under two spellings."""
    with pytest.raises(UnknownBackboneError) as caught:
        find("compat")
    assert str(caught.value).count("compact") == 1

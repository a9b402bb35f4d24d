"""A request becomes a recipe that says everything, and the choice is explained."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backbone_fixtures import CHANNELS, SIZE, save_network, tiny_network

from imgsearch.errors import (
    UnknownBackboneError,
    UnknownLayerError,
    UntrustedModelError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.networks.backbones import weights
from imgsearch.networks.backbones.catalogue import find
from imgsearch.networks.backbones.compact import bundled
from imgsearch.networks.backbones.resolve import random_recipe, resolve, stored_name
from imgsearch.recipe import Recipe, RecipeRequest

pytestmark = pytest.mark.tensorflow

ABC = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(autouse=True)
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the user's own cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


def cache_weights(name: str) -> Path:
    """Put three bytes where the weights of this backbone belong; resolving reads no weights."""
    path = weights.cached_path(find(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"abc")
    return path


def resolve_offline(**request: Any) -> Recipe:
    return resolve(RecipeRequest(**request), offline=True)


def test_auto_takes_mobilenet_v2_when_its_weights_are_here(said: list[str]) -> None:
    path = cache_weights("mobilenet_v2")
    recipe = resolve(RecipeRequest())
    assert recipe == Recipe(
        backbone="mobilenet_v2",
        weights=ABC,
        layer="out_relu",
        size=224,
        resize="squash",
        pooling="gap",
        dim=1280,
        preprocessing="tf",
    )
    assert recipe.weights_path == str(path)
    assert said == ["backbone: mobilenet_v2, whose weights are on this machine"]


def test_auto_takes_compact_offline_and_says_why(said: list[str]) -> None:
    recipe = resolve(RecipeRequest(), offline=True)
    assert recipe.backbone == f"compact-{bundled.VERSION}"
    assert recipe.weights == weights.fingerprint(bundled.weights_path())
    assert recipe.size == bundled.INPUT_SIZE
    assert recipe.dim == bundled.DIM
    assert recipe.preprocessing == "raw"
    assert said == [
        "backbone: compact, because mobilenet_v2's weights are not on this machine (offline)"
    ]


def test_auto_takes_compact_when_the_download_fails(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def fail(backbone: Any, **_: Any) -> Path:
        raise weights.unavailable(backbone, "the download failed") from OSError("no network")

    monkeypatch.setattr(weights, "download", fail)
    recipe = resolve(RecipeRequest())
    assert recipe.backbone == f"compact-{bundled.VERSION}"
    assert said[-1].endswith("(the download failed: no network)")


def test_auto_says_that_it_downloaded(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    def download(backbone: Any, **_: Any) -> Path:
        return cache_weights(backbone.name)

    monkeypatch.setattr(weights, "download", download)
    assert resolve(RecipeRequest()).backbone == "mobilenet_v2"
    assert said == ["backbone: mobilenet_v2, whose weights were downloaded"]


def test_auto_does_not_hide_weights_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache_weights("mobilenet_v2")

    def refuse(_: Path) -> str:
        message = f"{path}: cannot be read"
        raise WeightsUnavailableError(message)

    monkeypatch.setattr(weights, "fingerprint", refuse)
    with pytest.raises(WeightsUnavailableError, match="cannot be read"):
        resolve_offline()


def test_what_is_asked_for_is_what_the_recipe_says() -> None:
    cache_weights("densenet121")
    recipe = resolve_offline(backbone="DenseNet121", pooling="rmac", size=96, resize="pad")
    assert recipe.name == "densenet121/relu/rmac/96/pad"
    assert (recipe.dim, recipe.preprocessing) == (1024, "torch")


def test_the_precision_that_is_asked_for_is_part_of_the_recipe() -> None:
    plain, rounded = (
        resolve_offline(backbone="compact", precision=precision)
        for precision in ("float32", "bfloat16")
    )
    assert rounded == replace(plain, precision="bfloat16")
    assert rounded.identifier != plain.identifier


def test_another_layer_brings_its_own_dim() -> None:
    cache_weights("vgg16")
    recipe = resolve_offline(backbone="vgg16", layer="block2_pool", size=32)
    assert (recipe.layer, recipe.dim) == ("block2_pool", 128)
    with pytest.raises(UnknownLayerError, match="block2_pool"):
        resolve_offline(backbone="vgg16", layer="block2_poool", size=32)


def test_a_local_weights_file_needs_no_cache(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    path.write_bytes(b"abc")
    recipe = resolve_offline(backbone="resnet50", weights=path)
    assert (recipe.weights, recipe.weights_path) == (ABC, str(path))
    assert not weights.is_available(find("resnet50"))


def test_a_local_weights_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"gone\.h5"):
        resolve_offline(backbone="resnet50", weights=tmp_path / "gone.h5")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"weights": Path("x.h5")}, "name the network of the weights file"),
        ({"backbone": "compact", "weights": Path("x.h5")}, "takes no others"),
        ({"backbone": "vgg16", "preprocessing": "tf"}, "'tf' is for custom models only"),
        ({"backbone": "vgg16", "trusted_sha256": "00"}, "'00' is for custom models only"),
        ({"backbone": "vgg16", "size": 31}, "at least 32 pixels, but 31"),
        ({"backbone": "x.keras", "weights": Path("x.h5")}, "has its weights"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_offline(**request_)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UnknownBackboneError, match="did you mean"):
        resolve_offline(backbone="mobilnet")


def test_weights_that_are_missing_offline_are_an_error() -> None:
    with pytest.raises(WeightsUnavailableError, match="compact needs no download"):
        resolve_offline(backbone="vgg16")


def test_a_custom_model_says_what_it_can_and_asks_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    sha256 = save_network(tiny_network(), path)
    with pytest.raises(UntrustedModelError, match=sha256):
        resolve_offline(backbone=str(path))
    with pytest.raises(UsageError, match="give --preprocessing raw, unit, tf, torch or caffe"):
        resolve_offline(backbone=str(path), trusted_sha256=sha256)

    recipe = resolve_offline(backbone=str(path), trusted_sha256=sha256, preprocessing="unit")
    assert recipe == Recipe(
        backbone="custom",
        weights=f"sha256:{sha256}",
        layer="second",
        size=SIZE,
        resize="squash",
        pooling="gap",
        dim=CHANNELS,
        preprocessing="unit",
    )
    assert recipe.weights_path == str(path)


def test_a_custom_model_may_give_another_layer(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    own = {
        "backbone": str(path),
        "trusted_sha256": save_network(tiny_network(), path),
        "preprocessing": "raw",
    }
    assert resolve_offline(**own, layer="first").dim == 4
    with pytest.raises(UnknownLayerError, match=r"'pooled': custom gives \(6\)"):
        resolve_offline(**own, layer="pooled")


def test_a_random_recipe_names_its_seed() -> None:
    assert random_recipe("vgg16", seed=3, size=32).weights == "random:3"


def test_a_stored_name_carries_compacts_version() -> None:
    assert stored_name(find("compact")) == f"compact-{bundled.VERSION}"
    assert stored_name(find("vgg16")) == "vgg16"


def test_resolving_a_catalogue_network_starts_no_framework() -> None:
    cache_weights("mobilenet_v2")
    program = (
        "import sys\n"
        "from imgsearch.networks.backbones.resolve import resolve\n"
        "from imgsearch.recipe import RecipeRequest\n"
        "resolve(RecipeRequest(), offline=True)\n"
        "print({'keras', 'tensorflow', 'openvino', 'h5py'} & set(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "set()"

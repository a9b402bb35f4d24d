"""Presets of KerasHub before KerasHub is there: the list, a folder's files, what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from cli_fakes import run

from imgsearch.errors import (
    MissingExtraError,
    UnknownBackboneError,
    UntrustedModelError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.networks.backbones.hub import fetching, folders, library
from imgsearch.networks.backbones.hub.presets import PRESETS
from imgsearch.networks.backbones.hub.tokens import canonical
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.recipe import Recipe, RecipeRequest

if TYPE_CHECKING:
    from pathlib import Path

SIGLIP = PRESETS["siglip2_base_patch16_224"]
DINOV3 = PRESETS["dinov3_vit_small_lvd1689m"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that looks like a preset."""
    made = tmp_path / "my-preset 2"
    (made / "assets" / "tokenizer").mkdir(parents=True)
    described = {"module": "keras_hub.src.models.vit", "class_name": "ViTBackbone", "config": {}}
    for name in ("config.json", "image_converter.json", "tokenizer.json"):
        (made / name).write_text(json.dumps(described))
    (made / "model.weights.h5").write_bytes(b"weights")
    (made / "assets" / "tokenizer" / "vocabulary.json").write_text("{}")
    return made


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return KerasHub's cache of this test, empty."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    return tmp_path / "kaggle" / "models"


def fetch(cache: Path, preset: Any, *, leave_out: str = "") -> Path:
    """Do as kagglehub does when it has downloaded a preset's files."""
    held = cache / preset.handle
    for name in fetching._files(preset):
        marks = held.parent / ".complete" / held.name
        for path in (held / name, marks / f"{name}.complete"):
            path.parent.mkdir(parents=True, exist_ok=True)
        (held / name).write_text('{"class_name": "ViTBackbone", "module": "keras_hub"}')
        if name != leave_out:
            (marks / f"{name}.complete").touch()
    return held


def test_the_list_shows_licences_words_and_what_is_gated() -> None:
    shown = run("backbones", "--hub").stdout
    (siglip,) = (line for line in shown.splitlines() if SIGLIP.name in line)
    assert siglip.split()[:3] == [f"hub:{SIGLIP.name}", "768", "224"]
    assert "words" in siglip
    assert siglip.endswith("Apache-2.0")
    (dino,) = (line for line in shown.splitlines() if f"{DINOV3.name} " in line)
    assert "DINOv3 License, gated" in dino
    assert " -  " in dino
    listed = json.loads(run("backbones", "--hub", "--json").stdout)["backbones"]
    assert len(listed) == len(PRESETS)
    assert {entry["available"] for entry in listed} == {False}


def test_the_list_takes_no_network_and_says_what_is_here(cache: Path) -> None:
    refused = run("backbones", "mobilenet_v2", "--hub")
    assert refused.exit_code == 2
    assert "give it alone" in refused.stderr
    fetch(cache, SIGLIP)
    assert "on this machine" in run("backbones", "--hub").stdout


def test_a_preset_is_here_only_when_every_file_has_arrived(cache: Path) -> None:
    fetch(cache, SIGLIP, leave_out="model.weights.h5")
    assert not fetching.is_available(SIGLIP)
    with pytest.raises(WeightsUnavailableError, match=r"forbidden \(offline\)"):
        folders.find(f"hub:{SIGLIP.name}", offline=True)
    held = fetch(cache, SIGLIP)
    assert folders.find(f"hub:{SIGLIP.name}", offline=True) == held


def test_a_whole_version_that_was_downloaded_counts(cache: Path) -> None:
    held = cache / SIGLIP.handle
    held.mkdir(parents=True)
    assert not fetching.is_available(SIGLIP)
    (held.parent / f"{held.name}.complete").touch()
    assert fetching.is_available(SIGLIP)


def test_a_failed_download_says_what_to_do_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def model_download(handle: str, *, path: str) -> str:
        asked.append((handle, path))
        raise ConnectionError("no route to host")

    fake = ModuleType("kagglehub")
    monkeypatch.setattr(fake, "model_download", model_download, raising=False)
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    with pytest.raises(WeightsUnavailableError) as caught:
        folders.find(f"hub:{DINOV3.name}", offline=False)
    said = str(caught.value)
    assert "the download failed (no route to host)" in said
    assert (
        "accept its licence (DINOv3 License) at https://www.kaggle.com/models/keras/dinov3" in said
    )
    assert "--backbone hub:FOLDER" in said
    assert asked == [(DINOV3.handle, "config.json")]
    assert not cache.exists()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'imgsearch-gallery\[hub\]'"):
        folders.find(f"hub:{SIGLIP.name}", offline=False)
    monkeypatch.setattr(library, "load_keras", lambda: None)
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        library.load_hub()


def test_an_unknown_name_is_refused_with_what_is_near() -> None:
    with pytest.raises(UnknownBackboneError, match="did you mean hub:siglip2_base_patch16_256"):
        resolve(RecipeRequest(backbone="hub:siglip2_base_patch16_255"), offline=True)
    refused = run("index", "--backbone", "hub:no_such_thing", ".", "--gallery", "nowhere")
    assert refused.exit_code == 2
    assert "`imgsearch backbones --hub` lists the presets" in refused.stderr


def test_a_folder_without_a_part_is_refused_by_that_parts_name(folder: Path) -> None:
    folders.check(folder)
    (folder / "image_converter.json").unlink()
    with pytest.raises(UsageError, match=r"image_converter\.json is missing"):
        folders.check(folder)


@pytest.mark.parametrize(
    "made",
    [
        {"module": "os", "class_name": "system"},
        {"module": "keras.layers", "class_name": "Lambda"},
        {"module": "keras_hubbub", "class_name": "ViTBackbone"},
        {"module": "builtins", "class_name": "function"},
    ],
)
def test_a_preset_that_names_code_is_refused_at_any_depth(
    made: dict[str, str], folder: Path
) -> None:
    (folder / "config.json").write_text(
        json.dumps({"class_name": "ViTBackbone", "module": "keras_hub", "config": {"a": [made]}})
    )
    with pytest.raises(UntrustedModelError, match=made["class_name"]):
        folders.check(folder)


def test_a_file_that_is_no_json_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json: not JSON"):
        folders.check(folder)


def test_fingerprints_tell_apart_what_images_and_what_texts_depend_on(folder: Path) -> None:
    images, texts = folders.image_fingerprint(folder), folders.text_fingerprint(folder)
    (folder / "assets" / "tokenizer" / "vocabulary.json").write_text('{"a": 1}')
    assert folders.image_fingerprint(folder) == images
    assert folders.text_fingerprint(folder) != texts
    texts = folders.text_fingerprint(folder)
    (folder / "image_converter.json").write_text("{}")
    assert folders.image_fingerprint(folder) != images
    assert folders.text_fingerprint(folder) == texts


def test_a_stored_name_has_neither_a_path_nor_what_looks_like_a_version(folder: Path) -> None:
    assert folders.stored_name(f"hub:{folder}") == "hub:my_preset_2"
    assert folders.stored_name("hub:dinov2_small") == "hub:dinov2_small"


def test_what_a_request_leaves_open_is_the_networks_own() -> None:
    assert RecipeRequest("hub:x").pooling is None
    assert RecipeRequest("hub:x").resize is None
    assert (RecipeRequest("compact").pooling, RecipeRequest("compact").resize) == ("gap", "squash")
    with pytest.raises(UsageError, match="compact has gap, gmp, gem and rmac"):
        resolve(RecipeRequest("compact", pooling="cls"))


def test_a_recipe_keeps_its_text_tower_in_its_identity_and_its_document() -> None:
    recipe = Recipe(
        backbone="hub:tiny",
        weights="sha256:" + "1" * 64,
        layer="head",
        size=64,
        resize="crop",
        pooling="cls",
        dim=24,
        preprocessing="raw",
        text="sha256:" + "2" * 64,
    )
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert replace(recipe, text="sha256:" + "3" * 64).identifier != recipe.identifier


def test_texts_lose_punctuation_and_ascii_capitals_as_siglip_was_trained() -> None:
    assert canonical("  Two DOGS,\tat the\nbeach (at night)! ") == "two dogs at the beach at night"
    assert canonical("ÉTÉ") == "ÉtÉ"
    assert canonical("it's 5.5") == "its 55"

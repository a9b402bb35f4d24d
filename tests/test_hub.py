"""KerasHub's networks, from a preset's folder to embeddings of images and of words."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hub_presets
import numpy as np
import pytest
from cli_fakes import picture, run

from imgsearch import RecipeRequest, Words
from imgsearch.errors import RecipeMismatchError, UsageError, WeightsUnavailableError
from imgsearch.networks.backbones.hub import image_tower, presets, text_tower, tokens
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.networks.embedder import load_embedder
from imgsearch.networks.pooling import l2_normalise
from imgsearch.networks.runtimes.runtime import GRAPH_KINDS
from imgsearch.networks.runtimes.trial import probe_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch import Recipe

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        importlib.util.find_spec("keras_hub") is None,
        reason="needs KerasHub: pip install 'imgsearch-gallery[hub]'",
    ),
    # What KerasHub and what it brings warn of themselves.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # It leaves vocabularies to the garbage collector to close.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
RUNTIMES = (*GRAPH_KINDS, "tensorflow")
AGREEMENT = 0.9999
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folder of a preset of each architecture."""
    folder = tmp_path_factory.mktemp("presets")
    return {name: hub_presets.save(name, folder / f"tiny_{name}") for name in hub_presets.PRESETS}


@pytest.fixture(autouse=True, scope="module")
def _graphs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGSEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def recipe_of(folder: Path, **wanted: Any) -> Recipe:
    """Resolve a preset's folder."""
    return resolve(RecipeRequest(backbone=f"hub:{folder}", **wanted), offline=True)


def kerashub(folder: Path, images: NDArray[np.uint8]) -> tuple[Any, Any]:
    """Return KerasHub's network and what its own converter makes of images."""
    import keras_hub

    converter = keras_hub.layers.ImageConverter.from_preset(str(folder))
    backbone = keras_hub.models.Backbone.from_preset(str(folder))
    return backbone, converter(images)


def own_embeddings(name: str, folder: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what KerasHub itself gives for images, pooled as the papers do."""
    import keras_hub

    backbone, converted = kerashub(folder, images)
    if name == "dinov2":
        side = images.shape[1]
        backbone = keras_hub.models.Backbone.from_preset(str(folder), image_shape=(side, side, 3))
    if name in ("clip", "siglip"):
        rows = backbone.get_vision_embeddings(converted)
    elif name == "resnet":
        rows = np.asarray(backbone(converted)).mean(axis=(1, 2))
    else:
        given = {"dinov2": {"images": converted}, "dinov3": {"pixel_values": converted}}
        rows = np.asarray(backbone(given.get(name, converted)))[:, 0]
    return l2_normalise(np.asarray(rows))


@pytest.mark.parametrize("name", hub_presets.PRESETS)
def test_every_runtime_gives_what_kerashub_itself_gives(name: str, saved: dict[str, Path]) -> None:
    recipe = recipe_of(saved[name])
    pooling, dim, text = {
        "clip": ("cls", 24, True),
        "siglip": ("map", 32, True),
        "resnet": ("gap", 64, False),
    }.get(name, ("cls", 32, False))
    assert (recipe.pooling, recipe.dim, recipe.text is not None) == (pooling, dim, text)
    assert recipe.backbone == f"hub:tiny_{name}"
    assert recipe.resize == ("squash" if name == "siglip" else "crop")
    images = probe_images(recipe.size)
    expected = own_embeddings(name, saved[name], images)
    assert (expected @ expected.T).min() < 0.999
    for runtime in RUNTIMES:
        rows = load_embedder(recipe, runtime=runtime).embed(images)
        assert (rows * expected).sum(axis=1).min() >= AGREEMENT, runtime


@pytest.mark.parametrize("name", ["clip", "siglip", "vit"])
def test_pixels_are_preprocessed_as_the_presets_own_converter_does(
    name: str, saved: dict[str, Path]
) -> None:
    """Bit for bit, for images of the network's size; resizing is imgsearch's own."""
    import keras

    tower = image_tower.build(saved[name], pooling=None, size=None, with_weights=False)
    scaled = keras.Model(tower.model.input, tower.model.layers[1].output)
    images = probe_images(tower.size)
    _, converted = kerashub(saved[name], images)
    assert np.array_equal(np.asarray(scaled(images.astype(np.float32))), np.asarray(converted))


@pytest.mark.parametrize("name", ["clip", "siglip", "dinov2", "dinov3", "vit"])
def test_feature_maps_are_the_patches_tokens_row_by_row(name: str, saved: dict[str, Path]) -> None:
    recipe = recipe_of(saved[name], pooling="gap")
    assert (recipe.layer, recipe.text) == ("tokens", None)
    images = probe_images(recipe.size)[:2]
    maps = load_embedder(recipe, runtime="tensorflow").feature_maps(images)
    assert maps.shape == (2, 4, 4, 32)
    if name == "vit":
        backbone, converted = kerashub(saved[name], images)
        tokens_of_patches = np.asarray(backbone(converted))[:, 1:]
        assert np.allclose(maps, tokens_of_patches.reshape(2, 4, 4, 32), atol=1e-5)


def test_a_size_that_the_network_takes_is_taken_and_another_is_refused(
    saved: dict[str, Path],
) -> None:
    assert recipe_of(saved["dinov2"], size=70, pooling="gap").size == 70
    with pytest.raises(UsageError, match="multiples of 14 pixels, but 60"):
        recipe_of(saved["dinov2"], size=60)
    with pytest.raises(UsageError, match="takes images of 64 pixels only, but 96"):
        recipe_of(saved["clip"], size=96)
    with pytest.raises(UsageError, match=r"tiny_resnet has no cls \(none of its own\)"):
        recipe_of(saved["resnet"], pooling="cls")
    with pytest.raises(UsageError, match="layer: 'block' is not for KerasHub's presets"):
        recipe_of(saved["vit"], layer="block")


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_words_are_embedded_as_kerashub_itself_does(
    name: str, saved: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras_hub

    recipe = recipe_of(saved[name])
    folder = str(saved[name])
    preprocessor = keras_hub.models.CausalLMPreprocessor.from_preset(folder)
    texts = list(tokens.PROBES)
    images = np.zeros((len(texts), 1, 1, 3), dtype=np.float32)
    ids = np.asarray(preprocessor({"prompts": texts, "images": images})["token_ids"])
    backbone = keras_hub.models.Backbone.from_preset(folder)
    expected = l2_normalise(np.asarray(backbone.get_text_embeddings(ids)))
    assert len(np.unique(ids, axis=0)) >= len(texts) - 1

    assert text_tower.load(recipe).runtime_name == "litert"
    # From then on neither KerasHub nor the preset is needed.
    monkeypatch.setattr(text_tower, "load_hub", None)
    monkeypatch.setattr("imgsearch.networks.backbones.hub.resolving.locate", None)
    rows = text_tower.load(recipe).embed_text(texts)
    assert rows.dtype == np.float32
    assert (rows * expected).sum(axis=1).min() >= AGREEMENT
    how = tokens.described(preprocessor)
    assert how is not None
    assert np.array_equal(tokens.Tokenizer(how)(texts), ids)


def test_a_preset_that_has_changed_or_gone_is_refused_by_name(
    saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "tiny"
    shutil.copytree(saved["clip"], folder)
    recipe = recipe_of(folder)
    with (folder / "assets" / "tokenizer" / "merges.txt").open("a") as merges:
        merges.write("z z\n")
    assert recipe_of(folder).weights == recipe.weights
    with pytest.raises(RecipeMismatchError, match="text tower or its vocabulary"):
        text_tower.load(recipe)
    converter = json.loads((folder / "image_converter.json").read_text())
    converter["config"]["scale"] = 1.0
    (folder / "image_converter.json").write_text(json.dumps(converter))
    with pytest.raises(RecipeMismatchError, match="another preset than"):
        load_embedder(recipe)
    shutil.rmtree(folder)
    with pytest.raises(WeightsUnavailableError, match="no longer there"):
        load_embedder(recipe)
    folder.mkdir()
    for name in ("config.json", "image_converter.json"):
        shutil.copy(saved["vit"] / name, folder)
    (folder / "model.weights.h5").write_bytes(b"no weights")
    torn = recipe_of(folder)
    with pytest.raises(WeightsUnavailableError, match="KerasHub cannot load this preset"):
        load_embedder(torn)


def test_the_table_is_the_registry_of_the_installed_kerashub() -> None:
    """Names, versions and parameters, of every family of the table."""
    import keras_hub

    for family, about in presets.FAMILIES.items():
        known = getattr(keras_hub.models, f"{family}Backbone").presets
        ours = {name: held for name, held in presets.PRESETS.items() if held.family is about}
        assert ours
        for name, held in ours.items():
            assert known[name]["kaggle_handle"] == f"kaggle://{held.handle}"
            assert known[name]["metadata"]["params"] == held.parameters


def documented() -> list[list[str]]:
    """Return the commands that docs/backbones.md shows, of which the README shows some."""
    page, readme = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("docs/backbones.md", "README.md")
    )
    (block,) = re.findall(r"^```sh\n(pip install.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line, comments=True) for line in block.splitlines()[1:]]
    shown = [line for line in readme.splitlines() if re.match("imgsearch .*(hub|--text)", line)]
    assert all(shlex.split(line, comments=True) in commands for line in shown)
    assert len(shown) == 4
    return commands


def test_every_command_of_the_documents_does_what_it_says(
    saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only changes: folders in place of downloads."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        for folder in ("Photos", f"labelled/{number % 2}"):
            picture(tmp_path / folder / f"{number}.png", number)
    picture(tmp_path / "street.jpg", 9)
    (tmp_path / "captions.csv").write_text(
        "picture,caption\n0.png,two dogs\n0.png,a beach\n1.png,people at night\n"
    )
    folders = {
        "~/Photos": str(tmp_path / "Photos"),
        "hub:siglip2_base_patch16_224": f"hub:{saved['siglip']}",
        "hub:dinov2_small": f"hub:{saved['dinov2']}",
    }
    said = []
    for command in documented():
        done = run(*(folders.get(word, word) for word in command[1:]))
        assert done.exit_code == 0, (command, done.stderr)
        said.append(done.stdout)
    assert sum("Photos/" in output for output in said) == 3
    assert "hub:tiny_dinov2" in said[-2]
    assert said[-1].startswith("captions: 3 texts over 6 pictures")


def test_a_gallery_goes_on_and_says_what_its_recipes_can(
    saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resume, explain, and what is asked of a recipe that cannot do it."""
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    folder = tmp_path / "photos"
    for number in range(4):
        picture(folder / f"{number}.png", number)
    clip, dino = f"hub:{saved['clip']}", f"hub:{saved['dinov2']}"
    for count in (4, 0):
        done = run("index", folder, "--backbone", clip, "--json")
        assert json.loads(done.stdout)["embedded"] == count, done.stderr
    # Once its graph is there, KerasHub is needed no more.
    with monkeypatch.context() as patch:
        patch.setattr(image_tower, "load_hub", None)
        picture(folder / "4.png", 4)
        done = run("index", "--json")
        assert json.loads(done.stdout)["embedded"] == 1, done.stderr
    assert run("index", folder, "--backbone", dino, "--pooling", "gap").exit_code == 0
    assert run("info").stdout.count("can be asked") == 1
    asked = str(folder / "0.png")
    explained = run("query", asked, "--recipe", "hub:tiny_dinov2", "--explain", "--json", "-k", "1")
    assert explained.exit_code == 0, explained.stderr
    assert np.shape(
        json.loads(explained.stdout)["matches"][0]["explanation"]["image"]["values"]
    ) == (
        4,
        4,
    )
    for arguments, message in (
        (["query", asked, "--explain", "--json"], "index --pooling gap"),
        (
            ["query", "--text", "dogs", "--recipe", "hub:tiny_dinov2"],
            "has no text encoder; index with a backbone that has one",
        ),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_parts_of_pictures_are_found_through_the_patches_of_a_transformer(
    saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    for number in range(4):
        picture(tmp_path / "photos" / f"{number}.png", number)
    indexing = ("index", tmp_path / "photos", "--backbone", f"hub:{saved['dinov2']}", "--regions")
    refused = run(*indexing, "--gallery", tmp_path / "other")
    assert refused.exit_code == 2
    assert "index with --pooling gap beside it" in refused.stderr
    done = run(*indexing, "--pooling", "gap")
    assert done.exit_code == 0, done.stderr
    found = run("query", tmp_path / "photos" / "0.png", "--anywhere", "--json")
    assert found.exit_code == 0, found.stderr
    assert len(json.loads(found.stdout)["matches"]) == 3


@pytest.mark.slow
def test_a_preset_teaches_a_student_and_is_recommended(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(64):
        picture(tmp_path / "photos" / f"{number % 2}" / f"{number}.png", number, side=96)
    teacher = f"hub:{saved['siglip']}"
    student = tmp_path / "student.keras"
    done = run(
        "distill", tmp_path / "photos", "--teacher", teacher, "--out", student,
        *("--samples", "32", "--crops", "1", "--batch-size", "8"),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert student.is_file()
    done = run("recommend", tmp_path / "photos", "--backbone", teacher, "--minutes", "1")
    assert done.exit_code == 0, done.stderr
    assert f"--backbone {teacher} --pooling " in done.stdout


def test_words_and_pictures_stand_beside_each_other_in_python(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    from imgsearch import Gallery, Weighted

    for number in range(3):
        picture(tmp_path / "photos" / f"{number}.png", number)
    with Gallery(tmp_path / "gallery", recipe=f"hub:{saved['siglip']}") as gallery:
        gallery.index(tmp_path / "photos")
    with Gallery(tmp_path / "gallery") as gallery:
        assert gallery.takes_words()
        alone = gallery.query(Words("two dogs"))
        assert len(alone) == 3
        rows = text_tower.load(recipe_of(saved["siglip"])).embed_text(["two dogs"])
        assert gallery.query(rows[0])[0].score == pytest.approx(alone[0].score, abs=1e-5)
        heavy = gallery.query(Weighted(Words("two dogs"), 1e6), tmp_path / "photos" / "0.png")
        assert [match.path.name for match in heavy] == [
            match.path.name for match in alone if match.path.name != "0.png"
        ]

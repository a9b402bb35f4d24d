"""A recipe's pictures are all decoded by the same rules, whatever new recipes are made with."""

from __future__ import annotations

import ast
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import picture_files
import pytest
from conftest import FakeEmbedder, FakeSource, write_picture

import imgsearch
from imgsearch import Gallery
from imgsearch.errors import RecipeMismatchError
from imgsearch.images import loading
from imgsearch.recipe import RecipeRequest

ADDED, STRANGE = 7, 8


def test_whoever_decodes_at_a_recipes_size_decodes_by_its_rules() -> None:
    calls = []
    for path in Path(imgsearch.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "load":
                values = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if values.get("size") == "recipe.size" and "resize" in values:
                    calls.append((path.name, values.get("decoder")))
    assert len(calls) >= 6
    assert {decoder for _, decoder in calls} == {"recipe.decoder"}, calls


def picture(seed: int) -> bytes:
    return picture_files.encode(picture_files.photograph(640, 480, seed=seed), "JPEG")


def assert_decoded_by(gallery: Gallery, decoder: int) -> None:
    """Assert that what is indexed and what is asked about are decoded by the same rules."""
    recipe = gallery.information().recipes[0].recipe
    assert recipe.decoder == decoder
    for seed in (0, ADDED, STRANGE):
        data = picture(seed)
        pixels = loading.load(
            data, size=32, resize="squash", decoder=decoder, fingerprint=seed != STRANGE
        ).pixels
        examined = gallery.examine(data)
        assert examined.held == (seed != STRANGE)
        vector = FakeEmbedder(recipe).embed(pixels[np.newaxis])[0]
        np.testing.assert_array_equal(examined.embedding, vector)


def test_a_gallery_keeps_its_decoding_rules_until_others_are_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos, place = tmp_path / "photos", tmp_path / "gallery"
    photos.mkdir()
    (photos / "0.jpg").write_bytes(picture(0))
    asked = RecipeRequest("fake-1", size=32)
    with Gallery(place, recipe=asked, source=FakeSource(decoder=1)) as gallery:
        gallery.index(photos)
    (photos / "1.jpg").write_bytes(picture(ADDED))
    # Resolved again, as a backbone with versions is, or taken as the gallery has it.
    for recipe in (replace(asked, weights=photos), None):
        with Gallery(place, recipe=recipe, source=FakeSource()) as gallery:
            gallery.index(photos)
            assert_decoded_by(gallery, 1)
    caplog.set_level("INFO")
    with Gallery(place, recipe=RecipeRequest(decoder=2), source=FakeSource()) as gallery:
        assert gallery.index().embedded == 2
    assert "queries now use fake-1/last/gap/32/squash, decoding rules 2" in caplog.text
    with Gallery(place, source=FakeSource()) as gallery:
        assert gallery.index().embedded == 0
        assert_decoded_by(gallery, 2)


def test_a_gallery_with_rules_of_a_later_imgsearch_blames_no_file(
    gallery: Gallery, photos: Path
) -> None:
    gallery.index(photos)
    later = replace(gallery.information().recipes[0].recipe, decoder=3)
    row = (later.to_json(), later.identifier)
    with closing(sqlite3.connect(gallery.path / "gallery.db")) as database, database:
        database.execute("UPDATE recipe SET recipe = ?, identifier = ?", row)
    write_picture(photos / "new.png", seed=99)
    with (
        Gallery(gallery.path, source=FakeSource()) as opened,
        pytest.raises(RecipeMismatchError, match="version 3"),
    ):
        opened.index()

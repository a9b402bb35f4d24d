"""Words stand wherever a picture of a query stands, and are compared with raw embeddings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cli_fakes
import numpy as np
import pytest
from conftest import FakeSource, write_picture
from hypothesis import given
from hypothesis import strategies as st
from words_fakes import TOWER, Dictionary, Talking, plant

from imgsearch import Gallery, Recipe, RecipeRequest, Weighted, Words
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def talking() -> Talking:
    """Return a source with words."""
    return Talking()


@pytest.fixture
def asked(tmp_path: Path, photos: Path, talking: Talking) -> Gallery:
    """Return a gallery of twelve pictures that takes words."""
    gallery = Gallery(tmp_path / "gallery", source=talking)
    gallery.index(photos)
    return gallery


def test_a_planted_truth_is_found_first(asked: Gallery, talking: Talking, photos: Path) -> None:
    plant(talking, "the seventh", photos / "trip1" / "07.png")
    first, *others = asked.query(Words("the seventh"))
    assert first.path == photos / "trip1" / "07.png"
    assert first.score == 1
    assert len(others) == 9
    assert first.kind is None


def test_the_text_encoder_is_loaded_only_when_words_are_asked(
    asked: Gallery, talking: Talking, photos: Path
) -> None:
    assert asked.takes_words()
    asked.query(photos / "trip1" / "07.png")
    assert talking.loaded == 0
    asked.query(Words("beach"), Words("night"))
    asked.query(Words("dogs"))
    assert talking.loaded == 1
    assert talking.dictionary.asked == [["beach", "night"], ["dogs"]]
    assert len(talking.embedders) == 1


def test_words_and_pictures_make_one_weighted_mean_less_what_to_avoid(
    asked: Gallery, talking: Talking, photos: Path
) -> None:
    """The score is the inner product with the unit vector of 3 t + p - u, each of unit length."""
    picture, match = photos / "trip1" / "07.png", photos / "trip0" / "00.png"
    for name, path in (("asked", picture), ("match", match)):
        plant(talking, name, path)
    rows = talking.dictionary.embed_text(["night", "asked", "people", "match"]).astype(np.float64)
    vector = (3 * rows[0] + rows[1]) / 2 - rows[2]
    found = asked.query(Weighted(Words("night"), 3), picture, minus=[Words("people")], k=12)
    scores = {found_match.path: found_match.score for found_match in found}
    expected = float(vector @ rows[3] / np.linalg.norm(vector))
    assert scores[match] == pytest.approx(expected, abs=1e-5)
    assert picture not in scores


def test_words_of_several_questions_are_answered_one_by_one(
    asked: Gallery, talking: Talking, photos: Path
) -> None:
    plant(talking, "first", photos / "trip0" / "00.png")
    answers = list(asked.query_many([Words("first"), photos / "trip1" / "01.png"], k=1))
    assert [len(answer.matches) for answer in answers] == [1, 1]
    assert answers[0].matches[0].path == photos / "trip0" / "00.png"


def test_words_go_through_no_projection_where_pictures_do(tmp_path: Path, talking: Talking) -> None:
    for seed in range(260):
        write_picture(tmp_path / "photos" / f"{seed:03}.png", seed=seed)
    gallery = Gallery(tmp_path / "gallery", source=talking)
    gallery.index(tmp_path / "photos")
    picture = tmp_path / "photos" / "007.png"
    plant(talking, "seven", picture)
    assert gallery.compare(picture, picture).projection != "none"
    assert gallery.compare(Words("seven"), picture).projection == "none"
    projected = gallery.query(picture, k=3, include_self=True)
    said = gallery.query(Words("seven"), k=3)
    raw = Gallery(tmp_path / "gallery", source=talking, projection="none")
    assert [match.score for match in said] == [
        match.score for match in raw.query(picture, k=3, include_self=True)
    ]
    assert [match.score for match in said] != [match.score for match in projected]
    # What was opened for words does not change what pictures find.
    assert gallery.query(picture, k=3, include_self=True) == projected
    chosen = Gallery(tmp_path / "gallery", source=talking, projection="16")
    with pytest.raises(UsageError, match=r"projection: '16' is fitted on images.*give none"):
        chosen.query(Words("seven"))


def test_a_recipe_without_a_text_encoder_says_what_to_type(tmp_path: Path, photos: Path) -> None:
    gallery = Gallery(tmp_path / "gallery", source=FakeSource())
    gallery.index(photos)
    assert not gallery.takes_words()
    with pytest.raises(UsageError, match="index --backbone hub:siglip2_base_patch16_224"):
        gallery.query(Words("beach"))


@pytest.mark.parametrize("text", ["", "  ", None, 5])
def test_what_says_nothing_is_refused(text: Any) -> None:
    with pytest.raises(UsageError, match="says nothing"):
        Words(text)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_a_common_mean_changes_no_order_of_words_but_a_projection_of_the_text_may(
    dim: int, seed: int
) -> None:
    """The algebra of docs/how-it-works.md: m is the images' mean, g what all texts share.

    Inner products with centred images differ by a constant for each text; a centred text adds
    -m·(x - m) to every image, whatever the text; and g adds the same to an image for all texts.
    """
    generator = np.random.default_rng(seed)
    images, texts = generator.normal(size=(6, dim)), generator.normal(size=(3, dim))
    mean, gap = images.mean(axis=0), generator.normal(size=dim)
    raw = texts @ images.T
    centred = raw - texts @ (images - mean).T
    assert np.allclose(centred, centred[:, :1])
    bias = (texts - mean) @ (images - mean).T - texts @ (images - mean).T
    assert np.allclose(bias, bias[0])
    assert np.allclose(bias[0], -(images - mean) @ mean)
    shifted = (texts + gap) @ images.T - raw
    assert np.allclose(shifted, shifted[0])


class TalkingFromTheCommandLine(cli_fakes.FakeSource):
    """The command line's fake source, with words."""

    def resolve(self, request: RecipeRequest, *, offline: bool) -> Recipe:
        """Return a fake recipe with a text encoder."""
        return replace(super().resolve(request, offline=offline), text=TOWER)

    def load_text(self, recipe: Recipe) -> Dictionary:
        """Return a text encoder."""
        assert recipe.text == TOWER
        return Dictionary()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an indexed folder of four photos, asked from the command line; the current folder."""
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", TalkingFromTheCommandLine)
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(tmp_path / "gallery"))
    for seed in range(4):
        cli_fakes.picture(tmp_path / "photos" / f"{seed}.png", seed)
    monkeypatch.chdir(tmp_path / "photos")
    assert cli_fakes.run("index", tmp_path / "photos").exit_code == 0
    return tmp_path / "photos"


def answered(*arguments: str) -> dict[str, Any]:
    """Query, and return the JSON document."""
    result = cli_fakes.run("query", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.mark.usefixtures("shelf")
def test_words_alone_and_with_pictures_are_asked_from_the_command_line() -> None:
    alone = answered("--text", "two dogs on a beach")
    assert (alone["texts"], alone["minus_texts"], alone["images"]) == (
        ["two dogs on a beach"],
        [],
        [],
    )
    assert len(alone["matches"]) == 4
    assert {match["kind"] for match in alone["matches"]} == {None}
    both = answered("--text", "at night", "0.png", "--minus-text", "people")
    assert both["minus_texts"] == ["people"]
    assert len(both["matches"]) == 3
    several = answered("--text", "a dog", "--text", "a photo of a dog")
    one = answered("--text", "a dog")
    assert [m["score"] for m in several["matches"]] != [m["score"] for m in one["matches"]]


@pytest.mark.usefixtures("shelf")
def test_weights_come_for_pictures_then_words_then_what_to_avoid() -> None:
    words = ["0.png", "--text", "dog", "--minus-text", "cat", "-k", "1"]
    plain = answered(*words)["matches"][0]["score"]
    same = answered(*words, "--weight", "1", "--weight", "1", "--weight", "1")
    assert same["matches"][0]["score"] == plain
    # The picture for next to nothing: the same as without, but for leaving it out.
    light = answered(*words, "--weight", "1e-9", "--weight", "2", "--weight", "2")
    bare = answered("--text", "dog", "--minus-text", "cat")
    scores = {match["path"]: match["score"] for match in bare["matches"]}
    best = light["matches"][0]
    assert best["score"] == pytest.approx(scores[best["path"]], abs=0.3)
    refused = cli_fakes.run("query", *words, "--weight", "1")
    assert refused.exit_code == 2
    assert "1 IMAGE and 1 --text, and then none or one for each of 0 --minus" in refused.stderr
    assert "and 1 --minus-text" in refused.stderr


@pytest.mark.usefixtures("shelf")
def test_every_form_names_the_words(tmp_path: Path) -> None:
    words = ["query", "--text", "dog", "--minus-text", "cat", "-k", "1"]
    assert '"""dog"" + not ""cat"""' in cli_fakes.run(*words, "--csv").stdout
    line = json.loads(cli_fakes.run(*words, "--jsonl").stdout)
    assert (line["texts"], line["minus_texts"]) == (["dog"], ["cat"])
    assert cli_fakes.run(*words, "--paths").stdout.endswith(".png\n")
    table = cli_fakes.run(*words, "--each", "1.png").stdout
    assert table.startswith('1.png + "dog" + not "cat"')
    sheet = tmp_path / "sheet.html"
    assert cli_fakes.run(*words, "--sheet", sheet).exit_code == 0
    assert "Like &#34;dog&#34; + not &#34;cat&#34;" in sheet.read_text()


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text", " "], "says nothing; describe what to look for"),
        (["--minus-text", "cat"], "no image given: name one"),
        (["--text", "dog", "--copies"], "--copies is about pictures alone"),
        (["0.png", "--text", "dog", "--crop", "1,1,5,5"], "--crop is about pictures alone"),
        (["0.png", "--text", "dog", "--explain", "--json"], "--explain is about pictures alone"),
        (["--text", "dog", "--projection", "4"], "words are compared with the embeddings"),
    ],
)
def test_what_makes_no_sense_with_words_is_refused(arguments: list[str], said: str) -> None:
    result = cli_fakes.run("query", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""

"""Captions find the pictures that they describe, or do not, and the figures say how often."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cli_fakes import run
from evaluation_fakes import FakeNetworks, coloured
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from test_cli_documents import check

from imgsearch.errors import UsageError
from imgsearch.evaluation.captions import read_captions, recalls
from imgsearch.evaluation.ground_truth.image_files import find_image_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe, RecipeRequest

ANGLES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)


class Angles:
    """A text encoder: "at 30" is the colour of that angle; a dull one takes all for red."""

    def __init__(self, *, dull: bool) -> None:
        self._dull = dull

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of three numbers."""
        angles = [0.0 if self._dull else math.radians(float(text.split()[-1])) for text in texts]
        rows = [[math.cos(angle), math.sin(angle), 0.0] for angle in angles]
        return np.array(rows, dtype=np.float32)


class TalkingNetworks(FakeNetworks):
    """Networks that take words, but for one called "mute"."""

    def resolve(self, request: RecipeRequest, *, offline: bool = False) -> Recipe:
        """Return a recipe with a text encoder."""
        recipe = super().resolve(request, offline=offline)
        return recipe if request.backbone == "mute" else replace(recipe, text="sha256:" + "1" * 64)

    def load_text(self, recipe: Recipe) -> Angles:
        """Return the text encoder."""
        return Angles(dull=recipe.backbone == "dull")


@pytest.fixture
def captioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of ten colours; the table of captions is beside it, the current folder."""
    monkeypatch.setattr("imgsearch.evaluation.networks.CatalogueNetworks", TalkingNetworks)
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for angle in ANGLES:
        coloured(tmp_path / "photos" / f"{angle:02}.png", angle)
    # The last one's second caption is 30 degrees off: three pictures are nearer.
    lines = ["picture,caption", '00.png,"red, at 0"', "50.png,at 50", "90.png,at 90", "90.png,60"]
    (tmp_path / "captions.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "photos"


def test_recall_is_the_share_of_right_pictures_among_the_first() -> None:
    """By hand: the right ones of the rows are first, third, and first and last of four."""
    scores = np.array([[0.9, 0.1, 0.2, 0.3], [0.5, 0.6, 0.4, 0.1], [0.4, 0.3, 0.2, 0.1]])
    right = [[0], [2], [0, 3]]
    assert recalls(scores, right, 1).tolist() == [1, 0, 0.5]
    assert recalls(scores, right, 3).tolist() == [1, 1, 0.5]
    assert recalls(scores, right, 10).tolist() == [1, 1, 1]


def test_equal_scores_are_in_the_order_of_the_pictures() -> None:
    scores = np.array([[0.5, 0.5, 0.5 + 1e-9]])
    assert [recalls(scores, [[at]], 1).item() for at in range(3)] == [1, 0, 0]


@given(st_numpy.arrays(np.float64, (4, 6), elements=st.floats(-1, 1)), st.integers(1, 6))
def test_recall_grows_with_k_and_is_complete_at_the_end(
    scores: NDArray[np.float64], k: int
) -> None:
    right = [[0], [5], [1, 2], [0, 3, 4]]
    assert (recalls(scores, right, k) <= recalls(scores, right, k + 1)).all()
    assert recalls(scores, right, 6).tolist() == [1, 1, 1, 1]


def test_a_caption_of_several_pictures_is_asked_once(captioned: Path) -> None:
    table = captioned.parent / "more.csv"
    table.write_text("caption,picture\nwarm,00.png\nwarm, 10.png\ncold,90.png\n\n")
    found = read_captions(find_image_files(captioned), table)
    assert [(caption.text, caption.pictures) for caption in found] == [
        ("warm", (0, 1)),
        ("cold", (9,)),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: the header is ''; expected picture,caption"),
        ("file,text\n", "line 1: the header is 'file,text'"),
        ("picture,caption\n", "no caption; expected a line"),
        ("picture,caption\n00.png,red, at 0\n", "line 2: .*quote captions that have commas"),
        ("picture,caption\n\n00.png,\n", "line 3: expected a picture and a caption"),
        ("picture,caption\n99.png,none\n", "line 2: '99.png' is not in"),
        ('picture,caption\n00.png,"a\n', "not CSV"),
    ],
)
def test_what_is_no_table_of_captions_is_named_with_its_line(
    content: str, said: str, captioned: Path
) -> None:
    table = captioned.parent / "wrong.csv"
    table.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_captions(find_image_files(captioned), table)
    with pytest.raises(UsageError, match="cannot be read"):
        read_captions(find_image_files(captioned), captioned.parent / "none.csv")


def measured(*arguments: str) -> dict[str, Any]:
    """Evaluate captions, and return the JSON document."""
    done = run("evaluate", "photos", "--captions", "captions.csv", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.usefixtures("captioned")
def test_networks_are_compared_by_recall_with_intervals_from_the_command_line() -> None:
    document = measured("--backbone", "keen", "--backbone", "dull")
    assert (document["captions"], document["pictures"]) == (4, 10)
    keen, dull = document["variants"]
    values = {figure["metric"]: figure["estimate"]["value"] for figure in keen["metrics"]}
    # 90.png is as far from 60 as 30.png: third pair, so seventh at the latest.
    assert values == {"recall@1": 0.75, "recall@5": 0.75, "recall@10": 1}
    first = keen["metrics"][0]
    assert first["difference"] is None
    assert first["estimate"]["low"] < 0.75 < first["estimate"]["high"]
    assert dull["metrics"][0]["estimate"]["value"] == 0.25
    assert dull["metrics"][0]["difference"]["value"] == -0.5
    assert dull["metrics"][2]["estimate"]["value"] == 1
    check(json.dumps({"imgsearch": "captions", "version": 1, **document}))


@pytest.mark.usefixtures("captioned")
def test_the_table_is_read_by_people_and_embeddings_are_kept() -> None:
    shown = run("evaluate", "photos", "--captions", "captions.csv", "--backbone", "keen")
    assert shown.exit_code == 0, shown.stderr
    heading, names, row = shown.stdout.splitlines()
    assert heading == "captions: 4 texts over 10 pictures"
    assert names.split() == [
        "backbone", "pooling", "size", "recall@1", "recall@5", "recall@10", "difference", "dim",
    ]  # fmt: skip
    assert row.split()[:4] == ["keen", "gap", "16", "75.0"]
    assert "95 % bootstrap interval" in shown.stderr


def test_a_picture_that_cannot_be_read_is_left_out_and_said(captioned: Path) -> None:
    (captioned / "50.png").write_bytes(b"no picture")
    done = run("evaluate", "photos", "--captions", "captions.csv", "--json", "--backbone", "keen")
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert (document["captions"], document["pictures"]) == (3, 9)
    (left_out,) = document["unreadable_files"]
    assert left_out["path"].endswith("50.png")


@pytest.mark.usefixtures("captioned")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--backbone", "mute"], "has no text encoder; index with a backbone that has one"),
        (["--backbone", "keen+dull"], "words belong to a single network"),
        (["--projection", "none"], "leave out --projection"),
        (["--metric", "mAP", "--report", "x.html"], "leave out --metric, --report"),
        (["--ukbench"], "--ukbench and --captions are different kinds"),
    ],
)
def test_what_words_have_no_use_for_is_refused(arguments: list[str], said: str) -> None:
    done = run("evaluate", "photos", "--captions", "captions.csv", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""

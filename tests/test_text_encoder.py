"""A text encoder stands beside a network, and only where there is one does a recipe say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource

from imgsearch import Recipe, RecipeRequest
from imgsearch.errors import UsageError
from imgsearch.networks.source import EmbedsText, load_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PLAIN = FakeSource().resolve(RecipeRequest(), offline=True)
WORDS = replace(PLAIN, text="sha256:" + "1" * 64)


class LetterCounts:
    """Counts vowels."""

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit rows of five numbers."""
        counts = np.array([[1 + text.count(vowel) for vowel in "aeiou"] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class SourceOfWords(FakeSource):
    """A source from outside whose recipes have a text encoder."""

    def load_text(self, recipe: Recipe) -> EmbedsText:
        """Return the text encoder."""
        assert recipe == WORDS
        return LetterCounts()


def test_a_text_encoder_from_outside_is_loaded_for_its_recipe() -> None:
    (row,) = load_text(SourceOfWords(), WORDS).embed_text(["beach"])
    assert row.argmax() in (0, 1)
    assert np.linalg.norm(row) == pytest.approx(1)


def test_a_recipe_without_one_and_a_source_without_any_are_refused() -> None:
    with pytest.raises(UsageError, match="fake-1/last/gap/16/squash has no text encoder"):
        load_text(SourceOfWords(), PLAIN)
    with pytest.raises(UsageError, match="cannot be loaded here"):
        load_text(FakeSource(), WORDS)


def test_the_identifier_knows_the_text_encoder_only_where_there_is_one() -> None:
    assert "text" not in json.loads(PLAIN.to_json())
    # As earlier versions of imgsearch have it, whose pictures were decoded by rules 1.
    assert replace(PLAIN, decoder=1).identifier == "aea7cf89d520"
    assert WORDS.identifier != PLAIN.identifier
    assert Recipe.from_json(WORDS.to_json()) == WORDS
    assert Recipe.from_json(PLAIN.to_json()) == PLAIN

"""Which index a gallery gets follows from its size, its dim and the memory it may take."""

from __future__ import annotations

import pytest

from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.vectors.index_plan import DEFAULT_MEMORY, IndexChoice, parse_memory


@pytest.mark.parametrize(
    ("count", "dim", "memory", "factory", "reduced", "kept"),
    [
        (0, 160, 2**29, "exact", 0, ""),
        (4_999, 1280, 1, "exact", 0, ""),
        (5_000, 160, 2**29, "IVF1,PQ80x4fs", 0, "whole"),
        (6_553, 1280, 2**29, "IVF1,PQ128x4fs", 256, "half"),
        (6_554, 1280, 2**29, "IVF128,PQ128x4fs", 256, "half"),
        (52_428, 160, 2**29, "IVF1,PQ80x4fs", 0, "whole"),
        (52_429, 160, 2**29, "IVF512,PQ80x4fs", 0, "whole"),
        (1_000_000, 160, DEFAULT_MEMORY, "IVF2048,PQ80x4fs", 0, "whole"),
        (1_000_000, 160, 700_000_000, "IVF2048,PQ80x4fs", 0, "whole"),
        (1_000_000, 160, 699_999_999, "IVF2048,PQ80x4fs", 0, "half"),
        (1_000_000, 160, 300 * 2**20, "IVF2048,SQ8", 0, ""),
        (1_000_000, 160, 100 * 10**6, "IVF2048,SQ4", 0, ""),
        (1_000_000, 160, 1, "IVF2048,PQ40", 0, ""),
        (1_000_000, 1280, 2**29, "IVF2048,SQ8", 256, ""),
        (1_000_000, 1280, DEFAULT_MEMORY, "IVF2048,PQ128x4fs", 256, "half"),
        (1_000_000, 161, 10**9, "IVF2048,PQ161x4fs", 0, "whole"),
        (1_000_000, 1280, 300 * 10**6, "IVF2048,SQ8", 256, ""),
        (20_000, 160, 10**6, "IVF1,PQ40", 0, ""),
    ],
)
def test_the_index_that_is_chosen(
    count: int, dim: int, memory: int, factory: str, reduced: int, kept: str
) -> None:
    plan = IndexChoice(memory=memory).plan(count, dim)
    assert (plan.factory, plan.reduced, plan.kept) == (factory, reduced, kept)
    assert bool(plan.finer) == (bool(kept) and dim % 2 == 0)


def test_what_a_person_names_is_taken_where_there_are_enough_vectors_for_it() -> None:
    assert IndexChoice(factory="exact").plan(10**7, 160).is_exact
    choice = IndexChoice(factory="IVF256,SQ8")
    assert choice.plan(100_000, 160).factory == "IVF256,SQ8"
    assert choice.plan(1_000, 160).is_exact
    assert choice.plan(100_000, 160).kept == ""
    assert IndexChoice(factory="IVF256,PQ80x4fs").plan(100_000, 160).kept == "whole"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("600MB", 600_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("1k", 1000),
        ("2T", 2 * 10**12),
        ("77", 77),
        ("8b", 8),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "0", "1XB", "1e9", "lots"])
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="memory"):
        parse_memory(text)


def test_a_choice_comes_back_from_its_text() -> None:
    choice = IndexChoice(factory="IVF7,SQ8", memory=5)
    assert IndexChoice.from_json(choice.to_json()) == choice
    for text in ("", "[]", '{"memory": 0}', '{"surplus": 1}'):
        with pytest.raises(GalleryDamagedError, match="--index auto"):
            IndexChoice.from_json(text)

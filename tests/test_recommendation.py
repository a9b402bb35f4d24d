"""A recommendation takes the cheapest recipe that the best one is not ahead of beyond chance."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluation_fakes import FakeNetwork, FakeNetworks, coloured

from imgsearch.errors import UsageError
from imgsearch.evaluation import costs, trials
from imgsearch.evaluation.embedding_cache import EmbeddingCache
from imgsearch.evaluation.ground_truth.folders import read_folders
from imgsearch.evaluation.ground_truth.image_files import find_image_files
from imgsearch.evaluation.ground_truth.labels import from_labels
from imgsearch.evaluation.ground_truth.sampling import some_images, thinned
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item
from imgsearch.evaluation.trials import recommend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.evaluation.recommendation import Recommendation
    from imgsearch.recipe import Recipe


class Blind(FakeNetwork):
    """Sees nothing but noise."""

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return noise that depends on the picture."""
        maps = super().feature_maps(images)
        generator = np.random.default_rng(int(maps.sum()) % 1000)
        return generator.random(maps.shape, dtype=np.float32)


class Slow(FakeNetwork):
    """Sees as well as any, and takes its time."""

    def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return mean colours, later."""
        time.sleep(0.002)
        return super().feature_maps(images)


class Networks(FakeNetworks):
    """Gives blind, slow and common networks by their names."""

    def load(self, recipe: Recipe) -> FakeNetwork:
        """Return the network of this name."""
        kinds = {"blind": Blind, "slow": Slow, "good": FakeNetwork}
        self.networks.append(kinds[recipe.backbone](recipe))
        return self.networks[-1]


@pytest.fixture(autouse=True)
def quick_timings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time everything once."""
    monkeypatch.setattr(costs, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(costs, "LEAST_REPEATS", 1)
    monkeypatch.setattr(trials, "REFINEMENTS", ())


@pytest.fixture
def truth(tmp_path: Path) -> GroundTruth:
    """Return eight classes of four pictures each, in colours of their own."""
    for number in range(32):
        angle = 11 * (number % 8) + number // 8
        coloured(tmp_path / "photos" / f"class{number % 8}" / f"{number}.png", angle)
    return read_folders(find_image_files(tmp_path / "photos"))[0]


def advise(truth: GroundTruth, tmp_path: Path, *names: str, minutes: float = 5) -> Recommendation:
    """Try networks in this order."""
    networks = Networks()
    return recommend(
        truth,
        names,
        source=networks,
        cache=EmbeddingCache(tmp_path / "cache"),
        resolve=networks.resolve,
        minutes=minutes,
    )


def test_the_better_one_is_taken_when_it_is_better_beyond_chance(
    truth: GroundTruth, tmp_path: Path
) -> None:
    advice = advise(truth, tmp_path, "blind", "good")
    assert advice.chosen.backbone == "good"
    assert advice.lead is None
    assert any("ahead of blind" in reason for reason in advice.reasons)


def test_the_cheaper_one_is_taken_when_the_two_cannot_be_told_apart(
    truth: GroundTruth, tmp_path: Path
) -> None:
    advice = advise(truth, tmp_path, "slow", "good")
    assert advice.chosen.backbone == "good"
    assert advice.chosen.pooling == "gap"


def test_networks_for_which_no_time_is_left_are_named(truth: GroundTruth, tmp_path: Path) -> None:
    advice = advise(truth, tmp_path, "good", "slow", minutes=1e-9)
    assert advice.chosen.backbone == "good"
    assert advice.skipped == (("slow", "no time was left"),)


def test_a_network_that_cannot_be_had_is_named_unless_it_is_the_first(
    truth: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("too large")

    monkeypatch.setattr(Slow, "feature_maps", refuse)
    assert advise(truth, tmp_path, "good", "slow").skipped == (("slow", "too large"),)
    with pytest.raises(UsageError, match="too large"):
        advise(truth, tmp_path, "slow", "good")


def test_without_networks_or_time_there_is_no_advice(truth: GroundTruth, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 networks"):
        advise(truth, tmp_path)
    with pytest.raises(UsageError, match="0 minutes"):
        advise(truth, tmp_path, "good", minutes=0)


def test_the_leader_is_tried_in_other_ways_too(
    truth: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "REFINEMENTS", (("1.5x", "squash"), ("auto", "pad")))
    tried = advise(truth, tmp_path, "blind", "good").tried.variants
    inputs = {(found.backbone, found.size, found.resize) for found in tried}
    assert inputs == {
        ("blind", "16", "squash"),
        ("good", "16", "squash"),
        ("good", "24", "squash"),
        ("good", "16", "pad"),
    }


def test_a_large_ground_truth_is_thinned_evenly() -> None:
    labels = [f"{number % 10}" if number % 2 else None for number in range(1000)]
    items = tuple(Item(Path(f"{number}.png")) for number in range(1000))
    truth = from_labels("folders", items, labels)
    some = thinned(truth, 100)
    assert len(some.items) == 100
    counts = dict.fromkeys("13579", 0)
    for query in some.queries:
        counts[query.group] += 1
        assert len(query.relevant) == 9
    assert set(counts.values()) == {10}
    assert thinned(truth, 1000) is truth
    assert [item.path for item in thinned(truth, 100).items] == [item.path for item in some.items]


def test_of_too_many_classes_some_are_left_out_and_the_others_keep_four() -> None:
    items = tuple(Item(Path(f"{number}.png")) for number in range(1000))
    some = thinned(from_labels("folders", items, [str(n // 5) for n in range(1000)]), 80)
    assert len(some.items) == 80
    assert {len(query.relevant) for query in some.queries} == {3}


def test_some_of_many_photos_keep_their_names_and_order(tmp_path: Path) -> None:
    for number in range(12):
        coloured(tmp_path / f"{number:02}.png", number)
    photos = find_image_files(tmp_path)
    some = some_images(photos, 5)
    assert len(some.names) == len(some.items) == len(some.sizes) == 5
    assert list(some.names) == sorted(some.names)
    assert all(some.items[some.locate(name)].path == tmp_path / name for name in some.names)
    assert some_images(photos, 12) is photos

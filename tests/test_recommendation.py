"""A recommendation takes the cheapest recipe that the best one is not ahead of beyond chance."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from evaluation_fakes import FakeNetwork, FakeNetworks, coloured

from imgsearch.errors import UsageError
from imgsearch.evaluation import costs, trials
from imgsearch.evaluation.conditions import Conditions
from imgsearch.evaluation.costs import CostMeter
from imgsearch.evaluation.embedding_cache import EmbeddingCache
from imgsearch.evaluation.embedding_run import Work
from imgsearch.evaluation.ground_truth.folders import read_folders
from imgsearch.evaluation.ground_truth.image_files import find_image_files
from imgsearch.evaluation.ground_truth.labels import from_labels
from imgsearch.evaluation.ground_truth.sampling import some_images, thinned
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item
from imgsearch.evaluation.recommendation import Tried, choose
from imgsearch.evaluation.results import (
    Cost,
    Estimate,
    MetricResult,
    VariantResult,
)
from imgsearch.evaluation.trials import recommend
from imgsearch.evaluation.variants import Composition, Variant
from imgsearch.recipe import RecipeRequest
from imgsearch.vectors.projection_choice import DEFAULT, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.evaluation.recommendation import Recommendation
    from imgsearch.recipe import Recipe
    from imgsearch.vectors.projection_choice import ProjectionChoice


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


def advise(
    truth: GroundTruth, tmp_path: Path, *names: str, minutes: float = 5, **rest: Any
) -> Recommendation:
    """Try networks in this order."""
    networks = rest.pop("networks", Networks())
    return recommend(
        truth,
        names,
        source=networks,
        cache=EmbeddingCache(tmp_path / "cache"),
        resolve=networks.resolve,
        conditions=Conditions(minutes=minutes, **rest),
        work=Work(batch_size=8),
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
    assert advice.caveat.startswith("Only one network was tried")
    assert "--minutes" in advice.caveat


def test_a_single_network_is_said_to_be_the_only_one_tried(
    truth: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = advise(truth, tmp_path, "good")
    assert alone.caveat == "Only one network was tried, so another may be better."
    monkeypatch.setattr(trials, "REFINEMENTS", (("1.5x", "squash"),))
    refined = advise(truth, tmp_path, "good", minutes=1e-9)
    assert refined.skipped == (("good at 1.5x its size", "no time was left"),)
    assert refined.caveat == alone.caveat
    assert not advise(truth, tmp_path, "good", "blind").caveat


@dataclass
class Clock:
    """A clock that stands still unless something takes its time."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


class Lasting(FakeNetworks):
    """Networks that take seconds of a clock to prepare and, once they embed, for each batch."""

    def __init__(self, clock: Clock, *, loading: float = 0.0, batch: float = 0.0) -> None:
        super().__init__()
        self.clock, self.loading, self.batch = clock, loading, batch
        self.prepared = True

    def is_prepared(self, _: Recipe) -> bool:
        """Say whether loading is quick."""
        return self.prepared

    def load(self, recipe: Recipe) -> FakeNetwork:
        """Return a network after its time; the one called "first" takes none."""
        lasting, first = self, recipe.backbone == "first"

        class Timed(FakeNetwork):
            def feature_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
                # The first calls are those that time the network.
                lasting.clock.seconds += 0 if first or len(self.batches) < 2 else lasting.batch
                return super().feature_maps(images)

        self.clock.seconds += 0 if first else self.loading
        self.networks.append(Timed(recipe))
        return self.networks[-1]


def test_a_network_that_takes_longer_than_it_seemed_is_given_up_in_time(
    truth: GroundTruth, tmp_path: Path
) -> None:
    clock = Clock()
    networks = Lasting(clock, batch=25.0)
    advice = advise(truth, tmp_path, "first", "second", minutes=1, clock=clock, networks=networks)
    assert advice.skipped == (("second", "the time ran out before it was done"),)
    assert [found.backbone for found in advice.tried.variants] == ["first"] * len(
        advice.tried.variants
    )
    # The batch that ran when the time was over, and no more: of four batches three.
    assert advice.seconds == 75.0


def test_the_time_that_preparing_takes_is_no_longer_left(
    truth: GroundTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CostMeter, "seconds", lambda *_: 1.0)
    clock = Clock()
    networks = Lasting(clock, loading=40.0)
    advice = advise(truth, tmp_path, "first", "second", minutes=1, clock=clock, networks=networks)
    # 32 images at one a second are more than the 20 seconds left, though less than a minute.
    assert advice.skipped == (("second", "it would take about 32 s more"),)
    assert advice.seconds == 40.0


def test_a_network_is_not_prepared_where_that_alone_may_exceed_the_time(
    truth: GroundTruth, tmp_path: Path
) -> None:
    clock = Clock()
    networks = Lasting(clock, loading=15.0)
    networks.prepared = False
    ample = advise(truth, tmp_path, "first", "second", minutes=5, clock=clock, networks=networks)
    assert not ample.skipped
    limited = advise(
        truth, tmp_path, "second", "third", minutes=0.4, clock=clock, networks=networks
    )
    assert limited.skipped == (("third", "no time was left"),)


def test_that_the_first_network_takes_longer_is_said_before(
    truth: GroundTruth,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(CostMeter, "seconds", lambda *_: 10.0)
    with caplog.at_level(logging.WARNING, logger="imgsearch"):
        advise(truth, tmp_path, "good", minutes=1)
    assert "good alone takes about 5 min 20 s" in caplog.text
    assert "--pictures" in caplog.text


def test_the_metric_asked_for_decides(truth: GroundTruth, tmp_path: Path) -> None:
    advice = advise(truth, tmp_path, "good", "slow", metrics=("MRR", "mAP"))
    assert [found.metric for found in advice.chosen.metrics] == ["MRR", "mAP"]
    assert "It reaches MRR" in advice.reasons[0]


def test_what_another_projection_is_better_in_is_said() -> None:
    """Raw is ahead in mAP on every query, and projected in the hit rate on every other one."""
    raw_hits = np.tile([0.0, 1.0], 20)
    raw = tried(NONE, precisions=np.full(40, 0.6), hits=raw_hits)
    projected = tried(DEFAULT, precisions=np.full(40, 0.5), hits=np.ones(40))
    clusters = [str(number) for number in range(40)]
    choice = choose([projected, raw], clusters)
    assert choice.chosen is raw
    (said,) = [reason for reason in choice.reasons if "hit-rate@1" in reason]
    assert said.startswith("With projection 160:0.5 hit-rate@1 is 100.0, 50.0 points (")
    assert said.endswith("higher: if that counts more, use --metric hit-rate@1.")
    assert not any("use --metric" in reason for reason in choose([projected], clusters).reasons)


def tried(
    projection: ProjectionChoice, *, precisions: NDArray[np.float64], hits: NDArray[np.float64]
) -> Tried:
    """Return a variant of one network with these values of mAP and hit rate@1."""
    made = Composition(((FakeNetworks().resolve(RecipeRequest(backbone="good")),),))
    metrics = tuple(
        MetricResult(
            metric=name,
            estimate=Estimate(value=float(values.mean()), low=0.0, high=1.0),
            difference=None,
            queries=len(values),
            skipped=0,
        )
        for name, values in (("mAP", precisions), ("hit-rate@1", hits))
    )
    return Tried(
        variant=Variant(composition=made, projection=projection),
        result=VariantResult(
            name=str(projection),
            backbone="good",
            pooling="gap",
            size="16",
            resize="squash",
            dim=3,
            projection=str(projection),
            post_processing="",
            recipes=("r",),
            metrics=metrics,
            cost=Cost(
                decode_rate=1.0,
                network_rate=1.0,
                query_milliseconds=1.0,
                weights_megabytes=1.0,
                bytes_per_image=12.0,
                peak_megabytes=1.0,
            ),
            pareto=True,
        ),
        metrics=(precisions, hits),
        seconds=1.0,
        network_seconds=1.0,
    )


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

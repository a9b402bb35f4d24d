"""An evaluation from pictures to figures: right, resumable, and honest about what it left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from evaluation_fakes import PRECISIONS, FakeNetwork, FakeNetworks, coloured, labelled

from imgsearch.errors import ImgsearchError, UsageError
from imgsearch.evaluation import costs, run
from imgsearch.evaluation.embedding_cache import EmbeddingCache
from imgsearch.evaluation.embedding_plan import plan
from imgsearch.evaluation.embedding_run import Progress, StoppedError, Work
from imgsearch.evaluation.grid import Grid
from imgsearch.evaluation.ground_truth.folders import read_folders
from imgsearch.evaluation.ground_truth.image_files import find_image_files
from imgsearch.evaluation.ground_truth.values import GroundTruth, Item, Query

if TYPE_CHECKING:
    from imgsearch.evaluation.results import EvaluationReport


@pytest.fixture(autouse=True)
def quick_timings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time everything once."""
    monkeypatch.setattr(costs, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(costs, "LEAST_REPEATS", 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return four pictures whose average precisions are known."""
    return labelled(tmp_path / "photos")


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    """Return an empty cache."""
    return EmbeddingCache(tmp_path / "cache")


def many(folder: Path, count: int = 24) -> Path:
    """Write pictures in three classes of similar colours."""
    for number in range(count):
        coloured(folder / f"class{number % 3}" / f"{number:02}.png", 30 * (number % 3) + number / 2)
    return folder


def evaluate(
    photos: Path, cache: EmbeddingCache, networks: FakeNetworks, **options: Any
) -> EvaluationReport:
    """Evaluate the grid among the options over the folder's classes."""
    rest = {name: options.pop(name) for name in ("metrics", "work", "about") if name in options}
    grid = Grid(**{"backbones": ("one",), **options})
    variants = grid.variants(networks.resolve)
    truths = read_folders(find_image_files(photos))
    return run.evaluate(truths, variants, source=networks, cache=cache, **rest)


def test_map_is_the_one_computed_by_hand(photos: Path, cache: EmbeddingCache) -> None:
    report = evaluate(photos, cache, FakeNetworks(), metrics=("mAP", "hit-rate@1", "MRR"))
    (result,) = report.ground_truths
    (variant,) = result.variants
    values = {found.metric: found.estimate.value for found in variant.metrics}
    assert values == pytest.approx({"mAP": 5 / 12, "hit-rate@1": 0.0, "MRR": 5 / 12}, abs=1e-12)
    assert (result.queries, result.gallery, variant.dim) == (4, 4, 3)
    assert {figure.group: figure.value for figure in variant.groups} == pytest.approx(
        {"a": (PRECISIONS[0] + PRECISIONS[1]) / 2, "b": (PRECISIONS[2] + PRECISIONS[3]) / 2}
    )
    assert [found.difference for found in variant.metrics] == [None] * 3


def test_strips_show_the_answers_in_order_and_which_are_right(
    photos: Path, cache: EmbeddingCache
) -> None:
    (result,) = evaluate(photos, cache, FakeNetworks()).ground_truths
    (worst, other) = sorted(result.variants[0].worst, key=lambda strip: strip.group)
    assert worst.query.path.relative_to(photos).as_posix() == "a/1.png"
    names = [match.item.path.relative_to(photos).as_posix() for match in worst.matches]
    assert names == ["b/0.png", "b/1.png", "a/0.png"]
    assert [match.relevant for match in worst.matches] == [False, False, True]
    assert worst.average_precision == pytest.approx(1 / 3)
    assert [match.score for match in worst.matches] == pytest.approx(
        [np.cos(np.radians(angle)) for angle in (30, 40, 50)], abs=0.01
    )
    assert other.group == "b"


def test_recipes_that_differ_in_pooling_share_one_pass(photos: Path, cache: EmbeddingCache) -> None:
    networks = FakeNetworks()
    report = evaluate(photos, cache, networks, poolings=("gap", "gmp", "gem", "rmac:2"))
    assert len(report.ground_truths[0].variants) == 4
    # The four pictures once, and timings of one batch: once to warm up, once for the clock.
    (network,) = networks.networks
    assert network.batches == [4, 32, 32]


def test_networks_of_one_input_size_share_the_decoding(
    photos: Path, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgsearch.evaluation import embedding_run

    decoded: list[Path] = []
    load_item = embedding_run.load_item
    monkeypatch.setattr(
        embedding_run,
        "load_item",
        lambda item, **shape: decoded.append(item.path) or load_item(item, **shape),
    )
    evaluate(photos, cache, FakeNetworks(), backbones=("one", "two", "three"))
    assert len(decoded) == 4


def test_no_more_than_four_networks_are_in_memory_together() -> None:
    names = tuple(f"n{number}" for number in range(6))
    variants = Grid(backbones=names, poolings=("gap", "gem")).variants(FakeNetworks().resolve)
    planned = plan([recipe for variant in variants for recipe in variant.composition.recipes])
    assert [len(shared.passes) for shared in planned] == [4, 2]
    assert all(len(each.recipes) == 2 for shared in planned for each in shared.passes)


def embedded(networks: FakeNetworks) -> int:
    """Return how many pictures were embedded, timings left out."""
    return sum(sum(n for n in network.batches if n != 32) for network in networks.networks)


def test_another_backbone_costs_only_its_own_embeddings(
    photos: Path, cache: EmbeddingCache
) -> None:
    first = evaluate(photos, cache, FakeNetworks())
    networks = FakeNetworks()
    second = evaluate(photos, cache, networks, backbones=("one", "two"))
    assert embedded(networks) == 4
    assert {n.recipe.backbone for n in networks.networks if 4 in n.batches} == {"two"}
    old, new = (report.ground_truths[0].variants[0] for report in (first, second))
    assert [m.estimate for m in old.metrics] == [m.estimate for m in new.metrics]


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, cache: EmbeddingCache) -> None:
    photos = many(tmp_path / "photos")
    networks = FakeNetworks()
    work = Work(batch_size=5, stop=lambda: networks.seen >= 10)
    with pytest.raises(StoppedError, match="goes on"):
        evaluate(photos, cache, networks, work=work)
    assert networks.seen == 10
    again = FakeNetworks()
    report = evaluate(photos, cache, again, work=Work(batch_size=32))
    assert embedded(again) == 14
    fresh = evaluate(photos, EmbeddingCache(tmp_path / "other"), FakeNetworks())
    assert report.ground_truths[0].variants[0].metrics == fresh.ground_truths[0].variants[0].metrics


def test_a_run_that_was_killed_or_whose_cache_was_damaged_computes_only_what_was_lost(
    tmp_path: Path, cache: EmbeddingCache
) -> None:
    photos = many(tmp_path / "photos")
    expected = evaluate(photos, cache, FakeNetworks(), work=Work(batch_size=6))
    (path,) = cache.folder.glob("*/*")
    whole = path.read_bytes()
    block = (len(whole) - 24) // 4
    for damaged, lost in (
        (whole[:-3], 6),  # cut off within the last block
        (whole[: 24 + 2 * block + 1], 12),  # killed as the third began
        (whole[: 24 + block] + b"\xff" + whole[25 + block :], 18),  # a length that is none
        (b"", 24),
    ):
        for file in cache.folder.glob("*/*"):
            file.unlink()
        path.write_bytes(damaged)
        networks = FakeNetworks()
        report = evaluate(photos, cache, networks)
        assert embedded(networks) == lost
        assert (
            report.ground_truths[0].variants[0].metrics
            == expected.ground_truths[0].variants[0].metrics
        )


def test_a_changed_picture_is_embedded_again(photos: Path, cache: EmbeddingCache) -> None:
    evaluate(photos, cache, FakeNetworks())
    os.utime(coloured(photos / "a/1.png", 1), ns=(10**18, 10**18))
    networks = FakeNetworks()
    report = evaluate(photos, cache, networks, metrics=("mAP",))
    assert embedded(networks) == 1
    # a/0 and a/1 find each other first now; b/0 and b/1 are as far apart as before.
    assert report.ground_truths[0].variants[0].metrics[0].estimate.value > 5 / 12


def test_unreadable_pictures_are_left_out_and_listed(photos: Path, cache: EmbeddingCache) -> None:
    (photos / "a" / "broken.jpg").write_bytes(b"no picture")
    (photos / "b" / "empty.png").touch()
    report = evaluate(photos, cache, FakeNetworks(), metrics=("mAP",))
    assert [Path(path).name for path, _ in report.unreadable] == ["broken.jpg", "empty.png"]
    assert report.unreadable[1][1] == "empty (0 bytes)"
    (result,) = report.ground_truths
    assert (result.queries, result.gallery) == (4, 4)
    assert result.variants[0].metrics[0].estimate.value == pytest.approx(5 / 12)


def test_classes_that_unreadable_pictures_leave_empty_are_an_error(
    photos: Path, cache: EmbeddingCache
) -> None:
    for name in ("a/0.png", "b/1.png"):
        (photos / name).write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"no query has a right answer .* \(2 files could not"):
        evaluate(photos, cache, FakeNetworks())


def test_one_class_alone_is_an_error(tmp_path: Path, cache: EmbeddingCache) -> None:
    for number in range(3):
        coloured(tmp_path / "all" / "one" / f"{number}.png", 10 * number)
    with pytest.raises(UsageError, match="nothing could rank wrongly"):
        evaluate(tmp_path / "all", cache, FakeNetworks())


def test_differences_are_to_the_first_variant_query_by_query(
    photos: Path, cache: EmbeddingCache
) -> None:
    report = evaluate(photos, cache, FakeNetworks(), sizes=("16", "8"), metrics=("mAP",))
    first, second = report.ground_truths[0].variants
    assert first.metrics[0].difference is None
    difference = second.metrics[0].difference
    assert difference is not None
    # One colour is one colour at every size.
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_the_projection_is_fitted_on_the_gallery_and_never_on_other_queries(
    tmp_path: Path, cache: EmbeddingCache
) -> None:
    """Queries far away from the gallery would move its mean, if they took part."""
    gallery = [coloured(tmp_path / f"g{angle}.png", angle) for angle in (0, 10, 20, 30)]
    asked = [coloured(tmp_path / f"q{angle}.png", angle) for angle in (2, 90)]
    nothing = np.empty(0, dtype=np.int64)

    def truth(count: int) -> GroundTruth:
        return GroundTruth(
            name="crops",
            items=tuple(map(Item, [*gallery, *asked])),
            gallery=np.arange(4),
            queries=tuple(
                Query(item=4 + at, relevant=np.array([at]), junk=nothing, group=str(at))
                for at in range(count)
            ),
        )

    networks = FakeNetworks()
    variants = Grid(backbones=("one",), projections=("centred",)).variants(networks.resolve)
    scores = []
    for count in (1, 2):
        report = run.evaluate([truth(count)], variants, source=networks, cache=cache)
        (result,) = report.ground_truths
        strip = next(strip for strip in result.variants[0].best if strip.group == "0")
        scores.append([match.score for match in strip.matches])
        assert any("gallery's 4 embeddings" in note for note in report.notes)
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_a_gallery_too_small_for_the_default_projection_is_searched_without(
    photos: Path, cache: EmbeddingCache
) -> None:
    report = evaluate(photos, cache, FakeNetworks(), projections=("none", "auto"))
    (variant,) = report.ground_truths[0].variants
    assert variant.projection == "none"
    assert any("needs 250 images" in note for note in report.notes)


def test_random_weights_are_said_so(photos: Path, cache: EmbeddingCache) -> None:
    from imgsearch.recipe import RecipeRequest

    requests = {"vgg16": RecipeRequest(weights=Path("random"))}
    report = evaluate(photos, cache, FakeNetworks(), backbones=("vgg16", "one"), requests=requests)
    assert report.notes == (
        "vgg16 has random weights: the costs are real, and what is retrieved means nothing.",
    )


def test_post_processing_and_compositions_run_and_name_themselves(
    tmp_path: Path, cache: EmbeddingCache
) -> None:
    report = evaluate(
        many(tmp_path / "photos"),
        cache,
        FakeNetworks(),
        backbones=("one", "one+two"),
        scales=("1,0.5",),
        augmentations=("none", "2"),
        expansions=("none", "2:3"),
        rerankings=("none", "4:2:0.3"),
        projections=("2",),
        metrics=("mAP", "micro-AP"),
    )
    found = report.ground_truths[0].variants
    assert len(found) == 16
    assert len({variant.name for variant in found}) == 16
    assert found[-1].post_processing == "augment 2:0, expand 2:3, rerank 4:2:0.3"
    assert found[-1].size == "16,8"
    assert all(0 < variant.metrics[0].estimate.value <= 1 for variant in found)
    assert all(variant.dim == 2 for variant in found)


def test_costs_are_measured_and_the_best_ones_marked(photos: Path, cache: EmbeddingCache) -> None:
    report = evaluate(photos, cache, FakeNetworks(), backbones=("one", "two"))
    variants = report.ground_truths[0].variants
    for variant in variants:
        cost = variant.cost
        assert min(cost.decode_rate, cost.network_rate, cost.query_milliseconds) > 0
        assert cost.bytes_per_image == 12
        assert cost.weights_megabytes == 0
    assert any(variant.pareto for variant in variants)
    assert report.machine
    assert dict(report.versions)["imgsearch"]


def test_strips_are_kept_of_few_variants(photos: Path, cache: EmbeddingCache) -> None:
    report = evaluate(
        photos, cache, FakeNetworks(), sizes=tuple(str(4 * side) for side in range(1, 12))
    )
    shown = [bool(variant.best) for variant in report.ground_truths[0].variants]
    assert len(shown) == 11
    assert shown[0]
    assert 1 <= sum(shown) <= run.MOST_SHOWN


def test_progress_is_told_of_every_stage(tmp_path: Path, cache: EmbeddingCache) -> None:
    told: list[Progress] = []
    work = Work(batch_size=8, progress=told.append)
    evaluate(many(tmp_path / "photos"), cache, FakeNetworks(), work=work)
    assert [(step.done, step.total) for step in told if step.stage == "embed"] == [
        (8, 24),
        (16, 24),
        (24, 24),
    ]
    assert {step.stage for step in told} == {"embed", "measure", "evaluate"}


def test_embeddings_that_vanish_during_a_run_are_an_error(
    photos: Path, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: FakeNetwork, images: Any) -> Any:
        for path in cache.folder.glob("*/*"):
            path.write_bytes(b"")
        return real(self, images)

    real = FakeNetwork.feature_maps
    monkeypatch.setattr(FakeNetwork, "feature_maps", lose)
    with pytest.raises(ImgsearchError, match="run again"):
        evaluate(photos, cache, FakeNetworks())


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="batch size"):
        Work(batch_size=0)
    with pytest.raises(UsageError, match="jobs"):
        Work(jobs=0)

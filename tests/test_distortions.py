"""Distorted pictures, which the teachers are asked about as they are."""

from __future__ import annotations

import numpy as np
import pytest
from distillation_fakes import blotches
from PIL import Image

from imgsearch.distillation import crops, distortions
from imgsearch.errors import UsageError

NAMES = [function.__name__ for function in distortions._DISTORTIONS]


def photograph() -> Image.Image:
    """Return a picture with gradients and edges, 60 x 40, dark in one corner."""
    y, x = np.mgrid[:40, :60]
    pixels = np.stack([4 * x, 6 * y, 20 + 100 * ((x // 10 + y // 10) % 2)], axis=2)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_each_distortion_changes_the_picture_as_the_generator_says(name: str) -> None:
    image = photograph()
    before = image.tobytes()
    change = getattr(distortions, name)
    results = [change(image, np.random.default_rng(seed)) for seed in range(6)]
    assert {result.mode for result in results} == {"RGB"}
    assert any(result.tobytes() != before for result in results)
    assert image.tobytes() == before
    again = [change(image, np.random.default_rng(seed)) for seed in range(6)]
    assert [r.tobytes() for r in results] == [r.tobytes() for r in again]


def test_a_slanted_picture_shows_nothing_from_beyond_its_edges() -> None:
    plain = Image.new("RGB", (50, 30), (200, 100, 50))
    for seed in range(20):
        slanted = distortions._slanted(plain, np.random.default_rng(seed))
        assert slanted.getcolors() == [(1500, (200, 100, 50))]


def test_a_framed_picture_is_there_whole_and_a_frame_is_narrower_than_half_of_it() -> None:
    image = photograph()
    for seed in range(20):
        framed = distortions._framed(image, np.random.default_rng(seed))
        assert 60 <= framed.width <= 60 * 1.8 + 1
        assert 40 <= framed.height <= 40 * 1.8 + 1
        margins = [
            (left, above)
            for left in range(framed.width - 59)
            for above in range(framed.height - 39)
            if framed.crop((left, above, left + 60, above + 40)).tobytes() == image.tobytes()
        ]
        assert margins


def test_hues_turn_together_and_greys_stay_grey() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(255, 0, 0), (90, 90, 90)])
    tinted = [distortions._tinted(image, np.random.default_rng(seed)) for seed in range(8)]
    colours = {picture.getpixel((0, 0)) for picture in tinted}
    assert len(colours) > 4
    assert all(max(colour) == 255 and min(colour) == 0 for colour in colours)
    assert {picture.getpixel((1, 0)) for picture in tinted} == {(90, 90, 90)}


def test_one_to_three_distortions_of_different_kinds_are_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied: list[str] = []

    def note(name: str) -> object:
        return lambda image, _generator: applied.append(name) or image

    monkeypatch.setattr(distortions, "_DISTORTIONS", tuple(note(name) for name in NAMES))
    counts = set()
    seen = set()
    for seed in range(100):
        applied.clear()
        distortions.distort(photograph(), np.random.default_rng(seed))
        assert len(set(applied)) == len(applied)
        counts.add(len(applied))
        seen |= set(applied)
    assert counts == {1, 2, 3}
    assert seen == set(NAMES)


def test_distortions_of_true_colours_leave_a_plain_colour_or_add_a_background() -> None:
    """What they do to a picture of one colour is at most a background beside it."""
    plain = Image.new("RGB", (40, 40), (200, 100, 50))
    for seed in range(60):
        shown = distortions.distort(plain, np.random.default_rng(seed), true_colours=True)
        assert shown.getpixel((shown.width // 2, shown.height // 2)) == (200, 100, 50)


def test_crops_of_true_colours_are_those_that_the_rules_ask_for() -> None:
    plain = np.full((64, 64, 3), (200, 100, 50), np.uint8)

    def middles(*, true_colours: bool) -> set[tuple[int, ...]]:
        rules = crops.CropRules(whole=1, jittered=0, grey=0, distorted=1, true_colours=true_colours)
        drawn = (
            crops.draw(plain, np.random.default_rng(seed), sizes=[64], rules=rules)[0]
            for seed in range(60)
        )
        return {tuple(pixels[32, 32].tolist()) for pixels in drawn}

    assert middles(true_colours=True) == {(200, 100, 50)}
    assert len(middles(true_colours=False)) > 5


def test_as_many_crops_are_distorted_as_the_rules_say() -> None:
    picture = blotches(1, size=64)[0]
    plain = crops.whole(picture, sizes=[32])[0]
    rules = crops.CropRules(whole=1, jittered=0, grey=0, distorted=0.3)
    drawn = [
        crops.draw(picture, np.random.default_rng(seed), sizes=[32], rules=rules)[0]
        for seed in range(300)
    ]
    changed = np.mean([not np.array_equal(crop, plain) for crop in drawn])
    # A few distortions leave four plain quarters as they are.
    assert 0.15 < changed < 0.35


def test_shares_outside_of_zero_to_one_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"distorted: 1\.5 is not between 0 and 1"):
        crops.CropRules(distorted=1.5)
    with pytest.raises(UsageError, match="widest_aspect"):
        crops.CropRules(widest_aspect=0.5)

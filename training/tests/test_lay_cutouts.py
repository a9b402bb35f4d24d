"""Cutouts laid over backgrounds, for a pool of more kinds of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgsearch.errors import UnreadableImageError
from training import lay_cutouts

if TYPE_CHECKING:
    from pathlib import Path


def disc(size: tuple[int, int] = (90, 60), *, colour: str = "red") -> Image.Image:
    """Return a picture of a disc, 20 across, with nothing around it."""
    image = Image.new("RGBA", size, (0, 255, 0, 0))
    ImageDraw.Draw(image).ellipse((30, 20, 49, 39), fill=colour)
    return image


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Return the paths of two pictures without a red pixel."""
    paths = []
    for number, colour in enumerate(((0, 0, 200), (0, 120, 120))):
        paths.append(tmp_path / f"photograph-{number}.png")
        Image.new("RGB", (64, 48), colour).save(paths[-1])
    return paths


def test_empty_margins_are_cut_off(tmp_path: Path) -> None:
    disc().save(tmp_path / "disc.png")
    thing = lay_cutouts.cutout(tmp_path / "disc.png")
    assert thing is not None
    assert thing.mode == "RGBA"
    assert thing.size == (20, 20)


def test_a_picture_that_is_opaque_or_empty_is_no_cutout(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "rgb.png")
    Image.new("RGBA", (8, 8), "red").save(tmp_path / "opaque.png")
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "empty.png")
    for name in ("rgb", "opaque", "empty"):
        assert lay_cutouts.cutout(tmp_path / f"{name}.png") is None


@pytest.mark.parametrize("size", [(20, 20), (300, 40), (9, 500), (1, 1)])
def test_a_cutout_lies_within_a_canvas_of_160_pixels(
    size: tuple[int, int], photographs: list[Path]
) -> None:
    thing = Image.new("RGBA", size, (255, 0, 0, 255))
    for seed in range(30):
        laid = lay_cutouts.lay(thing, np.random.default_rng(seed), photographs=photographs)
        assert laid.mode == "RGB"
        assert max(laid.size) == 160
        assert min(laid.size) >= 160 / 1.5 - 1
        red = (np.asarray(laid) == (255, 0, 0)).all(axis=2)
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        across, down = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert max(across / laid.width, down / laid.height) >= 0.5


def test_hidden_colours_do_not_show_at_the_edge(photographs: list[Path]) -> None:
    """A transparent pixel of the disc is green, which must not be seen over white."""
    for seed in range(30):
        laid = np.asarray(
            lay_cutouts.lay(disc(), np.random.default_rng(seed), photographs=photographs)
        ).astype(int)
        if (laid[0, 0] == 255).all():
            assert (laid[..., 1] <= laid[..., 0] + 1).all()


def test_the_same_generator_lays_the_same_picture_and_all_backgrounds_occur(
    photographs: list[Path],
) -> None:
    laid = [
        [
            lay_cutouts.lay(disc(), np.random.default_rng(seed), photographs=photographs)
            for seed in range(40)
        ]
        for _ in range(2)
    ]
    assert [a.tobytes() for a in laid[0]] == [b.tobytes() for b in laid[1]]
    corners = {tuple(np.asarray(image)[0, 0]) for image in laid[0]}
    assert (255, 255, 255) in corners
    assert corners & {(0, 0, 200), (0, 120, 120)}
    assert len(corners) > 5


def test_folders_of_cutouts_become_copies_and_what_is_broken_is_said(
    tmp_path: Path,
    photographs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    things = tmp_path / "things"
    (things / "deeper").mkdir(parents=True)
    disc().save(things / "a.png")
    disc(colour="blue").save(things / "deeper" / "b.webp", lossless=True)
    Image.new("RGB", (8, 8)).save(things / "opaque.png")
    (things / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    backgrounds = tmp_path / "backgrounds"
    backgrounds.mkdir()
    for path in photographs:
        path.rename(backgrounds / path.name)
    out = tmp_path / "out"
    command = ["lay_cutouts", str(things), "--over", str(backgrounds), "--copies", "3"]
    monkeypatch.setattr("sys.argv", [*command, "--out", str(out)])
    with caplog.at_level("INFO"):
        lay_cutouts.main()
    assert len(list(out.iterdir())) == 6
    assert "broken.png is left out: truncated: " in caplog.text
    assert "2 cutouts, 6 pictures" in caplog.text


def test_another_photograph_is_drawn_for_one_that_cannot_be_read(
    tmp_path: Path,
    photographs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lay_cutouts, "CHANCES", (0, 0, 0, 1))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    for seed in range(1, 6):
        laid = lay_cutouts.lay(
            disc(), np.random.default_rng(seed), photographs=[photographs[0], broken]
        )
        assert (np.asarray(laid) == (0, 0, 200)).all(axis=2).any()
    assert f"{broken} is no background: " in caplog.text


def test_photographs_none_of_which_can_be_read_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lay_cutouts, "CHANCES", (0, 0, 0, 1))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError, match="none of 10 photographs drawn can be read"):
        lay_cutouts.lay(disc(), np.random.default_rng(0), photographs=[broken])


def test_without_photographs_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["lay_cutouts", str(tmp_path), "--over", str(tmp_path), "--out", str(tmp_path / "o")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as stopped:
        lay_cutouts.main()
    assert stopped.value.code == 2
    assert f"no pictures beneath {tmp_path}" in capsys.readouterr().err


def test_where_no_photograph_can_be_read_the_command_says_which_and_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lay_cutouts, "CHANCES", (0, 0, 0, 1))
    for name in ("things", "backgrounds"):
        (tmp_path / name).mkdir()
    disc().save(tmp_path / "things" / "a.png")
    broken = tmp_path / "backgrounds" / "broken.jpg"
    broken.write_bytes(b"no picture")
    command = ["lay_cutouts", str(tmp_path / "things"), "--over", str(broken.parent)]
    monkeypatch.setattr("sys.argv", [*command, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        lay_cutouts.main()
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert f"{broken.parent}: none of 10 photographs drawn can be read; remove" in said
    assert f"{broken} is no background: not a picture that can be read" in caplog.text

"""Edits are queries for the images that they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import write_picture
from ground_truth_checks import check, files

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.image_files import ImageFiles, find_image_files
from imgsearch.evaluation.ground_truth.items import load_item
from imgsearch.evaluation.ground_truth.self_supervised import ask_with_edits
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.images import loading
from imgsearch.images.edits import DEFAULT_EDITS

if TYPE_CHECKING:
    from pathlib import Path


def sized(folder: Path, sizes: list[int]) -> ImageFiles:
    """Write files of these sizes, all different in content."""
    for number, size in enumerate(sizes):
        (folder / f"{number}.jpg").write_bytes(bytes([number]) * size)
    return find_image_files(folder)


def test_every_edit_of_every_picture_asks_for_it(tmp_path: Path) -> None:
    photos = sized(tmp_path, [5, 6])
    (truth,) = ask_with_edits(photos, edits=("mirror", "jpeg 10"), originals=None)
    check(truth)
    assert (truth.name, truth.gallery.tolist()) == ("self-supervised", [0, 1])
    assert truth.items[:2] == photos.items
    assert truth.items[2:] == tuple(
        Item(item.path, edit=name) for item in photos.items for name in ("mirror", "jpeg 10")
    )
    asked = [(q.item, q.relevant.tolist(), q.junk.tolist(), q.group) for q in truth.queries]
    assert asked == [
        (2, [0], [], "mirror"),
        (3, [0], [], "jpeg 10"),
        (4, [1], [], "mirror"),
        (5, [1], [], "jpeg 10"),
    ]
    assert [query.cluster for query in truth.queries] == ["0.jpg", "0.jpg", "1.jpg", "1.jpg"]


def test_exact_copies_are_right_and_asked_about_once(tmp_path: Path) -> None:
    for name, data in {"a": b"xx", "b": b"yy", "c": b"xx", "d": b"z", "e": b"xx"}.items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    (truth,) = ask_with_edits(find_image_files(tmp_path), edits=["mirror"], originals=None)
    check(truth)
    assert [query.relevant.tolist() for query in truth.queries] == [[0, 2, 4], [1], [3]]


def test_only_files_of_equal_size_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = sized(tmp_path, [1, 2, 3, 2])
    opened = []
    read = loading.read_file

    def recorded(path: Path) -> bytes:
        opened.append(path.name)
        return read(path)

    monkeypatch.setattr(loading, "read_file", recorded)
    ask_with_edits(photos)
    assert opened == ["1.jpg", "3.jpg"]


def test_a_file_that_vanished_is_its_own_content(tmp_path: Path) -> None:
    photos = files(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    photos.items[1].path.unlink()
    (truth,) = ask_with_edits(photos, edits=["mirror"])
    assert [query.relevant.tolist() for query in truth.queries] == [[0, 2], [1]]


def test_a_sample_is_decided_by_its_seed(tmp_path: Path) -> None:
    photos = sized(tmp_path, list(range(1, 41)))

    def drawn(seed: int) -> list[str | None]:
        (truth,) = ask_with_edits(photos, edits=["mirror"], originals=10, seed=seed)
        check(truth)
        assert len(truth.gallery) == 40
        return [query.cluster for query in truth.queries]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(3))) == 10


def test_all_default_edits_can_be_loaded(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", seed=1)
    (truth,) = ask_with_edits(find_image_files(tmp_path))
    assert [query.group for query in truth.queries] == list(DEFAULT_EDITS)
    for item in truth.items:
        assert load_item(item, size=16, resize="pad").shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"edits": []}, "at least one"),
        ({"edits": ["mirror", "mirror"]}, "each once"),
        ({"edits": ["blur"]}, "'blur' is not known"),
        ({"originals": 0}, "originals: 0 is below 1"),
        ({"seed": -1}, "seed: -1 is below 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, options: dict[str, object], reason: str
) -> None:
    photos = sized(tmp_path, [1, 2])
    with pytest.raises(UsageError, match=reason):
        ask_with_edits(photos, **options)  # type: ignore[arg-type]

"""Revisited Oxford and Paris: three protocols, read from files that may be hostile."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ground_truth_checks import check, files
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.errors import UsageError
from imgsearch.evaluation.ground_truth.revisited import read_revisited
from imgsearch.evaluation.ground_truth.values import Item
from imgsearch.images.geometry import CropBox

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.evaluation.ground_truth.image_files import ImageFiles

GALLERY = [f"church_{number:06}" for number in range(6)]
ASKING = ["church_000100", "tower_000200"]


def annotation(**lists: Any) -> dict[str, Any]:
    return {"bbx": [10.5, 20.0, 110.5, 60.0], "easy": [], "hard": [], "junk": [], **lists}


def document() -> dict[str, Any]:
    return {
        "imlist": GALLERY,
        "qimlist": ASKING,
        "gnd": [
            annotation(easy=np.array([3, 0]), hard=[1], junk=np.array([4], dtype=np.uint32)),
            annotation(hard=(np.int64(5),), junk=[2, 2]),
        ],
    }


def write(folder: Path, said: Any, *, protocol: int = 2) -> Path:
    path = folder / "gnd_test.pkl"
    path.write_bytes(said if isinstance(said, bytes) else pickle.dumps(said, protocol))
    return path


@pytest.fixture
def landmarks(tmp_path: Path) -> ImageFiles:
    """Return six pictures to search, two that ask, and one that the annotation leaves out."""
    names = [f"jpg/{name}.jpg" for name in (*ASKING, *reversed(GALLERY), "unknown_000001")]
    return files(tmp_path / "photos", names)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_three_protocols_by_hand(
    tmp_path: Path, landmarks: ImageFiles, protocol: int, *, as_bytes: bool
) -> None:
    said = document()
    if as_bytes:
        said = {
            b"imlist": [name.encode() for name in said["imlist"]],
            b"qimlist": [name.encode() for name in said["qimlist"]],
            b"gnd": [{key.encode(): v for key, v in entry.items()} for entry in said["gnd"]],
        }
    truths = read_revisited(landmarks, write(tmp_path, said, protocol=protocol))
    answers = {}
    for truth in truths:
        check(truth)
        assert truth.items == truths[0].items
        assert truth.gallery.tolist() == [0, 1, 2, 3, 4, 5]
        assert [query.item for query in truth.queries] == [6, 7]
        assert [query.group for query in truth.queries] == ["church", "tower"]
        answers[truth.name] = [(q.relevant.tolist(), q.junk.tolist()) for q in truth.queries]
    assert answers == {
        "revisited, easy": [([0, 3], [1, 4]), ([], [2, 5])],
        "revisited, medium": [([0, 1, 3], [4]), ([5], [2])],
        "revisited, hard": [([1], [0, 3, 4]), ([5], [2])],
    }
    folder = landmarks.root / "jpg"
    assert truths[0].items[:6] == tuple(Item(folder / f"{name}.jpg") for name in GALLERY)
    assert truths[0].items[6] == Item(folder / f"{ASKING[0]}.jpg", CropBox(10.5, 20, 100, 40))


def test_the_original_protocol_keeps_the_picture_that_a_query_is_cut_from(
    tmp_path: Path, landmarks: ImageFiles
) -> None:
    """It is right where the file says so, junk where it says nothing, and without a box absent."""
    said = {
        "imlist": GALLERY,
        "qimlist": [GALLERY[0], GALLERY[1], GALLERY[2]],
        "gnd": [
            {"bbx": (0, 0, 9, 9), "ok": [0, 3], "junk": [4]},
            {"bbx": (0, 0, 9, 9), "ok": [5], "junk": []},
            {"bbx": None, "ok": [2, 5], "junk": [2]},
        ],
    }
    (truth,) = read_revisited(landmarks, write(tmp_path, said))
    check(truth)
    assert truth.name == "original protocol"
    asked = [(q.item, q.relevant.tolist(), q.junk.tolist()) for q in truth.queries]
    assert asked == [(6, [0, 3], [4]), (7, [5], [1]), (2, [5], [])]


def test_queries_that_share_a_picture_are_of_one_landmark(
    tmp_path: Path, landmarks: ImageFiles
) -> None:
    """The first, second and last share pictures; the fourth is another one of the same name."""
    names = ["church_000100", "tower_000200", "church_000000", "church_000001", "church_000002"]
    easy = [[0], [1], [0, 1], [2], [1]]
    gnd = [annotation(easy=some, junk=[3]) for some in easy]
    said = {"imlist": GALLERY, "qimlist": names, "gnd": gnd}
    truths = read_revisited(landmarks, write(tmp_path, said))
    groups = [query.group for query in truths[2].queries]
    assert groups == ["church", "church", "church", "church 2", "church"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sets(st.integers(0, 5)), min_size=3, max_size=3), min_size=1))
def test_every_annotation_keeps_the_promises(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[set[int]]]
) -> None:
    """Even one whose lists overlap: what is relevant is not junk."""
    folder = tmp_path_factory.mktemp("any")
    photos = files(folder / "photos", [f"{name}.jpg" for name in GALLERY])
    gnd = [
        annotation(easy=list(easy), hard=list(hard), junk=list(junk)) for easy, hard, junk in lists
    ]
    said = {"imlist": GALLERY, "qimlist": [GALLERY[0]] * len(gnd), "gnd": gnd}
    for truth in read_revisited(photos, write(folder, said)):
        check(truth)
    medium = read_revisited(photos, write(folder, said))[1]
    for query, (easy, hard, _) in zip(medium.queries, lists, strict=True):
        assert set(query.relevant.tolist()) == easy | hard


def test_names_are_found_with_and_without_suffix_and_folder(tmp_path: Path) -> None:
    photos = files(
        tmp_path / "photos", ["a_1.jpg", "a_1.png", "in/b_1.png", "in/c_1.JPG", "out/c_1.gif"]
    )
    said = {
        "imlist": ["a_1", "b_1", "out/c_1"],
        "qimlist": ["in/c_1.JPG"],
        "gnd": [annotation(easy=[0])],
    }
    truth = read_revisited(photos, write(tmp_path, said))[0]
    found = [item.path.relative_to(photos.root).as_posix() for item in truth.items]
    assert found == ["a_1.jpg", "in/b_1.png", "out/c_1.gif", "in/c_1.JPG"]


def test_pictures_that_are_missing_or_ambiguous_are_named(
    tmp_path: Path, landmarks: ImageFiles
) -> None:
    said = document() | {"imlist": [*GALLERY, "x_1", "x_2", "x_3", "x_4"]}
    with pytest.raises(UsageError, match=r"names 12 images, of which 4 .* x_1, x_2, x_3, \.\.\.;"):
        read_revisited(landmarks, write(tmp_path, said))
    twice = files(landmarks.root, ["other/church_000000.jpg"])
    with pytest.raises(UsageError, match="'church_000000', which may be any of"):
        read_revisited(twice, write(tmp_path, document()))
    said = document() | {"imlist": [*GALLERY, "church_000000.jpg"]}
    with pytest.raises(UsageError, match="imlist names an image twice"):
        read_revisited(landmarks, write(tmp_path, said))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([1, 2], "is no annotation file; expected a pickled dictionary"),
        ({"imlist": GALLERY}, "is no annotation file"),
        (document() | {"imlist": []}, "has no list of names"),
        (document() | {"imlist": [1]}, "something else than names"),
        (document() | {"gnd": []}, "does not annotate each query"),
        (document() | {"gnd": [{"bbx": [1, 2, 3, 4]}] * 2}, "by other lists"),
        (document() | {"gnd": [annotation(easy=[6])] * 2}, "positions in imlist in easy of church"),
        (document() | {"gnd": [annotation(hard=[-1])] * 2}, "positions in imlist in hard"),
        (document() | {"gnd": [annotation(junk=[0.5])] * 2}, "positions in imlist in junk"),
        (document() | {"gnd": [annotation(junk=["0"])] * 2}, "something else than numbers in junk"),
        (document() | {"gnd": [annotation(bbx=[1, 2, 3])] * 2}, "a bbx that is not"),
        (document() | {"gnd": [annotation(bbx=[1, 2, float("nan"), 4])] * 2}, "a bbx that is not"),
        (document() | {"gnd": [annotation(bbx=[5, 5, 5, 9])] * 2}, "an empty bbx"),
        (document() | {"gnd": [annotation(bbx=[0, 0, 5, 10**400])] * 2}, "bbx that is too large"),
        (b"cos\nsystem\n(S'true'\ntR.", "names 'os.system', which plain values do not need"),
        (b"hello", "is no pickle of plain values, or a damaged one"),
    ],
)
def test_a_file_in_another_form_is_refused(
    tmp_path: Path, landmarks: ImageFiles, said: Any, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as refusal:
        read_revisited(landmarks, write(tmp_path, said))
    assert str(refusal.value).startswith(f"{tmp_path / 'gnd_test.pkl'} ")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, landmarks: ImageFiles) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_revisited(landmarks, tmp_path / "gone.pkl")


def test_a_box_beyond_the_left_and_top_edges_begins_there(
    tmp_path: Path, landmarks: ImageFiles
) -> None:
    said = document()
    said["gnd"][0]["bbx"] = np.array([-0.5, -1, 50, 40], dtype=np.float32)
    truth = read_revisited(landmarks, write(tmp_path, said))[0]
    assert truth.items[6].crop == CropBox(0, 0, 50, 40)


@pytest.mark.skipif("IMGSEARCH_REVISITED" not in os.environ, reason="needs the real annotations")
def test_the_published_counts() -> None:
    """70 queries, 4,993 or 6,322 pictures (Radenović et al. 2018, tables 1 and 2)."""
    from pathlib import Path

    from imgsearch.evaluation.ground_truth.pickles import read_plain_pickle

    path = Path(os.environ["IMGSEARCH_REVISITED"])
    found = read_plain_pickle(path.read_bytes())
    assert len(found["qimlist"]) == 70
    assert len(found["imlist"]) in {4993, 6322}

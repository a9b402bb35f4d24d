"""Scores of pairs are kept from one search for duplicates to the next, and are only a cache."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import save, scene

from imgsearch.duplicates import gathering, kept_scores
from imgsearch.duplicates.calibration import USUAL
from imgsearch.duplicates.judge import LOWEST
from imgsearch.duplicates.kept_scores import KeptScores, key_of
from imgsearch.duplicates.kinds import may_be_same
from imgsearch.images.metadata import Metadata
from imgsearch.storage.records import Content

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from imgsearch import Gallery
    from imgsearch.duplicates.judge import Judge, Judged
    from imgsearch.duplicates.judging import Rendering

HASHES = [f"{number:02x}" * 32 for number in range(12)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep few scores, and calibrate on three pictures only."""
    monkeypatch.setattr(kept_scores, "LEAST_KEPT", 1)
    monkeypatch.setattr("imgsearch.duplicates.calibrating.EDITED", 3)


@pytest.fixture(name="judged")
def _judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many pairs were laid upon each other, each time."""
    counts: list[int] = []
    judge_each = gathering.judge_each

    def counting(
        pairs: Sequence[tuple[int, int]], judge: Judge, *, rendering: Rendering
    ) -> Generator[Judged]:
        counts.append(len(pairs))
        return judge_each(pairs, judge, rendering=rendering)

    monkeypatch.setattr(gathering, "judge_each", counting)
    return counts


@pytest.fixture(name="album")
def _album(tmp_path: Path) -> Path:
    """Return a folder of six different pictures and a smaller copy of the first."""
    folder = tmp_path / "album"
    for seed in range(6):
        save(scene(seed), folder / f"{seed}.png")
    save(scene(0).resize((120, 90)), folder / "small.jpg")
    return folder


def test_what_was_judged_once_is_laid_again_only_where_it_may_be_the_same(
    gallery: Gallery, album: Path, judged: list[int]
) -> None:
    gallery.index(album)
    first = gallery.duplicates()
    assert len(first) == 1
    every = judged[0]
    assert every > 10
    assert judged[1:] == [0]
    assert gallery.duplicates() == first
    assert judged[2:] == [0, 1]


def test_of_new_pictures_only_their_pairs_are_judged(
    gallery: Gallery, album: Path, judged: list[int]
) -> None:
    gallery.index(album)
    gallery.duplicates()
    save(scene(1).resize((160, 120)), album / "new.jpg")
    gallery.index(album)
    judged.clear()
    assert len(gallery.duplicates()) == 2
    assert judged[0] <= 7


@pytest.mark.parametrize("at", [0, 120, -1])
def test_a_damaged_file_is_found_is_not_believed_and_is_made_anew(
    gallery: Gallery, album: Path, judged: list[int], at: int
) -> None:
    gallery.index(album)
    first = gallery.duplicates()
    path = gallery.path / kept_scores.NAME
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[at] ^= 4
    path.write_bytes(damaged)
    (finding,) = gallery.check().findings
    assert finding.severity == "cache"
    assert str(path) in finding.what
    judged.clear()
    assert gallery.duplicates() == first
    assert judged[0] > 10
    assert path.read_bytes() == whole
    path.write_bytes(damaged)
    (finding,) = gallery.check(repair=True).findings
    assert finding.repaired
    assert not path.exists()
    assert gallery.check().findings == ()


def test_scores_of_another_judge_are_not_taken(
    gallery: Gallery, album: Path, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.index(album)
    first = gallery.duplicates()
    monkeypatch.setattr(kept_scores, "JUDGE", kept_scores.JUDGE + 1)
    assert gallery.check().findings == ()
    judged.clear()
    assert gallery.duplicates() == first
    assert judged[0] > 10


@pytest.mark.parametrize(
    "spoilt",
    [
        "DELETE FROM fingerprint WHERE content_id",
        "UPDATE fingerprint SET version = version - 1 WHERE content_id",
    ],
)
def test_pairs_without_renderings_are_judged_once_these_are_made(
    gallery: Gallery, album: Path, spoilt: str
) -> None:
    gallery.index(album)
    first = gallery.duplicates()
    (gallery.path / kept_scores.NAME).unlink()
    gallery.close()
    with closing(sqlite3.connect(gallery.path / "gallery.db")) as connection:
        connection.execute(
            f"{spoilt} = (SELECT content_id FROM file WHERE CAST(path AS TEXT) = 'small.jpg')"  # noqa: S608  # no user's text
        )
        connection.commit()
    assert gallery.duplicates() == []
    gallery.index(album)
    assert gallery.duplicates() == first


def test_where_they_cannot_be_kept_groups_are_found_all_the_same(
    gallery: Gallery, album: Path, judged: list[int]
) -> None:
    gallery.index(album)
    (gallery.path / kept_scores.NAME / "in the way").mkdir(parents=True)
    first = gallery.duplicates()
    assert len(first) == 1
    judged.clear()
    assert gallery.duplicates() == first
    assert judged[0] > 10


def test_an_unfinished_file_is_named_and_pruned(gallery: Gallery, album: Path) -> None:
    gallery.index(album)
    left = gallery.path / f".{kept_scores.NAME}.0a1b2c3d.tmp"
    left.write_bytes(b"half")
    assert [finding.severity for finding in gallery.check().findings] == ["note"]
    assert gallery.prune().caches == 1
    assert not left.exists()


def test_pictures_that_are_not_in_the_gallery_leave_nothing_behind(
    gallery: Gallery, album: Path, tmp_path: Path
) -> None:
    gallery.index(album)
    save(scene(2).resize((120, 90)), tmp_path / "card/new.jpg")
    assert len(gallery.already_held(tmp_path / "card")) == 1
    assert not (gallery.path / kept_scores.NAME).exists()


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(HASHES), st.sampled_from(HASHES)).map(lambda pair: key_of(*pair)),
        st.floats(LOWEST, 10),
        min_size=1,
    )
)
def test_scores_come_back_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, scores: dict[bytes, float]
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = KeptScores()
    for key, score in scores.items():
        kept.put(key[:16].hex() * 2, key[16:].hex() * 2, score)
    kept.save(folder)
    again = KeptScores.load(folder)
    assert len(again) == len(scores)
    for key, score in scores.items():
        assert again.get(key[16:].hex() * 2, key[:16].hex() * 2) == score
    header = json.loads((folder / kept_scores.NAME).read_bytes()[16:].split(b"}")[0] + b"}")
    assert header["pairs"] == len(scores)


def test_pairs_that_nobody_asks_about_any_more_do_not_heap_up(tmp_path: Path) -> None:
    old = KeptScores()
    for one in range(5):
        for other in range(one):
            old.put(HASHES[one], HASHES[other], float(one))
    old.save(tmp_path)
    new = KeptScores.load(tmp_path)
    new.get(HASHES[1], HASHES[0])
    new.put(HASHES[9], HASHES[8], 1.0)
    new.save(tmp_path)
    assert len(KeptScores.load(tmp_path)) == 2 + 2 * kept_scores.OTHERS


@pytest.mark.parametrize(
    ("taken", "score", "expected"),
    [
        (None, 9.0, "yes"),
        (None, -9.0, "no"),
        ("2024-05-01T12:00:30", -9.0, "yes"),
        ("2024-05-01T12:02:00", -9.0, "no"),
    ],
)
def test_a_pair_may_be_the_same_by_its_score_or_as_a_burst(
    taken: str | None, score: float, expected: str
) -> None:
    before = Metadata(width=1, height=1, format="PNG", taken="2024-05-01T12:00:00")
    after = Metadata(width=1, height=1, format="PNG", taken=taken)
    one, other = (
        Content(number, HASHES[number], 1, facts) for number, facts in enumerate((before, after))
    )
    assert may_be_same(one, other, score, USUAL, precision=0.99) is (expected == "yes")

"""Damage is named, never silent; a repair mends what the rows and the photos allow."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import GalleryDamagedError, NoGalleryError
from imgsearch.gallery.gallery import Gallery
from imgsearch.search.cache_files import cache_files
from imgsearch.storage.findings import FEW
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.gallery.checking import CheckReport


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Gallery:
    """Return a gallery of the twelve photos."""
    gallery.index(photos)
    return gallery


def change(gallery: Gallery, *statements: str) -> None:
    """Change rows behind the gallery's back, without its foreign keys."""
    gallery.close()
    connection = sqlite3.connect(gallery.path / DATABASE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def severities(report: CheckReport) -> list[str]:
    """Return the findings' severities."""
    return [finding.severity for finding in report.findings]


def test_a_sound_gallery_has_no_findings(indexed: Gallery) -> None:
    assert indexed.check().findings == ()
    assert indexed.check(repair=True).findings == ()
    assert indexed.check().clean


def test_an_absent_or_stale_cache_is_a_note_that_a_repair_takes_up(indexed: Gallery) -> None:
    """Every run that is killed leaves one, and it costs no answer."""
    (cache,) = cache_files(indexed.path)
    cache.path.rename(cache.path.with_name(cache.path.name.replace("-1.", "-0.")))
    report = indexed.check()
    assert severities(report) == ["note", "note"]
    assert report.clean
    report = indexed.check(repair=True)
    assert all(finding.repaired for finding in report.findings)
    assert indexed.check().findings == ()
    assert [cache.generation for cache in cache_files(indexed.path)] == [1]


def test_contents_without_a_file_are_a_note_and_no_reason_to_build_anything(
    indexed: Gallery, photos: Path
) -> None:
    (photos / "trip0/00.png").unlink()
    indexed.index()
    (cache,) = cache_files(indexed.path)
    written = cache.path.stat().st_mtime_ns
    for repair in (False, True):
        report = indexed.check(repair=repair)
        assert severities(report) == ["note"]
        assert "prune" in report.findings[0].what
        assert report.clean
    assert cache.path.stat().st_mtime_ns == written


@pytest.mark.parametrize("place", [0, 20, 200, -40, -1])
def test_a_flipped_bit_in_a_cache_is_named_and_mended(indexed: Gallery, place: int) -> None:
    (cache,) = cache_files(indexed.path)
    data = bytearray(cache.path.read_bytes())
    data[place] ^= 4
    cache.path.write_bytes(data)
    report = indexed.check()
    assert severities(report) == ["cache"]
    assert not report.clean
    assert indexed.check(repair=True).clean
    assert indexed.check().findings == ()


def test_a_sound_cache_that_is_not_of_these_rows_is_named_and_mended(indexed: Gallery) -> None:
    """A database restored from a backup beside a cache that is newer: same ids, other vectors."""
    change(
        indexed,
        "UPDATE embedding SET vector = (SELECT vector FROM embedding AS other WHERE other.id = "
        "13 - embedding.id), checksum = NULL",
    )
    report = indexed.check()
    assert severities(report) == ["cache"]
    assert indexed.check(repair=True).clean
    assert indexed.check().findings == ()


def test_a_temporary_file_of_a_killed_write_is_named_and_deleted(indexed: Gallery) -> None:
    left = indexed.path / ".index-0123456789ab-1.faiss.0a0b0c0d.tmp"
    left.write_bytes(b"half")
    report = indexed.check()
    assert [finding.what.split(":")[0] for finding in report.findings] == [left.name]
    assert report.clean
    indexed.check(repair=True)
    assert not left.exists()


@pytest.mark.parametrize("factor", [0.5, float("nan"), 2])
def test_embeddings_that_are_no_unit_vectors_are_dropped_and_made_again(
    indexed: Gallery, photos: Path, factor: float
) -> None:
    vector = (np.ones(48, np.float32) / np.sqrt(48) * factor).astype("<f4").tobytes().hex()
    change(indexed, f"UPDATE embedding SET vector = x'{vector}' WHERE id IN (3, 7)")  # noqa: S608 - digits
    report = indexed.check()
    assert severities(report) == ["damage"]
    assert "2 embeddings are no unit vectors" in report.findings[0].what
    assert indexed.check(repair=True).clean
    assert indexed.check().findings == ()
    assert indexed.index().embedded == 2
    assert len(indexed.query(photos / "trip0/00.png", k=50)) == 11


def test_an_embedding_of_a_wrong_length_is_dropped_and_made_again(indexed: Gallery) -> None:
    change(indexed, "UPDATE embedding SET vector = x'00' WHERE id = 3")
    assert severities(indexed.check()) == ["damage"]
    assert indexed.check(repair=True).clean
    assert indexed.index().embedded == 1


def test_rows_that_refer_to_nothing_are_dropped_and_read_again(
    indexed: Gallery, photos: Path
) -> None:
    change(indexed, "DELETE FROM content WHERE id = 5", "DELETE FROM recipe WHERE 0")
    report = indexed.check()
    assert "damage" in severities(report)
    assert "refer to rows that are not there" in report.findings[0].what
    assert indexed.check(repair=True).clean
    assert indexed.check().findings == ()
    report = indexed.index()
    assert report.embedded == 1
    assert len(indexed.query(photos / "trip0/00.png", k=50, include_self=True)) == 12


def overwrite(gallery: Gallery, start: int, end: int) -> None:
    """Write rubbish over bytes of the database."""
    gallery.close()
    file = gallery.path / DATABASE
    data = bytearray(file.read_bytes())
    data[start:end] = np.random.default_rng(0).bytes(len(data[start:end]))
    file.write_bytes(data)


def test_a_malformed_database_is_named_and_no_repair_pretends(indexed: Gallery) -> None:
    overwrite(indexed, 3 * 4096, 12 * 4096)
    report = indexed.check()
    assert not report.clean
    assert "damage" in severities(report)
    assert not indexed.check(repair=True).clean


def test_a_cut_database_is_named_by_every_command(indexed: Gallery, photos: Path) -> None:
    indexed.close()
    file = indexed.path / DATABASE
    file.write_bytes(file.read_bytes()[: 4096 * 2 + 100])
    with pytest.raises(GalleryDamagedError, match=r"gallery\.db is damaged"):
        indexed.query(photos / "trip0/00.png")
    with pytest.raises(GalleryDamagedError, match=r"gallery\.db is damaged"):
        indexed.information()
    with pytest.raises(GalleryDamagedError, match=r"gallery\.db is damaged"):
        indexed.index()
    with suppress(GalleryDamagedError):  # or nothing of it could be opened
        assert not indexed.check().clean


def test_random_damage_never_gives_a_traceback_of_sqlites(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    """Whatever is flipped, the answer is right, or an error of the gallery's own says damage."""
    indexed.close()
    sound = (indexed.path / DATABASE).read_bytes()
    random = np.random.default_rng(1)
    outcomes = set()
    for number in range(40):
        data = bytearray(sound)
        for place in random.integers(0, len(data), 200):
            data[place] = random.integers(256)
        folder = tmp_path / f"damaged{number}"
        folder.mkdir()
        (folder / DATABASE).write_bytes(data)
        with Gallery(folder, source=FakeSource()) as gallery:
            for call in (
                gallery.check,
                gallery.information,
                lambda g=gallery: g.query(photos / "trip0/00.png"),
                gallery.index,
                lambda g=gallery: g.check(repair=True),
            ):
                try:
                    call()
                    outcomes.add("answered")
                except GalleryDamagedError:
                    outcomes.add("named")
    assert "named" in outcomes


def test_a_database_from_the_future_is_named(indexed: Gallery) -> None:
    change(indexed, "PRAGMA user_version = 99")
    with pytest.raises(GalleryDamagedError, match="newer imgsearch"):
        indexed.check()
    with pytest.raises(GalleryDamagedError, match="newer imgsearch"):
        indexed.index()


@pytest.mark.parametrize(
    ("old", "new"),
    [('"size": 16', '"size": 17'), ('"dim": 48', '"dim": 49'), ('"dim": 48', '"dim": 4\x07')],
)
def test_a_recipe_with_one_wrong_character_is_named_and_mended_from_its_identifier(
    indexed: Gallery, photos: Path, old: str, new: str
) -> None:
    expected = indexed.query(photos / "trip0/00.png", k=5)
    change(indexed, f"UPDATE recipe SET recipe = replace(recipe, '{old}', '{new}')")  # noqa: S608 - a table
    with pytest.raises(GalleryDamagedError, match="recipe"):
        indexed.query(photos / "trip0/00.png")
    report = indexed.check()
    assert severities(report) == ["damage"]
    assert "contradicts itself; it was fake-1/last/gap/16/squash" in report.findings[0].what
    report = indexed.check(repair=True)
    assert report.clean
    assert [(finding.repaired, finding.drops) for finding in report.findings] == [(True, 0)]
    assert indexed.check().findings == ()
    assert indexed.index().embedded == 0
    assert indexed.query(photos / "trip0/00.png", k=5) == expected


def test_an_identifier_with_one_wrong_digit_is_mended_from_the_recipe(indexed: Gallery) -> None:
    change(
        indexed,
        "UPDATE recipe SET identifier = CASE WHEN identifier LIKE '0%' THEN '1' ELSE '0' END "
        "|| substr(identifier, 2)",
    )
    assert severities(indexed.check()) == ["damage"]
    assert indexed.check(repair=True).clean
    assert indexed.check().findings == ()
    assert indexed.index().embedded == 0


def test_a_recipe_that_is_wrong_in_more_than_a_character_is_named_and_nothing_is_dropped(
    indexed: Gallery,
) -> None:
    change(indexed, "UPDATE recipe SET recipe = replace(recipe, '\"dim\": 48', '\"dim\": 960')")
    for repair in (False, True):
        report = indexed.check(repair=repair, drop=repair)
        assert not report.clean
        assert "can't be told" in report.findings[0].what
    change(indexed, "UPDATE recipe SET recipe = replace(recipe, '\"dim\": 960', '\"dim\": 48')")
    assert indexed.check().findings == ()


def test_many_damaged_embeddings_are_dropped_only_when_asked(
    gallery: Gallery, tmp_path: Path
) -> None:
    for number in range(FEW + 1):
        write_picture(tmp_path / "many" / f"{number}.png", seed=number)
    gallery.index(tmp_path / "many")
    change(gallery, "UPDATE embedding SET vector = zeroblob(192)")
    (cache,) = cache_files(gallery.path)
    report = gallery.check(repair=True)
    assert not report.clean
    assert [finding.drops for finding in report.findings] == [FEW + 1]
    assert "--drop" in report.findings[0].what
    assert cache.path.exists()
    assert gallery.information().recipes[0].embeddings == FEW + 1
    assert gallery.check(repair=True, drop=True).clean
    assert gallery.index().embedded == FEW + 1


def flip_a_sign(gallery: Gallery, *, has_checksum: bool) -> None:
    """Turn the first value of an embedding round: its length stays 1."""
    gallery.close()
    with closing(sqlite3.connect(gallery.path / DATABASE)) as database, database:
        (blob,) = database.execute("SELECT vector FROM embedding WHERE id = 3").fetchone()
        flipped = blob[:3] + bytes([blob[3] ^ 0x80]) + blob[4:]
        database.execute("UPDATE embedding SET vector = ? WHERE id = 3", (flipped,))
        if not has_checksum:
            database.execute("UPDATE embedding SET checksum = NULL")


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_row_whose_sign_flipped_never_replaces_the_cache_and_is_made_again(
    indexed: Gallery, photos: Path, *, has_checksum: bool
) -> None:
    expected = indexed.query(photos / "trip0/00.png", k=50, include_self=True)
    flip_a_sign(indexed, has_checksum=has_checksum)
    assert severities(indexed.check()) == ["damage"]
    report = indexed.check(repair=True)
    assert report.clean
    assert [finding.drops for finding in report.findings] == [1]
    assert indexed.check().findings == ()
    assert indexed.index().embedded == 1
    again = indexed.query(photos / "trip0/00.png", k=50, include_self=True)
    assert [(m.path, m.score) for m in again] == [(m.path, m.score) for m in expected]


def test_a_damaged_row_is_not_built_into_a_cache_nor_asked_with(
    indexed: Gallery, photos: Path
) -> None:
    flip_a_sign(indexed, has_checksum=True)
    (cache,) = cache_files(indexed.path)
    cache.path.unlink()
    for call in (lambda: indexed.query(photos / "trip0/00.png"), indexed.index):
        with pytest.raises(GalleryDamagedError, match="checksum: run `imgsearch check --repair`"):
            call()


def test_embeddings_of_earlier_versions_get_a_checksum_by_a_repair_that_finds_all_sound(
    indexed: Gallery,
) -> None:
    change(indexed, "UPDATE embedding SET checksum = NULL")
    assert indexed.check().findings == ()
    assert indexed.check(repair=True).findings == ()
    flip_a_sign(indexed, has_checksum=True)
    assert "do not fit their checksum" in indexed.check().findings[0].what


def test_an_emptied_database_beside_caches_is_damage_and_nothing_is_removed(
    indexed: Gallery, photos: Path
) -> None:
    indexed.close()
    (indexed.path / DATABASE).write_bytes(b"")
    held = {path.name: path.read_bytes() for path in indexed.path.glob("index-*")}
    for call in (
        indexed.check,
        lambda: indexed.check(repair=True),
        indexed.prune,
        indexed.information,
        lambda: indexed.index(photos),
        lambda: indexed.query(photos / "trip0/00.png"),
    ):
        with pytest.raises(GalleryDamagedError, match="it is empty"):
            call()
    assert {path.name: path.read_bytes() for path in indexed.path.glob("index-*")} == held
    assert (indexed.path / DATABASE).read_bytes() == b""


def test_an_empty_database_alone_is_no_gallery_and_no_repair_makes_one(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"")
    with Gallery(tmp_path, source=FakeSource()) as gallery:
        for repair in (False, True):
            with pytest.raises(NoGalleryError):
                gallery.check(repair=repair)
    assert (tmp_path / DATABASE).read_bytes() == b""


@pytest.mark.parametrize("place", [40, -40])
def test_a_damaged_cache_is_named_by_a_query_and_written_anew_by_an_unchanged_run(
    indexed: Gallery, photos: Path, said: list[str], place: int
) -> None:
    (cache,) = cache_files(indexed.path)
    data = cache.path.read_bytes()
    damaged = bytearray(data)
    damaged[place] ^= 4
    cache.path.write_bytes(damaged)
    assert len(indexed.query(photos / "trip0/00.png", k=50, include_self=True)) == 12
    assert "checksum" in said[-1]
    assert "imgsearch index" in said[-1]
    indexed.index()
    assert cache.path.read_bytes() == data
    indexed.close()
    said.clear()
    indexed.query(photos / "trip0/00.png")
    assert said == []

"""A cache is believed by the gallery and the state that it was made of, and by no other."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from conftest import FakeSource, write_picture

from imgsearch.errors import DamagedCacheError, NoGalleryError
from imgsearch.gallery.gallery import Gallery
from imgsearch.images.metadata import Metadata
from imgsearch.search import space_cache
from imgsearch.search.cache_files import cache_files
from imgsearch.storage import content_rows
from imgsearch.storage.database import Store
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

FACTS = Metadata(width=1, height=1, format="PNG")


def open_gallery(folder: Path) -> Gallery:
    """Return a gallery over fakes."""
    return Gallery(folder, source=FakeSource())


def score_of(gallery: Gallery, picture: Path) -> float:
    """Return the score of a picture of the gallery as its own match; 0 if another is nearer."""
    best = gallery.query(picture, k=1, include_self=True)[0]
    return best.score if best.path == picture else 0.0


@pytest.fixture
def copied(tmp_path: Path, photos: Path) -> Path:
    """Return a gallery whose database was copied, then went on by three photos."""
    folder = tmp_path / "restored.gallery"
    with open_gallery(folder) as gallery:
        gallery.index(photos)
    shutil.copy(folder / DATABASE, tmp_path / "copy.db")
    for number in range(3):
        write_picture(photos / f"later{number}.png", seed=500 + number)
    with open_gallery(folder) as gallery:
        gallery.index()
    for number in range(3):
        (photos / f"later{number}.png").unlink()
    return folder


def restore(folder: Path) -> None:
    """Put the copy in the database's place, as its messages advise."""
    shutil.copy(folder.parent / "copy.db", folder / DATABASE)


def test_a_restored_database_is_not_answered_by_the_cache_of_what_came_after_it(
    copied: Path, photos: Path
) -> None:
    """The new contents get the generation and, but for the leap, the ids of those that went."""
    restore(copied)
    for number in range(3):
        write_picture(photos / f"other{number}.png", seed=900 + number)
    with open_gallery(copied) as gallery:
        gallery.index(photos)
        for number in range(3):
            assert score_of(gallery, photos / f"other{number}.png") == pytest.approx(1)
        assert gallery.check().findings == ()


def test_a_cache_that_is_newer_than_the_database_answers_nothing(
    copied: Path, photos: Path, said: list[str]
) -> None:
    restore(copied)
    with open_gallery(copied) as gallery:
        assert len(gallery.query(photos / "trip0/00.png", k=50, include_self=True)) == 12
        assert "newer" in said[-1]
        gallery.index()
        said.clear()
        gallery.close()
        assert len(gallery.query(photos / "trip0/00.png", k=50, include_self=True)) == 12
        assert said == []
        assert gallery.check().findings == ()


def test_a_run_after_a_restore_that_is_killed_leaves_no_wrong_answer(
    copied: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation has passed that of the cache, which is now merely older, if by its number."""
    restore(copied)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for number in range(4):
        write_picture(photos / f"other{number}.png", seed=900 + number)
        with monkeypatch.context() as patch, open_gallery(copied) as gallery:
            patch.setattr(space_cache, "_write", killed)
            with pytest.raises(KeyboardInterrupt):
                gallery.index(photos)
    with open_gallery(copied) as gallery:
        for number in range(4):
            assert score_of(gallery, photos / f"other{number}.png") == pytest.approx(1)


def test_a_cache_copied_from_another_gallery_of_equal_size_answers_nothing(
    tmp_path: Path, said: list[str]
) -> None:
    galleries = []
    for name, seed in (("one", 0), ("two", 700)):
        for number in range(12):
            write_picture(tmp_path / name / f"{number}.png", seed=seed + number)
        with open_gallery(tmp_path / f"{name}.gallery") as gallery:
            gallery.index(tmp_path / name)
        galleries.append(gallery)
    (cache,), (other,) = (cache_files(gallery.path) for gallery in galleries)
    assert cache.path.name == other.path.name
    shutil.copy(cache.path, other.path)
    picture = tmp_path / "two" / "3.png"
    assert score_of(galleries[1], picture) == pytest.approx(1)
    assert "another gallery" in said[-1]
    assert [finding.severity for finding in galleries[1].check().findings] == ["cache"]
    galleries[1].index()
    assert galleries[1].check().findings == ()


def test_a_cache_that_names_no_gallery_is_believed_up_to_the_first_digest_only(
    copied: Path, photos: Path, said: list[str]
) -> None:
    """Caches of earlier versions are golden; nobody writes such a file since."""
    with open_gallery(copied) as gallery:
        (cache,) = cache_files(copied)
        with closing(Store.create(copied)) as store:
            store.connection.execute("UPDATE recipe SET undigested = generation")
        strip_identity(cache.path)
        assert len(gallery.query(photos / "trip0/00.png", k=50, include_self=True)) == 15
        assert said == []
        gallery.close()
        with closing(Store.create(copied)) as store:
            store.connection.execute("UPDATE recipe SET undigested = generation - 1")
        gallery.query(photos / "trip0/00.png")
        assert "another gallery" in said[-1]


def strip_identity(path: Path) -> None:
    """Write a cache as earlier versions did."""
    from dataclasses import replace

    from imgsearch.vectors.exact_file import load, save

    index, header, extra = load(path)
    save(path, index, replace(header, gallery="", contents=""), extra=extra)


def test_an_open_gallery_notices_that_another_one_took_its_place(
    tmp_path: Path, photos: Path
) -> None:
    """A database that is restored, or a folder that is removed and made anew, while it is open."""
    asked = min(path for path in photos.rglob("*.png"))
    with Gallery(tmp_path / "a.gallery", source=FakeSource()) as gallery:
        gallery.index(photos)
        other = Gallery(tmp_path / "b.gallery", source=FakeSource())
        shutil.copytree(photos, tmp_path / "others")
        other.index(tmp_path / "others")
        before = gallery.state()
        assert gallery.query(asked, k=1)[0].root == photos
        other.close()
        shutil.rmtree(gallery.path)
        with pytest.raises(NoGalleryError):
            gallery.query(asked)
        with pytest.raises(NoGalleryError):
            gallery.state()
        shutil.copytree(other.path, gallery.path)
        assert gallery.query(asked, k=1)[0].root == tmp_path / "others"
        assert gallery.state() != before


def test_ids_of_contents_never_come_twice_even_across_a_restore(tmp_path: Path) -> None:
    with closing(Store.create(tmp_path)) as store:
        assert [store.add_content(letter * 64, 1, FACTS) for letter in "ab"] == [1, 2]
        assert store.add_content("a" * 64, 1, FACTS) == 1
    copy = (tmp_path / DATABASE).read_bytes()
    given = []
    for _ in range(20):
        (tmp_path / DATABASE).write_bytes(copy)
        with closing(Store.create(tmp_path)) as store:
            first, second = (store.add_content(letter * 64, 1, FACTS) for letter in "cd")
        assert second == first + 1
        given += [first, second]
    assert len({*given, 1, 2}) == 42
    assert min(given) > 2


def test_ids_that_a_failed_transaction_took_are_not_given_again(tmp_path: Path) -> None:
    with closing(Store.create(tmp_path)) as store:
        store.add_content("a" * 64, 1, FACTS)
        with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 - the block is the case
            store.add_content("b" * 64, 1, FACTS)
            raise ZeroDivisionError
        assert store.add_content("c" * 64, 1, FACTS) == 3


def test_an_empty_gallery_that_was_copied_becomes_two(tmp_path: Path) -> None:
    Store.create(tmp_path).close()
    copy = (tmp_path / DATABASE).read_bytes()
    names = set()
    for _ in range(2):
        (tmp_path / DATABASE).write_bytes(copy)
        with closing(Store.create(tmp_path)) as store:
            store.add_content("a" * 64, 1, FACTS)
            names.add(store.setting("gallery"))
    assert len(names) == 2
    assert None not in names


def test_a_last_id_that_makes_no_sense_is_damage(tmp_path: Path) -> None:
    from imgsearch.errors import GalleryDamagedError

    for seq in (content_rows.LARGEST_ID + 1, -1, "'x'"):
        folder = tmp_path / str(seq).strip("'")
        with closing(Store.create(folder)) as store:
            store.connection.execute(f"INSERT INTO sqlite_sequence VALUES ('content', {seq})")  # noqa: S608 - a table
            with pytest.raises(GalleryDamagedError, match="not the id"):
                store.add_content("a" * 64, 1, FACTS)


def test_the_digest_is_that_of_the_rows_whatever_came_and_went(copied: Path, photos: Path) -> None:
    with open_gallery(copied) as gallery:
        gallery.remove(photos / "trip0")
        gallery.index(photos)
        gallery.prune()
    with closing(Store.open(copied)) as store:
        (stored,) = store.recipes()
        assert stored.digest
        assert store.digest_fits(stored)


def test_a_digest_that_is_not_that_of_the_rows_is_named_and_mended(copied: Path) -> None:
    with closing(sqlite3.connect(copied / DATABASE)) as database, database:
        database.execute("UPDATE recipe SET digest = digest + 1")
    with open_gallery(copied) as gallery:
        assert "digest" in gallery.check().findings[0].what
        assert gallery.check(repair=True).clean
        assert gallery.check().findings == ()


def test_the_errors_name_the_file_and_the_remedy(copied: Path) -> None:
    restore(copied)
    (cache,) = cache_files(copied)
    with closing(Store.open(copied)) as store:
        from imgsearch.storage.embeddings import embeddings_of

        (held,) = embeddings_of(store, copied)
        with pytest.raises(
            DamagedCacheError, match=r"\.faiss is newer .* `imgsearch index` writes"
        ):
            space_cache.read_cache(cache.path, held)

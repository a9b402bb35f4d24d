"""An executor from outside fills a gallery as the local one does; what crosses is picklable."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import FakeSource, write_picture
from executor_fakes import PicklingExecutor, ProcessExecutor, embed_chunk, pickled

from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing import run
from imgsearch.indexing.executor import EmbeddingJob, FileWork
from imgsearch.indexing.report import IndexOptions
from imgsearch.networks.source import PretrainedNetworks
from imgsearch.recipe import RecipeRequest
from imgsearch.storage.database import Store
from imgsearch.storage.embedded_contents import EmbeddedContents
from imgsearch.storage.scan_comparison import PendingFile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from imgsearch.indexing.executor import EmbeddedFile, Executor

RECIPE = FakeSource().resolve(RecipeRequest(), offline=True)


@pytest.fixture
def folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return twelve images, copies of three and a broken file, given out in chunks of five."""
    for name in ("00", "03", "06"):
        shutil.copy(photos / f"trip0/{name}.png", photos / f"trip2/copy of {name}.png")
    (photos / "trip1/broken.png").write_bytes(b"half")
    monkeypatch.setattr(run, "CHUNK", 5)
    return photos


def rows(gallery: Gallery) -> dict[str, list[Any]]:
    """Return all that a gallery says of files, contents and embeddings, without its row ids."""
    statements = {
        "files": "SELECT file.path, file.size, file.mtime_ns, content.hash, file.reason, "
        "file.decoders FROM file LEFT JOIN content ON content.id = content_id ORDER BY path",
        "contents": "SELECT hash, bytes, width, height, format, taken, camera, lens, latitude, "
        "longitude, orientation FROM content ORDER BY hash",
        "embeddings": "SELECT hash, vector FROM embedding JOIN content "
        "ON content.id = content_id ORDER BY hash",
    }
    with closing(sqlite3.connect(gallery.path / "gallery.db")) as connection:
        return {name: connection.execute(text).fetchall() for name, text in statements.items()}


@pytest.mark.parametrize(
    "executor", [ProcessExecutor(), PicklingExecutor(), PicklingExecutor(ahead=True)]
)
def test_a_gallery_filled_by_another_executor_is_the_same(
    tmp_path: Path, folder: Path, executor: Executor
) -> None:
    with (
        Gallery(tmp_path / "local", source=FakeSource()) as local,
        Gallery(tmp_path / "other", source=FakeSource(), executor=executor) as other,
    ):
        assert tallies(local, folder) == tallies(other, folder) == [16, 12, 0, 0, 1]
        assert rows(local) == rows(other)
        (folder / "trip0").rename(folder / "trip9")
        write_picture(folder / "new.png", seed=50)
        assert tallies(local, folder) == tallies(other, folder) == [1, 1, 4, 0, 1]
        assert rows(local) == rows(other)
        assert len(rows(other)["embeddings"]) == 13
        for query in sorted(folder.rglob("*[0-9].png")):
            assert other.query(query, k=20) == local.query(query, k=20)
        assert other.check().findings == ()


def tallies(gallery: Gallery, folder: Path) -> list[int]:
    """Index, and return new, embedded, moved, changed and unreadable."""
    report = gallery.index(folder, options=IndexOptions(batch_size=2))
    return [report.new, report.embedded, report.moved, report.changed, report.unreadable]


def test_a_run_that_is_stopped_keeps_what_the_executor_gave_back(
    tmp_path: Path, folder: Path
) -> None:
    executor = PicklingExecutor()
    with Gallery(tmp_path / "gallery", source=FakeSource(), executor=executor) as gallery:
        report = gallery.index(folder, stop=lambda: bool(executor.sizes[1:]))
        assert report.interrupted
        assert (report.new, executor.sizes) == (10, [5, 5])
        rest = gallery.index(folder)
        assert not rest.interrupted
        assert (rest.unchanged, rest.new, executor.sizes) == (10, 6, [5, 5, 5, 1])


def test_an_error_of_the_executor_reaches_the_caller_and_undoes_nothing(
    tmp_path: Path, folder: Path
) -> None:
    closed = []

    class Failing:
        def embed(
            self,
            job: EmbeddingJob,
            chunks: Iterable[Sequence[FileWork]],
            *,
            stop: Callable[[], bool],  # noqa: ARG002 - the protocol's
        ) -> Generator[Sequence[EmbeddedFile]]:
            try:
                yield embed_chunk(job, next(iter(chunks)))
                raise ConnectionError("the cluster is gone")
            finally:
                closed.append(True)

    with Gallery(tmp_path / "gallery", source=FakeSource(), executor=Failing()) as gallery:
        with pytest.raises(ConnectionError, match="cluster"):
            gallery.index(folder)
        assert closed == [True]
        assert gallery.information().files == 5
        assert gallery.check().clean


def test_a_worker_needs_no_gallery_where_the_known_hashes_are_a_plain_set(tmp_path: Path) -> None:
    paths = [
        write_picture(tmp_path / f"{name}.png", seed=seed)
        for name, seed in zip("abc", (1, 2, 1), strict=True)
    ]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    job = EmbeddingJob(recipe=RECIPE, source=FakeSource(), known=frozenset(hashes[1:2]))
    chunk = [
        FileWork(
            bytes(tmp_path), PendingFile(1, path.name.encode(), 0, 0, None, None, reason="new")
        )
        for path in paths
    ]
    files = embed_chunk(pickled(job), pickled(chunk))
    assert [file.work for file in files] == chunk
    assert [file.work.path for file in files] == paths
    assert [file.hash for file in files] == hashes
    # The second content is known, and the third is the first again.
    assert [file.embedding is not None for file in files] == [True, False, False]
    assert [file.metadata is not None for file in files] == [True, False, False]


def test_the_pretrained_networks_can_be_sent_to_a_worker() -> None:
    job = EmbeddingJob(
        recipe=RECIPE, source=PretrainedNetworks(runtime="litert", threads=2), known=frozenset()
    )
    copy = pickled(job)
    assert copy.recipe == RECIPE
    assert vars(copy.source) == vars(job.source)


def test_known_contents_are_what_is_committed_under_the_recipe_in_every_copy(
    tmp_path: Path,
) -> None:
    photo = write_picture(tmp_path / "a.png", seed=1)
    with Gallery(tmp_path / "gallery", source=FakeSource()) as gallery:
        gallery.index(photo)
        (match,) = gallery.query(photo, include_self=True)
    with closing(Store.create(gallery.path)) as store:
        stored = store.add_recipe(RECIPE)
        known = EmbeddedContents(gallery.path, stored.id)
        with closing(known), closing(pickled(known)) as copy:
            assert match.content in known
            assert match.content in copy
            assert "f" * 64 not in copy
            with store.transaction():
                store.remove_embedding(stored.id, 1)
                assert match.content in copy
            assert match.content not in copy
            with store.transaction():
                assert store.add_embedding(stored.id, 1, np.ones(48, np.float32))
                assert not store.add_embedding(stored.id, 1, np.zeros(48, np.float32))
            assert match.content in known
            vector = store.embedding(stored, 1)
        assert vector is not None
        assert vector.tolist() == [1.0] * 48
    with closing(EmbeddedContents(gallery.path, stored.id + 1)) as other:
        assert match.content not in other

"""What is exported is what is stored, in formats that other programs read."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import write_picture

from imgsearch.errors import MissingExtraError, UsageError
from imgsearch.exchange import exporting
from imgsearch.recipe import Recipe
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.gallery.gallery import Gallery


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Gallery:
    """Return a gallery with a copy, an orphan, and a name that is not UTF-8."""
    (photos / "copy.png").write_bytes((photos / "trip0/00.png").read_bytes())
    (photos / "trip0/03.png").rename(photos / os.fsdecode(b"caf\xe9.png"))
    gallery.index(photos)
    (photos / "trip1/01.png").unlink()
    gallery.index(photos)
    return gallery


def stored(gallery: Gallery) -> dict[str, NDArray[np.float32]]:
    """Return, by hash, the embeddings of contents that a file holds, straight from the rows."""
    connection = sqlite3.connect(gallery.path / DATABASE)
    rows = connection.execute(
        "SELECT DISTINCT hash, vector FROM content "
        "JOIN embedding ON embedding.content_id = content.id "
        "JOIN file ON file.content_id = content.id ORDER BY hash"
    ).fetchall()
    connection.close()
    return {content: np.frombuffer(vector, "<f4") for content, vector in rows}


def test_numpy_and_json_lines_give_back_every_embedding_bit_by_bit(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    report = indexed.export(tmp_path / "export")
    assert (report.embeddings, report.dim) == (11, 48)
    assert all(file.is_file() for file in report.files)
    vectors = np.load(tmp_path / "export/embeddings.npy")
    lines = (tmp_path / "export/contents.jsonl").read_text("ascii").splitlines()
    records = [json.loads(line) for line in lines]
    expected = stored(indexed)
    assert vectors.shape == (11, 48)
    assert vectors.dtype == np.float32
    assert [record["content"] for record in records] == list(expected)
    np.testing.assert_array_equal(vectors, np.stack(list(expected.values())))
    found = {path for record in records for path in record["paths"]}
    assert found == {str(path) for path in photos.rglob("*.png")}
    odd = next(record for record in records if "paths_base64" in record)
    assert [base64.b64decode(path) for path in odd["paths_base64"]] == [
        os.fsencode(photos / os.fsdecode(b"caf\xe9.png"))
    ]
    twice = next(record for record in records if len(record["paths"]) == 2)
    assert {os.path.basename(path) for path in twice["paths"]} == {"00.png", "copy.png"}  # noqa: PTH119 - text
    assert (twice["width"], twice["format"], twice["taken"]) == (24, "PNG", None)
    recipe = Recipe.from_json((tmp_path / "export/recipe.json").read_text())
    assert recipe == indexed.information().recipes[0].recipe


def test_parquet_gives_the_same(indexed: Gallery, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    report = indexed.export(tmp_path / "export", layout="parquet")
    table = parquet.read_table(tmp_path / "export/embeddings.parquet")
    expected = stored(indexed)
    assert report.embeddings == table.num_rows == 11
    assert table["content"].to_pylist() == list(expected)
    vectors = np.stack([row.values.to_numpy() for row in table["embedding"].chunk(0)])
    np.testing.assert_array_equal(vectors, np.stack(list(expected.values())))
    assert any("caf\\xe9.png" in path for paths in table["paths"].to_pylist() for path in paths)


def test_the_answers_can_be_computed_from_the_export_alone(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    """The brute-force oracle over the whole chain."""
    indexed.export(tmp_path / "export")
    vectors = np.load(tmp_path / "export/embeddings.npy").astype(np.float64)
    lines = (tmp_path / "export/contents.jsonl").read_text("ascii").splitlines()
    contents = [json.loads(line)["content"] for line in lines]
    for query in sorted((photos / "trip2").iterdir()):
        matches = indexed.query(query, k=100, include_self=True)
        scores = dict(zip(contents, vectors @ vectors[contents.index(matches[0].content)],
                          strict=True))  # fmt: skip
        assert matches[0].path == query
        assert len(matches) == 11
        for match in matches:
            assert match.score == pytest.approx(scores[match.content], abs=1e-6)
        assert [m.score for m in matches] == sorted((m.score for m in matches), reverse=True)


@pytest.mark.parametrize("layout", ["npy", "parquet"])
def test_a_gallery_of_nothing_but_broken_files_exports_no_rows(
    gallery: Gallery, tmp_path: Path, layout: str
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"x")
    gallery.index(folder)
    assert gallery.export(tmp_path / "export", layout=layout).embeddings == 0
    if layout == "npy":
        assert np.load(tmp_path / "export/embeddings.npy").shape == (0, 48)


def test_more_contents_than_one_block_are_exported_in_order(
    gallery: Gallery, tmp_path: Path
) -> None:
    for number in range(1100):
        write_picture(tmp_path / f"p/{number:04}.png", seed=number, side=4)
    gallery.index(tmp_path / "p")
    gallery.export(tmp_path / "export")
    vectors = np.load(tmp_path / "export/embeddings.npy")
    np.testing.assert_array_equal(vectors, np.stack(list(stored(gallery).values())))


def test_an_export_replaces_another_only_when_told_to(indexed: Gallery, tmp_path: Path) -> None:
    indexed.export(tmp_path / "export")
    with pytest.raises(UsageError, match="is there already"):
        indexed.export(tmp_path / "export")
    indexed.export(tmp_path / "export", overwrite=True)


def test_an_export_that_broke_off_is_told_by_its_missing_recipe(
    indexed: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The array is new and the lines are old, or the other way round: no reader may pair them."""
    indexed.export(tmp_path / "export")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_record", full)
    with pytest.raises(OSError, match="No space"):
        indexed.export(tmp_path / "export", overwrite=True)
    assert not (tmp_path / "export/recipe.json").exists()


def test_an_unknown_layout_is_refused(indexed: Gallery, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'csv' is none of npy, parquet, clip-retrieval"):
        indexed.export(tmp_path / "export", layout="csv")


def test_parquet_without_its_package_names_it_and_leaves_nothing(
    indexed: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pip install pyarrow"):
        indexed.export(tmp_path / "export", layout="parquet")
    assert not (tmp_path / "export").exists()


def test_a_folder_that_is_a_file_is_refused(indexed: Gallery, tmp_path: Path) -> None:
    (tmp_path / "export").write_text("a file")
    with pytest.raises(UsageError, match="is a file"):
        indexed.export(tmp_path / "export")

"""Index labelled photographs through a real gallery, and measure how well it retrieves.

    python benchmarks/gallery_quality.py FOLDER... [--backbone mobilenet_v2] [--json FILE]

Every photograph is a query, itself excluded; mAP is rectangular, over all of the gallery. What is
measured is what a user gets: files decoded, embedded, committed, projected and searched by the
same code. A folder's labels are its sub-folders, or, when it has none, the file names up to the
last "_".
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from imgsearch import Gallery
from imgsearch.evaluation.metrics.average_precision import mean_average_precision
from imgsearch.search.space_cache import open_space
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.vectors import projection_choice


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one folder.

    Attributes:
        folder: its name.
        recipe: its name.
        photographs: number indexed.
        raw: mAP of the raw embeddings, per cent.
        searched: mAP of what the gallery searches by default, per cent.
        queries: number of queries that count.
        skipped: number of queries without a relevant image.
    """

    folder: str
    recipe: str
    photographs: int
    raw: float
    searched: float
    queries: int
    skipped: int


def label_of(path: Path, folder: Path) -> str:
    """Return the label of a photograph: its sub-folder, or its name up to the last "_"."""
    return path.stem.rsplit("_", 1)[0] if path.parent == folder else path.parent.name


def measure(folder: Path, backbone: str, gallery_path: Path) -> Row:
    """Index a folder into a new gallery and return how well it retrieves."""
    with Gallery(gallery_path, recipe=backbone) as gallery:
        gallery.index(folder)
    store = Store.open(gallery_path)
    stored = store.recipes()[0]
    labels: dict[int, str] = {}
    for root in store.roots():
        for path in store.file_paths(root.id):
            file = root.path / Path(path.decode())
            (content_id,) = store.connection.execute(
                "SELECT content_id FROM file WHERE path = ?", (path,)
            ).fetchone()
            labels[content_id] = label_of(file, folder)
    held = Embeddings(store, gallery_path, stored)
    raw = open_space(held, projection_choice.NONE)
    searched = open_space(held, projection_choice.DEFAULT)
    names = np.array([labels[int(identifier)] for identifier in raw.index.ids])
    before = mean_average_precision(raw.vectors(held, raw.index.ids)[1], names)
    after = mean_average_precision(searched.vectors(held, raw.index.ids)[1], names)
    store.close()
    return Row(
        folder=folder.name,
        recipe=stored.recipe.name,
        photographs=len(names),
        raw=round(100 * before.value, 2),
        searched=round(100 * after.value, 2),
        queries=before.queries,
        skipped=before.skipped,
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for folder in arguments.folders:
        with tempfile.TemporaryDirectory() as place:
            rows.append(measure(folder.resolve(), arguments.backbone, Path(place) / "gallery"))
    print(f"{'folder':12} {'photographs':>11} {'raw mAP':>8} {'searched':>9}  recipe")
    for row in rows:
        print(
            f"{row.folder:12} {row.photographs:11} {row.raw:8.2f} {row.searched:9.2f}  {row.recipe}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()

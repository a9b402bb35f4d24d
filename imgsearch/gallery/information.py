"""What is in a gallery: folders, recipes, and the state of what searches them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from imgsearch.indexing.shards import remembered
from imgsearch.search.engine import EngineState
from imgsearch.storage.embeddings import embeddings_of
from imgsearch.storage.roots import is_absent
from imgsearch.storage.schema_steps import STEPS
from imgsearch.storage.sqlite_errors import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.recipe import Recipe
    from imgsearch.search.engine import SearchEngine
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings


@dataclass(frozen=True, slots=True)
class RootInformation:
    """A registered photo folder, as `information` tells of it."""

    path: Path
    online: bool
    files: int
    exclude: tuple[str, ...]
    follow_symlinks: bool


@dataclass(frozen=True, slots=True)
class CalibrationInformation:
    """What `duplicates` knows of how sure it is in this gallery.

    Attributes:
        made: when, UTC, "2024-05-01T12:00:00Z".
        contents: how many the gallery had then.
        edits: edits of its pictures that were looked at.
        pairs: pairs of nearest pictures that were.
        found: share of the edits that are found at a precision of 0.99.
    """

    made: str
    contents: int
    edits: int
    pairs: int
    found: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeInformation(EngineState):
    """A recipe with what is stored under it, and what `EngineState` says of its index.

    Attributes:
        recipe: the recipe.
        primary: whether queries use it when none is named.
        embeddings: how many contents have one.
        generation: raised by every commit that added or removed embeddings.
        calibration: of `duplicates`; None before its first run.
        regions: how many contents have parts that can be searched.
    """

    recipe: Recipe
    primary: bool
    embeddings: int
    generation: int
    calibration: CalibrationInformation | None = None
    regions: int = 0


@dataclass(frozen=True, slots=True)
class GalleryInformation:
    """What is in a gallery.

    Attributes:
        path: its folder.
        schema: version of the database's shape.
        roots: the photo folders.
        files: how many files it knows.
        contents: how many different contents they hold.
        unreadable: how many files could not be decoded.
        orphans: contents that no file holds any more; `prune` drops them.
        bytes: size of the database.
        recipes: the recipes, the primary one first.
        shard: the share of the files that it holds, "1/1" for all.
    """

    path: Path
    schema: int
    roots: tuple[RootInformation, ...]
    files: int
    contents: int
    unreadable: int
    orphans: int
    bytes: int
    recipes: tuple[RecipeInformation, ...]
    shard: str = "1/1"


def information(store: Store, folder: Path, engine: SearchEngine) -> GalleryInformation:
    """Say what is in a gallery; caches are read to see whether they are whole.

    Args:
        store: in a snapshot.
        folder: the gallery's folder.
        engine: what searches it.
    """
    counts = store.counts()
    return GalleryInformation(
        path=folder,
        schema=len(STEPS),
        roots=tuple(
            RootInformation(
                root.path,
                not is_absent(store, root),
                store.file_count(root.id),
                root.exclude,
                root.follow_symlinks,
            )
            for root in store.roots()
        ),
        files=counts.files,
        contents=counts.contents - counts.orphans,
        unreadable=counts.unreadable,
        orphans=counts.orphans,
        bytes=sum(path.stat().st_size for path in folder.glob(f"{DATABASE}*")),
        recipes=tuple(
            RecipeInformation(
                recipe=embeddings.recipe,
                primary=embeddings.stored.primary,
                embeddings=embeddings.count(),
                generation=embeddings.generation,
                calibration=_calibration(embeddings),
                regions=0 if regions is None else regions.count,
                **asdict(engine.state(embeddings)),
            )
            for embeddings in embeddings_of(store, folder)
            for regions in [store.regions_of(embeddings.stored.id)]
        ),
        shard=str(remembered(store, None)),
    )


def _calibration(embeddings: Embeddings) -> CalibrationInformation | None:
    text = embeddings.store.calibration(embeddings.stored.id)
    made = embeddings.store.calibrated_at(embeddings.stored.id)
    if text is None or made is None:
        return None
    # NumPy, for which most galleries need not wait here.
    from imgsearch.duplicates.calibration import Calibration

    known = Calibration.from_json(text)
    if known is None:
        return None
    return CalibrationInformation(
        made=made,
        contents=known.contents,
        edits=known.edits,
        pairs=known.different,
        found=round(known.recall(0.99), 4),
    )

"""Finding what belongs together: arrays, listings, and the recipe that an export names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryDamagedError, UsageError
from imgsearch.exchange.layouts import FILES, RECIPE, ROOTS, VERDICTS
from imgsearch.exchange.listings import SUFFIXES
from imgsearch.exchange.parquet import Table
from imgsearch.recipe import Recipe
from imgsearch.storage.verdict_rows import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    T = TypeVar("T")

_HASH: Final = re.compile("[0-9a-f]{64}")
_ARRAYS: Final = (".npy", ".parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """Two files, or one that is both: row n of one belongs to row n of the other."""

    array: Path
    listing: Path


@dataclass(frozen=True, slots=True)
class FoundEmbeddings:
    """What there is to import.

    Attributes:
        parts: one at least, in the order of their names.
        folder: what relative paths are relative to, if nothing else is said.
        recipe: that an export names; None for what other programs made.
        verdicts: of an export.
    """

    parts: tuple[Part, ...]
    folder: Path
    recipe: Recipe | None = None
    verdicts: tuple[Verdict, ...] = ()


def find(embeddings: Path, listing: Path | None = None) -> FoundEmbeddings:
    """Find what to import at a path.

    Args:
        embeddings: a file, or a folder in one of the layouts.
        listing: says whose each row is; None looks for it beside the embeddings.

    Raises:
        UsageError: there is nothing that fits, or an export that is not whole.
    """
    if embeddings.is_dir():
        if listing is not None:
            raise UsageError(f"{embeddings}: a folder has its own listing; name a file of it")
        return _folder(embeddings)
    if not embeddings.is_file():
        raise UsageError(f"{embeddings}: no such file or folder")
    if embeddings.suffix not in _ARRAYS:
        raise UsageError(f"{embeddings}: expected a folder, or a file ending in .npy or .parquet")
    if listing is None and embeddings.suffix == ".parquet":
        listing = embeddings
    return FoundEmbeddings((Part(embeddings, listing or _beside(embeddings)),), embeddings.parent)


def _beside(array: Path) -> Path:
    found = [place for suffix in SUFFIXES if (place := array.with_suffix(suffix)).is_file()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(array.with_suffix(suffix).name for suffix in SUFFIXES)
    raise UsageError(
        f"{array}: expected its paths in one of {names} beside it, found "
        f"{len(found) or 'none'}; name the file with --paths"
    )


def _folder(folder: Path) -> FoundEmbeddings:
    parts = [
        Part(folder / array, folder / listing)
        for layout, (array, listing) in FILES.items()
        if layout != "clip-retrieval" and (folder / array).is_file()
    ]
    own = bool(parts)
    parts += _partitions(folder)
    if not parts:
        raise UsageError(
            f"{folder}: no embeddings; expected what `imgsearch export` writes, or "
            "img_emb/img_emb_0.npy with metadata/metadata_0.parquet"
        )
    if len(parts) > 1 and own:
        raise UsageError(f"{folder}: several exports; name a file of the one that is meant")
    if not (folder / RECIPE).is_file():
        if own or ROOTS in Table(parts[0].listing).columns:
            raise UsageError(f"{folder}: no {RECIPE}, so this export is not whole: export again")
        return FoundEmbeddings(tuple(parts), folder)
    recipe = _told(folder / RECIPE, lambda text: Recipe.from_json(text[0]))
    return FoundEmbeddings(
        tuple(parts),
        folder,
        recipe,
        _told(
            folder / VERDICTS,
            lambda lines: tuple(_verdict(json.loads(line)) for line in lines),
            absent=(),
        ),
    )


def _partitions(folder: Path) -> list[Part]:
    """Return the pairs of files of clip-retrieval's layout, whose names end in one number."""
    parts = []
    arrays = sorted(
        (folder / "img_emb").glob("img_emb_*.npy"), key=lambda file: (len(file.name), file.name)
    )
    for array in arrays:
        number = array.stem.removeprefix("img_emb_")
        listing = folder / "metadata" / f"metadata_{number}.parquet"
        if not listing.is_file():
            raise UsageError(f"{array}: expected {listing} to say whose its rows are")
        parts.append(Part(array, listing))
    return parts


def _told(file: Path, read: Callable[[list[str]], T], *, absent: T | None = None) -> T:
    if absent is not None and not file.is_file():
        return absent
    try:
        return read(file.read_text(encoding="ascii").splitlines())
    except (OSError, ValueError, TypeError, KeyError, IndexError, GalleryDamagedError) as error:
        raise UsageError(f"{file}: not as `imgsearch export` wrote it ({error})") from error


def _verdict(keys: dict[str, str]) -> Verdict:
    verdict = Verdict(**keys)
    if not _HASH.fullmatch(verdict.one) or not _HASH.fullmatch(verdict.other):
        raise ValueError(f"{keys!r:.80} names no two contents")
    return verdict

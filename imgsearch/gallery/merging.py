"""Merging galleries: the parts that many machines indexed, into one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imgsearch.errors import GalleryDamagedError, ImgsearchError, UsageError
from imgsearch.regions import joining
from imgsearch.storage.database import Store
from imgsearch.storage.merging import JoinedRows, join
from imgsearch.storage.part import DamagedPartError, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.recipe import Recipe
    from imgsearch.storage.part import Part
    from imgsearch.storage.records import Root


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPart:
    """What became of one gallery in a merge.

    Attributes:
        path: its folder.
        joined: what came of it; nothing where it was refused.
        reason: why it was refused, all of it; None if it was merged.
        remarks: what is worth knowing of it besides: recipes of its own, other rules for a folder,
            why regions were left there.
    """

    path: Path
    joined: JoinedRows = field(default_factory=JoinedRows)
    reason: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did.

    Attributes:
        parts: in the order in which they were named.
        dry_run: whether nothing was written.
        regions_to_make: of how many contents the next `index` makes the regions, where their files
            are there: those that have none, or all if they are outgrown; 0 if no gallery has any.
    """

    parts: tuple[MergedPart, ...]
    dry_run: bool = False
    regions_to_make: int = 0

    @property
    def refused(self) -> int:
        """How many parts were refused."""
        return sum(part.reason is not None for part in self.parts)


def refuse_nonsense(folder: Path, parts: Sequence[Path]) -> None:
    """Look at the galleries before anything is made or written.

    Args:
        folder: of the gallery that takes the others in.
        parts: folders of the others.

    Raises:
        UsageError: none, one twice, or the gallery itself.
        NoGalleryError: a folder that holds none.
    """
    if not parts:
        raise UsageError("merge: no gallery named; expected the folders of the parts")
    places = [os.path.realpath(part) for part in parts]
    for part, place in zip(parts, places, strict=True):
        if place == os.path.realpath(folder):
            raise UsageError(f"{part}: a gallery can't be merged into itself")
        if places.count(place) > 1:
            raise UsageError(f"{part}: named twice")
    for part in parts:
        try:
            Store.open(part).close()
        except GalleryDamagedError:
            continue  # it is refused in its turn, and the others are merged


def merge_part(store: Store, folder: Path, *, any_recipe: bool) -> MergedPart:
    """Take one gallery in, all of it or nothing.

    Args:
        store: open for writing.
        folder: of the gallery to take in; it is only read.
        any_recipe: also where the two have no recipe in common.
    """
    try:
        with opened(folder) as part, store.transaction():
            remarks = _about_recipes(store, part, any_recipe=any_recipe)
            remarks += _about_roots(store.roots(), part.roots())
            joined = join(store, part)
            regions = joining.join(store, part)
            joined = replace(joined, regions=regions.taken, regions_left=regions.left)
            remarks += regions.reasons
    except (DamagedPartError, _NothingInCommonError) as error:
        return MergedPart(path=folder, reason=str(error))
    return MergedPart(path=folder, joined=joined, remarks=tuple(remarks))


class _NothingInCommonError(ImgsearchError):
    """A part whose embeddings are not comparable with the gallery's."""


def _about_recipes(store: Store, part: Part, *, any_recipe: bool) -> list[str]:
    ours = [stored.recipe for stored in store.recipes()]
    theirs = [stored.recipe for stored in part.recipes()]
    foreign = [recipe for recipe in theirs if recipe not in ours] if ours else []
    if foreign and len(foreign) == len(theirs) and not any_recipe:
        raise _NothingInCommonError(
            f"no recipe in common: {_named(foreign)} here, {_named(ours)} in the gallery"
            f"{_version(foreign, ours)}; index it with that recipe, or take it in as it is with "
            "--any-recipe, searched by itself with query --recipe"
        )
    return [f"a recipe that others lack: {_named([recipe])}" for recipe in foreign]


def _named(recipes: Sequence[Recipe]) -> str:
    return ", ".join(f"{recipe.identifier} ({recipe.name})" for recipe in recipes)


def _version(theirs: Sequence[Recipe], ours: Sequence[Recipe]) -> str:
    for one in theirs:
        for other in ours:
            if replace(one, decoder=other.decoder) == other:
                return f" (decoding rules {one.decoder} and {other.decoder}; --decoder names them)"
            if one.supersedes(other) or other.supersedes(one) or one.name == other.name:
                return " (another version of the same network)"
    return ""


def _about_roots(ours: Sequence[Root], theirs: Sequence[Root]) -> list[str]:
    known = {root.path: root for root in ours}
    return [
        f"{root.path}: other patterns or rules for links there; those of the gallery hold"
        for root in theirs
        if (other := known.get(root.path))
        and (root.exclude, root.follow_symlinks) != (other.exclude, other.follow_symlinks)
    ]

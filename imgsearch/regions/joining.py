"""Regions that come from another gallery, as far as they are comparable with those that are here.

What is kept of a region went through a projection that was fitted on one gallery's pictures. So two
galleries' regions compare only where layout and projection are the same to the bit; a gallery that
has none takes over another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from imgsearch.errors import DamagedCacheError, GalleryDamagedError, UsageError
from imgsearch.quantities import counted
from imgsearch.regions.layout import VERSION, Layout
from imgsearch.regions.making import FITTED, is_outgrown
from imgsearch.vectors.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imgsearch.storage.database import Store
    from imgsearch.storage.part import Part
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.storage.region_rows import StoredRegions

_BLOCK: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRegions:
    """What came of another gallery's regions.

    Attributes:
        taken: contents that had none, and have these now.
        left: contents that have none yet although the other gallery holds some.
        reasons: why these stayed behind.
    """

    taken: int = 0
    left: int = 0
    reasons: tuple[str, ...] = ()


def join(store: Store, part: Part) -> JoinedRegions:
    """Take in another gallery's regions of contents that have none; those that are there stay.

    Doing it again changes nothing.

    Args:
        store: in a transaction; files and embeddings of the other gallery have come in.
        part: the other gallery.

    Raises:
        DamagedPartError: the other gallery's database cannot be read.
    """
    taken = left = 0
    reasons: list[str] = []
    for theirs in part.recipes():
        ours = store.add_recipe(theirs.recipe)
        wanted = list(_wanted(store, part, theirs, ours))
        if not wanted:
            continue
        try:
            layout, stored = _usable(part, theirs)
            _agree(store, ours, stored)
        except _NotComparableError as error:
            came = 0
            reasons.append(f"parts of {counted(len(wanted), 'picture')} left there: {error}")
        else:
            came = _take(store, part, (theirs, ours), layout, wanted)
            if came < len(wanted):
                reasons.append(
                    f"parts of {counted(len(wanted) - came, 'picture')} left there: they are not "
                    "as they were written"
                )
        taken += came
        left += len(wanted) - came
    return JoinedRegions(taken=taken, left=left, reasons=tuple(reasons))


def to_make(store: Store) -> int:
    """Return of how many contents the next `index` makes the regions.

    Those that have none, or all where the projection was fitted on few contents and there are
    twice as many by now. Recipes without any regions count for nothing.
    """
    count = 0
    for stored in store.recipes():
        regions = store.regions_of(stored.id)
        if regions is not None:
            held = store.embedding_count(stored.id)
            lacking = len(store.contents_without_regions(stored.id))
            count += held if is_outgrown(regions, held) else lacking
    return count


def take_over(store: Store, ours: StoredRecipe, part: Part, name: Path) -> None:
    """Have a gallery's regions made from now on as another one's were, whose codes stay there.

    So the regions of both can be merged.

    Args:
        store: in a transaction.
        ours: the recipe that is indexed.
        part: the other gallery.
        name: its folder, for messages.

    Raises:
        UsageError: it has no regions under that recipe, or cannot be relied on for long, or the
            gallery's own were made otherwise.
    """
    theirs = next((one for one in part.recipes() if one.recipe == ours.recipe), None)
    if theirs is None or part.regions_of(theirs) is None:
        raise UsageError(
            f"regions like {name}: it holds no parts under recipe {ours.recipe.name}; "
            f"`imgsearch index --regions --gallery {name}` makes them"
        )
    try:
        layout, stored = _usable(part, theirs)
        _refuse_short_lived(layout)
        _agree(store, ours, stored)
    except _NotComparableError as error:
        raise UsageError(
            f"regions like {name}: its parts can't be followed: {error}; name another gallery, "
            "or drop those here with `imgsearch index --no-regions` if they are in the way"
        ) from error


class _NotComparableError(Exception):
    """Why another gallery's regions stay there."""


def _wanted(
    store: Store, part: Part, theirs: StoredRecipe, ours: StoredRecipe
) -> Iterator[tuple[int, int]]:
    """Yield row ids, there and here, of the contents that have regions there and none here."""
    lacking = set(store.contents_without_regions(ours.id))
    for their_id, content in part.contents_with_regions(theirs) if lacking else ():
        our_id, _ = store.find_content(content, ours.id)
        if our_id in lacking:
            yield their_id, our_id


def _usable(part: Part, theirs: StoredRecipe) -> tuple[Layout, StoredRegions]:
    """Return how a part's regions were made.

    Raises:
        _NotComparableError: it cannot be read, or is of another version or recipe.
    """
    try:
        stored = part.regions_of(theirs)
        if stored is None:
            raise _NotComparableError("nothing says how they were made")
        layout = Layout.from_json(stored.layout)
        projection = Projection.from_bytes(stored.projection)
    except (GalleryDamagedError, DamagedCacheError) as error:
        raise _NotComparableError("how they were made cannot be read") from error
    if layout.version != VERSION:
        raise _NotComparableError("another version of imgsearch made them")
    if (projection.dim, projection.out) != (theirs.recipe.dim, layout.dim):
        raise _NotComparableError("their projection is not of this recipe")
    return layout, stored


def _refuse_short_lived(layout: Layout) -> None:
    """See that a projection is not fitted anew as a gallery grows.

    Raises:
        _NotComparableError: it is (`imgsearch.regions.making.is_outgrown`).
    """
    if layout.fitted < FITTED:
        raise _NotComparableError(
            f"their projection was fitted on {counted(layout.fitted, 'picture')}, and is fitted "
            f"anew as a gallery grows; one that was fitted on {FITTED} lasts"
        )


def _agree(store: Store, ours: StoredRecipe, theirs: StoredRegions) -> None:
    """See that a gallery's regions are comparable with a part's; one without any takes these over.

    Raises:
        _NotComparableError: they are not.
    """
    here = store.regions_of(ours.id)
    if here is None or not here.count:
        store.put_region_recipe(ours.id, theirs.layout, theirs.projection)
    elif (here.layout, here.projection) != (theirs.layout, theirs.projection):
        raise _NotComparableError("they were made with another projection than those here")


def _take(
    store: Store,
    part: Part,
    recipes: tuple[StoredRecipe, StoredRecipe],
    layout: Layout,
    wanted: list[tuple[int, int]],
) -> int:
    """Copy codes; return of how many contents, which are all but those whose codes are damaged."""
    theirs, ours = recipes
    came = 0
    rows = iter(wanted)
    while block := dict(islice(rows, _BLOCK)):
        for codes in part.regions(theirs, layout.shape, list(block)):
            for their_id, of_content in zip(codes.ids.tolist(), codes.codes, strict=True):
                store.add_regions(ours.id, block[their_id], of_content)
            came += len(codes.ids)
    return came

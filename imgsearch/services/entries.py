"""What a collection holds: an entry for each content, and a description of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgsearch.recipe import Recipe
    from imgsearch.vectors.projection import Projection


@dataclass(frozen=True, slots=True)
class EntryFile:
    """A file that holds a content.

    Attributes:
        root: the number of its root in the description.
        path: beneath the root, in the stored form: bytes that need not be UTF-8.
    """

    root: int
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A content as it is searched and shown.

    Attributes:
        id: its number in the gallery, from 1 up; what an entry is known by.
        content: SHA-256 of its bytes, 64 hexadecimal digits; no two entries have the same.
        mark: changes whenever anything else of the entry does; any signed number of 64 bits.
        vector: as it is searched, float32 (dim,), of unit length or zero. What comes back is equal
            bit for bit to what was put.
        files: that hold it, one at least.
        bytes: size of the file.
        width: pixels, as displayed.
        height: pixels, as displayed.
        format: such as "JPEG".
        taken: capture time, "2024-05-01T12:00:00", or None.
        camera: maker and model, or None.
        lens: its name, or None.
        latitude: degrees, or None; then the longitude is None too.
        longitude: degrees, or None.
    """

    id: int
    content: str
    mark: int
    vector: NDArray[np.float32]
    files: tuple[EntryFile, ...]
    bytes: int
    width: int
    height: int
    format: str
    taken: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class EntryRoot:
    """A photo folder.

    Attributes:
        number: by which entries name it.
        path: absolute, or an address, in the stored form.
    """

    number: int
    path: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Description:
    """What readers need to know of a collection before they search it.

    Attributes:
        gallery: the random id of the gallery that was published, "" where it has none.
        recipe: of the embeddings; without the path of weights on the machine that published.
        projection: what embeddings go through, or None where they are searched as they are.
        dim: length of a vector.
        generation: of the recipe in the gallery, when it was published.
        published: when, in UTC, such as "2026-05-01T12:00:00+00:00".
        count: how many entries there are.
        files: how many files these have together.
        roots: the photo folders.
        cameras: the names of all cameras, sorted.
        lenses: likewise.
        formats: likewise.
    """

    gallery: str
    recipe: Recipe
    projection: Projection | None
    dim: int
    generation: int
    published: str
    count: int
    files: int
    roots: tuple[EntryRoot, ...] = ()
    cameras: tuple[str, ...] = ()
    lenses: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    @property
    def space(self) -> str:
        """What differs whenever vectors, or the numbers of entries, are not comparable."""
        return space_name(self.gallery, self.recipe, self.projection)


def space_name(gallery: str, recipe: Recipe, projection: Projection | None) -> str:
    """Return the name of a space: letters of ASCII, digits and "_", 63 of them at most.

    Args:
        gallery: its random id; numbers of contents are those of one gallery.
        recipe: of the embeddings.
        projection: what they go through, or None.
    """
    version = "none" if projection is None else projection.version
    readable = "".join(letter for letter in gallery if letter.isalnum())[:16] or "0"
    return f"{recipe.identifier}_{version}_{readable}"


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a search found.

    Attributes:
        entries: by the engine's own scores, the best first.
        exhausted: whether nothing else passes.
        is_exact: whether what passes and is not among them scores no more than the last one, but
            for rounding in float32.
    """

    entries: tuple[Entry, ...] = field(default=())
    exhausted: bool = True
    is_exact: bool = True

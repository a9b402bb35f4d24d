"""From the rows of a recipe to what is searched: its projection, and the vectors of its index.

Embeddings are read block by block; only what is searched is held in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors import projection_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.projection_choice import ProjectionChoice
    from imgsearch.vectors.protocol import VectorIndex

    # Embeddings (n, dim) -> unit vectors as they are searched, (n, out).
    Project = Callable[[NDArray[np.float32]], NDArray[np.float32]]

FIT_SAMPLE: Final = 10_000
BLOCK: Final = 4096


def fit_projection(embeddings: Embeddings, choice: ProjectionChoice) -> Projection | None:
    """Return the projection fitted on a sample of the recipe's embeddings.

    None where the default was asked for and the embeddings do not differ.

    Raises:
        UsageError: another projection was asked for, and cannot be fitted.
    """
    # The contents of smallest hash, in the order of their hashes, are a uniform sample, and the
    # same one to the last digit however the gallery came to hold them.
    sample = embeddings.sample(FIT_SAMPLE)
    place = {content_id: row for row, content_id in enumerate(sample)}
    raw = np.empty((len(sample), embeddings.recipe.dim), np.float32)
    for identifiers, vectors in embeddings.blocks(sample):
        raw[[place[content_id] for content_id in identifiers.tolist()]] = vectors
    from imgsearch.vectors.projection_fitting import fit_choice

    try:
        return fit_choice(raw, choice)
    except UsageError:
        if choice == projection_choice.DEFAULT:
            return None  # nothing tells these images apart, and nobody asked for a fit
        raise


def exact_space(embeddings: Embeddings, space: SearchSpace) -> SearchSpace:
    """Return the same space with an index that looks at all vectors.

    All vectors are held in memory, and come from the index where it has them.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: with an approximate index.
    """
    from imgsearch.vectors.exact_kind import build
    from imgsearch.vectors.index_plan import EXACT, IndexPlan

    rows = ProjectedRows(embeddings, space.index.dim, space.project, space.index)
    return replace(space, index=build(rows, IndexPlan(factory=EXACT)))


@dataclass(frozen=True, slots=True)
class ProjectedRows:
    """The embeddings of a recipe as they are searched: a `VectorSource`.

    Attributes:
        embeddings: what the gallery holds.
        dim: length of a vector as it is searched.
        project: makes it.
        before: another index of such vectors, which need not be made again where it has them.
    """

    embeddings: Embeddings
    dim: int
    project: Project
    before: VectorIndex | None = None

    def __len__(self) -> int:
        return self.embeddings.count()

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield ids (b,) and vectors (b, dim), ascending by id."""
        if self.before is None:
            for identifiers, raw in self.embeddings.blocks(ids):
                yield identifiers, self.project(raw)
            return
        wanted = self.embeddings.ids() if ids is None else np.array(sorted(ids), dtype=np.int64)
        for start in range(0, len(wanted), BLOCK):
            part = wanted[start : start + BLOCK]
            at_hand, rows = self.before.kept(part)
            vectors = np.empty((len(part), self.dim), np.float32)
            vectors[at_hand] = rows
            if not at_hand.all():
                made = self.embeddings.blocks(part[~at_hand].tolist())
                vectors[~at_hand] = np.concatenate([self.project(raw) for _, raw in made])
            yield part, vectors

    def sample(self, count: int) -> list[int]:
        """Return the contents of smallest hash."""
        return self.embeddings.sample(count)

"""From the rows of a recipe to what is searched: its projection, and the vectors of its index.

Embeddings are read block by block; only what is searched is held in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors import projection_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.projection_choice import ProjectionChoice

    # Embeddings (n, dim) -> unit vectors as they are searched, (n, out).
    Project = Callable[[NDArray[np.float32]], NDArray[np.float32]]

FIT_SAMPLE: Final = 10_000


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


@dataclass(frozen=True, slots=True)
class ProjectedRows:
    """The embeddings of a recipe as they are searched: a `VectorSource`.

    Attributes:
        embeddings: what the gallery holds.
        dim: length of a vector as it is searched.
        project: makes it.
    """

    embeddings: Embeddings
    dim: int
    project: Project

    def __len__(self) -> int:
        return self.embeddings.count()

    def blocks(
        self, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield ids (b,) and vectors (b, dim), ascending by id."""
        for identifiers, raw in self.embeddings.blocks(ids):
            yield identifiers, self.project(raw)

    def sample(self, count: int) -> list[int]:
        """Return the contents of smallest hash."""
        return self.embeddings.sample(count)

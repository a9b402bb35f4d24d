"""From the rows of a recipe to what is searched: its projection, and its index.

Embeddings are read block by block; only what is searched is held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.vectors import projection_choice
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_plan import IndexPlan, lists_wanted
from imgsearch.vectors.projection_fitting import fit_choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from imgsearch.storage.database import Store
    from imgsearch.storage.records import StoredRecipe
    from imgsearch.vectors.approximate import ApproximateIndex
    from imgsearch.vectors.projection import Projection
    from imgsearch.vectors.projection_choice import ProjectionChoice

    # Embeddings (n, dim) -> unit vectors as they are searched, (n, out).
    Project = Callable[[NDArray[np.float32]], NDArray[np.float32]]

FIT_SAMPLE: Final = 10_000
# With these queries the ANN recall of a new approximate index is measured.
MEASURED_QUERIES: Final = 500
TRAINING_BYTES: Final = 2**29


def fit_projection(
    store: Store, stored: StoredRecipe, choice: ProjectionChoice
) -> Projection | None:
    """Return the projection fitted on a sample of the recipe's embeddings.

    None where the default was asked for and the embeddings do not differ.

    Raises:
        UsageError: another projection was asked for, and cannot be fitted.
    """
    # The contents of smallest hash, in the order of their hashes, are a uniform sample, and the
    # same one to the last digit however the gallery came to hold them.
    sample = store.sample_ids(stored.id, FIT_SAMPLE)
    place = {content_id: row for row, content_id in enumerate(sample)}
    raw = np.empty((len(sample), stored.recipe.dim), np.float32)
    for identifiers, vectors in store.embeddings(stored, sample):
        raw[[place[content_id] for content_id in identifiers.tolist()]] = vectors
    try:
        return fit_choice(raw, choice)
    except UsageError:
        if choice == projection_choice.DEFAULT:
            return None  # nothing tells these pictures apart, and nobody asked for a fit
        raise


def build_exact(store: Store, stored: StoredRecipe, *, dim: int, project: Project) -> ExactIndex:
    """Return an index of all embeddings of the recipe, `dim` numbers each as they are searched."""
    count = store.embedding_count(stored.id)
    ids = np.empty(count, np.int64)
    vectors = np.empty((count, dim), np.float32)
    row = 0
    for identifiers, raw in store.embeddings(stored):
        end = row + len(identifiers)
        ids[row:end] = identifiers
        vectors[row:end] = project(raw)
        row = end
    return ExactIndex.build(ids, vectors)


def build_approximate(
    store: Store, stored: StoredRecipe, *, plan: IndexPlan, dim: int, project: Project
) -> ApproximateIndex:
    """Train an approximate index on a sample, fill it block by block, and measure it.

    Args:
        store: the truth.
        stored: whose embeddings.
        plan: what index.
        dim: numbers of a vector as it is searched.
        project: makes it.

    Raises:
        UsageError: FAISS cannot make such an index.
    """
    from imgsearch.vectors.approximate_builder import TRAINING_FACTOR, Growing

    size = min(TRAINING_FACTOR * lists_wanted(plan.factory), TRAINING_BYTES // (4 * dim))
    sample = store.sample_ids(stored.id, max(size, MEASURED_QUERIES))
    asked = set(sample[:MEASURED_QUERIES])
    ids, vectors = [], []
    for identifiers, raw in store.embeddings(stored, sample):
        ids.append(identifiers)
        vectors.append(project(raw))
    known, training = np.concatenate(ids), np.concatenate(vectors)
    del vectors
    queries = np.array([item in asked for item in known.tolist()])
    growing = Growing.train(
        plan, training, query_ids=known[queries], queries=training[queries].copy()
    )
    del training
    for identifiers, raw in store.embeddings(stored):
        growing.add(identifiers, project(raw))
    return growing.finish()

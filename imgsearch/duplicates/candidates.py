"""Which pairs of contents are worth laying over each other.

Embeddings name what looks alike, crops and screenshots included; perceptual hashes name what has
the same frame in any of eight orientations, which an embedding may not recognise. Neither judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.hashes import near_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings

# Nearest embeddings of each content that are looked at.
NEIGHBOURS: Final = 4
# So many hashes near one say that it tells nothing: a blank page, a logo on white.
MOST_NEAR: Final = 64


def candidate_pairs(
    embeddings: Embeddings, space: SearchSpace, wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the pairs of contents worth a look, the smaller id first, ordered: (n, 2).

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where embeddings are searched.
        wanted: ids (n,) of the contents that may be in a pair, ascending.
    """
    ids, hashes = embeddings.store.perceptual_hashes()
    chosen = np.isin(ids, wanted)
    ids, hashes = ids[chosen], hashes[chosen]
    by_hash = np.sort(ids[_few_near(near_pairs(hashes, hashes))], axis=1)
    everything = len(wanted) >= len(space.index)
    nearest = nearest_pairs(embeddings, space, wanted, wanted=None if everything else wanted)
    pairs = np.concatenate([by_hash, nearest[np.isin(nearest, wanted).all(axis=1)]])
    return np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)


def nearest_pairs(
    embeddings: Embeddings,
    space: SearchSpace,
    asked: NDArray[np.int64],
    *,
    wanted: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return the pairs of contents and their nearest others, the smaller id first, ordered.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where embeddings are searched.
        asked: ids (n,) of the contents whose nearest are looked for, ascending.
        wanted: ids of those that may be the nearest; None for all.

    Returns:
        Shape (pairs, 2).
    """
    found = [np.empty((0, 2), np.int64)]
    everything = len(asked) >= len(space.index)
    for ids, rows in embeddings.blocks(None if everything else asked.tolist()):
        # The content itself is its own nearest, or one of several that are equally near.
        _, near = space.index.search(space.project(rows), NEIGHBOURS + 1, allowed=wanted)
        near = near[:, : NEIGHBOURS + 1]
        found.append(np.stack([np.repeat(ids, near.shape[1]), near.reshape(-1)], axis=1))
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] < pairs[:, 1])], axis=0)


def _few_near(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out the pairs of what is near too many others."""
    _, place, counts = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
    return pairs[counts[place] <= MOST_NEAR]

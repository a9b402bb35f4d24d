"""Finding the groups of a gallery: candidates, their evidence, groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.duplicates.grouping import default_rank, regroup
from imgsearch.duplicates.groups import Evidence, Kind
from imgsearch.duplicates.hashes import near_pairs
from imgsearch.search.held_files import HeldFiles
from imgsearch.storage.passing import allowed_ids

if TYPE_CHECKING:
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.filters import Filters


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What duplicates are asked for.

    Attributes:
        where: what the files must be.
        kinds: of sameness.
        precision: the least share of right ones among the pairs that are called the same.
        rank: a sort key; of files that are the same the one with the least is kept.
    """

    where: Filters
    kinds: frozenset[Kind]
    precision: float = 0.99
    rank: Rank = default_rank


def find_groups(embeddings: Embeddings, wanted: Wanted) -> list[Group]:
    """Return the groups of a gallery.

    Args:
        embeddings: in a snapshot.
        wanted: what is asked for.

    Raises:
        UsageError: a filter that names nothing of the gallery.
    """
    store = embeddings.store
    ids, hashes = store.perceptual_hashes()
    allowed = allowed_ids(store, wanted.where)
    if allowed is not None:
        chosen = np.isin(ids, allowed)
        ids, hashes = ids[chosen], hashes[chosen]
    contents = store.contents(ids.tolist())
    evidence = {}
    for one, other in near_pairs(hashes).tolist():
        first, second = contents[ids[one]].hash, contents[ids[other]].hash
        why = Evidence(kind=Kind.COPY, certainty=1.0)
        evidence[first, second] = evidence[second, first] = why
    files = HeldFiles.of(store, wanted.where)
    held = [file for _, file in files.find(list(contents))]
    return regroup(held, evidence, rank=wanted.rank)

"""Finding the groups of a gallery: candidates, their evidence, groups."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.candidates import candidate_pairs
from imgsearch.duplicates.companions import Companions
from imgsearch.duplicates.gathering import Gathering
from imgsearch.duplicates.grouping import default_rank, regroup
from imgsearch.duplicates.groups import Kind
from imgsearch.duplicates.kept_scores import KeptScores
from imgsearch.quantities import counted
from imgsearch.search.held_files import HeldFiles, each_file
from imgsearch.search.known_files import is_as_indexed
from imgsearch.storage.filters import Filters
from imgsearch.storage.passing import allowed_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from imgsearch.duplicates.calibration import Calibration
    from imgsearch.duplicates.grouping import Rank
    from imgsearch.duplicates.groups import Group
    from imgsearch.duplicates.newcomers import Newcomers
    from imgsearch.duplicates.sides import Sides
    from imgsearch.search.matches import GalleryFile
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.database import Store
    from imgsearch.storage.embeddings import Embeddings

    Progress = Callable[[int, int], None]

LOG: Final = logging.getLogger(__name__)
# Cosine similarity in the space that is searched from which on two pictures look alike.
ALIKE: Final = 0.7
SAME: Final = (Kind.IDENTICAL, Kind.PIXELS, Kind.COPY, Kind.EDIT, Kind.BURST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What duplicates are asked for.

    Attributes:
        where: what the files must be.
        kinds: of sameness.
        precision: the least share of right ones among the pairs that are called the same.
        rank: a sort key; of files that are the same the one with the least is kept.
        sides: across which alone they are looked for; None for everywhere.
    """

    where: Filters = field(default_factory=Filters)
    kinds: frozenset[Kind] = frozenset(SAME)
    precision: float = 0.99
    rank: Rank = default_rank
    sides: Sides | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What duplicates are looked for in.

    Attributes:
        embeddings: in the snapshot in which the space was opened.
        space: where embeddings are searched.
        calibration: what scores mean.
        read: from a content's hash to its bytes; raises `UnreadableImageError`.
    """

    embeddings: Embeddings
    space: SearchSpace
    calibration: Calibration
    read: Callable[[str], bytes]


def find_groups(
    ground: Ground,
    wanted: Wanted,
    *,
    newcomers: Newcomers | None = None,
    progress: Progress | None = None,
) -> list[Group]:
    """Return the groups, the surest first.

    Args:
        ground: what is searched.
        wanted: what is asked for.
        newcomers: files that are not in the gallery, to be found there.
        progress: told how many pairs were judged, of how many.

    Raises:
        UsageError: a filter that names nothing of the gallery.
    """
    store = ground.embeddings.store
    files = _files(ground, wanted.where)
    contents = store.contents(files)
    renderings: dict[int, bytes] = {}
    read = ground.read
    if newcomers is not None:
        newcomers.join(files, contents)
        renderings, read = newcomers.renderings, newcomers.reading(read)
    rank = wanted.rank if wanted.sides is None else wanted.sides.ranked(wanted.rank)
    gathering = Gathering(
        contents,
        files,
        rendering=lambda number: renderings.get(number) or store.renderings([number]).get(number),
        read=read,
        calibration=ground.calibration,
        precision=wanted.precision,
        distinct={(verdict.one, verdict.other) for verdict in store.verdicts()},
    )
    if wanted.kinds != {Kind.IDENTICAL}:
        pairs = _pairs(ground, wanted, files, newcomers)
        asked = len(files) if newcomers is None else len(newcomers.contents)
        # Newcomers are nothing of the gallery's, so nothing of them is left with it.
        folder = ground.embeddings.folder
        kept = KeptScores.load(folder) if newcomers is None else KeptScores()
        gathering.gather(pairs, asked=asked, kept=kept, progress=progress)
        if newcomers is None:
            kept.save(folder)
        if wanted.sides is None:
            gathering.complete(rank)
        if Kind.SIMILAR in wanted.kinds:
            _note_alike(gathering, ground, pairs)
    groups = _grouped(gathering, wanted, files, rank)
    changed = _changed(store, groups, files)
    if not changed:
        return groups
    LOG.warning(
        "%s changed or went since the last `imgsearch index`, left out: %s",
        counted(len(changed), "file"),
        min(changed),
    )
    files = _files(ground, wanted.where, left_out=changed)
    if newcomers is not None:
        newcomers.join(files, contents)
    return _grouped(gathering, wanted, files, rank)


def _changed(
    store: Store, groups: Iterable[Group], files: dict[int, GalleryFile]
) -> frozenset[Path]:
    """Return the files of the gallery in some groups that are not what they were.

    Whoever clears up by the list would else remove the last file of a content, in the belief that
    one that went long ago stays.
    """
    new = {each.path for number, file in files.items() if number < 0 for each in each_file(file)}
    return frozenset(
        file.path
        for group in groups
        for file in (group.keeper, *(member.file for member in group.members))
        if file.path not in new and not is_as_indexed(store, file.path, file.content)
    )


def _files(
    ground: Ground, where: Filters, *, left_out: frozenset[Path] = frozenset()
) -> dict[int, GalleryFile]:
    store = ground.embeddings.store
    ids = store.content_ids_where("id NOT IN (SELECT id FROM orphan)", ())
    allowed = allowed_ids(store, where)
    if allowed is not None:
        ids = np.intersect1d(ids, allowed)
    return dict(HeldFiles.of(store, where, left_out=left_out).find(ids.tolist()))


def _pairs(
    ground: Ground, wanted: Wanted, files: dict[int, GalleryFile], newcomers: Newcomers | None
) -> list[tuple[int, int]]:
    if newcomers is not None:
        return [
            pair for pair in newcomers.pairs(ground.embeddings, ground.space) if pair[1] in files
        ]
    known = np.array(sorted(files), np.int64)
    pairs = [
        tuple(pair) for pair in candidate_pairs(ground.embeddings, ground.space, known).tolist()
    ]
    if wanted.sides is None:
        return pairs
    crossing = wanted.sides.crossing
    return [(one, other) for one, other in pairs if crossing(files[one], files[other])]


def _note_alike(gathering: Gathering, ground: Ground, pairs: list[tuple[int, int]]) -> None:
    """Note the pairs of contents of the gallery that are not the same but look alike."""
    held = [pair for pair in pairs if min(pair) >= 0]
    ids, vectors = ground.space.vectors(ground.embeddings, np.unique(np.array(held, np.int64)))
    row = {content_id: number for number, content_id in enumerate(ids.tolist())}
    for one, other in held:
        if one in row and other in row:
            score = float(vectors[row[one]] @ vectors[row[other]])
            if score >= ALIKE:
                gathering.note_alike(one, other, score)


def _grouped(
    gathering: Gathering, wanted: Wanted, files: dict[int, GalleryFile], rank: Rank
) -> list[Group]:
    evidence = {pair: why for pair, why in gathering.evidence.items() if why.kind in wanted.kinds}
    if wanted.sides is not None:
        evidence = wanted.sides.chosen(evidence, files.values())
    groups: Iterable[Group] = regroup(files.values(), evidence, rank=rank)
    if wanted.sides is not None:
        groups = wanted.sides.across(groups)
    if Kind.IDENTICAL not in wanted.kinds:
        groups = _without_identical(groups)
    beside = Companions()
    return [replace(group, companions=beside.of(group)) for group in groups]


def _without_identical(groups: Iterable[Group]) -> Iterable[Group]:
    for group in groups:
        members = tuple(
            member for member in group.members if member.evidence.kind != Kind.IDENTICAL
        )
        if members:
            yield replace(group, members=members)

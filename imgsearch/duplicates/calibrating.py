"""Calibrating on a gallery's own pictures: edits of some of them, and what lies nearest to others.

Both samples are the contents with the smallest hashes: they depend on what the gallery holds and
not on the order in which it came.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch.duplicates.calibration import Calibration, fit
from imgsearch.duplicates.candidates import nearest_pairs
from imgsearch.duplicates.judge import LOWEST, Judge
from imgsearch.duplicates.judging import judge_each
from imgsearch.duplicates.parallax import SecondLook
from imgsearch.errors import UnreadableImageError
from imgsearch.images import edits, loading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imgsearch.duplicates.changes import Laid
    from imgsearch.search.search_space import SearchSpace
    from imgsearch.storage.embeddings import Embeddings
    from imgsearch.storage.records import Content

LOG: Final = logging.getLogger(__name__)
# Pictures that are edited, each in so many of the ways; pictures whose nearest are looked at.
EDITED: Final = 48
EDITS_EACH: Final = 6
ASKED: Final = 600
# One of each kind and strength that a person expects to be found.
WAYS: Final = (
    "jpeg 20", "mirror", "crop 85%", "brightness 60%", "frame 5%", "resize 25%",
    "rotate 90", "saturation 0%", "crop 65%", "brightness 140%", "text", "contrast 60%",
    "jpeg 50", "rotate 180", "frame 10%", "crop 75%", "rotate 270", "saturation 200%",
)  # fmt: skip
GROWN: Final = 1.5
# Pairs whose originals are looked at at most, and the score below which none is.
MOST_LOOKS: Final = 200
HOPELESS: Final = -4.0


def is_outdated(calibration: Calibration | None, contents: int) -> bool:
    """Whether a gallery has changed so much that its calibration is made again."""
    if calibration is None:
        return True
    before, now = max(calibration.contents, 1), max(contents, 1)
    return max(before, now) / min(before, now) >= GROWN


def calibrate(
    embeddings: Embeddings, space: SearchSpace, *, read: Callable[[str], bytes]
) -> Calibration:
    """Return what scores mean in a gallery.

    Args:
        embeddings: in the snapshot in which the space was opened.
        space: where embeddings are searched.
        read: from a content's hash to its bytes; raises `UnreadableImageError`.
    """
    LOG.info("calibrating on pictures of the gallery and edits of them")
    asked = np.sort(np.array(embeddings.sample(ASKED), np.int64))
    pairs = nearest_pairs(embeddings, space, asked)
    ids = np.unique(pairs).tolist()
    contents = embeddings.store.contents(ids)
    hashes = {key: content.hash for key, content in contents.items()}
    rendering = embeddings.store.renderings(ids).get
    # By hash, since ids tell what came first.
    ordered = [_by_hash(one, other, hashes) for one, other in pairs.tolist()]
    judged = judge_each(ordered, Judge(rendering), rendering=rendering)
    laid = [each.laid for each in judged]
    nearest = [LOWEST if each is None else each.score for each in laid]
    _look_again(nearest, ordered, laid, contents=contents, read=read)
    edited = list(_edited(embeddings, read))
    return fit(edited, nearest, contents=embeddings.count(), asked=len(asked))


def _look_again(
    scores: list[float],
    pairs: Sequence[tuple[int, int]],
    laid: Sequence[Laid | None],
    *,
    contents: Mapping[int, Content],
    read: Callable[[str], bytes],
) -> None:
    """Put the lowest score in the place of those of pairs that a second look tells apart.

    So that certainty is that of whatever passes both, as the pairs that are found do.
    """
    look = SecondLook(read)
    best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    for number in best[:MOST_LOOKS]:
        if scores[number] < HOPELESS:
            return
        one, other = (contents[content_id] for content_id in pairs[number])
        how = laid[number]
        if how is not None and look.is_another_exposure(one, other, how):
            scores[number] = LOWEST


def _by_hash(one: int, other: int, hashes: Mapping[int, str]) -> tuple[int, int]:
    return (one, other) if hashes[one] <= hashes[other] else (other, one)


def _edited(embeddings: Embeddings, read: Callable[[str], bytes]) -> Iterator[float]:
    """Yield the scores of edits with what they are edits of."""
    sampled = embeddings.sample(EDITED)
    contents = embeddings.store.contents(sampled)
    renderings = embeddings.store.renderings(sampled)
    for number, content_id in enumerate(sampled):
        encoded = renderings.get(content_id)
        if encoded is None:
            continue
        try:
            data = read(contents[content_id].hash)
            looks = {0: encoded}
            for each in range(EDITS_EACH):
                way = WAYS[(number * EDITS_EACH + each) % len(WAYS)]
                looks[each + 1] = loading.fingerprint(edits.apply(way, data)).rendering
        except UnreadableImageError:
            continue
        judge = Judge(looks.get)
        yield from (judge.score(0, each) for each in range(1, EDITS_EACH + 1))

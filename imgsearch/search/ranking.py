"""From scores of contents to those of the first matches, in the order in which they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from imgsearch.search.held_files import FiledContent, HeldFiles

    Ranked: TypeAlias = tuple[float, FiledContent]

SCORE_DECIMALS: Final = 6
# Of so many more contents than are wanted files are looked up, since some may be of none.
FEW_MORE: Final = 1


def rounded(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return inner products of unit vectors as scores are shown."""
    # + 0.0 makes 0.0 of -0.0; np.clip takes three times as long for so few.
    scores: NDArray[np.float64] = np.minimum(np.maximum(products.round(SCORE_DECIMALS), -1.0), 1.0)
    return scores + 0.0


def ranked_contents(
    files: HeldFiles,
    ids: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    k: int,
    least: float | None,
) -> list[Ranked]:
    """Return scores and contents by score and path, the first k of them and maybe more.

    Args:
        files: looks up the files that hold them; a content without any is left out.
        ids: of contents, shape (m,), by score.
        scores: theirs, `rounded`, descending.
        k: how many are wanted.
        least: the least score that counts, or None.
    """
    if least is not None:
        enough = int(np.searchsorted(-scores, -least, side="right"))
        ids, scores = ids[:enough], scores[:enough]
    ranked: list[Ranked] = []
    start, end = 0, k + FEW_MORE
    while start < len(ids):
        part = ids[start:end]
        by_id = dict(zip(part.tolist(), scores[start:end].tolist(), strict=True))
        held = files.held(list(by_id))
        ranked += [(by_id[content.content.id], content) for content in held]
        ranked.sort(key=lambda one: (-one[0], one[1].places[0].path))
        # What is left could tie with the last match, and come before it by its path.
        if len(ranked) >= k and (end >= len(ids) or float(scores[end]) < ranked[k - 1][0]):
            break
        start, end = end, 2 * end
    return ranked

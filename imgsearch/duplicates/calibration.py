"""How sure a score is in one collection: thresholds are calibrated there, and not set.

Of pairs that were judged, those with a score of at least s are right in a share of

    right(s) / (right(s) + wrong(s))

`right(s)` is how many pairs of one shot the collection has, times the share of the program's own
edits of its pictures that score so much. `wrong(s)` is how many of its nearest different pictures
do. Since nobody has labelled the collection, pictures that plainly agree cannot be counted as
different ones; so the highest scores up to `CLEAR`, and up to the lowest of the edits, are counted,
and their tail is continued as a generalised Pareto distribution, which is what tails beyond a high
threshold tend to (Pickands 1975). It ends at the best score that there is: the share above s falls
as ((best - s) / (best - start)) ** fall. To that comes, the less the more pairs were seen, the tail
that another collection had.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Score above which pairs may well be of one shot.
CLEAR: Final = 1.0
# Highest scores below that the tail is fitted to.
TAIL: Final = 30
# The best score, of two pictures that agree everywhere (`imgsearch.duplicates.judge`).
BEST: Final = 8.0
# Another collection's tail: a score, the share of nearest neighbours that scored more, and its
# fall. It counts like so many pairs, and its fall like so many scores in the tail.
USUAL_START: Final = -3.0
USUAL_SHARE: Final = 0.0185
USUAL_FALL: Final = 4.2
WORTH: Final = 10
WORTH_ABOVE: Final = 5
# Scores of edits elsewhere, at 0, 1/12, ... 1 of them.
USUAL_EDITS: Final = (-3.0, 4.5, 5.3, 5.7, 6.0, 6.3, 6.5, 6.7, 6.9, 7.0, 7.2, 7.4, 7.7)
ENOUGH_EDITS: Final = 100
# Score that only pairs of one shot are taken to have, if no more than a quarter of the edits have
# less; and one such pair is taken to be there beside so many contents that were asked.
PLAIN: Final = 5.5
ONE_RIGHT_IN: Final = 10
# Contents of the whole gallery that count beside those of one search.
LIKE_BEFORE: Final = 50
QUANTILES: Final = 41
TINY: Final = 1e-300
STEP: Final = 0.05


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores mean in one collection.

    Attributes:
        contents: how many it had.
        edits: how many edits of its pictures were judged.
        different: how many pairs of nearest pictures were, those of one shot among them.
        right: pairs of one shot for each content.
        candidates: pairs of nearest pictures for each content.
        start: score from which on the tail of the different ones is known.
        share: of the candidates that are different and score more than that.
        fall: exponent with which that share falls towards the best score.
        scores: of edits, at equal steps from the lowest to the highest.
        judge: version of what gives the scores.
    """

    contents: int
    edits: int
    different: int
    right: float
    candidates: float
    start: float
    share: float
    fall: float
    scores: tuple[float, ...]
    judge: int

    def certainty(self, score: float) -> float:
        """Return the share of right ones among pairs of at least this score.

        It never falls as scores rise, for what is surer than something sure is sure.
        """
        steps, sure = _table(self)
        return float(sure[max(0, int(np.searchsorted(steps, score, side="right")) - 1)])

    def among(self, scores: Sequence[float], *, asked: int) -> Calibration:
        """Return what scores mean among the pairs of one search.

        A card full of pictures that the gallery holds has more pairs of one shot than the gallery
        by itself.

        Args:
            scores: of the pairs that were judged.
            asked: contents whose like was looked for.
        """
        plain = min(PLAIN, float(np.quantile(self.scores, 0.25)))
        reached = float(self.found(np.array([plain]))[0])
        right = float((np.asarray(scores, float) >= plain).sum()) / reached
        known = self.right * LIKE_BEFORE
        return replace(self, right=(right + known) / (asked + LIKE_BEFORE))

    def found(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of edits that have at least such scores."""
        share: NDArray[np.float64] = np.interp(
            score, self.scores, np.linspace(1, 0, len(self.scores))
        )
        return share

    def threshold(self, precision: float) -> float:
        """Return the least score of that certainty; infinity if none has it."""
        steps, sure = _table(self)
        enough = steps[sure >= precision]
        return float(enough[0]) if len(enough) else float("inf")

    def recall(self, precision: float) -> float:
        """Return the share of edits that are called the same at a precision."""
        threshold = self.threshold(precision)
        return float(self.found(np.array([threshold]))[0]) if threshold < np.inf else 0.0

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Calibration | None:
        """Read it from text; None if that is none of this version."""
        try:
            values = json.loads(text)
            values["scores"] = tuple(map(float, values["scores"]))
            found = cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return found if found.judge == JUDGE and len(found.scores) > 1 else None


# Raised with whatever changes scores.
JUDGE: Final = 2
USUAL: Final = Calibration(
    contents=0,
    edits=0,
    different=0,
    right=0.1,
    candidates=2.2,
    start=USUAL_START,
    share=0.0,
    fall=USUAL_FALL,
    scores=USUAL_EDITS,
    judge=JUDGE,
)


def fit(
    edits: Sequence[float], nearest: Sequence[float], *, contents: int, asked: int
) -> Calibration:
    """Return what scores mean.

    Args:
        edits: scores of edits with what they are edits of.
        nearest: scores of pairs of nearest pictures, whatever they are of.
        contents: of the collection.
        asked: contents whose nearest these are.
    """
    scores = np.quantile([*edits, *(USUAL_EDITS if len(edits) < ENOUGH_EDITS else ())], _STEPS)
    scores = np.maximum.accumulate(scores + np.arange(QUANTILES) * 1e-6)
    pairs = np.asarray(nearest, float)
    clear = min(CLEAR, float(np.quantile(scores, 0.02)))
    different = np.sort(pairs[pairs <= clear])[::-1]
    most = min(TAIL, len(different) // 10)
    start, fall = USUAL_START, USUAL_FALL
    if most:
        start = float(different[most])
        edge = float(_depth(np.array([max(clear, start + 1)]), start)[0])
        fall = _fall(_depth(different[:most], start), edge)
    plain = min(PLAIN, float(np.quantile(scores, 0.25)))
    reached = 1.0 - float(np.interp(plain, scores, _STEPS))
    right = (float((pairs >= plain).sum()) / reached + 1) / (asked + ONE_RIGHT_IN)
    return Calibration(
        contents=contents,
        edits=len(edits),
        different=len(pairs),
        right=right,
        candidates=max(len(pairs) / max(asked, 1), 0.5),
        start=start,
        share=most / (len(different) + 1),
        fall=fall,
        scores=tuple(round(score, 4) for score in scores.tolist()),
        judge=JUDGE,
    )


def _depth(scores: NDArray[np.float64], start: float) -> NDArray[np.float64]:
    """Return how deep in a tail scores lie: 0 at its start, infinite at the best."""
    return np.log(
        (BEST - min(start, BEST - 1)) / np.maximum(BEST - np.maximum(scores, start), 0.01)
    )


@lru_cache(8)
def _table(calibration: Calibration) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores in small steps, and how sure each is."""
    lowest = min(calibration.start, calibration.scores[0])
    steps = np.arange(lowest, max(calibration.scores[-1], lowest + STEP), STEP)
    right = calibration.right * calibration.found(steps)
    wrong = calibration.share * np.exp(-calibration.fall * _depth(steps, calibration.start))
    unseen = WORTH / (WORTH + calibration.different) * USUAL_SHARE
    wrong += unseen * np.exp(-USUAL_FALL * _depth(steps, USUAL_START))
    sure = right / (right + calibration.candidates * wrong + TINY)
    return steps, np.maximum.accumulate(sure)


_STEPS: Final = np.linspace(0, 1, QUANTILES)


def _fall(above: NDArray[np.float64], width: float) -> float:
    """Return the most likely rate of an exponential that is seen up to a width only.

    The depths of scores in a tail are exponential where the scores are as described above.

    `WORTH_ABOVE` more values are added that have the mean of the usual rate.
    """
    rates = np.geomspace(0.5, 100.0, 400)

    def mean(
        rate: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        return 1 / rate - width / np.expm1(rate * width)

    usual = float(mean(np.array([USUAL_FALL]))[0])
    seen = (float(above.sum()) + WORTH_ABOVE * usual) / (len(above) + WORTH_ABOVE)
    return float(rates[np.abs(mean(rates) - seen).argmin()])

"""How sure a score is in one collection: thresholds are calibrated there, and not set.

Of pairs that were judged, those with a score of at least s are right in a share of

    right(s) / (right(s) + wrong(s))

`right(s)` is how many pairs of one shot the collection has, times the share of the program's own
edits of its pictures that score so much. `wrong(s)` is how many of its nearest different pictures
do. Since nobody has labelled the collection, pictures that plainly agree cannot be counted as
different ones; so the highest scores up to `CLEAR`, and up to the lowest of the edits, are counted,
and their tail is continued as an exponential, which is what tails beyond a high threshold tend to
(Pickands 1975, of which this is the case without a shape). To that comes, the less the more pairs
were seen, the tail that another collection had.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import exp
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

# Score above which pairs may well be of one shot.
CLEAR: Final = 1.0
# Highest scores below that the tail is fitted to.
TAIL: Final = 30
# Another collection's tail: a score, the share of nearest neighbours that scored more, and by how
# much its logarithm falls for each unit of the score. It counts like so many pairs, and its fall
# like so many scores in the tail.
USUAL_START: Final = -3.0
USUAL_SHARE: Final = 0.0185
USUAL_FALL: Final = 0.6
WORTH: Final = 50
WORTH_ABOVE: Final = 5
# Scores of edits elsewhere, at 0, 1/12, ... 1 of them.
USUAL_EDITS: Final = (-3.0, 4.5, 5.3, 5.7, 6.0, 6.3, 6.5, 6.7, 6.9, 7.0, 7.2, 7.4, 7.7)
# Score that only pairs of one shot are taken to have, and pairs of one shot for each content
# where none was found.
PLAIN: Final = 5.5
FEWEST_RIGHT: Final = 0.01
QUANTILES: Final = 41


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
        fall: of the logarithm of that share for each unit of the score.
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
        """Return the share of right ones among pairs of at least this score."""
        right = self.right * self.found(score)
        wrong = self.share * exp(-self.fall * max(score - self.start, 0.0))
        unseen = WORTH / (WORTH + self.different)
        wrong += unseen * USUAL_SHARE * exp(-USUAL_FALL * max(score - USUAL_START, 0.0))
        wrong *= self.candidates
        return right / (right + wrong) if right else 0.0

    def found(self, score: float) -> float:
        """Return the share of edits that have at least this score."""
        return 1.0 - float(np.interp(score, self.scores, np.linspace(0, 1, len(self.scores))))

    def threshold(self, precision: float) -> float:
        """Return the least score of that certainty; infinity if none has it."""
        steps = np.linspace(self.start, self.scores[-1], 400)
        sure = [step for step in steps.tolist() if self.certainty(step) >= precision]
        return min(sure, default=float("inf"))

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
JUDGE: Final = 1
USUAL: Final = Calibration(
    contents=0,
    edits=0,
    different=0,
    right=0.1,
    candidates=2.2,
    start=USUAL_START,
    share=USUAL_SHARE,
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
    usual = np.interp(
        np.linspace(0, 1, max(0, 4 * QUANTILES - len(edits))),
        np.linspace(0, 1, len(USUAL_EDITS)),
        USUAL_EDITS,
    )
    scores = np.quantile(np.concatenate([np.asarray(edits, float), usual]), _STEPS)
    scores = np.maximum.accumulate(scores + np.arange(QUANTILES) * 1e-6)
    pairs = np.asarray(nearest, float)
    clear = min(CLEAR, float(np.quantile(scores, 0.02)))
    different = np.sort(pairs[pairs <= clear])[::-1]
    most = min(TAIL, len(different) // 10)
    start, fall = USUAL_START, USUAL_FALL
    if most:
        start = float(different[most])
        fall = _fall(different[:most] - start, max(clear - start, 1.0))
    plain = float((pairs >= PLAIN).sum())
    reached = 1.0 - float(np.interp(PLAIN, scores, _STEPS))
    right = max(plain / max(reached, 0.25) / max(asked, 1), FEWEST_RIGHT)
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


_STEPS: Final = np.linspace(0, 1, QUANTILES)


def _fall(above: np.ndarray[tuple[int], np.dtype[np.float64]], width: float) -> float:
    """Return the most likely rate of an exponential that is seen up to a width only.

    `WORTH_ABOVE` more values are added that have the mean of the usual rate.
    """
    rates = np.linspace(0.2, 3.0, 141)

    def mean(
        rate: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return 1 / rate - width / np.expm1(rate * width)

    usual = float(mean(np.array([USUAL_FALL]))[0])
    seen = (float(above.sum()) + WORTH_ABOVE * usual) / (len(above) + WORTH_ABOVE)
    return float(rates[np.abs(mean(rates) - seen).argmin()])

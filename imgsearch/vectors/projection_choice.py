"""Which projection a gallery is searched through, and how a command line names it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imgsearch.errors import UsageError

# Chosen by benchmarks/projection_study.py on two labelled sets, their union, and small galleries
# drawn from them; the tables and the reasons are in benchmarks/results/projection_study.md.
DEFAULT_DIM: Final = 160
DEFAULT_POWER: Final = 0.5
DEFAULT_SHRINKAGE: Final = 20.0
MINIMUM_COUNT: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionChoice:
    """Which projection a gallery is searched through.

    Attributes:
        dim: how many principal components are kept; 0 searches the raw embeddings.
        power: how far their variances are evened out, from 0 (plain PCA) to 0.5 (whitening), after
            the shrinkage.
        minimum_count: with fewer contents than this the raw embeddings are searched.
        shrinkage: what is added to every variance first, in multiples of their mean; 0 makes a
            power of 0.5 full whitening.
        centring_only: only the mean is taken away, and all dimensions are kept; then `dim` is 0,
            and neither power nor shrinkage says anything.
    """

    dim: int
    power: float
    minimum_count: int = 2
    shrinkage: float = DEFAULT_SHRINKAGE
    centring_only: bool = False

    def __post_init__(self) -> None:
        """Refuse a choice that no projection can have.

        Raises:
            UsageError: names the value and what it may be.
        """
        if self.dim < 0:
            raise UsageError(f"projection: {self.dim} is not a number of dimensions")
        if not 0 <= self.power <= 1:
            raise UsageError(f"projection: power {self.power} is not between 0 and 1")
        if not 0 <= self.shrinkage < math.inf:
            raise UsageError(f"projection: shrinkage {self.shrinkage} is not finite and 0 or more")
        if self.centring_only and self.dim:
            raise UsageError(f"projection: centring keeps all dimensions, so {self.dim} must be 0")

    @classmethod
    def parse(cls, text: str) -> ProjectionChoice:
        """Return the choice that a command line names.

        Args:
            text: "auto" (`DEFAULT`), "none" (`NONE`), "centred" (`CENTRED`), a dim such as "128",
                a dim and a power such as "128:0.25", or these and a shrinkage such as "128:0.5:0",
                which is full whitening. Power and shrinkage are the default's where not given.

        Raises:
            UsageError: the text is none of these.
        """
        named = {"auto": DEFAULT, "none": NONE, "centred": CENTRED}
        if text in named:
            return named[text]
        dim, *rest = text.split(":")
        usual = (DEFAULT.power, DEFAULT.shrinkage)
        try:
            power, shrinkage = (*map(float, rest), *usual[len(rest) :])
            choice = cls(dim=int(dim), power=power, shrinkage=shrinkage)
        except (ValueError, UsageError) as error:
            raise _not_a_choice(text) from error
        if choice.dim < 1:
            raise _not_a_choice(text)
        return choice

    def applies_to(self, count: int) -> bool:
        """Say whether a gallery of this many embeddings is searched through a projection."""
        return (self.dim > 0 or self.centring_only) and count >= self.minimum_count

    def __str__(self) -> str:
        if self.centring_only:
            return "centred"
        if not self.dim:
            return "none"
        text = f"{self.dim}:{self.power:g}"
        return text if self.shrinkage == DEFAULT_SHRINKAGE else f"{text}:{self.shrinkage:g}"


NONE: Final = ProjectionChoice(dim=0, power=0.0)
CENTRED: Final = ProjectionChoice(dim=0, power=0.0, centring_only=True)
DEFAULT: Final = ProjectionChoice(dim=DEFAULT_DIM, power=DEFAULT_POWER, minimum_count=MINIMUM_COUNT)


def _not_a_choice(text: str) -> UsageError:
    return UsageError(
        f"projection: {text!r} is none of auto, none, centred, DIM, DIM:POWER or "
        "DIM:POWER:SHRINKAGE (such as 128:0.5, with a power between 0 and 1 and a shrinkage from "
        "0 up)"
    )

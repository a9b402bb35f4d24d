"""How feature maps become one vector: a method, and its parameter where it has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from imgsearch.errors import UsageError

PoolingMethod = Literal["gap", "gmp", "gem", "rmac", "cls", "map"]
Pooling = str  # a method, or a method and its parameter: what PoolingChoice reads and writes

POOLINGS: Final[tuple[PoolingMethod, ...]] = ("gap", "gmp", "gem", "rmac")  # of feature maps
# Computed inside the network, from its tokens.
OWN_POOLINGS: Final[tuple[PoolingMethod, ...]] = ("cls", "map")

GEM_POWER: Final = 3.0
# Below the least, float32 loses too much of a power for its root; above the largest, GeM is the
# maximum.
LEAST_GEM_POWER: Final = 0.1
LARGEST_GEM_POWER: Final = 1000.0
RMAC_LEVELS: Final = 3
# 2,870 regions: more than a feature map has locations.
MOST_RMAC_LEVELS: Final = 20


@dataclass(frozen=True, slots=True)
class PoolingChoice:
    """A pooling method and, where it has one, its parameter.

    Attributes:
        method: "gap" (mean), "gmp" (max), "gem" (power mean), "rmac" (regional max), or what some
            transformers have of their own: "cls" (class token), "map" (attention pooling).
        parameter: the power of "gem", the number of levels of "rmac"; None for the others.
    """

    method: PoolingMethod
    parameter: float | None

    @classmethod
    def parse(cls, text: str) -> PoolingChoice:
        """Parse a method, or "gem:POWER" or "rmac:LEVELS", such as "gem:4" or "rmac:2".

        Without a parameter, the power is 3 and the number of levels is 3, as in the papers.

        Raises:
            UsageError: the text is none of these.
        """
        name, colon, parameter = text.partition(":")
        method = next((known for known in (*POOLINGS, *OWN_POOLINGS) if known == name), None)
        if method is None:
            raise UsageError(
                f"pooling: {text!r} is none of {', '.join(POOLINGS)}, gem:POWER and rmac:LEVELS; "
                f"some networks of KerasHub have {' or '.join(OWN_POOLINGS)}"
            )
        try:
            match method:
                case "gem":
                    return cls(method, _power(parameter) if colon else GEM_POWER)
                case "rmac":
                    return cls(method, _levels(parameter) if colon else RMAC_LEVELS)
        except ValueError as error:
            raise UsageError(f"pooling: {text!r} is not a pooling: {error}") from error
        if colon:
            raise UsageError(f"pooling: {text!r} is not a pooling: {method} has no parameter")
        return cls(method, None)

    def __str__(self) -> str:
        """Return the canonical text, without the parameter if it is the default."""
        if self.parameter in (None, {"gem": GEM_POWER, "rmac": RMAC_LEVELS}.get(self.method)):
            return self.method
        return f"{self.method}:{repr(self.parameter).removesuffix('.0')}"


def _power(text: str) -> float:
    wrong = f"a power is a number from {LEAST_GEM_POWER:g} to {LARGEST_GEM_POWER:g}, as in gem:4"
    try:
        power = float(text)
    except ValueError:
        raise ValueError(wrong) from None
    if not LEAST_GEM_POWER <= power <= LARGEST_GEM_POWER:
        raise ValueError(wrong)
    return power


def _levels(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_RMAC_LEVELS:
        raise ValueError(f"levels are a whole number from 1 to {MOST_RMAC_LEVELS}, as in rmac:2")
    return int(text)

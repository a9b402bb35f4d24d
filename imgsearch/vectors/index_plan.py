"""Which index a gallery gets: exact while that is fast, then codes of 4 bits, in ever more lists.

The limits are those of benchmarks/results/answer_rivals.md.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Final, Self

from imgsearch.errors import GalleryDamagedError, UsageError

AUTO: Final = "auto"
# The kinds that every gallery can have (`imgsearch.vectors.index_kinds`).
EXACT: Final = "exact"
IVF: Final = "ivf"

# A million vectors of the default projection fit in it beside their codes.
DEFAULT_MEMORY: Final = 2**30
# Below this many contents all float32 vectors are read and verified at every opening, whatever
# their dim, and every query scans all of them: the answer is exact, ties included.
LEAST_COUNT: Final = 5_000
# Up to so many float values, 52,428 vectors of the default projection, a query scans the codes of
# all, in one list: in many of which it probes a few it finds less and is hardly faster.
ONE_LIST_VALUES: Final = 2**23
# Codes of a byte are learnt from 256 vectors at least, whatever index a person names.
NAMED_LEAST_COUNT: Final = 300
LARGE_DIM: Final = 320
REDUCED_DIM: Final = 256
# What is cut off decides among candidates: of the ten nearest of 100,000 MobileNetV2 embeddings,
# 97.9 % are among the 67 nearest by 256 directions, 98.7 % among 117, 99.2 % among 167.
REDUCED_RESCORED: Final = 12
# Of the queries that decide; others find up to 0.015 less (benchmarks/results/answer_rivals.md),
# and 0.97 is what is promised.
TARGET_RECALL: Final = 0.985

# The part of a factory string for codes of 4 bits, which are too coarse to order candidates by.
FAST_SCAN: Final = "x4fs"

# What lies beside the lists: nothing, the vectors as float16, or whole, as they were added.
NOTHING: Final = ""
HALF: Final = "half"
WHOLE: Final = "whole"

_ID_BYTES: Final = 16
_CHECKSUM_BYTES: Final = 4
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """One index in every detail that is not learnt from the vectors.

    Attributes:
        factory: a FAISS factory string, or "exact".
        reduced: length that long vectors are cut down to before the index sees them; 0 for none.
        rescored: how many candidates are scored exactly for each match that is wanted.
        kept: which vectors lie beside the lists, with which the best by their codes are scored
            again: `NOTHING`, `HALF` or `WHOLE`.
        finer: factory string of what is built instead if the ANN recall misses its target; "" for
            nothing.
    """

    factory: str
    reduced: int = 0
    rescored: int = 1
    kept: str = NOTHING
    finer: str = ""

    @property
    def is_exact(self) -> bool:
        """Whether every query scans all vectors."""
        return self.factory == EXACT


@dataclass(frozen=True, slots=True)
class _Codes:
    """What stands for a vector: its part of a factory string, bytes, and values of the plan."""

    name: str
    bytes: float
    rescored: int
    kept: str = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChoice:
    """What a person asks of the index of a gallery.

    Attributes:
        factory: "auto", "exact", or a FAISS factory string such as "IVF4096,SQ8".
        memory: bytes that the index may take, a budget for "auto".
    """

    factory: str = AUTO
    memory: int = DEFAULT_MEMORY

    def __post_init__(self) -> None:
        """Refuse a budget that is none.

        Raises:
            UsageError: names the value.
        """
        if type(self.factory) is not str:
            raise UsageError(f"index: {self.factory!r:.60} is no factory string")
        if type(self.memory) is not int or self.memory < 1:
            raise UsageError(f"memory: {self.memory} is not a number of bytes above 0")

    def plan(self, count: int, dim: int) -> IndexPlan:
        """Return the index for so many vectors.

        Few vectors are searched exactly. Of more, codes of 4 bits are scanned, in one list or in
        many of which a query probes a few (IVF), and the best are scored again with the vectors,
        which lie beside the codes: whole where that fits the memory, else as float16. Where not
        even that fits, there are codes alone, ever shorter. Long vectors are first cut down to
        their principal directions: the lists only find candidates, whose scores are then computed
        from the stored embeddings.

        Args:
            count: how many vectors.
            dim: their length.
        """
        if self.factory == EXACT:
            return IndexPlan(factory=EXACT)
        if self.factory != AUTO:
            if count < max(NAMED_LEAST_COUNT, 4 * lists_wanted(self.factory)):
                return IndexPlan(factory=EXACT)
            is_coarse = self.factory.endswith(FAST_SCAN)
            return IndexPlan(factory=self.factory, rescored=4, kept=WHOLE if is_coarse else NOTHING)
        if count < LEAST_COUNT:
            return IndexPlan(factory=EXACT)
        reduced = REDUCED_DIM if dim > LARGE_DIM else 0
        width = reduced or dim
        lists = 1
        if count * dim > ONE_LIST_VALUES:
            lists = 2 ** round(math.log2(2 * math.sqrt(count)))
        tried = _codes(width, whole=not reduced)
        chosen = next(
            (codes for codes in tried if count * (codes.bytes + _ID_BYTES) <= self.memory),
            tried[-1],
        )
        return IndexPlan(
            factory=f"IVF{lists},{chosen.name}",
            reduced=reduced,
            rescored=chosen.rescored + (REDUCED_RESCORED if reduced else 0),
            kept=chosen.kept,
            finer=f"IVF{lists},PQ{width}{FAST_SCAN}" if chosen.kept and width % 2 == 0 else "",
        )

    def to_json(self) -> str:
        """Return the choice as one line, from which `from_json` makes it again."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the choice that `to_json` wrote.

        Raises:
            GalleryDamagedError: the text is none.
        """
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError, UsageError) as error:
            raise GalleryDamagedError(
                f"the stored choice of an index cannot be read ({error}): name one with "
                "`imgsearch index --index auto`"
            ) from error


def _codes(width: int, *, whole: bool) -> list[_Codes]:
    """Return what may stand for vectors of so many values, the best first.

    Args:
        width: of a vector as the lists see it.
        whole: whether that is the vector itself.
    """
    # Half a byte for two dimensions, scanned in registers.
    parts = width // 2 if width % 2 == 0 else width
    scanned = f"PQ{parts}{FAST_SCAN}"
    divisor = next(part for part in (4, 2, 1) if width % part == 0)
    beside = [_Codes(scanned, parts / 2 + 2 * width, 1, HALF)]
    if whole:
        beside.insert(0, _Codes(scanned, parts / 2 + 4 * width + _CHECKSUM_BYTES, 1, WHOLE))
    return [
        *beside,
        _Codes("SQ8", width, 2),
        _Codes("SQ4", width / 2, 4),
        _Codes(f"PQ{width // divisor}", width / divisor, 10),
    ]


def candidates_wanted(plan: IndexPlan, k: int, *, spare: int = 16) -> int:
    """Return how many candidates of an index are scored exactly when k matches are wanted."""
    return plan.rescored * k + spare


def lists_wanted(factory: str) -> int:
    """Return how many lists a FAISS factory string asks for, or 1 when it names no number."""
    named = re.search(r"IVF(\d+)", factory)
    return int(named[1]) if named else 1


def parse_memory(text: str) -> int:
    """Return the bytes that a text such as "600MB", "1.5 GiB" or "500000000" stands for.

    Raises:
        UsageError: the text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"memory: {text!r} is not a size such as 600MB or 1.5GB")
    base = 1024 if match[3] else 1000
    size = int(float(match[1]) * base ** "_KMGT".index(match[2].upper() or "_"))
    if size < 1:
        raise UsageError(f"memory: {text!r} is not a size above 0")
    return size

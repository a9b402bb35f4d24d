"""The scores of pairs that were judged, kept beside the database.

`judged.scores` is a cache: a checked file (`imgsearch.checked_file`) whose payload is, for each
pair, the first half of both contents' SHA-256, the smaller first, and its score, little-endian.
Contents never change, so neither do scores, until `JUDGE` or the renderings' `VERSION` is raised;
pairs of which a rendering is lacking have none.
Only scores are kept: the few pairs that may be the same are laid upon each other again.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from imgsearch import checked_file
from imgsearch.checked_file import FileFormat
from imgsearch.duplicates.calibration import JUDGE
from imgsearch.duplicates.judge import LOWEST
from imgsearch.errors import DamagedCacheError
from imgsearch.images.fingerprints import VERSION
from imgsearch.storage.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

LOG: Final = logging.getLogger(__name__)
NAME: Final = "judged.scores"
FORMAT: Final = FileFormat(
    name="imgsearch's scores of pairs",
    magic=b"\x89ISJS\r\n\x1a",
    version=1,
    lengths="I",
    remedy="the next `imgsearch duplicates` judges all pairs again",
)
HALF: Final = 16
# So few are judged in a second.
LEAST_KEPT: Final = 300
# Pairs that were not asked about last are kept up to so many times as many as were.
OTHERS: Final = 2
_ROW: Final = np.dtype([("pair", "u1", 2 * HALF), ("score", "<f8")])


@dataclass(frozen=True, slots=True)
class ScoresHeader:
    """What the file says about itself.

    Attributes:
        judge: version of what gives the scores.
        renderings: version of what it looks at.
        pairs: how many.
    """

    judge: int
    renderings: int
    pairs: int


class KeptScores:
    """Scores by pair of contents."""

    def __init__(self, scores: dict[bytes, float] | None = None) -> None:
        """Take scores by key, as `key_of` makes it."""
        self._scores = {} if scores is None else scores
        self._asked: dict[bytes, float] = {}
        self._has_more = False

    def __len__(self) -> int:
        return len(self._scores)

    def get(self, one: str, other: str) -> float | None:
        """Return a pair's score, `LOWEST` where nothing lays them upon each other; None if new.

        What was asked about is kept when others have to go.
        """
        key = key_of(one, other)
        score = self._scores.get(key)
        if score is not None:
            self._asked[key] = score
        return score

    def put(self, one: str, other: str, score: float) -> None:
        """Note a pair's score."""
        key = key_of(one, other)
        self._scores[key] = self._asked[key] = score
        self._has_more = True

    @classmethod
    def load(cls, folder: Path) -> KeptScores:
        """Read a gallery's; none where they are absent, damaged, or of another version."""
        try:
            return cls(_read(folder / NAME))
        except FileNotFoundError:
            return cls()
        except (DamagedCacheError, OSError) as error:
            LOG.info("%s", error)
            return cls()

    def save(self, folder: Path) -> None:
        """Write them beside a gallery's database, if there is anything new and it is worth it.

        It needs no lock: one file is renamed into place. Where it cannot be written, that is
        logged and all is as before.
        """
        if not self._has_more or len(self._asked) < LEAST_KEPT:
            return
        room = OTHERS * len(self._asked)
        others = [each for each in self._scores.items() if each[0] not in self._asked]
        kept = [*self._asked.items(), *others[max(0, len(others) - room) :]]
        rows = np.empty(len(kept), _ROW)
        keys = np.frombuffer(b"".join(key for key, _ in kept), np.uint8)
        rows["pair"] = keys.reshape(-1, 2 * HALF)
        rows["score"] = [score for _, score in kept]
        header = ScoresHeader(JUDGE, VERSION, len(kept))
        described = json.dumps(asdict(header), sort_keys=True).encode()
        try:
            checked_file.write(folder / NAME, FORMAT, described, [rows.tobytes()])
        except OSError as error:
            LOG.info("%s: scores are not kept (%s)", folder / NAME, error.strerror or error)


def key_of(one: str, other: str) -> bytes:
    """Return what a pair of contents is kept under, whichever is named first."""
    first, second = sorted((one, other))
    return bytes.fromhex(first[: 2 * HALF] + second[: 2 * HALF])


def check(folder: Path) -> list[Finding]:
    """Read a gallery's scores whole; say if they are damaged, and name unfinished files."""
    findings = [
        Finding(f"{path.name}: left by an interrupted write", "note", repairable=True)
        for path in _unfinished(folder)
    ]
    reason = _damage(folder)
    return findings if reason is None else [*findings, Finding(reason, "cache", repairable=True)]


def repair(folder: Path) -> None:
    """Delete scores that are damaged, and unfinished files."""
    prune(folder)
    if _damage(folder) is not None:
        (folder / NAME).unlink(missing_ok=True)


def prune(folder: Path) -> int:
    """Delete unfinished files; return how many those were."""
    paths = _unfinished(folder)
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _unfinished(folder: Path) -> list[Path]:
    return sorted(folder.glob(f".{NAME}.*.tmp"))


def _damage(folder: Path) -> str | None:
    """Return why a gallery's scores cannot be believed, or None."""
    try:
        _read(folder / NAME)
    except FileNotFoundError:
        return None
    except (DamagedCacheError, OSError) as error:
        return str(error)
    return None


def _read(path: Path) -> dict[bytes, float]:
    if path.exists() and not path.is_file():  # a pipe would never end
        raise DamagedCacheError(f"{path}: not a file; {FORMAT.remedy}")
    data = path.read_bytes()
    with checked_file.damage_named(path, FORMAT):
        content = checked_file.parse(data, FORMAT)
        header = checked_file.record_of(ScoresHeader, content.header)
        if (header.judge, header.renderings) != (JUDGE, VERSION):
            return {}
        if len(content.payload) != header.pairs * _ROW.itemsize:
            raise ValueError("its lengths do not add up")
        rows = np.frombuffer(content.payload, _ROW)
        scores = rows["score"]
        if not (np.isfinite(scores) & (scores >= LOWEST)).all():
            raise ValueError("it holds scores that none can be")
    pairs = rows["pair"].tobytes()
    keys = (pairs[at : at + 2 * HALF] for at in range(0, len(pairs), 2 * HALF))
    return dict(zip(keys, scores.tolist(), strict=True))

"""Tables of what `duplicates.py` found: recall by kind of edit, precision by collection, rivals.

    python benchmarks/duplicates_report.py WORK [--wrong pairs.json]

`--wrong` lists the pairs of real pictures that a person found not to be one shot.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from duplicate_rivals import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PRECISION: Final = 0.99
# Of a normal distribution, for intervals of 95 % (Wilson 1927).
Z: Final = 1.96


@dataclass(frozen=True)
class Found:
    """The nearest original that a method names for an edit.

    Attributes:
        edit: path of the edit.
        right: whether it was made of that original, or of one that is the same shot.
        distance: the less the surer.
    """

    edit: str
    right: bool
    distance: float


def share(hits: int, of: int) -> str:
    """Return a share in percent with its interval."""
    if not of:
        return "-"
    middle = (hits + Z**2 / 2) / (of + Z**2)
    half = Z / (of + Z**2) * float(np.sqrt(hits * (of - hits) / of + Z**2 / 4))
    return f"{100 * hits / of:.1f} [{100 * (middle - half):.1f}, {100 * min(1, middle + half):.1f}]"


def sources(work: Path) -> dict[str, str]:
    """Return the original of each edit, by collection and name."""
    lines = (work / "sources.jsonl").read_text().splitlines()
    return dict(json.loads(line) for line in lines)


def same_shots(pairs: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return what is the same as what among the originals, as far as was found."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        one, other = (str(pair[key]).removeprefix("photos/") for key in ("keeper", "member"))
        found[one].add(other)
        found[other].add(one)
    return found


def kind_of(edit: str) -> str:
    """Return "crop 2" for edits/products/crop-2/name.jpg."""
    return edit.split("/")[2].replace("-", " ")


def is_right(
    edit: str, original: str, origin: Mapping[str, str], same: Mapping[str, set[str]]
) -> bool:
    """Tell whether an edit was made of an original, or of one that is the same shot."""
    _, collection, _, name = edit.split("/")
    source = origin[f"{collection}/{name}"]
    named = original.removeprefix("photos/")
    return named == source or named in same.get(source, ())


def called(found: Sequence[Found], *, most: float) -> dict[str, bool]:
    """Return the edits that are called the same as something, and whether rightly."""
    return {each.edit: each.right for each in found if each.distance <= most}


def best_threshold(found: Sequence[Found]) -> float:
    """Return the largest distance at which the precision asked for is still held; -1 if none."""
    best = -1.0
    for distance in sorted({each.distance for each in found}):
        chosen = [each.right for each in found if each.distance <= distance]
        if np.mean(chosen) >= PRECISION:
            best = distance
    return best


def table(work: Path, methods: Mapping[str, dict[str, bool]]) -> list[str]:
    """Return the recall of each method by kind and strength of edit, and its precision."""
    edits = sorted(str(path.relative_to(work)) for path in (work / "edits").rglob("*.jpg"))
    kinds = list(dict.fromkeys(kind_of(edit) for edit in edits))
    lines = ["| edit | " + " | ".join(methods) + " |", "|---|" + "---|" * len(methods)]
    for kind in kinds:
        of = [edit for edit in edits if kind_of(edit) == kind]
        cells = [
            share(sum(found.get(edit, False) for edit in of), len(of)) for found in methods.values()
        ]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    every = [share(sum(found.values()), len(edits)) for found in methods.values()]
    lines.append("| **all** | " + " | ".join(every) + " |")
    for collection in sorted({edit.split("/")[1] for edit in edits}):
        cells = []
        for found in methods.values():
            rights = [right for edit, right in found.items() if edit.split("/")[1] == collection]
            cells.append(share(sum(rights), len(rights)))
        lines.append(f"| precision, {collection} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("work", type=Path)
    parser.add_argument(
        "--wrong", type=Path, help="JSON: pairs of real pictures that are not the same"
    )
    options = parser.parse_args()
    work = options.work
    wrong = (
        {tuple(sorted(pair)) for pair in json.loads(options.wrong.read_text())}
        if options.wrong
        else set()
    )
    origin = sources(work)
    methods: dict[str, dict[str, bool]] = {}
    rivals: dict[str, dict[str, bool]] = {}
    bursts = []
    real = []
    for results in sorted(work.glob("found-*.json")):
        found, backbone = json.loads(results.read_text()), results.stem.removeprefix("found-")
        good = [
            pair
            for pair in found["real"]
            if tuple(sorted((pair["keeper"], pair["member"]))) not in wrong
        ]
        same = same_shots(good)
        methods[f"imgsearch, {backbone}"] = {
            pair["member"]: is_right(pair["member"], pair["keeper"], origin, same)
            for pair in found["edits"]
        }
        nearest = [
            Found(edit, is_right(edit, original, origin, same), 1 - score)
            for edit, original, score in found["cosine"]
        ]
        limit = best_threshold(nearest)
        rivals[f"cosine ≥ {1 - limit:.3f}, {backbone}"] = called(nearest, most=limit)
        real.append(
            f"| {backbone} | {len(found['real'])} | {share(len(good), len(found['real']))} |"
        )
        bursts.append((backbone, found["bursts"]))
    for name, rows in json.loads((work / "rivals.json").read_text()).items():
        nearest = [
            Found(edit, is_right(edit, original, origin, same), bits)
            for edit, original, bits, _ in rows
        ]
        limit = best_threshold(nearest)
        rivals[f"{name} ≤ {DEFAULTS[name]}"] = called(nearest, most=DEFAULTS[name])
        rivals[f"{name} ≤ {limit:.0f}"] = called(nearest, most=limit)
    print("\n".join(table(work, methods)), "\n")
    print("\n".join(table(work, rivals)), "\n")
    print("\n".join(["| recipe | pairs | right, % |", "|---|---|---|", *real]), "\n")
    for backbone, pairs in bursts:
        print(f"{backbone}:", burst_line(work, pairs))


def burst_line(work: Path, pairs: Sequence[Mapping[str, Any]]) -> str:
    """Return how many exposures were called what, and what was said of other pictures."""
    exposures = [str(path.relative_to(work)) for path in (work / "bursts").rglob("*-burst?.jpg")]
    kinds: dict[str, int] = defaultdict(int)
    others = 0
    for pair in pairs:
        scenes = {Path(str(pair[key])).stem.partition("-burst")[0] for key in ("keeper", "member")}
        if len(scenes) == 1:
            kinds[str(pair["kind"])] += 1
        else:
            others += 1
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"of {len(exposures)} exposures: {told}; {others} pairs of different scenes"


if __name__ == "__main__":
    main()

"""Which recipe retrieves best: every combination of backbone, pooling, size, resizing, projection.

    python benchmarks/recipe_study.py --set objects101=FOLDER --set products=FOLDER:REGEX
        --backbone compact --backbone mobilenet_v2 [--option=--trust-model=SHA256] [--out FILE]

Runs `imgsearch evaluate` over the whole grid on each set with the same options, and writes what
came out as tables. A set is a folder of classes, or a folder and the regular expression whose first
group is the class.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

POOLINGS: Final = ("gap", "gmp", "gem", "rmac")
RESIZES: Final = ("squash", "pad", "crop")
SIZES: Final = ("auto", "1.5x")
PROJECTIONS: Final = (
    "none",
    "centred",
    *(f"{dim}:{power}:0" for dim in (64, 128, 256) for power in ("0", "0.25", "0.5")),
    "auto",
)


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A labelled folder.

    Attributes:
        name: in the tables.
        folder: where it is.
        group: regular expression whose first group is the class; "" where folders are classes.
    """

    name: str
    folder: Path
    group: str

    @classmethod
    def parse(cls, text: str) -> LabelledSet:
        """Return what NAME=FOLDER or NAME=FOLDER:REGEX says."""
        name, _, rest = text.partition("=")
        folder, _, group = rest.partition(":")
        return cls(name, Path(folder), group)


@dataclass(frozen=True, slots=True)
class Row:
    """One variant on one set; figures in per cent.

    Attributes:
        backbone, pooling, size, resize, projection, post: what it is.
        value: mAP.
        low: lower end of its 95 % interval.
        high: upper end.
        rate: images/s of decoding and the network together.
    """

    backbone: str
    pooling: str
    size: str
    resize: str
    projection: str
    post: str
    value: float
    low: float
    high: float
    rate: float

    @property
    def key(self) -> tuple[str, ...]:
        """What it is, without its figures."""
        return (
            self.backbone,
            self.pooling,
            self.size,
            self.resize,
            self.projection,
            self.post,
        )


def evaluate(labelled: LabelledSet, options: list[str], *, keep: Path) -> list[Row]:
    """Run `imgsearch evaluate` on a set, unless an earlier run has stored its output."""
    if not keep.is_file():
        command = [sys.executable, "-m", "imgsearch", "evaluate", str(labelled.folder)]
        command += ["--group", labelled.group] if labelled.group else []
        done = subprocess.run(
            [*command, *options, "--metric", "mAP", "--json", "--quiet"],
            stdout=subprocess.PIPE,
            check=True,
        )
        keep.write_bytes(done.stdout)
    document = json.loads(keep.read_text(encoding="utf-8"))
    return [_row(values) for values in document["ground_truths"][0]["variants"]]


def _row(values: dict[str, Any]) -> Row:
    metric, cost = values["metrics"][0], values["cost"]
    estimate = metric["estimate"]
    return Row(
        backbone=values["backbone"],
        pooling=values["pooling"],
        size=values["size"],
        resize=values["resize"],
        projection=values["projection"],
        post=values["post_processing"],
        value=100 * estimate["value"],
        low=100 * estimate["low"],
        high=100 * estimate["high"],
        rate=1 / (1 / cost["decode_rate"] + 1 / cost["network_rate"]),
    )


def repeated(option: str, values: tuple[str, ...] | list[str]) -> list[str]:
    """Return an option once for each value."""
    return [word for value in values for word in (option, value)]


def interval(row: Row) -> str:
    """Return mAP with its interval."""
    return f"{row.value:.1f} ({row.low:.1f} to {row.high:.1f})"


def effects(found: dict[str, list[Row]]) -> list[str]:
    """Return tables of each choice's effect, all else equal, averaged over all else."""
    lines = []
    for field in ("pooling", "resize", "size", "projection"):
        lines += ["", f"### {field.capitalize()}", ""]
        lines += [
            "Mean mAP over all other choices, in per cent, for each backbone: " + ", ".join(found)
        ]
        backbones = list(dict.fromkeys(row.backbone for rows in found.values() for row in rows))
        lines += ["", "| | " + " | ".join(backbones) + " |", "|---" * (len(backbones) + 1) + "|"]
        native = {backbone: _own_size(found, backbone) for backbone in backbones}

        def level(row: Row, field: str = field, native: dict[str, str] = native) -> str:
            if field == "size":
                return "own" if row.size == native[row.backbone] else "1.5 times"
            return str(getattr(row, field))

        levels = list(dict.fromkeys(level(row) for rows in found.values() for row in rows))
        for wanted in levels:
            cells = []
            for backbone in backbones:
                own = [[r for r in rows if r.backbone == backbone] for rows in found.values()]
                chosen = [[r.value for r in rows if level(r) == wanted] for rows in own]
                means = [fmean(values) if values else None for values in chosen]
                cells.append(", ".join("-" if mean is None else f"{mean:.1f}" for mean in means))
            lines.append(f"| {wanted} | " + " | ".join(cells) + " |")
    return lines


def _own_size(found: dict[str, list[Row]], backbone: str) -> str:
    rows = next(iter(found.values()))
    return min({row.size for row in rows if row.backbone == backbone}, key=int)


def best(found: dict[str, list[Row]], *, count: int) -> list[str]:
    """Return a table of the recipes with the largest sum over the sets, for each backbone."""
    names = list(found)
    by_key = {name: {row.key: row for row in rows} for name, rows in found.items()}
    first = found[names[0]]
    header = "| backbone | pooling | size | resize | projection | images/s | "
    lines = [header + " | ".join(names) + " |", "|---" * (6 + len(names)) + "|"]
    for backbone in dict.fromkeys(row.backbone for row in first):
        rows = [row for row in first if row.backbone == backbone]
        plain = next(r for r in rows if (r.pooling, r.projection) == ("gap", "none"))
        ranked = sorted(rows, key=lambda r: -sum(by_key[n][r.key].value for n in names))
        for row in dict.fromkeys([plain, *ranked[:count]]):
            figures = " | ".join(interval(by_key[name][row.key]) for name in names)
            lines.append(
                f"| {row.backbone} | {row.pooling} | {row.size} | {row.resize} | "
                f"{row.projection} | {row.rate:.0f} | {figures} |"
            )
    return lines


def main() -> None:
    """Run the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--set", action="append", type=LabelledSet.parse, required=True)
    parser.add_argument("--backbone", action="append", required=True)
    parser.add_argument("--fixed", action="append", default=[], help="networks of one input size")
    parser.add_argument(
        "--option", action="append", default=[], help="what evaluate needs for those"
    )
    parser.add_argument(
        "--keep", type=Path, required=True, help="folder for the output of evaluate"
    )
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    choices = [
        *repeated("--pooling", POOLINGS),
        *repeated("--resize", RESIZES),
        *repeated("--projection", PROJECTIONS),
    ]
    grid = [*repeated("--backbone", given.backbone), *repeated("--size", SIZES), *choices]
    fixed = [*repeated("--backbone", given.fixed), *choices, *given.option]
    found = {}
    for labelled in given.set:
        rows = evaluate(labelled, grid, keep=given.keep / f"{labelled.name}.json")
        if given.fixed:
            rows += evaluate(labelled, fixed, keep=given.keep / f"{labelled.name}-fixed.json")
        found[labelled.name] = rows
    lines = ["## The best recipes of each backbone", "", *best(found, count=3)]
    lines += ["", "## What each choice gives", *effects(found)]
    text = "\n".join(lines) + "\n"
    print(text)
    print(f"{sum(map(len, found.values()))} rows in {time.monotonic() - began:.0f} s")
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

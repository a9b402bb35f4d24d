"""The standing campaign: kill, fill the disk, flip bits, and check what imgsearch makes of it.

    python benchmarks/crash_rounds.py                    # some minutes
    python benchmarks/crash_rounds.py --rounds 100       # hours
    python benchmarks/crash_rounds.py --only flips --seed 7

`crash_indexing.py` kills the first indexing of a gallery, `crash_commands.py` every other command
that writes, `crash_disk.py` fills the disk, `crash_flips.py` damages files and rows. Exit status 1
if anything is wrong.
"""

from __future__ import annotations

import argparse
import logging
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from crash_commands import run_commands
from crash_disk import can_mount, run_full_disks
from crash_flips import run_flips
from crash_indexing import run_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HEAD: Final = """# What was broken on purpose

`python benchmarks/crash_rounds.py --markdown FILE` writes this page. Each script's docstring says
what it counts as a fault. `make bench-quick` runs one round of each line."""
PARTS: Final = ("indexing", "commands", "disk", "flips")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, and the faults behind its last cell."""

    cells: tuple[object, ...]
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """One part of the campaign."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Row]

    def lines(self) -> Iterator[str]:
        """Yield the table in Markdown."""
        yield from ("", f"## {self.title}", "", f"| {' | '.join(self.columns)} | faults |")
        yield f"|{'---|' * (len(self.columns) + 1)}"
        for row in self.rows:
            yield f"| {' | '.join(map(str, row.cells))} | {len(row.faults)} |"


def _indexing(workspace: Path, options: argparse.Namespace) -> Table:
    outcome = run_rounds(
        workspace, rounds=options.rounds, pictures=options.pictures, seed=options.seed
    )
    counts = sorted(outcome.embeddings_at_kill) or [0]
    held = f"{counts[0]} / {counts[len(counts) // 2]} / {counts[-1]}"
    cells = (outcome.started, outcome.killed, outcome.finished_galleries, held)
    return Table(
        "The first indexing, killed at random moments, between renames and copies",
        ("started", "killed", "galleries compared", "embeddings at a kill, least/median/most"),
        [Row(cells, outcome.faults)],
    )


def _commands(workspace: Path, options: argparse.Namespace) -> Table:
    found = run_commands(
        workspace, rounds=options.rounds, pictures=options.pictures, seed=options.seed
    )
    return Table(
        "Every other command, killed at random moments and before its steps, under a reader",
        ("command", "killed", "ended before", "queries meanwhile"),
        [
            Row((name, rounds.killed, rounds.ended, rounds.asked), rounds.faults)
            for name, rounds in found.items()
        ],
    )


def _disk(workspace: Path, options: argparse.Namespace) -> Table:
    title, columns = (
        "The disk full, at one size after the other",
        ("command", "sizes too small", "large enough"),
    )
    if not can_mount(workspace / "probe"):
        return Table(f"{title}: not run, mounting is not allowed here", columns, [])
    found = run_full_disks(workspace, rounds=options.rounds, pictures=options.pictures)
    return Table(
        title,
        columns,
        [Row((name, rounds.killed, rounds.ended), rounds.faults) for name, rounds in found.items()],
    )


def _flips(workspace: Path, options: argparse.Namespace) -> Table:
    found = run_flips(
        workspace, rounds=options.rounds, pictures=options.pictures, seed=options.seed
    )
    return Table(
        "Flipped bits, files cut short, restored and swapped files",
        ("damage", "told by an error or by check", "answers unchanged"),
        [Row((name, flips.found, flips.unchanged), flips.faults) for name, flips in found.items()],
    )


RUN: Final[dict[str, Callable[[Path, argparse.Namespace], Table]]] = dict(
    zip(PARTS, (_indexing, _commands, _disk, _flips), strict=True)
)


def main() -> int:
    """Run as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=10, help="of each line (default: 10)")
    parser.add_argument("--pictures", type=int, default=320, help="at least 300 (default: 320)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="one round of each line")
    parser.add_argument("--markdown", type=Path, help="write the tables into this file too")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    logging.getLogger("imgsearch").setLevel(logging.ERROR)  # what it says of damage is known
    started, tables = time.monotonic(), []
    for part in options.only or PARTS:
        with tempfile.TemporaryDirectory(prefix="imgsearch-crash-") as workspace:
            table = RUN[part](Path(workspace), options)
        print(*table.lines(), sep="\n", flush=True)
        tables.append(table)
    faults = [fault for table in tables for row in table.rows for fault in row.faults]
    how = (
        f"{len(faults)} faults; {options.rounds} rounds of each line, {options.pictures} pictures, "
        f"seed {options.seed}, {time.monotonic() - started:.0f} s, Python "
        f"{platform.python_version()}, {platform.system()} {platform.release().split('-')[0]}."
    )
    foot = ["", how, *(f"- {fault}" for fault in faults)]
    print(*foot, sep="\n")
    if options.markdown:
        lines = [HEAD, *(line for table in tables for line in table.lines()), *foot]
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""What judging candidate duplicates costs: here, on all processors, and asked a second time.

Indexes a folder with the bundled network and calibrates, then looks for duplicates three times:
with every pair judged in this process, with a process for each processor, and with the scores that
the second left. The groups must be the same each time.

    python benchmarks/judging.py FOLDER
    python benchmarks/judging.py --quick
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch import Gallery
from imgsearch.duplicates import gathering, judging, kept_scores

if TYPE_CHECKING:
    from imgsearch.duplicates.groups import Group

SAMPLE: Final = Path(__file__).parents[1] / "sample_data" / "photos"


def spent() -> tuple[float, float]:
    """Return seconds by the clock, and of the processor with ended child processes."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(each.ru_utime + each.ru_stime for each in used)


def timed(gallery: Gallery, name: str) -> list[Group]:
    """Print what a search for duplicates takes; return what it found."""
    judged: list[int] = []
    before = spent()
    found = gallery.duplicates(progress=lambda _, pairs: judged.append(pairs))
    clock, processor = (after - start for after, start in zip(spent(), before, strict=True))
    pairs = max(judged, default=0)
    print(f"| {name} | {pairs:,} | {clock:.1f} | {processor:.1f} |", flush=True)
    return found


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLE, help="with pictures")
    parser.add_argument("--quick", action="store_true", help="the sample photos")
    options = parser.parse_args()
    folder = SAMPLE if options.quick else options.folder
    with (
        tempfile.TemporaryDirectory(prefix="imgsearch-judging-") as scratch,
        Gallery(Path(scratch) / "gallery", recipe="compact") as gallery,
    ):
        gallery.index(folder)
        # Calibrates, which is done once.
        first = gallery.duplicates()
        print(f"{len(list(gallery.files()))} files, {os.cpu_count()} processors\n")
        print("| judged | pairs | s by the clock | s of the processor |\n|---|---|---|---|")
        kept = gallery.path / kept_scores.NAME
        kept.unlink(missing_ok=True)
        gathering.judge_each = partial(judging.judge_each, processes=1)  # type: ignore[attr-defined]  # where it is called
        found = [timed(gallery, "in one process")]
        kept.unlink(missing_ok=True)
        gathering.judge_each = judging.judge_each  # type: ignore[attr-defined]  # likewise
        found += [timed(gallery, "on all processors"), timed(gallery, "again")]
    if any(groups != first for groups in found):
        sys.exit("the groups differ")


if __name__ == "__main__":
    main()

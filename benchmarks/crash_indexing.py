"""Kill an indexing process at random moments, many times, and check what it leaves.

Every round starts `Gallery.index` on a folder of generated images in its own process and kills it
with SIGKILL at a random moment. Afterwards nothing that the process reported as committed may be
lost, every stored embedding must be right to the last bit, `check` must be clean, and queries must
work. Between rounds some files are renamed and copied. Whenever a run finishes before it is killed,
the gallery must give the same matches, scores and order as one built in one go; then a new gallery
is started.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from crash_gallery import (
    BATCH,
    ColourGrids,
    answers,
    file_count,
    file_rows,
    make_pictures,
    shuffle_names,
    stored_vectors,
    stranger,
)

from imgsearch.gallery.gallery import Gallery
from imgsearch.indexing.report import IndexOptions

if TYPE_CHECKING:
    from imgsearch.indexing.report import IndexProgress

QUERIES: Final = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of all rounds.

    Attributes:
        started: number of processes started.
        killed: number of those killed before they finished.
        finished_galleries: number of galleries finished and compared.
        embeddings_at_kill: number of embeddings committed at each kill.
        faults: one line for each thing that was wrong.
    """

    started: int
    killed: int
    finished_galleries: int
    embeddings_at_kill: tuple[int, ...]
    faults: tuple[str, ...]


def index_and_tell(folder: Path, gallery: Path, *, pause: float) -> None:
    """Index in this process, and print the number of files done after every commit."""

    def tell(progress: IndexProgress) -> None:
        if progress.stage == "read":
            print(progress.done, flush=True)

    print("ready", flush=True)
    with Gallery(gallery, source=ColourGrids(pause)) as opened:
        opened.index(folder, options=IndexOptions(batch_size=BATCH, jobs=2), progress=tell)
    print("end", flush=True)


def run_rounds(
    workspace: Path, *, rounds: int, pictures: int, seed: int, pause: float = 0.01
) -> Outcome:
    """Start, kill and examine; see the module's docstring.

    Args:
        workspace: an empty folder for images and galleries.
        rounds: number of processes to kill; those that finish before do not count.
        pictures: number of images.
        seed: of the moments and the renames.
        pause: seconds per batch of the backbone.
    """
    random = np.random.default_rng(seed)
    folder, gallery = workspace / "photos", workspace / "gallery"
    make_pictures(folder, pictures)
    whole = workspace / "whole"
    started = time.monotonic()
    with Gallery(whole, source=ColourGrids(pause)) as opened:
        opened.index(folder, options=IndexOptions(batch_size=BATCH, jobs=2))
    duration = time.monotonic() - started
    truth = stored_vectors(whole)

    faults: list[str] = []
    killed = finished = 0
    at_kill: list[int] = []
    number = 0
    while killed < rounds:
        number += 1
        before = stored_vectors(gallery)
        process = subprocess.Popen(
            [sys.executable, __file__, folder, gallery, str(pause)],
            stdout=subprocess.PIPE,
            text=True,
        )
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        process.stdout.readline()
        try:
            process.wait(timeout=float(random.uniform(0, duration)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        ended = bool(said) and said[-1] == "end"
        after = stored_vectors(gallery)
        where = f"round {number}, {len(after)} embeddings"
        faults += [f"{where}: {fault}" for fault in examine(gallery, before, after, truth)]
        progress = [int(word) for word in said if word.isdigit()]
        if progress and file_count(gallery) < progress[-1]:
            faults.append(f"{where}: fewer files than the {progress[-1]} that were committed")
        if not ended:
            killed += 1
            at_kill.append(len(after))
        if ended or killed == rounds:
            finished += 1
            faults += [f"{where}: {fault}" for fault in finish(workspace, folder, gallery)]
            shutil.rmtree(gallery)
        else:
            shuffle_names(folder, random, copies=[number])
    return Outcome(number, killed, finished, tuple(at_kill), tuple(faults))


def examine(
    gallery: Path, before: dict[str, bytes], after: dict[str, bytes], truth: dict[str, bytes]
) -> list[str]:
    """Return what is wrong with a gallery whose writer was killed."""
    faults = []
    if not before.items() <= after.items():
        faults.append(f"{len(before.keys() - after.keys())} embeddings of earlier rounds are lost")
    wrong = [content for content, vector in after.items() if truth[content] != vector]
    if wrong:
        faults.append(f"{len(wrong)} embeddings are not those of their images")
    if not after:
        return faults
    with Gallery(gallery, source=ColourGrids()) as opened:
        report = opened.check()
        if not report.clean:
            faults.append(f"check: {'; '.join(finding.what for finding in report.findings)}")
        matches = opened.query(stranger(), k=10**6)
        shown = {match.content for match in matches}
        if not shown <= after.keys() or len(shown) != len(matches):
            faults.append("a query shows what is not stored, or something twice")
    return faults


def finish(workspace: Path, folder: Path, gallery: Path) -> list[str]:
    """Finish a gallery and return how it differs from one built in one go."""
    once = workspace / "once"
    source = ColourGrids()
    with Gallery(gallery, source=source) as opened:
        opened.index(folder)
        missing = source.embedder.embedded
        again = opened.index(folder)
        findings = opened.check().findings
    with Gallery(once, source=ColourGrids()) as opened:
        opened.index(folder)
    paths = sorted(folder.rglob("*.png"))
    queries = paths[:: max(1, len(paths) // QUERIES)]
    faults = []
    if answers(gallery, queries, len(paths)) != answers(once, queries, len(paths)):
        faults.append(f"answers differ from those of a gallery built in one go ({missing} left)")
    if (again.new, again.changed, again.moved, again.missing, again.embedded) != (0, 0, 0, 0, 0):
        faults.append(f"a finished gallery found work to do: {again}")
    if any(finding.severity != "note" for finding in findings):
        faults.append(f"check of the finished gallery: {findings}")
    if file_rows(gallery) != file_rows(once):
        faults.append("files and contents differ from those of a gallery built in one go")
    shutil.rmtree(once)
    return faults


if __name__ == "__main__":
    index_and_tell(Path(sys.argv[1]), Path(sys.argv[2]), pause=float(sys.argv[3]))

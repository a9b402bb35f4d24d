"""Kill every command that writes, at random moments and at each of its steps on disk.

A gallery is prepared once for each command. Every round copies it, starts the command in a process
of its own, and kills it with SIGKILL: in turn after a random time, and just before its n-th step.
Afterwards `check` must find no damage; a query must show each content that has a file and an
embedding, once, and each picture as its own best match, as it must to a reader that goes on asking
meanwhile; no embedding that the command leaves alone may be lost or changed. Then the command runs
to its end, and the gallery must be as if it had never been killed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import crash_operations
from crash_gallery import file_rows, make_pictures, stored_vectors, stranger
from crash_operations import COMMANDS, SECOND, Place, open_gallery

from imgsearch.errors import GalleryDamagedError

if TYPE_CHECKING:
    from crash_operations import Command

    from imgsearch.search.matches import Match

QUERIES: Final = 5


@dataclass(slots=True)
class Rounds:
    """What all rounds of a command gave."""

    killed: int = 0
    ended: int = 0
    asked: int = 0
    faults: list[str] = field(default_factory=list)


def run_commands(workspace: Path, *, rounds: int, pictures: int, seed: int) -> dict[str, Rounds]:
    """Kill each command as often as is asked for.

    Args:
        workspace: an empty folder.
        rounds: kills of each command.
        pictures: number of images.
        seed: of the moments.
    """
    random = np.random.default_rng(seed)
    photos, more = workspace / "photos", workspace / "more"
    make_pictures(photos, pictures)
    make_pictures(more, pictures // 5, seed=1)
    shutil.copytree(photos, workspace / "moved")
    first = Place(workspace / "first", photos, more, workspace / "moved")
    crash_operations.index(first)
    return {name: _kill(name, workspace, first, rounds=rounds, random=random) for name in COMMANDS}


def _kill(
    name: str, workspace: Path, first: Place, *, rounds: int, random: np.random.Generator
) -> Rounds:
    command, outcome = COMMANDS[name], Rounds()
    prepared = copied(first, workspace / "prepared")
    command.prepare(prepared)
    whole = copied(prepared, workspace / "whole")
    began = time.monotonic()
    steps = _start(name, whole, step=None).wait_for_steps()
    duration = time.monotonic() - began
    expected = state_of(whole)
    before = stored_vectors(prepared.gallery)
    for number in range(rounds):
        place = copied(prepared, workspace / "gallery")
        step = int(random.integers(1, steps + 1)) if number % 2 else None
        where = f"{name}, kill {number + 1}" + (f" at step {step}" if step else "")
        with _Reader(place, may_fail=command.damaged) as reader:
            process = _start(name, place, step=step)
            ended = process.kill_after(None if step else float(random.uniform(0, duration)))
        outcome.asked += reader.asked
        outcome.killed += not ended
        outcome.ended += ended
        faults = reader.faults + _examine(place, before, command)
        command.run(place)
        if state_of(place) != expected:
            faults.append("the gallery is another than that of a command that was not killed")
        with open_gallery(place) as gallery:
            if not gallery.check().clean:
                faults.append("check finds damage at the end")
        outcome.faults += [f"{where}: {fault}" for fault in faults]
        shutil.rmtree(place.gallery)
    for used in (prepared, whole):
        shutil.rmtree(used.gallery)
    return outcome


def inconsistencies(place: Place) -> list[str]:
    """Return how what queries show differs from what the rows hold."""
    faults = []
    with open_gallery(place) as gallery:
        shown = [match.content for match in gallery.query(stranger(), k=10**6)]
        for picture in _asked(place):
            best = gallery.query(picture, k=1, include_self=True)[0]
            if best.path.name != picture.name or best.score != 1.0:
                faults.append(f"the best match of {picture.name} is {best}")
    held = {row[-1] for row in file_rows(place.gallery)} & stored_vectors(place.gallery).keys()
    if len(shown) != len(held) or set(shown) != held:
        faults.append("a query does not show each content that is stored, and once")
    return faults


def copied(place: Place, gallery: Path) -> Place:
    """Return the place with a copy of its gallery."""
    shutil.copytree(place.gallery, gallery)
    return replace(place, gallery=gallery)


def state_of(place: Place) -> tuple[object, ...]:
    """Return what has to be equal: rows, embeddings, answers, and a whole export."""
    export = place.gallery / "export"
    return (
        file_rows(place.gallery),
        stored_vectors(place.gallery),
        stored_vectors(place.gallery, layer=SECOND),
        sorted((file.name, file.read_bytes()) for file in export.glob("*")),
        answers_of(place),
    )


def _examine(place: Place, before: dict[str, bytes], command: Command) -> list[str]:
    """Return what is wrong with a gallery whose writer was killed."""
    faults, after = [], stored_vectors(place.gallery)
    if not command.drops and not before.items() <= after.items():
        faults.append("embeddings are lost or changed")
    if command.drops and not after.items() <= before.items():
        faults.append("embeddings have changed")
    with open_gallery(place) as gallery:
        report = gallery.check()
        if not command.damaged and not report.clean:
            faults.append(f"check: {'; '.join(finding.what for finding in report.findings)}")
    if not command.damaged:
        faults += inconsistencies(place)
    export = place.gallery / "export"
    if export.is_dir() and (export / "recipe.json").is_file():
        rows = np.load(export / "embeddings.npy")
        lines = (export / "contents.jsonl").read_text("ascii").splitlines()
        if len(rows) != len(lines):
            faults.append("an export that looks whole is not")
    return faults


def _asked(place: Place) -> list[Path]:
    return sorted(place.photos.glob("album9/*.png"))[:QUERIES]


def answers_of(place: Place) -> list[list[Match]]:
    """Return the matches of some pictures."""
    with open_gallery(place) as gallery:
        return [gallery.query(path, k=8) for path in _asked(place)]


class _Reader:
    """Asks on and on while a command runs and is killed."""

    def __init__(self, place: Place, *, may_fail: bool) -> None:
        self._may_fail = may_fail
        self.asked = 0
        self.faults: list[str] = []
        self._place = place
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        pictures = _asked(self._place)
        while not self._over.is_set() and not self.faults:
            picture = pictures[self.asked % len(pictures)]
            try:
                with open_gallery(self._place) as gallery:
                    best = gallery.query(picture, k=1, include_self=True)[0]
            except GalleryDamagedError as error:
                if not self._may_fail:
                    self.faults.append(f"a reader failed: {error}")
            except Exception as error:  # noqa: BLE001 - any error is a fault
                self.faults.append(f"a reader failed: {type(error).__name__}: {error}")
            else:
                if best.path.name != picture.name or best.score != 1.0:
                    self.faults.append(f"a reader found {best}")
            self.asked += 1


class _Process:
    """A command in a process of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self._popen = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        if self._popen.stdout is None:
            raise AssertionError("a pipe was asked for")
        self._said = self._popen.stdout
        self._said.readline()  # loaded

    def wait_for_steps(self) -> int:
        """Return how many steps the whole command takes."""
        steps = int(self._said.read().split()[-1])
        self._popen.wait()
        return steps

    def kill_after(self, seconds: float | None) -> bool:
        """Kill it after some time, or wait until it has killed itself; return whether it ended."""
        try:
            self._popen.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._popen.send_signal(signal.SIGKILL)
        said = self._said.read().split()
        self._said.close()
        self._popen.wait()
        return bool(said)


def _start(name: str, place: Place, *, step: int | None) -> _Process:
    places = map(str, (place.gallery, place.photos, place.more, place.moved))
    return _Process([sys.executable, crash_operations.__file__, name, str(step or 0), *places])

"""Let the disk be full at one size after the other while a command writes.

Each round copies the prepared gallery to a small file system in memory (tmpfs), which has room for
a part of what the command adds. The command must end with an error in words that names a file, not
with a traceback; nothing that was stored may be lost. Then there is room again, the command runs to
its end, and the gallery must be as if the disk had never been full.

Mounting takes root; a user starts the whole campaign with
`unshare --user --map-root-user --mount`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import crash_operations
from crash_commands import Rounds, answers_of, copied, state_of
from crash_gallery import make_pictures, stored_vectors
from crash_operations import COMMANDS, Place, open_gallery

BLOCK: Final = 4096
AMPLE: Final = 1 << 26
FILLED: Final = (
    "index into a gallery",
    "index with a second recipe",
    "index that builds lists",
    "prune",
    "check --repair",
    "export --overwrite",
)


def can_mount(folder: Path) -> bool:
    """Tell whether this process may mount a file system."""
    if sys.platform != "linux" or shutil.which("mount") is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _mount(folder, AMPLE)
    except subprocess.CalledProcessError:
        return False
    _unmount(folder)
    return True


def run_full_disks(workspace: Path, *, rounds: int, pictures: int) -> dict[str, Rounds]:
    """Fill the disk under each command, at as many sizes as is asked for.

    Args:
        workspace: an empty folder.
        rounds: sizes for each command.
        pictures: number of images.
    """
    photos, more = workspace / "photos", workspace / "more"
    make_pictures(photos, pictures)
    make_pictures(more, pictures // 5, seed=1)
    first = Place(workspace / "first", photos, more, workspace / "moved")
    crash_operations.index(first)
    return {name: _fill(name, workspace, first, rounds=rounds) for name in FILLED}


def _fill(name: str, workspace: Path, first: Place, *, rounds: int) -> Rounds:
    command, outcome = COMMANDS[name], Rounds()
    prepared = copied(first, workspace / "prepared")
    command.prepare(prepared)
    whole = copied(prepared, workspace / "whole")
    command.run(whole)
    expected, before = state_of(whole), stored_vectors(prepared.gallery)
    held = _size(prepared.gallery)
    # The write-ahead log holds again what a transaction changes.
    needed = max(_size(whole.gallery) - held, held // 2) + held // 2
    for number in range(rounds):
        room = held + needed * number // rounds
        where = f"{name}, a disk of {room >> 10} KiB"
        mounted = workspace / "disk"
        mounted.mkdir(exist_ok=True)
        _mount(mounted, AMPLE)
        try:
            place = copied(prepared, mounted / "gallery")
            _mount(mounted, room, again=True)
            ended, faults = _run(name, place)
            outcome.killed += not ended
            outcome.ended += ended
            if not command.drops and not before.items() <= stored_vectors(place.gallery).items():
                faults.append("embeddings are lost or changed")
            if not command.damaged:
                answers_of(place)
            _mount(mounted, AMPLE, again=True)
            command.run(place)
            if state_of(place) != expected:
                faults.append("the gallery is another than with room enough")
            with open_gallery(place) as gallery:
                if not gallery.check().clean:
                    faults.append("check finds damage at the end")
        finally:
            _unmount(mounted)
        outcome.faults += [f"{where}: {fault}" for fault in faults]
    for used in (prepared, whole):
        shutil.rmtree(used.gallery)
    return outcome


def _run(name: str, place: Place) -> tuple[bool, list[str]]:
    """Run a command as the command line does; return whether it ended well, and faults."""
    arguments = [name, "0", *map(str, (place.gallery, place.photos, place.more, place.moved))]
    code = (
        "import sys, crash_operations\n"
        "from imgsearch.cli.boundary import boundary\n"
        "from pathlib import Path\n"
        "name, _, *places = sys.argv[1:]\n"
        "with boundary(debug=False):\n"
        "    crash_operations.COMMANDS[name].run(crash_operations.Place(*map(Path, places)))"
    )
    path = os.pathsep.join(str(Path(__file__).parents[number]) for number in (0, 1))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    # The last lines are a traceback of this script's: the command line exits instead.
    said = done.stderr.split("Traceback (most recent call last):\n")[0].strip()
    faults = []
    if done.returncode:
        if "unexpected" in said or "bug in imgsearch" in said:
            faults.append(f"said {said!r}")
        if "space" not in said and "full" not in said:
            faults.append(f"does not say that there is no space: {said!r}")
        elif str(place.gallery) not in said:
            faults.append(f"names no file: {said!r}")
    return done.returncode == 0, faults


def _size(folder: Path) -> int:
    return sum(
        -(-file.stat().st_size // BLOCK) * BLOCK + BLOCK for file in (folder, *folder.rglob("*"))
    )


def _mount(folder: Path, size: int, *, again: bool = False) -> None:
    options = f"size={size}" + (",remount" if again else "")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)  # noqa: S607 - where the system has it

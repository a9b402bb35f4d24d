"""The trash of Linux desktops, by the FreeDesktop.org Trash specification 1.0.

Send2Trash does not say where it put a file, which a journal must know before it is put there, and
writes what tells the file's old place over whatever has that name. So this is done here.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from imgsearch.errors import PlanRefusedError

INFO_SUFFIX: Final = ".trashinfo"
_LONGEST_NAME: Final = 255 - len(INFO_SUFFIX)  # bytes, on nearly every file system
_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Trash:
    """A trash folder.

    Attributes:
        folder: holds `files` and `info`; need not be there yet.
        top: the mounted folder that paths are told relative to; None where they are absolute.
    """

    folder: Path
    top: Path | None

    @property
    def files(self) -> Path:
        """The folder of the files themselves."""
        return self.folder / "files"

    @property
    def info(self) -> Path:
        """The folder of what is known about them."""
        return self.folder / "info"

    def names_for(self, path: Path) -> tuple[Path, Path]:
        """Return where a file and its information may be put: two names that are free."""
        stem, suffix = os.path.splitext(path.name)  # noqa: PTH122 - of a name, not of a path
        number = 1
        while True:
            ending = suffix if number == 1 else f" ({number}){suffix}"
            name = _cut(stem, _LONGEST_NAME - len(os.fsencode(ending))) + ending
            target, info = self.files / name, self.info / (name + INFO_SUFFIX)
            if not os.path.lexists(target) and not os.path.lexists(info):
                return target, info
            number += 1

    def information(self, path: Path, when: str) -> bytes:
        """Return the text that tells a file manager where to put a file back.

        Args:
            path: where the file was, absolute.
            when: local time, "2026-05-01T12:00:00".
        """
        told = path if self.top is None else path.relative_to(self.top)
        lines = ("[Trash Info]", f"Path={quote(os.fsencode(told))}", f"DeletionDate={when}")
        return "".join(f"{line}\n" for line in lines).encode("ascii")


def trash_for(path: Path) -> Trash:
    """Return the trash that a file can be moved to without being copied.

    That is the home trash if it lies on the file's device, else one on that device.

    Args:
        path: of the file, absolute, with no link in it.

    Raises:
        PlanRefusedError: there is none, and none can be made.
    """
    device = device_of(path)
    home = _home_trash()
    if device_of(home) == device:
        return _usable(Trash(home, None), path)
    top = _top_of(path.parent)
    shared = top / ".Trash"
    user = os.getuid()
    if _is_sticky_folder(shared):
        folder = shared / str(user)
        if not folder.is_symlink() and can_be_written(folder):
            return Trash(folder, top)
    folder = top / f".Trash-{user}"
    if folder.is_symlink():
        raise PlanRefusedError(f"{folder}: a symbolic link instead of a trash; use --to FOLDER")
    return _usable(Trash(folder, top), path)


def device_of(path: Path) -> int:
    """Return the device of a path, or of the nearest folder above that is there."""
    return nearest(path).stat().st_dev


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, which may have to be made first."""
    place = nearest(folder)
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def _usable(trash: Trash, path: Path) -> Trash:
    for folder in (trash.files, trash.info):
        if not can_be_written(folder):
            raise PlanRefusedError(
                f"{path}: there is no trash for it: {nearest(folder)} cannot be written; "
                "use --to FOLDER"
            )
    return trash


def _home_trash() -> Path:
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else Path.home() / ".local/share") / "Trash"


def _is_sticky_folder(path: Path) -> bool:
    """Whether the administrator made a trash for all users as the specification wants it."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)


def _top_of(folder: Path) -> Path:
    """Return the mounted folder that another one lies in."""
    place = Path(os.path.realpath(folder))
    while not place.is_mount():
        place = place.parent
    return place


def nearest(path: Path) -> Path:
    """Return a path, or the nearest folder above it that is there."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def _cut(text: str, length: int) -> str:
    """Return as much of a text as fits into so many bytes."""
    while len(os.fsencode(text)) > length:
        text = text[:-1]
    return text

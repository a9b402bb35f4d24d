"""Where files go: the trash, or a folder; and whether that is possible before any of them goes."""

from __future__ import annotations

import secrets
import shutil
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from imgsearch.errors import PlanRefusedError, UsageError
from imgsearch.files import free_name
from imgsearch.plans.freedesktop_trash import can_be_written, device_of, nearest, trash_for
from imgsearch.plans.places import Places
from imgsearch.plans.step_values import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imgsearch.plans.plan import PlannedFile
    from imgsearch.plans.step_values import Link, WayName

PART: Final = ".imgsearch-part"
DESKTOPS_WITHOUT_ADDRESS: Final = ("win32", "darwin")


class Way(Protocol):
    """Where files go."""

    def __str__(self) -> str:
        """Return it in words, after "to"."""

    def check(self, files: Sequence[PlannedFile]) -> None:
        """Make sure that all of some files can go there; change nothing.

        Raises:
            PlanRefusedError: one can't.
        """

    def step(
        self, number: int, file: PlannedFile, keeper: PlannedFile, *, link: Link | None
    ) -> Step:
        """Return what is to be done with a file, with names that are free now."""


def trash() -> Way:
    """Return the trash of this platform."""
    return SystemTrash() if sys.platform in DESKTOPS_WITHOUT_ADDRESS else DesktopTrash()


class DesktopTrash:
    """The trash of Linux desktops."""

    def __init__(self) -> None:
        self._places = Places()

    def __str__(self) -> str:
        return "the trash"

    def check(self, files: Sequence[PlannedFile]) -> None:
        """See to it that there is a trash for each file."""
        for folder in {file.path.parent: file for file in files}.values():
            trash_for(self._places.of(folder.path))

    def step(
        self, number: int, file: PlannedFile, keeper: PlannedFile, *, link: Link | None
    ) -> Step:
        """Return the step."""
        place = self._places.of(file.path)
        trash = trash_for(place)
        target, info = trash.names_for(place)
        when = f"{datetime.now():%Y-%m-%dT%H:%M:%S}"  # noqa: DTZ005 - the specification wants local time
        return replace(
            _step(number, file, keeper, link=link, way="trash", target=target),
            info=info,
            information=trash.information(place, when).decode("ascii"),
        )


class SystemTrash:
    """The trash of Windows and macOS, which does not say where it puts a file."""

    def __str__(self) -> str:
        return "the system's trash (which alone can put them back; --to FOLDER can be undone)"

    def check(self, files: Sequence[PlannedFile]) -> None:
        """See nothing: only the system knows."""

    def step(
        self, number: int, file: PlannedFile, keeper: PlannedFile, *, link: Link | None
    ) -> Step:
        """Return the step."""
        return _step(number, file, keeper, link=link, way="system trash", target=None)


@dataclass(frozen=True, slots=True)
class ToFolder:
    """A folder, in which files lie as they did in their photo folders.

    Attributes:
        folder: absolute.
        roots: the gallery's photo folders.
        gallery: its own folder.
    """

    folder: Path
    roots: tuple[Path, ...]
    gallery: Path
    _places: Places = field(default_factory=Places)

    def __str__(self) -> str:
        return str(self.folder)

    def check(self, files: Sequence[PlannedFile]) -> None:
        """Refuse a folder that would be indexed, can't be written, or has too little room."""
        inside = self._places.first_above(self.folder / "file", self.roots)
        if inside is not None:
            raise UsageError(
                f"--to {self.folder}: it lies in {inside}, which is indexed; name a folder outside"
            )
        if self._places.first_above(self.folder / "file", [self.gallery]) is not None:
            raise UsageError(
                f"--to {self.folder}: it lies in the gallery itself, whose files are imgsearch's "
                "own; name a folder outside"
            )
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"--to {self.folder}: this is a file; name a folder")
        if not can_be_written(self.folder):
            raise PlanRefusedError(f"--to {self.folder}: nothing can be written there")
        there = device_of(self.folder)
        copied = sum(file.bytes for file in files if device_of(file.path) != there)
        free = _free(self.folder)
        if copied > free:
            raise PlanRefusedError(
                f"--to {self.folder}: {copied:,} bytes would be copied there, and {free:,} are free"
            )

    def step(
        self, number: int, file: PlannedFile, keeper: PlannedFile, *, link: Link | None
    ) -> Step:
        """Return the step."""
        place = self.folder / file.root.name / file.path.relative_to(file.root)
        target = free_name(place.parent, place.name)
        step = _step(number, file, keeper, link=link, way="folder", target=target)
        return replace(step, temporary=hidden_name(target.parent))


def hidden_name(folder: Path) -> Path:
    """Return a name in a folder that nobody else uses, for a file that is not complete yet."""
    return folder / f".{secrets.token_hex(8)}{PART}"


def is_hidden_name(path: Path) -> bool:
    """Whether a name is one of `hidden_name`."""
    return path.name.startswith(".") and path.name.endswith(PART)


def check_links(pairs: Iterable[tuple[PlannedFile, PlannedFile]], link: Link | None) -> None:
    """Make sure that links can take the place of files, and would hold the same.

    Args:
        pairs: each file with its keeper.
        link: of which kind.

    Raises:
        UsageError: some files have other bytes than their keepers.
        PlanRefusedError: they lie on different devices.
    """
    if link not in {"hard", "reflink"}:
        return
    for file, keeper in pairs:
        if file.content != keeper.content:
            raise UsageError(
                f"--link {link}: {file.path} has other bytes than its keeper, which would take "
                "their place under its name; plan with --kind identical, or use --link symlink"
            )
        if device_of(file.path) != device_of(keeper.path):
            raise PlanRefusedError(
                f"--link {link}: {file.path} and {keeper.path} lie on different devices"
            )


def _step(
    number: int,
    file: PlannedFile,
    keeper: PlannedFile,
    *,
    link: Link | None,
    way: WayName,
    target: Path | None,
) -> Step:
    return Step(
        number=number,
        way=way,
        path=file.path,
        root=file.root,
        content=file.content,
        bytes=file.bytes,
        keeper=keeper.path,
        target=target,
        link=link,
        link_temporary=None if link is None else hidden_name(file.path.parent),
    )


def _free(folder: Path) -> int:
    """Return how many bytes are free where a folder is or will be."""
    return shutil.disk_usage(nearest(folder)).free

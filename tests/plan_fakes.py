"""A gallery with duplicates, groups of them made by hand, and processes that are killed."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cli_fakes import FakeSource, picture

from imgsearch.duplicates.groups import Companion, Evidence, Group, Kind, Member
from imgsearch.gallery.gallery import Gallery
from imgsearch.plans import file_acts
from imgsearch.plans.plan_file import write_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from imgsearch.plans.plan import Plan
    from imgsearch.search.matches import GalleryFile

ACTS = (
    "append",
    "create",
    "hard_link",
    "make_folder",
    "open_new",
    "remove",
    "rename",
    "shorten",
    "symbolic_link",
    "sync_folder",
    "write",
)


@dataclass
class Desk:
    """Photos with duplicates, the gallery that holds them, and a place to put things.

    Attributes:
        base: everything lies in it.
        gallery: over `base/photos`, with embeddings that cost nothing.
    """

    base: Path
    gallery: Gallery

    @property
    def photos(self) -> Path:
        """The only root."""
        return self.base / "photos"

    @property
    def trash(self) -> Path:
        """The home trash."""
        return self.base / "data/Trash"

    def file(self, name: str) -> GalleryFile:
        """Return a file of the gallery, without its duplicates."""
        path = self.photos / name
        (found,) = (file for file in self.gallery.files(all_files=True) if file.path == path)
        return found

    def group(self, keeper: str, *others: tuple[str, Kind], **facts: Any) -> Group:
        """Return a group whose members are the same as its keeper by these kinds."""
        members = [
            Member(file=self.file(name), evidence=Evidence(kind=kind, certainty=0.995))
            for name, kind in others
        ]
        return Group(keeper=self.file(keeper), members=tuple(members), **facts)

    def companion(self, path: str, of: str) -> Companion:
        """Return a RAW that belongs to a file."""
        return Companion(
            path=self.photos / path, of=self.photos / of, reason="RAW of the same name"
        )

    def groups(self) -> list[Group]:
        """Return the groups of `desk`."""
        return [
            self.group("a/one.png", ("b/copy of one.png", Kind.IDENTICAL)),
            self.group("a/two.png", ("b/small two.png", Kind.COPY), ("c/two.png", Kind.IDENTICAL)),
        ]

    def plan(self, **choices: Any) -> Plan:
        """Return the plan for all groups."""
        return self.gallery.plan(self.groups(), **choices)

    def written(self, plan: Plan | None = None) -> Path:
        """Write a plan, and return the path of its file."""
        path = self.base / "tidy.json"
        write_plan(self.plan() if plan is None else plan, path)
        return path

    def state(self) -> dict[str, tuple[str, int]]:
        """Return hash and modification time of every photo, by path."""
        return {
            os.fspath(path.relative_to(self.photos)): (
                hashlib.sha256(path.read_bytes()).hexdigest(),
                path.lstat().st_mtime_ns,
            )
            for path in sorted(self.photos.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def trashed(self) -> list[str]:
        """Return the names in the trash, of files and of what is known about them."""
        return sorted(path.name for path in self.trash.rglob("*") if path.is_file())


REMOVED = ("b/copy of one.png", "b/small two.png", "c/two.png")


def make_desk(base: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk with two groups of duplicates and another picture.

    Nothing of it has to outlast a power cut, so no act waits for the disk.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("XDG_DATA_HOME", str(base / "data"))
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(base / "gallery"))
    monkeypatch.setattr("imgsearch.networks.source.PretrainedNetworks", FakeSource)
    photos = base / "photos"
    picture(photos / "a/one.png", 1)
    picture(photos / "a/two.png", 2, side=48)
    picture(photos / "b/small two.png", 2)
    picture(photos / "c/other.png", 3)
    shutil.copy2(photos / "a/one.png", photos / "b/copy of one.png")
    shutil.copy2(photos / "a/two.png", photos / "c/two.png")
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        os.utime(path, ns=(1, 1_700_000_000_000_000_000 + number * 1_000_000_000))
    gallery = Gallery(base / "gallery", source=FakeSource())
    gallery.index(photos)
    return Desk(base, gallery)


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class Killer:
    """Ends the process, as far as files are concerned, at one of its acts.

    From then on no act does anything, so that nobody can tidy up, as after SIGKILL.

    Attributes:
        at: number of the act, from 1, that is not done any more; 0 for never.
        acts: how many were done or begun.
    """

    at: int = 0
    acts: int = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch every act on files."""
        for name in ACTS:
            monkeypatch.setattr(file_acts, name, self._watched(getattr(file_acts, name)))

    def _watched(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.acts += 1
            if self.at and self.acts >= self.at:
                raise Killed
            return act(*arguments, **options)

        return watched


def other_device(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder lie on a device of its own, as far as renaming is concerned."""
    real = file_acts.rename

    def rename(source: Path, target: Path) -> None:
        if source.is_relative_to(folder) != target.is_relative_to(folder):
            raise OSError(18, "Invalid cross-device link", str(source), None, str(target))
        real(source, target)

    monkeypatch.setattr(file_acts, "rename", rename)


def renamed(file: GalleryFile, **changes: Any) -> GalleryFile:
    """Return a file of which something else is known."""
    return replace(file, **changes)

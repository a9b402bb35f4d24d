"""What `apply` writes down before it acts, so that everything can be found again and taken back.

A journal is a file of JSON Lines in the gallery's folder. Every line is on the disk before the next
act. The first names the plan; `begin` tells everything about a step before anything is done; `made`
knows a link again; `done`, `failed` and `undone` say what became of a step. A line that was cut
short by a crash is the last one, and nothing was done for it.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from imgsearch.errors import PlanRefusedError
from imgsearch.plans import file_acts
from imgsearch.text import path_keys, path_of

if TYPE_CHECKING:
    from pathlib import Path

Link = Literal["hard", "reflink", "symlink"]
WayName = Literal["trash", "folder", "system trash"]

FOLDER: Final = "journals"
VERSION: Final = 1
_SUFFIX: Final = ".jsonl"
_PATHS: Final = ("path", "root", "keeper", "target", "info", "temporary", "link_temporary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file that is put elsewhere, and all names that are used on the way.

    Attributes:
        number: of the step in its journal, from 1.
        way: where it goes.
        path: where it was.
        root: the photo folder that it belongs to.
        content: SHA-256 of its bytes, 64 hexadecimal digits.
        bytes: its size.
        keeper: the file that it is the same as.
        target: where it is put; None in the trash of a system that does not tell.
        info: the file in the trash that tells its old place, or None.
        information: what that file says.
        temporary: what a copy is called until it is complete, where it must be copied, or None.
        link: what takes its place, or None.
        link_temporary: what the link is called until the place is free, or None.
    """

    number: int
    way: WayName
    path: Path
    root: Path
    content: str
    bytes: int
    keeper: Path
    target: Path | None = None
    info: Path | None = None
    information: str | None = None
    temporary: Path | None = None
    link: Link | None = None
    link_temporary: Path | None = None


@dataclass(slots=True)
class StepState:
    """What became of a step.

    Attributes:
        step: as it was begun.
        outcome: "begun" while it is not known.
        made: device and inode of the link that takes its place, or None.
        undoing: whether it was begun to be taken back.
        temporaries: what copies were called on the way back.
    """

    step: Step
    outcome: Literal["begun", "done", "failed", "undone"] = "begun"
    made: tuple[int, int] | None = None
    undoing: bool = False
    temporaries: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Journal:
    """An open journal.

    Attributes:
        path: of its file.
        gallery_id: of the gallery whose files it is about.
        plan: digest of the plan that is carried out.
        states: of the steps, by number.
        descriptor: of the file, open for writing; -1 where it was only read.
        length: bytes of the lines that are whole.
    """

    path: Path
    gallery_id: str
    plan: str
    states: dict[int, StepState] = field(default_factory=dict)
    descriptor: int = -1
    length: int = 0

    @classmethod
    def create(cls, gallery: Path, *, gallery_id: str, plan: str) -> Self:
        """Start a journal in a gallery's folder."""
        folder = gallery / FOLDER
        file_acts.make_folder(folder, 0o700)
        moment = datetime.now(UTC)
        name = f"{moment:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}{_SUFFIX}"
        header = {
            "imgsearch": "journal",
            "version": VERSION,
            **path_keys(gallery, "gallery"),
            "gallery_id": gallery_id,
            "plan": plan,
            "started": moment.isoformat(timespec="seconds"),
        }
        file_acts.create(folder / name, _line(header))
        file_acts.sync_folder(folder)
        return cls.open(folder / name)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a journal, which may be being written.

        Raises:
            OSError: there is none, or it cannot be read.
            PlanRefusedError: it is none, or damaged.
        """
        data = path.read_bytes()
        journal = cls._parsed(path, data[: data.rfind(b"\n") + 1])
        journal.length = data.rfind(b"\n") + 1
        return journal

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a journal that nobody else writes, and go on writing it.

        Raises:
            OSError: there is none, or it cannot be written.
            PlanRefusedError: it is none, or damaged.
        """
        journal = cls.read(path)
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        journal.descriptor = os.open(path, flags)
        if path.stat().st_size > journal.length:
            file_acts.shorten(journal.descriptor, journal.length)
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    @property
    def next_number(self) -> int:
        """The number of the step that comes next."""
        return len(self.states) + 1

    @property
    def open_states(self) -> list[StepState]:
        """Steps that were done, or may have been, and not taken back; the last one first."""
        return [s for s in reversed(self.states.values()) if s.outcome in {"begun", "done"}]

    def begin(self, step: Step) -> StepState:
        """Write down a step before anything is done for it."""
        keys: dict[str, Any] = {"begin": step.number, "way": step.way, "link": step.link}
        keys |= {"content": step.content, "bytes": step.bytes, "information": step.information}
        for name in _PATHS:
            path = getattr(step, name)
            keys |= {name: None} if path is None else path_keys(path, name)
        self._append(keys)
        return self.states.setdefault(step.number, StepState(step))

    def made(self, state: StepState, status: os.stat_result) -> None:
        """Write down by what a link is known again."""
        self._append({"made": state.step.number, "device": status.st_dev, "inode": status.st_ino})
        state.made = (status.st_dev, status.st_ino)

    def done(self, state: StepState) -> None:
        """Write down that a step was done."""
        self._append({"done": state.step.number})
        state.outcome = "done"

    def failed(self, state: StepState, reason: str) -> None:
        """Write down that a step was not done, and that all is as before."""
        reason = reason.encode("ascii", "backslashreplace").decode("ascii")
        self._append({"failed": state.step.number, "reason": reason})
        state.outcome = "failed"

    def undoing(self, state: StepState, temporary: Path) -> None:
        """Write down that a file is copied back, and what the copy is called meanwhile."""
        self._append({"undoing": state.step.number, **path_keys(temporary, "temporary")})
        state.undoing = True
        state.temporaries.append(temporary)

    def undone(self, state: StepState) -> None:
        """Write down that a file is where it was."""
        self._append({"undone": state.step.number})
        state.outcome = "undone"

    def _append(self, keys: dict[str, Any]) -> None:
        line = _line(keys)
        try:
            file_acts.append(self.descriptor, line)
        except OSError as error:
            error.filename = error.filename or str(self.path)
            with suppress(OSError):  # whoever reads it next leaves out half a line
                file_acts.shorten(self.descriptor, self.length)
            raise
        self.length += len(line)

    @classmethod
    def _parsed(cls, path: Path, data: bytes) -> Self:
        number = 0
        try:
            header, *lines = (json.loads(line) for line in data.splitlines())
            _check_header(header)
            journal = cls(path, str(header["gallery_id"]), str(header["plan"]))
            for number, keys in enumerate(lines, start=2):  # noqa: B007 - told in the message
                _take(journal.states, keys)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlanRefusedError(
                f"{path}: no journal of this imgsearch, or damaged (line {number or 1}: "
                f"{type(error).__name__} {error}); nothing was changed"
            ) from error
        return journal


def journals(gallery: Path) -> list[Path]:
    """Return the journals in a gallery's folder, the newest first.

    One that was cut short in its first line is left out: nothing was done for it.
    """
    found = sorted((gallery / FOLDER).glob(f"*{_SUFFIX}"), reverse=True)
    return [path for path in found if _has_a_line(path)]


def _has_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().endswith(b"\n")


def is_about(path: Path, plan: str) -> bool:
    """Whether a journal's first line names a plan by its digest."""
    with path.open("rb") as file:
        return plan.encode("ascii") in file.readline()


def _check_header(header: dict[str, Any]) -> None:
    if header["imgsearch"] != "journal" or header["version"] != VERSION:
        raise ValueError("of another kind or version")


def _take(states: dict[int, StepState], keys: dict[str, Any]) -> None:
    if "begin" in keys:
        paths = {name: None if keys[name] is None else path_of(keys, name) for name in _PATHS}
        step = Step(
            number=int(keys["begin"]),
            way=keys["way"],
            content=str(keys["content"]),
            bytes=int(keys["bytes"]),
            link=keys["link"],
            information=keys["information"],
            **paths,  # type: ignore[arg-type]
        )
        states[step.number] = StepState(step)
    elif "made" in keys:
        states[keys["made"]].made = (int(keys["device"]), int(keys["inode"]))
    elif "undoing" in keys:
        states[keys["undoing"]].undoing = True
        states[keys["undoing"]].temporaries.append(path_of(keys, "temporary"))
    elif "done" in keys:
        states[keys["done"]].outcome = "done"
    elif "failed" in keys:
        states[keys["failed"]].outcome = "failed"
    else:
        states[keys["undone"]].outcome = "undone"


def _line(keys: dict[str, Any]) -> bytes:
    return json.dumps(keys).encode("ascii") + b"\n"

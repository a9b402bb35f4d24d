"""What `apply` writes down before it acts, so that everything can be found again and taken back.

A journal is a file of JSON Lines in the gallery's folder. Every line is on the disk before the next
act. The first names the plan; `begin` tells everything about a step before anything is done; `made`
knows a link again; `done`, `failed` and `undone` say what became of a step. A line that was cut
short by a crash is the last one, and nothing was done for it.

Every line ends with a digest over itself and the digest of the line before it, so that one that was
changed, taken out or put in is found, but for whole lines that are lacking at the end: a crash
leaves the same. Journals of version 1 have no digests, and are read and continued without.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from imgsearch.errors import PlanRefusedError
from imgsearch.plans import file_acts
from imgsearch.plans.digests import digest
from imgsearch.plans.step_values import Step, StepState
from imgsearch.text import path_keys, path_of

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "journals"
VERSION: Final = 2
_WITHOUT_DIGESTS: Final = 1
_SUFFIX: Final = ".jsonl"
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_PATHS: Final = ("path", "root", "keeper", "target", "info", "temporary", "link_temporary")


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
        last: digest of the last of them; None in a journal without digests.
    """

    path: Path
    gallery_id: str
    plan: str
    states: dict[int, StepState] = field(default_factory=dict)
    descriptor: int = -1
    length: int = 0
    last: str | None = None

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
        file_acts.create(folder / name, _line(header | {"digest": digest(header)}))
        file_acts.sync_folder(folder)
        return cls.open(folder / name)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a journal, which may be being written.

        Raises:
            OSError: there is none, or it cannot be read.
            PlanRefusedError: it is none, or damaged, or was changed since it was written.
        """
        data = path.read_bytes()
        length = data.rfind(b"\n") + 1
        header, *lines = data[:length].splitlines() or [b""]
        journal = cls._begun(path, header)
        for number, line in enumerate(lines, start=2):
            _follow(journal, number, line)
        journal.length = length
        return journal

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a journal that nobody else writes, and go on writing it.

        Raises:
            OSError: there is none, or it cannot be written.
            PlanRefusedError: it is none, or damaged, or was changed since it was written.
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
        sealed = None if self.last is None else digest(keys, after=self.last)
        line = _line(keys if sealed is None else keys | {"digest": sealed})
        try:
            file_acts.append(self.descriptor, line)
        except OSError as error:
            error.filename = error.filename or str(self.path)
            with suppress(OSError):  # whoever reads it next leaves out half a line
                file_acts.shorten(self.descriptor, self.length)
            raise
        self.length += len(line)
        self.last = sealed

    @classmethod
    def _begun(cls, path: Path, line: bytes) -> Self:
        """Return what the first line tells.

        Raises:
            PlanRefusedError: it is no journal's, or not as it was written.
        """
        try:
            header = json.loads(line)
            known = header["version"] in {VERSION, _WITHOUT_DIGESTS}
            if header["imgsearch"] != "journal" or not known:
                raise ValueError("of another kind or version")
            journal = cls(path, str(header["gallery_id"]), str(header["plan"]))
            if header["version"] != _WITHOUT_DIGESTS:
                journal.last = digest(header)
            changed = journal.last is not None and header["digest"] != journal.last
        except _UNREADABLE as error:
            raise _unreadable(path, 1, error) from error
        if changed:
            raise PlanRefusedError(
                f"{path}: line 1 is not as it was written, so no file was touched; bring the "
                "journal back as it was"
            )
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


def _follow(journal: Journal, number: int, line: bytes) -> None:
    """Take in the line of a number.

    Raises:
        PlanRefusedError: it cannot be read, or does not follow the line before it.
    """
    try:
        keys = json.loads(line)
        follows = journal.last is None or keys["digest"] == digest(keys, after=journal.last)
        if follows:
            _take(journal.states, keys)
    except _UNREADABLE as error:
        if journal.last is None:
            raise _unreadable(journal.path, number, error) from error
        follows = False
    if not follows:
        raise PlanRefusedError(
            f"{journal.path}: line {number} was changed or put in since it was written, or lines "
            "before it were taken out or moved, so no file was touched; bring the journal back as "
            "it was, or copy what stands before that line, which is as it was written, to a file "
            "of its own and name that to `imgsearch undo`"
        )
    journal.last = None if journal.last is None else keys["digest"]


def _unreadable(path: Path, number: int, error: Exception) -> PlanRefusedError:
    return PlanRefusedError(
        f"{path}: no journal of this imgsearch, or damaged (line {number}: "
        f"{type(error).__name__} {error}); nothing was changed"
    )


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

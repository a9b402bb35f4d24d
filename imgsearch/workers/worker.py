"""A worker: it holds the network, and reads and embeds what it is given.

It runs in a process of another machine, where imgsearch is installed too, and writes nothing.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import imgsearch
from imgsearch.addresses import Address, is_file_name
from imgsearch.errors import ImgsearchError, WorkersError
from imgsearch.images import formats
from imgsearch.indexing.local_executor import LocalExecutor
from imgsearch.sources.finding import source_of
from imgsearch.sources.protocol import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgsearch.indexing.executor import EmbeddedFile, EmbeddingJob, FileWork
    from imgsearch.networks.source import EmbedsImages
    from imgsearch.recipe import Recipe


@dataclass(slots=True)
class Done:
    """What came of a share of the files.

    Attributes:
        files: those that were finished, in order; not all of them after `halt`.
        problem: what ended the work, or None.
        unseen: whether not one of the files is there for this worker.
    """

    files: list[EmbeddedFile] = field(default_factory=list)
    problem: ImgsearchError | None = None
    unseen: bool = False


def capabilities() -> tuple[str, str]:
    """Return what has to be the same everywhere: imgsearch's version, and what decodes."""
    return imgsearch.__version__, formats.decoders_fingerprint()


class Worker:
    """What runs on another machine; its methods are called from several threads."""

    def __init__(self) -> None:
        self._job: EmbeddingJob | None = None
        self._network: EmbedsImages | None = None
        self._halted = False

    def introduce(self) -> tuple[str, tuple[str, str]]:
        """Return the machine's name, and the `capabilities` here.

        Built-in types alone, which any version of imgsearch can read.
        """
        return platform.node(), capabilities()

    def take(self, job: EmbeddingJob, places: Sequence[Path]) -> ImgsearchError | None:
        """Load the network of a job, and look whether its pictures are there.

        Args:
            job: what is the same for all files; the hashes it knows come with each share.
            places: absolute paths of folders or of something in them, and addresses.

        Returns:
            Why this worker cannot do it, or None.
        """
        try:
            for place in places:
                _look_into(place)
            self._network = job.load()
        except Exception as error:  # noqa: BLE001 - the other machine raises it
            return _portable(error)
        self._job = job
        return None

    def embed(self, files: Sequence[FileWork], known: frozenset[str], *, sure: bool) -> Done:
        """Return what came of a share of the files.

        Args:
            files: to read and embed.
            known: hashes that need no embedding.
            sure: whether the files may all be gone; else such a share is given back unread.
        """
        if self._halted:
            return Done()
        if not sure and not any(_is_there(file.path) for file in files):
            return Done(unseen=True)
        done = Done()
        job = self._job
        assert job is not None  # noqa: S101 - `take` came first
        executor = LocalExecutor(self._loaded)
        try:
            for batch in executor.embed(
                replace(job, known=known), [files], stop=lambda: self._halted
            ):
                done.files += batch
        except Exception as error:  # noqa: BLE001 - the other machine raises it
            done.problem = _portable(error)
        return done

    def halt(self) -> None:
        """Begin no further file."""
        self._halted = True

    def _loaded(self, _recipe: Recipe) -> EmbedsImages:
        assert self._network is not None  # noqa: S101 - `take` came first
        return self._network


def _is_there(path: Path) -> bool:
    return isinstance(path, Address) or os.path.lexists(path)


def _look_into(place: Path) -> None:
    """Raise what keeps this machine from reading what is there on another one."""
    if not isinstance(place, Address):
        if not _is_there(place):
            raise WorkersError(
                f"{place}: is not there, or may not be seen there; every machine has to see the "
                "folders under the same paths, as on a shared file system"
            )
    elif not is_file_name(place.name, formats.suffixes()):  # files say for themselves what is wrong
        try:
            next(iter(source_of(place).list(b"")), None)
        except SourceError as error:
            raise WorkersError(f"{place}: cannot be listed there: {error.reason}") from error


def _portable(error: Exception) -> ImgsearchError:
    """Return an error that can be pickled, whatever a library has raised."""
    if isinstance(error, ImgsearchError):
        return type(error)(str(error))
    return WorkersError(f"{type(error).__name__}: {error}")

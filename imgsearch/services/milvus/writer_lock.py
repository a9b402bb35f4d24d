"""One writer at a time, by what Milvus does at one moment: make a collection of a new name.

The lock with the greatest number is in force. Its writer changes a property of it all the time; one
that stands still was left by a writer that died, and the next writer makes the lock of the next
number. Of two that do so at once, one is refused, as their descriptions differ.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from imgsearch.errors import GalleryLockedError, ServiceError
from imgsearch.services.milvus.names import lock_name, lock_numbers
from imgsearch.services.milvus.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgsearch.services.milvus.connection import Connection

BEAT_SECONDS: Final = 2.0
DEAD_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.25
_BEAT: Final = "imgsearch.beat"
_Seen = tuple[str, object]


class WriterLock:
    """A lock that this process holds."""

    def __init__(self, connection: Connection, name: str, number: int, token: str) -> None:
        self._connection = connection
        self._name = name
        self._number = number
        self._token = token
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="imgsearch-beat", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure that the lock is still this process's.

        Raises:
            GalleryLockedError: it stood still for so long that another writer has taken it.
        """
        numbers = lock_numbers(self._name, self._connection.ask("list_collections"))
        newest = numbers[-1] if numbers else None
        if newest != self._number or _seen(self._connection, self._name, newest)[0] != self._token:
            raise _locked(self._connection)

    def release(self) -> None:
        """Let others write."""
        self._end.set()
        self._thread.join()
        with suppress(ServiceError):  # it is left to stand still
            self._connection.ask("drop_collection", lock_name(self._name, self._number))

    def _beat(self) -> None:
        beat = 0
        while not self._end.wait(BEAT_SECONDS):
            beat += 1
            with suppress(ServiceError):  # a server that starts again; `check` has the last word
                self._connection.ask(
                    "alter_collection_properties",
                    lock_name(self._name, self._number),
                    {_BEAT: str(beat)},
                )


@contextmanager
def held_lock(connection: Connection, name: str) -> Iterator[WriterLock]:
    """Hold the lock of a collection.

    Raises:
        GalleryLockedError: another writer does.
    """
    lock = _taken(connection, name)
    try:
        yield lock
    finally:
        lock.release()


def _taken(connection: Connection, name: str) -> WriterLock:
    numbers = lock_numbers(name, connection.ask("list_collections"))
    dead = dict.fromkeys(numbers, "")
    for number in numbers:
        token = _dead(connection, name, number)
        if token is None:
            raise _locked(connection)
        dead[number] = token
    mine = numbers[-1] + 1 if numbers else 1
    token = uuid.uuid4().hex
    try:
        connection.ask(
            "create_collection",
            lock_name(name, mine),
            schema=schema_of(2, token),
        )
    except ServiceError as error:
        if lock_name(name, mine) in connection.ask("list_collections"):
            raise _locked(connection) from error
        raise
    lock = WriterLock(connection, name, mine, token)
    for number in lock_numbers(name, connection.ask("list_collections")):
        # One that was not seen dead is of a writer who came in between.
        found, _ = _seen(connection, name, number)
        if number != mine and found and found != dead.get(number):
            lock.release()
            raise _locked(connection)
    for number in numbers:
        connection.ask("drop_collection", lock_name(name, number))
    return lock


def _dead(connection: Connection, name: str, number: int) -> str | None:
    """Return the token of a lock that stands still, "" of one that is gone, None of one alive."""
    first = _seen(connection, name, number)
    until = time.monotonic() + DEAD_SECONDS
    while time.monotonic() < until:
        now = _seen(connection, name, number)
        if not now[0]:
            return ""
        if now != first:
            return None
        time.sleep(_LOOK_SECONDS)
    return first[0]


def _seen(connection: Connection, name: str, number: int) -> _Seen:
    found = connection.find(lock_name(name, number))
    return ("", None) if found is None else (found["description"], found["properties"].get(_BEAT))


def _locked(connection: Connection) -> GalleryLockedError:
    return GalleryLockedError(
        f"{connection.shown}: another `imgsearch publish` is at it; wait for it to end"
    )

"""The memory that images decoded at the same time may take, and which of them has to wait."""

from __future__ import annotations

import math
import threading
import time
from typing import Final, Protocol

from imgsearch.forking import forget_in_children

SHARED_MEMORY: Final = 2 << 30
MOST_MEMORY: Final = 4 << 30


class Memory(Protocol):
    """What lets an image wait until there is memory for it."""

    def take(self, amount: int) -> None:
        """Wait until there is room; what this thread took before counts no more."""
        ...

    def give_back(self) -> None:
        """Free what this thread took."""
        ...


class SharedMemory:
    """What decoding takes at this moment, shared by the threads of a process."""

    def __init__(self) -> None:
        self._forget()
        forget_in_children(self._forget)

    def _forget(self) -> None:
        self._changed = threading.Condition()
        self._taken: dict[int, int] = {}
        self._admitted: dict[int, float] = {}

    def take(self, amount: int) -> None:
        """Wait until there is room; what this thread took before counts no more."""
        thread = threading.get_ident()
        self.give_back()
        with self._changed:
            self._admitted[thread] = math.inf
            self._changed.wait_for(lambda: self._has_room(amount))
            self._admitted[thread] = time.monotonic()
            self._taken[thread] = amount

    def give_back(self) -> None:
        """Free what this thread took."""
        self.free(threading.get_ident())

    def free(self, thread: int) -> None:
        """Free what a thread took, which has been given up."""
        with self._changed:
            self._taken.pop(thread, None)
            self._changed.notify_all()

    def admitted_at(self, thread: int) -> float:
        """Return the moment when a thread last had its turn: infinite while it waits for one."""
        return self._admitted.get(thread, -math.inf)

    def _has_room(self, amount: int) -> bool:
        taken = sum(self._taken.values())
        return not taken or taken + amount <= SHARED_MEMORY


SHARED: Final = SharedMemory()


class InUse:
    """Which memory `decoding.admit` asks; a decoding process asks the one that started it."""

    memory: Memory = SHARED

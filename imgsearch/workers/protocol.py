"""What a set of machines has to offer, so that workers can be started and asked there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


@dataclass(frozen=True, slots=True)
class Node:
    """A machine on which workers can run.

    Attributes:
        id: tells it apart.
        name: for messages.
        processors: that workers may use.
    """

    id: str
    name: str
    processors: int


class WorkerLostError(Exception):
    """The worker that was asked is gone, and so is what it was asked."""


class Machines(Protocol):
    """Machines that are connected to; asked from one thread.

    Everything raises `WorkersError` if the connection is lost.
    """

    def nodes(self) -> Sequence[Node]:
        """Return the machines that are there at this moment."""
        ...

    def hire(self, node: Node, *, processors: int) -> Hashable:
        """Start a `Worker` on a machine, and return what names it; it need not have begun.

        The processors are its own: it waits for them.
        """
        ...

    def ask(self, worker: Hashable, method: str, *arguments: object, **named: object) -> Hashable:
        """Call a method of a worker, and return a ticket for the answer.

        Up to three calls of one worker run at once.
        """
        ...

    def answered(self, tickets: Sequence[Hashable], *, seconds: float) -> Sequence[Hashable]:
        """Return the tickets whose answers are there, at the latest after some seconds."""
        ...

    def answer(self, ticket: Hashable) -> Any:  # noqa: ANN401 - whatever the method returns
        """Return the answer of a ticket that has one, and forget it.

        Raises:
            WorkerLostError: the worker came to its end before.
        """
        ...

    def dismiss(self, worker: Hashable) -> None:
        """End a worker at once, if it is still there."""
        ...

    def close(self) -> None:
        """End all workers and the connection."""
        ...

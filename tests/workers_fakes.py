"""Machines without machines: workers of this process, lost as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from executor_fakes import pickled

from imgsearch.workers.protocol import Node, WorkerLostError
from imgsearch.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence


@dataclass
class FakeMachines:
    """Answers when it is asked for answers, the latest first; all that passes is pickled.

    Attributes:
        processors: of each machine.
        fate: told the number of a call and its method; True loses the worker before it answers.
        worker: makes a worker.
        under_way: shares that were given out and not yet answered, at most.
        hired: on which machine each worker was started.
        asked: the methods of all calls.
        closed: whether the connection was ended.
    """

    processors: Sequence[int] = (1, 1)
    fate: Callable[[int, str], bool] = lambda _number, _method: False
    worker: Callable[[], Worker] = Worker
    under_way: int = 0
    hired: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    _workers: dict[int, Worker] = field(default_factory=dict)
    _calls: dict[int, tuple[int, str, Any, Any]] = field(default_factory=dict)

    def nodes(self) -> list[Node]:
        """Return the machines."""
        return [Node(f"node {n}", f"host {n}", count) for n, count in enumerate(self.processors)]

    def hire(self, node: Node, *, processors: int) -> int:
        """Start a worker of this process."""
        assert processors <= node.processors
        self.hired.append(node.name)
        self._workers[len(self.hired)] = self.worker()
        return len(self.hired)

    def ask(self, worker: Hashable, method: str, *arguments: object, **named: object) -> int:
        """Remember a call until it is answered."""
        self.asked.append(method)
        assert isinstance(worker, int)
        self._calls[len(self.asked)] = (worker, method, pickled(arguments), named)
        shares = sum(call[1] == "embed" for call in self._calls.values())
        self.under_way = max(self.under_way, shares)
        return len(self.asked)

    def answered(self, tickets: Sequence[Hashable], *, seconds: float) -> list[Hashable]:
        """Return all tickets, the latest first."""
        assert seconds >= 0
        return list(reversed(tickets))

    def answer(self, ticket: Hashable) -> Any:
        """Make the call, unless the worker is lost."""
        assert isinstance(ticket, int)
        number, method, arguments, named = self._calls.pop(ticket)
        if self.fate(ticket, method):
            self._workers.pop(number, None)
        if number not in self._workers:
            raise WorkerLostError("it was killed")
        return pickled(getattr(self._workers[number], method)(*arguments, **named))

    def dismiss(self, worker: Hashable) -> None:
        """Forget a worker."""
        assert isinstance(worker, int)
        self._workers.pop(worker, None)

    def close(self) -> None:
        """Remember that nobody is connected any more."""
        self.closed = True

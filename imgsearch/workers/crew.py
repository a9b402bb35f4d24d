"""The workers of a run: hired on every machine, checked, given shares, and replaced when lost."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import RecipeMismatchError, WorkersError
from imgsearch.workers.protocol import WorkerLostError
from imgsearch.workers.worker import Done, capabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from imgsearch.indexing.executor import EmbeddingJob, FileWork
    from imgsearch.workers.protocol import Machines, Node

AT_ONCE: Final = 2
"""Shares under way in a worker: one is decoded while the other is in the network."""
MOST_LOSSES: Final = 5
"""Workers that may be lost, one after the other, over one share, or in starting on one machine."""
LOOK_AGAIN: Final = 5.0
"""Seconds after which the machines are counted again."""


class Stage(Enum):
    """How far a worker has come."""

    HIRED = "introduce"
    CHECKED = "take"
    READY = "embed"


@dataclass(eq=False, slots=True)
class Share:
    """Some files, and what came of them.

    Attributes:
        files: to embed.
        known: hashes that need no embedding.
        sure: whether they may all be gone.
        done: what came of them, or None.
        losses: how many workers were lost over it.
    """

    files: Sequence[FileWork]
    known: frozenset[str] = frozenset()
    sure: bool = False
    done: Done | None = None
    losses: int = 0


@dataclass(eq=False, slots=True)
class Member:
    """A worker of the crew.

    Attributes:
        node: where it runs.
        worker: what names it to the machines.
        processors: that it has.
        stage: how far it has come.
        host: the name of the machine, as it says itself.
        ticket: for what it was asked before it was ready.
        shares: under way, by ticket.
    """

    node: Node
    worker: Hashable
    processors: int
    stage: Stage = Stage.HIRED
    host: str = ""
    ticket: Hashable | None = None
    shares: dict[Hashable, Share] = field(default_factory=dict)


class Crew:
    """All workers of a run.

    Attributes:
        lost: shares whose worker is gone, to be given out again.
    """

    def __init__(
        self,
        machines: Machines,
        order: Callable[[int], EmbeddingJob],
        *,
        places: Sequence[Path],
        processors: int | None,
    ) -> None:
        """Hire nobody yet.

        Args:
            machines: where to.
            order: returns the job for a worker with so many processors.
            places: paths and addresses that every worker has to see.
            processors: of each worker; None for one worker on each machine, with all of them.
        """
        self.lost: deque[Share] = deque()
        self._machines = machines
        self._order = order
        self._places = places
        self._processors = processors
        self._members: list[Member] = []
        self._failures: Counter[str] = Counter()
        self._counted_at = -LOOK_AGAIN

    @property
    def ready(self) -> list[Member]:
        """The workers that can be given shares."""
        return [member for member in self._members if member.stage is Stage.READY]

    @property
    def is_complete(self) -> bool:
        """Whether every machine has a worker, and no worker is still to be checked."""
        return bool(self._members) and len(self.ready) == len(self._members)

    @property
    def is_at_work(self) -> bool:
        """Whether there are shares under way."""
        return any(member.shares for member in self._members)

    def free(self) -> Member | None:
        """Return a worker that can be given a share, the least busy first, or None."""
        members = [member for member in self.ready if len(member.shares) < AT_ONCE]
        return min(members, key=lambda member: len(member.shares), default=None)

    def tend(self) -> None:
        """Hire workers where there are too few: on new machines, and after losses.

        Raises:
            WorkersError: no machine has the processors that a worker is to have.
        """
        now = time.monotonic()
        if now - self._counted_at < LOOK_AGAIN:
            return
        self._counted_at = now
        nodes = self._machines.nodes()
        if nodes and not self._members and all(self._room(node) == 0 for node in nodes):
            most = max(node.processors for node in nodes)
            raise WorkersError(
                f"no machine has {self._processors or 1} processors for a worker, {most} at most; "
                "give --threads a smaller number"
            )
        for node in nodes:
            here = [member for member in self._members if member.node.id == node.id]
            # The first prepares the network's graph, which the others then find.
            is_first = all(member.stage is not Stage.READY for member in here)
            wanted = min(1, self._room(node)) if is_first else self._room(node)
            for _ in range(wanted - len(here)):
                self._hire(node)

    def give(self, member: Member, share: Share) -> None:
        """Give a share to a worker."""
        ticket = self._machines.ask(
            member.worker, "embed", share.files, share.known, sure=share.sure
        )
        member.shares[ticket] = share

    def look(self, *, seconds: float) -> None:
        """Take in the answers that are there, at the latest after some seconds.

        Shares that are done have `done` set; those of lost workers are in `lost`.

        Raises:
            RecipeMismatchError: a worker is not of this version, or decodes otherwise.
            WorkersError: a worker cannot do what it is to do, or too many were lost.
            ImgsearchError: whatever a worker says of the network.
        """
        asked: dict[Hashable, Member] = {}
        for member in self._members:
            asked |= dict.fromkeys(member.shares, member)
            if member.ticket is not None:
                asked[member.ticket] = member
        if not asked:
            time.sleep(seconds)
            return
        for ticket in self._machines.answered(list(asked), seconds=seconds):
            member = asked[ticket]
            if member not in self._members:
                continue  # lost a moment ago
            try:
                answer = self._machines.answer(ticket)
            except WorkerLostError as error:
                self._lose(member, str(error))
                continue
            if member.stage is Stage.READY:
                member.shares.pop(ticket).done = answer
            else:
                self._advance(member, answer)

    def halt(self) -> None:
        """Tell all workers to begin no further file."""
        for member in self.ready:
            self._machines.ask(member.worker, "halt")

    def dismiss(self) -> None:
        """End all workers."""
        for member in self._members:
            self._machines.dismiss(member.worker)
        self._members.clear()

    def _room(self, node: Node) -> int:
        if self._processors is None:
            return min(1, node.processors)
        return node.processors // self._processors

    def _hire(self, node: Node) -> None:
        processors = self._processors or node.processors
        member = Member(node, self._machines.hire(node, processors=processors), processors)
        member.ticket = self._machines.ask(member.worker, Stage.HIRED.value)
        self._members.append(member)

    def _advance(self, member: Member, answer: Any) -> None:  # noqa: ANN401 - as `answer` says
        """Go on with a worker that is not ready yet, after its answer."""
        member.ticket = None
        if member.stage is Stage.HIRED:
            member.host, theirs = answer
            _compare(member, theirs)
            member.stage = Stage.CHECKED
            member.ticket = self._machines.ask(
                member.worker, Stage.CHECKED.value, self._order(member.processors), self._places
            )
        elif answer is not None:
            raise type(answer)(f"worker on {member.host}: {answer}")
        else:
            member.stage = Stage.READY
            self._failures.pop(member.node.id, None)
            self._counted_at = -LOOK_AGAIN

    def _lose(self, member: Member, reason: str) -> None:
        self._members.remove(member)
        self._machines.dismiss(member.worker)
        self._counted_at = -LOOK_AGAIN
        if member.stage is not Stage.READY:
            self._failures[member.node.id] += 1
            if self._failures[member.node.id] >= MOST_LOSSES:
                raise WorkersError(
                    f"{MOST_LOSSES} workers on {member.node.name} ended before they began: "
                    f"{reason}; is imgsearch installed there, and is there memory for its network?"
                )
        for share in member.shares.values():
            share.losses += 1
            if share.losses >= MOST_LOSSES:
                first, last = share.files[0].path, share.files[-1].path
                raise WorkersError(
                    f"{MOST_LOSSES} workers ended, one after the other, over the files from "
                    f"{first} to {last}: {reason}; all before is kept, and the same command goes on"
                )
        self.lost.extend(member.shares.values())


def _compare(member: Member, theirs: tuple[str, str]) -> None:
    ours = capabilities()
    for name, here, there in zip(("imgsearch", "decoders"), ours, theirs, strict=True):
        if here != there:
            raise RecipeMismatchError(
                f"worker on {member.host}: it has {name} {there}, and {here} is here: what they "
                "make of a picture may differ; install the same packages on all machines"
            )

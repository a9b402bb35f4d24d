"""Machines that Ray has joined into a cluster; the only module that imports Ray.

Workers are actors, each bound to a machine. Ray is told neither to restart them nor to repeat what
they were asked: which share is done again, and by whom, is the crew's decision, as a restarted
actor could wait for a machine that never comes back.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import tempfile
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

from imgsearch.errors import MissingExtraError, WorkersError
from imgsearch.workers.crew import AT_ONCE
from imgsearch.workers.protocol import Node, WorkerLostError
from imgsearch.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OBJECT_STORE: Final = 128 << 20
"""Bytes of shared memory that a cluster of this machine alone takes: answers are small."""

TRIES: Final = 3
LOOPBACK: Final = "127.0.0.1"


class RayMachines:
    """The machines of a Ray cluster; asked from one thread."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - a module without types
        name: str,
        scratch: tempfile.TemporaryDirectory[str] | None,
    ) -> None:
        """Take the module, connected to a cluster.

        Args:
            ray: the module.
            name: of the cluster, for messages.
            scratch: where a cluster of this machine alone has its files, removed with it.
        """
        self._ray = ray
        self._name = name
        self._scratch = scratch

    @classmethod
    def connect(cls, address: str) -> Self:
        """Connect to a cluster over its head's client port.

        Args:
            address: such as "ray://head:10001".

        Raises:
            MissingExtraError: Ray is not installed.
            WorkersError: nothing answers there, or not to us.
        """
        ray = _load()
        with _quiet():
            try:
                _join(ray, address)
            except Exception as error:
                raise WorkersError(
                    f"{address}: no Ray cluster can be reached there ({_line(error)}); the "
                    "address is that of the head and its client port, 10001 by default; the same "
                    "versions of Ray and Python have to run here and there, and where a token is "
                    "asked for, RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH name it"
                ) from error
        return cls(ray, address, None)

    @classmethod
    def start(cls) -> Self:
        """Start a cluster of this machine alone, which ends with the run.

        Raises:
            MissingExtraError: Ray is not installed.
            WorkersError: it does not start.
        """
        # What Ray does on its own where it knows of no clusters, as on Windows; otherwise it takes
        # the network's address for 127.0.0.1, and listens on all of them.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        if "RAY_AUTH_TOKEN_PATH" not in os.environ:
            # Otherwise Ray would write one into the home folder.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        ray = _load()
        scratch = tempfile.TemporaryDirectory(prefix="imgsearch-ray-", ignore_cleanup_errors=True)
        with _quiet(), _same_handler():
            try:
                ray.init(
                    address="local",
                    num_cpus=os.cpu_count(),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                    _node_ip_address=LOOPBACK,
                    _temp_dir=scratch.name,
                )
                _check_loopback(ray)
            except Exception as error:
                ray.shutdown()
                scratch.cleanup()
                raise WorkersError(
                    f"no Ray cluster can be started on this machine ({_line(error)}); it may "
                    "be too busy: try again, or leave out --on"
                ) from error
        return cls(ray, "ray://local", scratch)

    def nodes(self) -> Sequence[Node]:
        """Return the machines that are there at this moment."""
        with self._connected():
            return [
                Node(
                    found["NodeID"],
                    found["NodeManagerHostname"],
                    int(found["Resources"].get("CPU", 0)),
                )
                for found in self._ray.nodes()
                if found["Alive"]
            ]

    def hire(self, node: Node, *, processors: int) -> Any:  # noqa: ANN401 - Ray's handle
        """Start a worker on a machine."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        with self._connected():
            actor = self._ray.remote(
                num_cpus=processors,
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=AT_ONCE + 1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
            )
            return actor(Worker).remote()

    def ask(self, worker: Any, method: str, *arguments: object, **named: object) -> Any:  # noqa: ANN401 - as there
        """Call a method of a worker, and return a ticket for the answer."""
        with self._connected():
            return getattr(worker, method).remote(*arguments, **named)

    def answered(self, tickets: Sequence[Any], *, seconds: float) -> Sequence[Any]:
        """Return the tickets whose answers are there, at the latest after some seconds."""
        with self._connected():
            ready, _ = self._ray.wait(list(tickets), num_returns=1, timeout=seconds)
            if ready:
                ready, _ = self._ray.wait(list(tickets), num_returns=len(tickets), timeout=0)
            return list(ready)

    def answer(self, ticket: Any) -> Any:  # noqa: ANN401 - whatever the method returns
        """Return the answer of a ticket that has one.

        Raises:
            WorkerLostError: the worker came to its end before.
            WorkersError: the connection is lost, or the answer is an error of imgsearch's own.
        """
        from ray import exceptions

        lost = (
            exceptions.RayActorError,
            exceptions.ActorUnschedulableError,
            exceptions.NodeDiedError,
            exceptions.ObjectLostError,
            exceptions.OutOfMemoryError,
            exceptions.WorkerCrashedError,
        )
        with self._connected():
            try:
                return self._ray.get(ticket)
            except lost as error:
                raise WorkerLostError(_line(error)) from error
            except exceptions.RayTaskError as error:
                raise WorkersError(f"a worker failed: {_line(error.cause or error)}") from error

    def dismiss(self, worker: Any) -> None:  # noqa: ANN401 - as there
        """End a worker at once, if it is still there."""
        with suppress(Exception), _quiet():
            self._ray.kill(worker)

    def close(self) -> None:
        """End all workers and the connection."""
        with suppress(Exception), _quiet():
            self._ray.shutdown()
        if self._scratch is not None:
            self._scratch.cleanup()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Say so if the connection is lost while the block runs.

        Raises:
            WorkersError: it is.
        """
        from ray.exceptions import RaySystemError, RpcError

        try:
            with _quiet():
                yield
        except (ConnectionError, RaySystemError, RpcError) as error:
            raise WorkersError(
                f"{self._name}: the connection is lost ({_line(error)}); all that was "
                "committed is kept, and the same command goes on"
            ) from error


def _check_loopback(ray: Any) -> None:  # noqa: ANN401 - a module without types
    """Refuse a cluster that others on the network could reach.

    Raises:
        WorkersError: Ray was imported before by this program, and has taken another address.
    """
    address = ray.util.get_node_ip_address()
    if address != LOOPBACK:
        raise WorkersError(f"Ray listens on {address} and not on {LOOPBACK} alone")


@contextmanager
def _same_handler() -> Iterator[None]:
    """Put back what happens at SIGTERM, for which Ray sets a handler that aborts the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _join(ray: Any, address: str) -> None:  # noqa: ANN401 - a module without types
    """Connect; a head that has not yet brought up what speaks with clients is asked again."""
    for tries_left in reversed(range(TRIES)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
        except ConnectionAbortedError:
            if not tries_left:
                raise
            ray.shutdown()
        else:
            return


def _load() -> Any:  # noqa: ANN401 - a module without types
    """Return the module, which reports nothing to its makers.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "--on ray://… needs Ray, which is not installed: `pip install 'ray[client]'`, the "
            "extra `ray`"
        ) from error
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    return ray


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings of Ray's, which are meant for those who program with it, off the screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _line(error: BaseException) -> str:
    """Return what an error says in a line: the last of a traceback, the first of all else."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if any("Traceback" in line for line in lines) else lines[0]

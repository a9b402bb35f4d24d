"""One process of a long run in PyTorch: development code.

Each takes small batches from a common counter, adds up its own gradients, and updates its share of
the parameters, which all of them have in common.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import multiprocessing

from imgsearch.distillation.figures import measure
from imgsearch.distillation.targets import CropCache
from imgsearch.vectors.projection import Projection
from training.torch_optimisers import optimisers, shares
from training.torch_statistics import take_statistics
from training.torch_student import Student, dense_loss, distillation_loss, embed
from training.torch_views import View, Views

if TYPE_CHECKING:
    from pathlib import Path

    from training.torch_settings import Run

LOG_STEPS: Final = 200
CHECKPOINT_SECONDS: Final = 300.0
FIGURES_SECONDS: Final = 900.0
FIGURES_BATCHES: Final = 8
"""Of which statistics for figures are means: fewer than for a student's file."""
ORDERS: Final = 6
RATE, SIZE, DUE, STOP, FIGURES, KEEP = range(ORDERS)
"""Places in the tensor by which the first worker tells the others what comes next."""


@dataclass(frozen=True)
class Shared:
    """What the workers have in common, all in shared memory.

    Attributes:
        student: what is trained.
        average: its averaged weights.
        gradients: of each worker, one tensor for each parameter.
        orders: what the first worker tells the others, shape (6,), float64.
        counter: the next small batch that nobody has taken.
        barrier: where they wait for each other.
    """

    student: Student
    average: Student
    gradients: list[list[torch.Tensor]]
    orders: torch.Tensor
    counter: Any
    barrier: Any

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self.gradients)


class Worker:
    """One process of the run; the first one decides, measures and writes."""

    def __init__(self, rank: int, run: Run, shared: Shared) -> None:
        self.rank, self.run, self.shared = rank, run, shared
        self.first = rank == 0
        self.parameters = list(shared.student.parameters())
        self.mine = shares(self.parameters, shared.workers)[rank]
        self.optimisers = optimisers([self.parameters[i] for i in self.mine], run.settings)
        self.step = self.seen = 0
        self.hours = 0.0
        if run.checkpoint.exists():
            state = load(run.checkpoint)
            for optimiser, values in zip(self.optimisers, state["opts"][rank], strict=True):
                optimiser.load_state_dict(values)
            self.step, self.seen, self.hours = state["steps"], state["seen"], state["hours"]
        for parameter, gradient in zip(self.parameters, shared.gradients[rank], strict=True):
            parameter.grad = gradient
        fitted = Projection.from_bytes(run.projection.read_bytes())
        caches = [CropCache.open(folder) for folder in run.caches]
        colours = run.read_colours()
        self.crops = [cache.crops for cache in caches]
        self.views = Views(caches, fitted, stride=run.architecture.stride, colours=colours)
        held_out = CropCache.open(run.held_out)
        expected = fitted.apply(held_out.embeddings)
        if colours:
            expected = colours.targets(expected, colours.of(held_out.crops))
        self.held_out = held_out.crops, expected
        self.began = self.saved = self.measured = time.monotonic()
        self.before = self.seen
        self.kept = False
        self.losses: list[float] = []

    def work(self) -> None:
        """Go from step to step until the first worker says that the time is up."""
        logged = time.monotonic(), self.seen
        parent = multiprocessing.parent_process()
        while True:
            if parent is not None and not parent.is_alive():
                # Killed, and could not end its workers: a later run would have them beside it.
                raise RuntimeError("the run was killed; its last checkpoint is kept")
            if self.first:
                self._decide()
            self.shared.barrier.wait()
            orders = self.shared.orders.tolist()
            if orders[DUE] or orders[KEEP] or orders[STOP]:
                self._save(keep=bool(orders[KEEP]))
            if orders[FIGURES] and self.first:
                self._measure(int(orders[SIZE]))
            if orders[STOP]:
                return
            self._accumulate(int(orders[SIZE]))
            self.shared.barrier.wait()
            self._update(orders[RATE])
            self.shared.barrier.wait()
            if self.step % LOG_STEPS == 0:
                if self.first:
                    now = time.monotonic()
                    rate = (self.seen - logged[1]) / (now - logged[0])
                    logged = now, self.seen
                    self._log(loss=float(np.mean(self.losses or [np.nan])), images_per_second=rate)
                self.losses.clear()

    def _decide(self) -> None:
        now, run, orders = time.monotonic(), self.run, self.shared.orders
        samples = self.seen - self.before
        orders.zero_()
        orders[RATE], orders[SIZE] = run.rate_at(samples, self.step), run.size_at(samples)
        orders[STOP] = samples >= run.plateau + run.decay
        if not self.kept and samples >= run.plateau:
            self.kept = True
            orders[KEEP] = 1
        if now - self.saved >= CHECKPOINT_SECONDS:
            self.saved = now
            orders[DUE] = 1
        if now - self.measured >= FIGURES_SECONDS or orders[STOP]:
            self.measured = now
            orders[FIGURES] = 1
        self.shared.counter.value = 0

    def _accumulate(self, size: int) -> None:
        """Add up gradients of the small batches that this worker gets hold of."""
        settings, shared = self.run.settings, self.shared
        targets = self.views.targets
        passes, place = divmod(self.step, len(targets) // settings.batch_size)
        start = place * settings.batch_size
        order = np.random.default_rng((settings.seed, passes)).permutation(len(targets))
        rows = order[start : start + settings.batch_size]
        count = settings.batch_size // self.run.micro
        for gradient in shared.gradients[self.rank]:
            gradient.zero_()
        shared.student.train()
        while True:
            with shared.counter.get_lock():
                part = shared.counter.value
                shared.counter.value += 1
            if part >= count:
                return
            generator = np.random.default_rng((settings.seed, self.step, part, 1))
            chosen = rows[part * self.run.micro : (part + 1) * self.run.micro]
            view = self.views.view(chosen, size, generator)
            bank = targets[generator.integers(len(targets), size=settings.bank)]
            loss = loss_of(
                shared.student, view, torch.from_numpy(bank), dense_weight=self.run.dense_weight
            )
            (loss / count).backward()
            self.losses.append(loss.item())

    @torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not looked into
    def _update(self, rate: float) -> None:
        """Update this worker's share of the parameters, and its share of the average."""
        self.step += 1
        self.seen += self.run.settings.batch_size
        kept = min(self.run.settings.averaging, (1 + self.step) / (10 + self.step))
        average = list(self.shared.average.parameters())
        for i in self.mine:
            for other in range(self.shared.workers):
                if other != self.rank:
                    self.parameters[i].grad.add_(self.shared.gradients[other][i])
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        for i in self.mine:
            average[i].lerp_(self.parameters[i], 1 - kept)
        if self.first:
            pairs = zip(self.shared.average.buffers(), self.shared.student.buffers(), strict=True)
            for mean, value in pairs:
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - kept)

    def _measure(self, size: int) -> None:
        crops, expected = self.held_out
        average = copy.deepcopy(self.shared.average)
        for side in sorted({size, crops.shape[1]}):
            take_statistics(average, self.crops, size=side, batches=FIGURES_BATCHES)
            found = measure(
                lambda images, side=side: embed(average, images, side),  # type: ignore[misc]
                crops=crops,
                expected=expected,
                labelled=None,
            )
            self._log(size=side, cosine=found.cosine, agreement=found.agreement)

    def _save(self, *, keep: bool) -> None:
        """Write a checkpoint; the other workers hand their optimisers' states over in files."""
        path = self.run.checkpoint
        states = [optimiser.state_dict() for optimiser in self.optimisers]
        torch.save(states, path.with_suffix(f".{self.rank}"))
        self.shared.barrier.wait()
        if self.first:
            parts = [path.with_suffix(f".{rank}") for rank in range(self.shared.workers)]
            state = {
                "net": self.shared.student.state_dict(),
                "ema": self.shared.average.state_dict(),
                "opts": [load(part) for part in parts],
                "seen": self.seen,
                "steps": self.step,
                "hours": self.hours + (time.monotonic() - self.began) / 3600,
            }
            temporary = path.with_suffix(".part")
            torch.save(state, temporary)
            temporary.replace(path)
            if keep:
                torch.save(state, path.with_name(f"{path.stem}-plateau{path.suffix}"))
            for part in parts:
                part.unlink()
        self.shared.barrier.wait()

    def _log(self, **values: float) -> None:
        with self.run.log.open("a", encoding="utf-8") as file:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            file.write(json.dumps({"time": moment, "samples": self.seen, **values}) + "\n")


def loss_of(
    student: Student, view: View, bank: torch.Tensor, *, dense_weight: float
) -> torch.Tensor:
    """Return the loss of a student on a view.

    Args:
        student: in training or not; computes in bfloat16.
        view: what it sees, and the targets.
        bank: other crops' targets, unit rows, shape (m, dim).
        dense_weight: of the loss over locations, where the view has targets for them.
    """
    with torch.autocast("cpu", torch.bfloat16):
        embeddings, locations = student.dense(view.images)
    loss = distillation_loss(view.targets, embeddings, bank)
    if view.locations is not None and dense_weight:
        loss = loss + dense_weight * dense_loss(view.locations, locations)
    return loss


def load(path: Path) -> Any:  # noqa: ANN401  PyTorch is not looked into
    """Return what a checkpoint holds: numbers and tensors only, nothing that runs."""
    return torch.load(path, weights_only=True, map_location="cpu")

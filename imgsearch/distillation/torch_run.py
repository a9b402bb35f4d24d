"""Long runs of the PyTorch student on a processor, from cached crops: development code.

    python -m imgsearch.distillation.torch_run CACHE... --held-out CACHE --projection FILE
        --checkpoint FILE --log FILE --out student.npz
        --plateau 4000000 --decay 2000000 --size 64@0 --size 96@4000000 [--initial student.npz]

Workers of one thread each share the weights. They take small batches from a common counter, so
that on a machine that others use too nobody waits long for anybody, then each updates its share of
the parameters. The learning rate stays on a plateau and falls to zero at the end; the checkpoint
from the end of the plateau is kept, and a later run goes on from there (Hägele et al. 2024,
https://arxiv.org/abs/2405.18392). All of it is counted in samples, so a run that was paused, or
that shared its machine, is the same run.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import multiprocessing

from imgsearch.distillation import weights
from imgsearch.distillation.architecture import COMPACT
from imgsearch.distillation.figures import measure
from imgsearch.distillation.settings import TrainingSettings
from imgsearch.distillation.targets import CropCache
from imgsearch.distillation.torch_optimisers import optimisers, shares
from imgsearch.distillation.torch_start import start_from
from imgsearch.distillation.torch_student import (
    Student,
    dense_loss,
    distillation_loss,
    embed,
)
from imgsearch.distillation.torch_views import View, Views
from imgsearch.projection import Projection

if TYPE_CHECKING:
    from imgsearch.distillation.architecture import Architecture

WORKERS: Final = 2
LOG_STEPS: Final = 200
CHECKPOINT_SECONDS: Final = 300.0
FIGURES_SECONDS: Final = 900.0
FITTED_ON: Final = 8192
"""Crops that the head of a warm start is fitted on."""
DENSE_WEIGHT: Final = 2.0
"""Of the loss over locations, where the caches have targets for them."""
RATE, SIZE, DUE, STOP, FIGURES, KEEP = range(6)
"""Places in the tensor by which the first worker tells the others what comes next."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is told.

    Attributes:
        caches: folders of `CropCache`, trained on in equal parts of their lengths.
        held_out: such a folder for the figures.
        projection: file of the projection that makes targets of the teachers' embeddings.
        checkpoint: written every five minutes; gone on from when it is there.
        log: JSON lines are appended to it.
        out: the student's file.
        plateau: samples until the learning rate falls, counted from the start of this run.
        decay: samples from there until it is zero and the run ends.
        sizes: samples, and the side in pixels that the student sees from then on, ascending.
        settings: batch size, rate, decay of weights, warm-up, bank, averaging and seed.
        dense_weight: of the loss over locations; it needs caches with targets for them.
        micro: crops of a small batch, over which normalisation takes its statistics.
        architecture: what is trained.
        initial: a student's file to start from where there is no checkpoint, or None.
    """

    caches: tuple[Path, ...]
    held_out: Path
    projection: Path
    checkpoint: Path
    log: Path
    out: Path
    plateau: int
    decay: int
    sizes: tuple[tuple[int, int], ...]
    settings: TrainingSettings
    dense_weight: float = DENSE_WEIGHT
    micro: int = 64
    architecture: Architecture = COMPACT
    initial: Path | None = None

    def size_at(self, samples: int) -> int:
        """Return the side in pixels that the student sees after so many samples of this run."""
        return [side for begin, side in self.sizes if samples >= begin][-1]

    def rate_at(self, samples: int, step: int) -> float:
        """Return the learning rate after so many samples of this run and, in the warm-up, steps."""
        rise = min(1.0, (step + 1) / max(self.settings.warm_up, 1))
        fall = min(1.0, (self.plateau + self.decay - samples) / self.decay) if self.decay else 1.0
        return self.settings.learning_rate * rise * max(0.0, fall)


@dataclass(frozen=True)
class Shared:
    """What the workers have in common, all in shared memory."""

    student: Student
    average: Student
    gradients: list[list[torch.Tensor]]
    orders: torch.Tensor
    counter: Any
    barrier: Any


def train(run: Run) -> None:
    """Train, and write checkpoints, the log and at the end the student's file."""
    torch.manual_seed(run.settings.seed)
    student = Student(run.architecture).to(memory_format=torch.channels_last)
    average = copy.deepcopy(student).eval().requires_grad_(requires_grad=False)
    if run.checkpoint.exists():
        state = _load(run.checkpoint)
        student.load_state_dict(state["net"])
        average.load_state_dict(state["ema"])
    elif run.initial is not None:
        _warm(run.initial, run, student)
        average.load_state_dict(student.state_dict())
    context = multiprocessing.get_context("spawn")
    shared = Shared(
        student.share_memory(),
        average.share_memory(),
        [
            [torch.zeros_like(p).share_memory_() for p in student.parameters()]
            for _ in range(WORKERS)
        ],
        torch.zeros(6, dtype=torch.float64).share_memory_(),
        context.Value("i", 0),
        context.Barrier(WORKERS),
    )
    processes = [context.Process(target=_work, args=(i, run, shared)) for i in range(WORKERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a worker failed; its traceback is on stderr")
    weights.save(run.out, weights.fold_all(run.architecture, average.units()))


def _warm(initial: Path, run: Run, student: Student) -> None:
    cache = CropCache.open(run.caches[0])
    fitted = Projection.from_bytes(run.projection.read_bytes())
    start_from(
        weights.load(initial),
        student,
        crops=cache.crops[:FITTED_ON],
        targets=fitted.apply(cache.embeddings[:FITTED_ON]),
        size=run.size_at(0),
    )


def _work(rank: int, run: Run, shared: Shared) -> None:
    torch.set_num_threads(1)
    # Numbers too small to matter cost hundreds of cycles each.
    torch.set_flush_denormal(True)
    try:
        _Worker(rank, run, shared).work()
    except BaseException:
        # The others would wait for ever.
        shared.barrier.abort()
        raise


class _Worker:
    """One process of the run; the first one decides, measures and writes."""

    def __init__(self, rank: int, run: Run, shared: Shared) -> None:
        self.rank, self.run, self.shared = rank, run, shared
        self.first = rank == 0
        self.parameters = list(shared.student.parameters())
        self.mine = shares(self.parameters, WORKERS)[rank]
        self.optimisers = optimisers([self.parameters[i] for i in self.mine], run.settings)
        self.step = self.seen = 0
        self.hours = 0.0
        if run.checkpoint.exists():
            state = _load(run.checkpoint)
            for optimiser, values in zip(self.optimisers, state["opts"][rank], strict=True):
                optimiser.load_state_dict(values)
            self.step, self.seen, self.hours = state["steps"], state["seen"], state["hours"]
        for parameter, gradient in zip(self.parameters, shared.gradients[rank], strict=True):
            parameter.grad = gradient
        fitted = Projection.from_bytes(run.projection.read_bytes())
        caches = [CropCache.open(folder) for folder in run.caches]
        self.views = Views(caches, fitted, stride=run.architecture.stride)
        held_out = CropCache.open(run.held_out)
        self.held_out = held_out.crops, fitted.apply(held_out.embeddings)
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
            for other in range(WORKERS):
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
        for side in sorted({size, crops.shape[1]}):
            found = measure(
                lambda images, side=side: embed(self.shared.average, images, side),  # type: ignore[misc]
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
            parts = [path.with_suffix(f".{rank}") for rank in range(WORKERS)]
            state = {
                "net": self.shared.student.state_dict(),
                "ema": self.shared.average.state_dict(),
                "opts": [_load(part) for part in parts],
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


def _load(path: Path) -> Any:  # noqa: ANN401  PyTorch is not looked into
    return torch.load(path, weights_only=True, map_location="cpu")


def _size_from(text: str) -> tuple[int, int]:
    side, _, samples = text.partition("@")
    return int(samples or 0), int(side)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train the student on cached crops.")
    parser.add_argument("caches", type=Path, nargs="+")
    for name in ("held-out", "projection", "checkpoint", "log", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--plateau", type=int, required=True, help="samples")
    parser.add_argument("--decay", type=int, required=True, help="samples")
    parser.add_argument("--initial", type=Path, help="an earlier student's file")
    parser.add_argument("--size", type=_size_from, action="append", required=True, help="64@0")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--micro", type=int, default=64, help="crops normalised together")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--dense-weight", type=float, default=DENSE_WEIGHT)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    train(
        Run(
            caches=tuple(given.caches),
            held_out=given.held_out,
            projection=given.projection,
            checkpoint=given.checkpoint,
            log=given.log,
            out=given.out,
            plateau=given.plateau,
            decay=given.decay,
            sizes=tuple(sorted(given.size)),
            settings=TrainingSettings(
                batch_size=given.batch_size, learning_rate=given.learning_rate, seed=given.seed
            ),
            dense_weight=given.dense_weight,
            micro=given.micro,
            initial=given.initial,
        )
    )


if __name__ == "__main__":
    main()

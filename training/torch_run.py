"""Long runs of the PyTorch student on a processor, from cached crops: development code.

    python -m training.torch_run CACHE... --held-out CACHE --projection FILE
        --checkpoint FILE --log FILE --out student.npz
        --plateau 4000000 --decay 2000000 --size 64@0 --size 96@4000000 [--initial student.npz]
        [--colours FILE]

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
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import multiprocessing

from imgsearch.distillation import folding
from imgsearch.distillation.settings import TrainingSettings
from imgsearch.distillation.targets import CropCache
from imgsearch.networks.backbones.compact import weights
from imgsearch.vectors.projection import Projection
from training.torch_finish import finished
from training.torch_settings import DENSE_WEIGHT, Run
from training.torch_start import start_from
from training.torch_student import Student
from training.torch_worker import ORDERS, Shared, Worker, load

WORKERS: Final = 2
FITTED_ON: Final = 8192
"""Crops that the head of a warm start is fitted on, of all caches alike."""


def train(run: Run) -> None:
    """Train, and write checkpoints, the log and at the end the student's file."""
    torch.manual_seed(run.settings.seed)
    student = Student(run.architecture).to(memory_format=torch.channels_last)
    average = copy.deepcopy(student).eval().requires_grad_(requires_grad=False)
    if run.checkpoint.exists():
        state = load(run.checkpoint)
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
        torch.zeros(ORDERS, dtype=torch.float64).share_memory_(),
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
    caches = [CropCache.open(folder) for folder in run.caches]
    size = run.size_at(run.plateau + run.decay)
    folding.save(run.out, finished(average, caches, size=size))


def _warm(initial: Path, run: Run, student: Student) -> None:
    caches = [CropCache.open(folder) for folder in run.caches]
    share = -(-FITTED_ON // len(caches))
    fitted, colours = Projection.from_bytes(run.projection.read_bytes()), run.read_colours()
    crops = np.concatenate([cache.crops[:share] for cache in caches])
    targets = fitted.apply(np.concatenate([cache.embeddings[:share] for cache in caches]))
    if colours:
        targets = colours.targets(targets, colours.of(crops))
    start_from(weights.load(initial), student, crops=crops, targets=targets, size=run.size_at(0))


def _work(rank: int, run: Run, shared: Shared) -> None:
    torch.set_num_threads(1)
    # Numbers too small to matter cost hundreds of cycles each.
    torch.set_flush_denormal(True)
    try:
        Worker(rank, run, shared).work()
    except BaseException:
        # The others would wait for ever.
        shared.barrier.abort()
        raise


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
    parser.add_argument("--colours", type=Path, help="what coloured_targets.py fitted")
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
            colours=given.colours,
        )
    )


if __name__ == "__main__":
    main()

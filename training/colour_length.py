"""Colours of another length in what a trained student says: development code.

    python -m training.colour_length student.npz --colours FILE --length 0.7
        --out student.npz

What share of the targets colours should have is known only when a student has learnt them. Its
head takes in another share without training: embeddings are turned back into targets and colours
side by side, and the colours' part is made longer or shorter.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch.distillation import folding
from imgsearch.networks.backbones.compact import weights
from training.coloured_targets import ColouredTargets

if TYPE_CHECKING:
    from imgsearch.networks.backbones.compact.weights import FoldedStudent


def with_length(student: FoldedStudent, colours: ColouredTargets, length: float) -> FoldedStudent:
    """Return a student whose colours are so many times as long as it learnt them."""
    name = student.architecture.head_convolution().name
    head = colours.with_length(student.weights[name], length)
    return replace(student, weights={**student.weights, name: head})


def main() -> None:
    """Read the command line and write the student."""
    parser = argparse.ArgumentParser(description="Give a student's colours another length.")
    parser.add_argument("student", type=Path, help=".npz")
    parser.add_argument("--colours", type=Path, required=True, help="what its run was given")
    parser.add_argument("--length", type=float, required=True, help="1: as it learnt them")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    colours = ColouredTargets.from_bytes(given.colours.read_bytes())
    student = with_length(weights.load(given.student), colours, given.length)
    folding.save(given.out, student)


if __name__ == "__main__":
    main()

"""The architecture of students such as compact, as plain values.

A student is a stem of strided 3x3 convolutions, stages of residual blocks, one 1x1 convolution to
the features, and a linear head. Its convolutions are dense, not depthwise: on a CPU they train
several times faster for their size (ResNet, He et al. 2016, https://arxiv.org/abs/1512.03385;
average-pooled shortcuts: ResNet-D, He et al. 2019, https://arxiv.org/abs/1812.01187).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["basic", "bottleneck"]


@dataclass(frozen=True)
class Convolution:
    """One convolution without bias, followed by its batch normalisation.

    Attributes:
        name: unique in the network; the key of its weights.
        inputs: input channels.
        outputs: output channels.
        kernel: side of the square kernel, in pixels; padding is ``kernel // 2`` on each side.
        stride: step, in pixels.
        relu: whether a ReLU follows the normalisation.
        starts_at_zero: whether the normalisation's scale starts at zero (the last one of a
            residual branch: Goyal et al. 2017, https://arxiv.org/abs/1706.02677).
    """

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    relu: bool = True
    starts_at_zero: bool = False

    @property
    def padding(self) -> int:
        """Rows and columns of zeros on each side."""
        return self.kernel // 2


@dataclass(frozen=True)
class Block:
    """A residual block: ``relu(branch(x) + shortcut(x))``.

    Attributes:
        branch: the convolutions of the branch, in order.
        shortcut: a 1x1 convolution where the shapes differ, or None for the identity.
        shortcut_pool: side and stride of the average pooling before the shortcut; 1 for none.
    """

    branch: tuple[Convolution, ...]
    shortcut: Convolution | None
    shortcut_pool: int


@dataclass(frozen=True)
class Stage:
    """Blocks of one resolution.

    Attributes:
        kind: ``"basic"`` (two 3x3) or ``"bottleneck"`` (1x1, 3x3, 1x1).
        channels: output channels of every block.
        width: channels inside the branch.
        repeats: number of blocks.
        stride: stride of the first block.
    """

    kind: BlockKind
    channels: int
    width: int
    repeats: int
    stride: int


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build a student.

    Attributes:
        stem: output channels of the strided 3x3 convolutions at the start.
        stages: the residual stages, in order.
        features: channels of the last feature maps before the head.
        dim: dimensions of the embedding.
    """

    stem: tuple[int, ...]
    stages: tuple[Stage, ...]
    features: int
    dim: int

    @property
    def stride(self) -> int:
        """Pixels of the image per location of the last feature maps."""
        return math.prod((2,) * len(self.stem)) * math.prod(s.stride for s in self.stages)

    def stem_convolutions(self) -> list[Convolution]:
        """Return the stem's convolutions, in order."""
        channels = (3, *self.stem)
        return [
            Convolution(f"stem{i + 1}", channels[i], channels[i + 1], kernel=3, stride=2)
            for i in range(len(self.stem))
        ]

    def blocks(self) -> list[Block]:
        """Return the residual blocks of all stages, in order."""
        blocks = []
        channels = self.stem[-1]
        for i, stage in enumerate(self.stages, start=1):
            for j in range(stage.repeats):
                stride = stage.stride if j == 0 else 1
                blocks.append(_block(f"stage{i}.block{j + 1}", channels, stage, stride))
                channels = stage.channels
        return blocks

    def features_convolution(self) -> Convolution:
        """Return the 1x1 convolution whose output is pooled."""
        return Convolution("features", self.stages[-1].channels, self.features, kernel=1)

    def head_convolution(self) -> Convolution:
        """Return the linear head; its normalisation is over embeddings, not over locations."""
        return Convolution("head", self.features, self.dim, kernel=1, relu=False)

    def convolutions(self) -> list[Convolution]:
        """Return every convolution once, from the image to the embedding."""
        found = self.stem_convolutions()
        for block in self.blocks():
            found.extend(block.branch)
            if block.shortcut is not None:
                found.append(block.shortcut)
        return [*found, self.features_convolution(), self.head_convolution()]

    def parameters(self) -> int:
        """Return the number of weights after folding: kernels and one bias per channel."""
        return sum(c.kernel**2 * c.inputs * c.outputs + c.outputs for c in self.convolutions())


def _block(name: str, inputs: int, stage: Stage, stride: int) -> Block:
    width, outputs = stage.width, stage.channels
    branch: tuple[Convolution, ...]
    if stage.kind == "basic":
        branch = (
            Convolution(f"{name}.a", inputs, width, kernel=3, stride=stride),
            Convolution(f"{name}.b", width, outputs, kernel=3, relu=False, starts_at_zero=True),
        )
    else:
        branch = (
            Convolution(f"{name}.a", inputs, width, kernel=1),
            Convolution(f"{name}.b", width, width, kernel=3, stride=stride),
            Convolution(f"{name}.c", width, outputs, kernel=1, relu=False, starts_at_zero=True),
        )
    if inputs == outputs and stride == 1:
        return Block(branch, None, 1)
    shortcut = Convolution(f"{name}.shortcut", inputs, outputs, kernel=1, relu=False)
    return Block(branch, shortcut, stride)


COMPACT = Architecture(
    stem=(32, 48),
    stages=(
        Stage("basic", channels=96, width=48, repeats=1, stride=2),
        Stage("bottleneck", channels=320, width=96, repeats=4, stride=2),
        Stage("bottleneck", channels=512, width=128, repeats=6, stride=2),
    ),
    features=768,
    dim=256,
)
"""The architecture of the bundled network."""

"""Which runtime is the fastest here, measured once and remembered beside the exported graphs."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from imgsearch.errors import DamagedCacheError
from imgsearch.networks.runtimes.graphs import (
    folder,
    installed_version,
    read_whole,
    stem,
    write_whole,
)
from imgsearch.networks.runtimes.runtime import RuntimeName, available_threads

if TYPE_CHECKING:
    from imgsearch.recipe import Precision, Recipe

PACKAGES: Final = ("ai-edge-litert", "openvino", "tensorflow")
RUNTIMES: Final[tuple[RuntimeName, ...]] = get_args(RuntimeName)
DEVICES: Final = Path("/dev")
GPUS: Final = ("nvidia[0-9]*", "kfd")
VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
PROCESSOR_LISTING: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    """What a choice depends on; any other value, and it is measured again.

    Attributes:
        backbone: name of the backbone.
        weights: fingerprint of its weights.
        layer: the layer whose activations are taken.
        size: side of the square input in pixels.
        precision: arithmetic.
        threads: how many.
        processor: the machine's, by its name.
        versions: of the runtimes, installed or not.
        accelerators: what TensorFlow may run on besides, "" for nothing.
    """

    backbone: str
    weights: str
    layer: str
    size: int
    precision: Precision
    threads: int
    processor: str
    versions: str
    accelerators: str

    @classmethod
    def of(cls, recipe: Recipe, threads: int | None) -> ChoiceKey:
        """Return the key of a recipe on this machine."""
        return cls(
            backbone=recipe.backbone,
            weights=recipe.weights,
            layer=recipe.layer,
            size=recipe.size,
            precision=recipe.precision,
            threads=available_threads(threads),
            processor=_processor(),
            versions=" ".join(f"{name} {installed_version(name)}" for name in PACKAGES),
            accelerators=accelerators(),
        )

    @property
    def path(self) -> Path:
        """Where the choice lies; an upgrade of a runtime replaces it."""
        parts = (
            self.weights, self.layer, self.precision, self.threads, self.processor,
            self.accelerators,
        )  # fmt: skip
        return folder() / f"{stem(self.backbone, self.size, parts)}.choice"


def save(key: ChoiceKey, runtime: RuntimeName) -> None:
    """Remember the runtime.

    Raises:
        OSError: the folder cannot be made or written.
    """
    content = json.dumps({**asdict(key), "runtime": runtime}, sort_keys=True)
    write_whole(key.path, (content.encode(),))


def load(key: ChoiceKey) -> RuntimeName | None:
    """Return the runtime that was remembered; None where nothing valid is."""
    with contextlib.suppress(DamagedCacheError, ValueError):
        body = read_whole(key.path)
        if body is not None:
            content = json.loads(bytes(body))
            for runtime in RUNTIMES:
                if content == {**asdict(key), "runtime": runtime}:
                    return runtime
    return None


def accelerators() -> str:
    """Return which GPUs the system shows and which of them are left to programs; "" for none.

    It looks at device files: TensorFlow, which would know better, takes seconds to start. What it
    then makes of them is measured.
    """
    found = sorted(path.name for pattern in GPUS for path in DEVICES.glob(pattern))
    visible = os.environ.get(VISIBLE)
    if not found or visible in ("", "-1"):
        return ""
    return " ".join(found) if visible is None else f"{' '.join(found)}, visible {visible}"


def _processor() -> str:
    # `platform.processor()` starts a process, and says nothing on most Linuxes.
    with contextlib.suppress(OSError), PROCESSOR_LISTING.open(encoding="utf-8") as listing:
        for line in listing:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()

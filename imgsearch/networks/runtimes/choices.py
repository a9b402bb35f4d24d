"""The choice of the fastest runtime, measured once and cached beside the exported graphs."""

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
    """What a choice depends on; if anything differs, it is measured again.

    The fields up to `precision` are the recipe's.

    Attributes:
        threads: of the runtime.
        processor: model name of this machine's.
        versions: of the runtimes' packages, installed or not.
        accelerators: GPUs that TensorFlow may use, as `accelerators` returns them.
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
        """The choice's file; its name leaves out the versions, so that an upgrade replaces it."""
        parts = (
            self.weights, self.layer, self.precision, self.threads, self.processor,
            self.accelerators,
        )  # fmt: skip
        return folder() / f"{stem(self.backbone, self.size, parts)}.choice"


def save(key: ChoiceKey, runtime: RuntimeName) -> None:
    """Store the choice.

    Raises:
        OSError: the folder cannot be made or written.
    """
    content = json.dumps({**asdict(key), "runtime": runtime}, sort_keys=True)
    write_whole(key.path, (content.encode(),))


def load(key: ChoiceKey) -> RuntimeName | None:
    """Return the stored choice, or None if there is no valid one."""
    with contextlib.suppress(DamagedCacheError, ValueError):
        body = read_whole(key.path)
        if body is not None:
            content = json.loads(bytes(body))
            for runtime in RUNTIMES:
                if content == {**asdict(key), "runtime": runtime}:
                    return runtime
    return None


def accelerators() -> str:
    """Return the names of this machine's GPUs and which of them are visible; "" for none.

    This looks at device files, because TensorFlow takes seconds to start. Whether it can use them
    is then measured.
    """
    found = sorted(path.name for pattern in GPUS for path in DEVICES.glob(pattern))
    visible = os.environ.get(VISIBLE)
    if not found or visible in ("", "-1"):
        return ""
    return " ".join(found) if visible is None else f"{' '.join(found)}, visible {visible}"


def _processor() -> str:
    # `platform.processor()` starts a process, and is empty on most Linux systems.
    with contextlib.suppress(OSError), PROCESSOR_LISTING.open(encoding="utf-8") as listing:
        for line in listing:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()

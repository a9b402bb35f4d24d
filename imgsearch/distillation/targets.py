"""The teachers' embeddings of crops, cached on disk beside the crops themselves.

Teachers cost many times as much as a step of the student, so they embed each crop once, and the
student sees it often. The cache is written block by block; an interrupted one is continued.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import numpy as np

from imgsearch.distillation import crops
from imgsearch.errors import UsageError
from imgsearch.networks.pooling import l2_normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.distillation.crops import CropRules
    from imgsearch.distillation.dense import DenseTargets

BLOCK: Final = 256
STATE: Final = "cache.json"
CROPS: Final = "crops.npy"
EMBEDDINGS: Final = "embeddings.npy"
LOCATIONS: Final = "locations.npy"


class Embed(Protocol):
    """What makes embeddings: uint8 images (n, s, s, 3) -> float32 unit rows (n, dim)."""

    def __call__(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Return the embeddings of a batch."""


class Maps(Protocol):
    """What makes feature maps: uint8 images (n, s, s, 3) -> float32 (n, h, w, dim)."""

    def __call__(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Return the feature maps of a batch."""


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A network whose geometry a student learns.

    Attributes:
        name: identifies the network and its weights; another name is another cache.
        size: side of its square input in pixels, a multiple of 32.
        dim: of its embeddings.
        embed: returns them.
        maps: returns the feature maps whose mean they are; None without dense targets.
    """

    name: str
    size: int
    dim: int
    embed: Embed
    maps: Maps | None = None

    def __post_init__(self) -> None:
        """Check the size, on which pasted crops must lie on whole pixels.

        Raises:
            UsageError: the size is not a multiple of 32.
        """
        if self.size % crops.GRID:
            raise UsageError(
                f"teacher {self.name}: its input of {self.size} pixels is not a multiple of "
                f"{crops.GRID}; choose another size or teacher"
            )


@dataclass(frozen=True, kw_only=True)
class CachePlan:
    """Which crops a cache holds.

    Attributes:
        images: each crop's image, by its index, shape (n,), int64.
        size: side in pixels of the student's crops.
        rules: how crops are drawn; None takes whole images.
        seed: of the drawing.
        identity: checksum of what the indices refer to (the files' paths).
        dense: how targets of locations are made; None for none.
    """

    images: NDArray[np.int64]
    size: int
    rules: CropRules | None
    seed: int
    identity: str
    dense: DenseTargets | None = None

    def fingerprint(self, teachers: Sequence[Teacher]) -> str:
        """Return hexadecimal digits that differ whenever the cache's contents would."""
        values: dict[str, Any] = {
            "pictures": hashlib.sha256(self.images.astype("<i8").tobytes()).hexdigest(),
            "size": self.size,
            "rules": None if self.rules is None else asdict(self.rules),
            "seed": self.seed,
            "identity": self.identity,
            "teachers": [(teacher.name, teacher.size, teacher.dim) for teacher in teachers],
        }
        if self.dense is not None:
            values["dense"] = self.dense.fingerprint
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class CropCache:
    """Crops and the teachers' embeddings of them.

    Attributes:
        crops: shape (n, size, size, 3), uint8; memory-mapped.
        embeddings: the teachers' unit rows side by side, shape (n, sum of dims), float16.
        fingerprint: of the plan; "" where that is unknown.
        locations: the targets of locations, shape (n, grid, grid, dim), float16; None without.
    """

    crops: NDArray[np.uint8]
    embeddings: NDArray[np.float16]
    fingerprint: str = ""
    locations: NDArray[np.float16] | None = None

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a complete cache of whatever plan.

        Raises:
            UsageError: there is no cache in the folder.
        """
        try:
            there = (folder / LOCATIONS).exists()
            return cls(
                np.load(folder / CROPS, mmap_mode="r"),
                np.load(folder / EMBEDDINGS, mmap_mode="r"),
                locations=np.load(folder / LOCATIONS, mmap_mode="r") if there else None,
            )
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder}: no cache of crops ({error})") from error

    @classmethod
    def make(
        cls,
        folder: Path,
        plan: CachePlan,
        *,
        read: Callable[[int], NDArray[np.uint8]],
        teachers: Sequence[Teacher],
        progress: Callable[[int, int], None],
        stop: Callable[[], bool],
    ) -> Self | None:
        """Fill the cache, continuing an earlier run, and open it.

        Args:
            folder: created if it does not exist; a cache of another plan is replaced.
            plan: which crops.
            read: returns an image, uint8 (h, w, 3), by its index.
            teachers: at least one.
            progress: called with the number of crops done, and of all.
            stop: called after every block; True stops.

        Returns:
            The complete cache, or None when it was stopped before.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        n, fingerprint = len(plan.images), plan.fingerprint(teachers)
        done = _done(folder, fingerprint)
        mode = "r+" if done is not None else "w+"
        kept = _open(folder / CROPS, mode, np.uint8, (n, plan.size, plan.size, 3))
        said = _open(folder / EMBEDDINGS, mode, np.float16, (n, sum(t.dim for t in teachers)))
        located = None
        if plan.dense is None:
            # Otherwise an earlier plan's would be taken for this one's.
            (folder / LOCATIONS).unlink(missing_ok=True)
        else:
            shape = (n, plan.dense.grid, plan.dense.grid, plan.dense.projection.out)
            located = _open(folder / LOCATIONS, mode, np.float16, shape)
        start = done or 0
        with ThreadPoolExecutor() as pool:
            for begin in range(start, n, BLOCK):
                rows = range(begin, min(begin + BLOCK, n))
                block = list(pool.map(lambda row: _draw(plan, row, read, teachers), rows))
                block = _mixed(block, plan, begin)
                images = [np.stack([sizes[i] for sizes in block]) for i in range(len(teachers) + 1)]
                kept[rows.start : rows.stop] = images[0]
                answer = _ask(teachers, images[1:], plan.dense)
                said[rows.start : rows.stop] = answer.embeddings
                if located is not None:
                    located[rows.start : rows.stop] = answer.locations
                    located.flush()
                kept.flush()
                said.flush()
                # After the arrays, so that what it claims is on disk.
                _write_state(folder, fingerprint, rows.stop)
                progress(rows.stop, n)
                if stop() and rows.stop < n:
                    return None
        return cls(kept, said, fingerprint, located)


@dataclass(frozen=True)
class _Answer:
    """The teachers' concatenated embeddings of some crops, and targets of locations, if any."""

    embeddings: NDArray[np.float32]
    locations: NDArray[np.float16] | None


def _ask(
    teachers: Sequence[Teacher], images: Sequence[NDArray[np.uint8]], dense: DenseTargets | None
) -> _Answer:
    """Let each teacher embed the crops at its size."""
    if dense is None:
        rows = [teacher.embed(x) for teacher, x in zip(teachers, images, strict=True)]
        return _Answer(np.concatenate(rows, axis=1), None)
    maps = []
    for teacher, x in zip(teachers, images, strict=True):
        if teacher.maps is None:
            raise UsageError(f"teacher {teacher.name}: no feature maps for dense targets")
        maps.append(teacher.maps(x))
    rows = [l2_normalise(m.mean(axis=(1, 2))) for m in maps]
    return _Answer(np.concatenate(rows, axis=1), dense.of(maps))


def _draw(
    plan: CachePlan,
    row: int,
    read: Callable[[int], NDArray[np.uint8]],
    teachers: Sequence[Teacher],
) -> list[NDArray[np.uint8]]:
    """Return one crop: at the student's size, then at each teacher's."""
    sizes = (plan.size, *(teacher.size for teacher in teachers))
    image = read(int(plan.images[row]))
    if plan.rules is None:
        return crops.whole(image, sizes=sizes)
    generator = np.random.default_rng((plan.seed, row))
    return crops.draw(image, generator, sizes=sizes, rules=plan.rules)


def _mixed(
    block: list[list[NDArray[np.uint8]]], plan: CachePlan, begin: int
) -> list[list[NDArray[np.uint8]]]:
    """Return the block with a share of its crops mixed with others of it."""
    if plan.rules is None:
        return block
    generator = np.random.default_rng((plan.seed, begin, 1))
    mixed = []
    for images in block:
        chance = generator.random()
        others = [block[i] for i in generator.integers(len(block), size=3)]
        if chance < plan.rules.mixed:
            mixed.append(crops.mix(images, others[0], generator))
        elif chance < plan.rules.mixed + plan.rules.tiled:
            mixed.append(crops.tile([images, *others]))
        else:
            mixed.append(images)
    return mixed


def _done(folder: Path, fingerprint: str) -> int | None:
    """Return the number of cached crops of this plan; None if there is no such cache."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        matches = state["fingerprint"] == fingerprint
        there = (folder / CROPS).is_file() and (folder / EMBEDDINGS).is_file()
        return int(state["done"]) if matches and there else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_state(folder: Path, fingerprint: str, done: int) -> None:
    temporary = folder / f".{STATE}"
    temporary.write_text(json.dumps({"fingerprint": fingerprint, "done": done}), encoding="utf-8")
    temporary.replace(folder / STATE)


def _open(path: Path, mode: str, dtype: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401  NumPy's memmap
    if mode == "w+":
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    return np.load(path, mmap_mode="r+")

"""Exported graphs on disk: a cache that may be deleted at any moment.

One checked file (`imgsearch.checked_file`) a graph: magic, length of the header, header (the key,
and the length of the topology), topology, constants, SHA-256 of everything before it. A graph that
is there was accepted: its embeddings agree with TensorFlow's under the precision of its key.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from imgsearch import checked_file
from imgsearch.checked_file import FileFormat
from imgsearch.errors import DamagedCacheError
from imgsearch.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.networks.runtimes.runtime import GraphKind
    from imgsearch.recipe import Precision, Recipe

FORMAT_VERSION: Final = 2
FORMAT: Final = FileFormat(
    name="an exported graph",
    magic=b"imgsearch graph\n",
    lengths="Q",
    remedy="it is made again",
)
FOLDER_VARIABLE: Final = "IMGSEARCH_CACHE"
PACKAGES: Final[dict[GraphKind, str]] = {"litert": "ai-edge-litert", "openvino": "openvino"}


@dataclass(frozen=True, slots=True)
class Graph:
    """An exported graph in memory.

    Attributes:
        topology: OpenVINO's description of the network, XML; or the whole of a LiteRT network.
        constants: the weights that OpenVINO's topology refers to by offset; LiteRT has none.
    """

    topology: bytes
    constants: bytes


@dataclass(frozen=True, slots=True)
class GraphKey:
    """What a graph depends on.

    Another network, layer, size, precision, kind or machine is another file. Another exporter or
    version makes the file stale: it is made again under the same name, so that upgrades leave
    nothing behind.

    Attributes:
        kind: the runtime that executes it.
        backbone: name of the backbone.
        weights: fingerprint of its weights.
        layer: the layer whose activations it puts out.
        size: side of its square input in pixels.
        precision: arithmetic in which it was accepted; the constants are float32 in either.
        exporter: version of the runtime that it was checked with.
        machine: kind of processor that it was checked on.
        version: version of this file format.
    """

    kind: GraphKind
    backbone: str
    weights: str
    layer: str
    size: int
    precision: Precision
    exporter: str
    machine: str
    version: int = FORMAT_VERSION

    @classmethod
    def of(cls, recipe: Recipe, kind: GraphKind) -> GraphKey:
        """Return the key of a recipe's graph on this machine, with the installed runtime."""
        return cls(
            kind=kind,
            backbone=recipe.backbone,
            weights=recipe.weights,
            layer=recipe.layer,
            size=recipe.size,
            precision=recipe.precision,
            exporter=installed_version(PACKAGES[kind]) or "",
            machine=platform.machine(),
        )

    @property
    def path(self) -> Path:
        """Where the graph lies."""
        return folder() / f"{stem(self.backbone, self.size, self.network)}.graph"

    @property
    def network(self) -> tuple[str | int, ...]:
        """What the graph computes and where, whoever exported it."""
        return (
            self.backbone,
            self.weights,
            self.layer,
            self.size,
            self.machine,
            self.kind,
            self.precision,
        )


def stem(backbone: str, size: int, parts: tuple[str | int, ...]) -> str:
    """Return a file name without its suffix, readable and different whenever the parts are."""
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    # A file's name cannot have a colon everywhere.
    return f"{backbone.replace(':', '_')}-{size}-{digest[:16]}"


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def folder() -> Path:
    """Return the folder of exported graphs: IMGSEARCH_CACHE, else the platform's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / "graphs"
    try:
        return platformdirs.user_cache_path("imgsearch") / "graphs"
    except RuntimeError:  # a user without a home
        return _temporary_folder()


@cache
def _temporary_folder() -> Path:
    """Return a folder that lasts as long as the process."""
    made = tempfile.mkdtemp(prefix="imgsearch-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def save(key: GraphKey, graph: Graph) -> None:
    """Write the graph under its key, whole or not at all.

    Raises:
        OSError: the folder cannot be made or written.
    """
    header = json.dumps({**asdict(key), "topology": len(graph.topology)}, sort_keys=True).encode()
    key.path.parent.mkdir(parents=True, exist_ok=True)
    checked_file.write(key.path, FORMAT, header, (graph.topology, graph.constants))


def load(key: GraphKey) -> Graph | None:
    """Return the graph of this key, or None when there is none or a stale one.

    Raises:
        DamagedCacheError: the file is there and is not what was written; it may be deleted.
    """
    path = key.path
    try:
        data = path.read_bytes()
    except OSError:
        return None
    with checked_file.damage_named(path, FORMAT):
        content = checked_file.parse(data, FORMAT)
    header = content.header
    end = header.pop("topology")
    # The version comes first: another one may have another header.
    if header["version"] != key.version or header["exporter"] != key.exporter:
        return None
    if GraphKey(**header) != key:
        raise DamagedCacheError(f"{path}: an exported graph of another network; {FORMAT.remedy}")
    return Graph(topology=bytes(content.payload[:end]), constants=bytes(content.payload[end:]))


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write the parts and their SHA-256 to a file, which is there whole or not at all.

    Raises:
        OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, checked_file.sealed(parts))


def read_whole(path: Path) -> memoryview | None:
    """Return what `write_whole` wrote, without the checksum; None when there is no file.

    Raises:
        DamagedCacheError: the file is there and is not what was written; it may be deleted.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    with checked_file.damage_named(path, FORMAT):
        return checked_file.unsealed(memoryview(data))

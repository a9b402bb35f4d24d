"""Exported graphs on disk: a cache that may be deleted at any moment.

One file a graph: magic, length of the header, header (JSON: the key, and the length of the
topology), topology (OpenVINO's XML), constants (its weights), SHA-256 of all that comes before.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import struct
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from imgsearch.errors import DamagedCacheError

if TYPE_CHECKING:
    from imgsearch.recipe import Recipe

FORMAT_VERSION: Final = 1
MAGIC: Final = b"imgsearch graph\n"
LENGTH: Final = struct.Struct("<Q")
DIGEST_BYTES: Final = 32
FOLDER_VARIABLE: Final = "IMGSEARCH_CACHE"


@dataclass(frozen=True, slots=True)
class Graph:
    """An exported graph in memory.

    Attributes:
        topology: OpenVINO's description of the network, XML.
        constants: the weights that the topology refers to by offset.
    """

    topology: bytes
    constants: bytes


@dataclass(frozen=True, slots=True)
class GraphKey:
    """What a graph depends on.

    Another network, layer, size or machine is another file. Another exporter or version makes the
    file stale: it is made again under the same name, so that upgrades leave nothing behind.

    Attributes:
        backbone: name of the backbone.
        weights: fingerprint of its weights.
        layer: the layer whose activations it puts out.
        size: side of its square input in pixels.
        exporter: version of OpenVINO that exported and checked it.
        machine: kind of processor that it was checked on.
        version: version of this file format.
    """

    backbone: str
    weights: str
    layer: str
    size: int
    exporter: str
    machine: str
    version: int = FORMAT_VERSION

    @classmethod
    def of(cls, recipe: Recipe) -> GraphKey:
        """Return the key of a recipe's graph on this machine, with the installed OpenVINO."""
        return cls(
            backbone=recipe.backbone,
            weights=recipe.weights,
            layer=recipe.layer,
            size=recipe.size,
            exporter=importlib.metadata.version("openvino"),
            machine=platform.machine(),
        )

    @property
    def path(self) -> Path:
        """Where the graph lies."""
        digest = hashlib.sha256(json.dumps(self.network).encode()).hexdigest()
        return folder() / f"{self.backbone}-{self.size}-{digest[:16]}.graph"

    @property
    def network(self) -> tuple[str, str, str, int, str]:
        """What the graph computes and where, whoever exported it."""
        return (self.backbone, self.weights, self.layer, self.size, self.machine)


def folder() -> Path:
    """Return the folder of exported graphs: IMGSEARCH_CACHE, else the platform's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    base = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("imgsearch")
    return base / "graphs"


def save(key: GraphKey, graph: Graph) -> None:
    """Write the graph under its key, whole or not at all.

    Raises:
        OSError: the folder cannot be made or written.
    """
    header = json.dumps({**asdict(key), "topology": len(graph.topology)}, sort_keys=True).encode()
    parts = (MAGIC, LENGTH.pack(len(header)), header, graph.topology, graph.constants)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    path = key.path
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in (*parts, digest.digest()):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def load(key: GraphKey) -> Graph | None:
    """Return the graph of this key, or None when there is none or a stale one.

    Raises:
        DamagedCacheError: the file is there and is not what was written; it may be deleted.
    """
    path = key.path
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body, digest = memoryview(content)[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest or not content.startswith(MAGIC):
        raise DamagedCacheError(f"{path}: an exported graph fails its checksum; it is made again")
    start = len(MAGIC) + LENGTH.size
    (length,) = LENGTH.unpack(body[len(MAGIC) : start])
    header = json.loads(bytes(body[start : start + length]))
    topology_end = start + length + header.pop("topology")
    if (header["exporter"], header["version"]) != (key.exporter, key.version):
        return None
    if GraphKey(**header) != key:
        raise DamagedCacheError(f"{path}: an exported graph of another network; it is made again")
    return Graph(
        topology=bytes(body[start + length : topology_end]), constants=bytes(body[topology_end:])
    )

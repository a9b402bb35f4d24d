"""What `imgsearch map` prints with --json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgsearch.text import path_keys

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.maps.gallery_map import MapCluster, MapReport

    Json = dict[str, Any]


def map_keys(gallery: Path, report: MapReport) -> Json:
    """Return what was drawn."""
    drawn = report.map
    keys: Json = {**path_keys(gallery, "gallery"), "interrupted": report.interrupted}
    keys |= {"anew": report.anew, "placed": report.placed, "seconds": round(report.seconds, 3)}
    keys |= {"bytes": report.bytes}
    if drawn is None or drawn.file is None:
        names = ("file", "method", "recipe", "contents", "drawn", "added", "removed", "strangers",
                 "outgrown", "clusters")  # fmt: skip
        return keys | dict.fromkeys(names)
    return {
        **keys,
        **path_keys(drawn.file, "file"),
        "method": drawn.method,
        "recipe": drawn.recipe,
        "contents": len(drawn),
        "drawn": drawn.age.drawn,
        "added": drawn.age.added,
        "removed": drawn.age.removed,
        "strangers": drawn.age.strangers,
        "outgrown": drawn.age.outgrown,
        "clusters": [cluster_keys(cluster) for cluster in drawn.clusters],
    }


def cluster_keys(cluster: MapCluster) -> Json:
    """Return a cluster of a map."""
    return {
        "size": cluster.size,
        "x": round(cluster.x, 4),
        "y": round(cluster.y, 4),
        "central": list(cluster.central),
    }

"""What a map keeps of who is near to whom, how well it grows, and what it costs.

Quality, on labelled photos in a gallery each: sklearn's trustworthiness with ten neighbours, and
the share of each picture's ten nearest (in the space that is searched) among its ten nearest on
the map. "Grown" is a map that was laid out by half of the pictures and placed the other half;
beside it, what openTSNE's own `transform` makes of the same halves. Clusters are compared with the
labels by normalised mutual information (NMI), k-means as the map has them beside scikit-learn's
HDBSCAN on the vectors and on the map.

Cost, on galleries of embeddings grown from those of all the folders (`grown_embeddings.py`):
processor seconds and peak memory of whole processes of `imgsearch map`, and of placing a hundredth
more. Seconds of the clock say nothing on a machine that does other work.

    python benchmarks/map.py --set objects101=FOLDER --set products=FOLDER --report map.md
    python benchmarks/map.py --quick
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import numpy as np
from grown_embeddings import Grown
from index_gallery import add, fill
from run_facts import facts
from sklearn.cluster import HDBSCAN
from sklearn.manifold import trustworthiness
from sklearn.metrics import normalized_mutual_info_score

from imgsearch import Gallery
from imgsearch.maps.layout import METHODS, kind_of
from imgsearch.maps.neighbour_layout import NeighbourLayout
from imgsearch.maps.watch import Watch
from imgsearch.storage.database import Store
from imgsearch.vectors.clustering import nearest_centroid, spherical_centroids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAMPLES: Final = Path(__file__).parents[1] / "sample_data/photos"
BACKBONES: Final = ("compact", "mobilenet_v2")
SIZES: Final = (3_576, 20_000, 100_000)
NEIGHBOURS: Final = 10
# Of larger sets, so many are asked; sklearn's trustworthiness needs all distances of these.
ASKED: Final = 5_000
# A process begins with the peak memory of the one that started it: so a small one does.
LAUNCHER: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
QUALITY: Final = ("set, network", "method", "trustworthiness", "neighbours kept",
                  "grown: trustworthiness", "grown: kept", "processor s")  # fmt: skip
CLUSTERS: Final = ("set, network", "clusters", "how many", "in none", "NMI with the labels")
COST: Final = ("pictures", "method", "processor s", "peak MiB", "file, MB", "trustworthiness",
               "neighbours kept", "opening it, processor s")  # fmt: skip


def vectors_of(folder: Path, backbone: str, gallery: Path) -> tuple[NDArray[np.float32], list[str]]:
    """Return the vectors `(n, dim)` that a gallery of a folder is searched by, and labels."""
    with Gallery(gallery, recipe=backbone) as opened:
        opened.index(folder)
        hashes, raw = opened.embeddings()
        with opened._connections.snapshot() as store:  # noqa: SLF001 - what queries search
            space = opened._open_space(opened._embeddings_to_query(store))  # noqa: SLF001
        labels = {file.content: file.path for file in opened.files()}
    paths = [labels[content] for content in hashes]
    flat = all(path.parent == folder for path in paths)
    names = [path.stem.rpartition("_")[0] if flat else path.parent.name for path in paths]
    return space.project(raw), names


def kept(vectors: NDArray[np.float32], points: NDArray[np.float64]) -> float:
    """Return the share of the ten nearest that are among the ten nearest on the map."""
    import faiss

    chance = np.random.default_rng(0)
    asked = chance.permutation(len(points))[:ASKED]
    flat = np.ascontiguousarray(points, dtype=np.float32)
    _, near = faiss.knn(vectors[asked], vectors, NEIGHBOURS + 1, metric=faiss.METRIC_INNER_PRODUCT)
    _, close = faiss.knn(flat[asked], flat, NEIGHBOURS + 1)
    shared = [
        len(set(one) & set(other) - {row})
        for row, one, other in zip(asked.tolist(), near.tolist(), close.tolist(), strict=True)
    ]
    return float(np.mean(shared)) / NEIGHBOURS


def trust(vectors: NDArray[np.float32], points: NDArray[np.float64]) -> float:
    """Return sklearn's trustworthiness, of a sample where there are many."""
    asked = np.random.default_rng(0).permutation(len(points))[:ASKED]
    return float(trustworthiness(vectors[asked], points[asked], n_neighbors=NEIGHBOURS))


def by_transform(
    half: NDArray[np.float32], layout: NeighbourLayout, others: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return where openTSNE itself places vectors on a map of others."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    affinities = PerplexityBasedNN(half, perplexity=30, metric="cosine", n_jobs=1, random_state=0)
    embedding = TSNEEmbedding(layout.points.astype(np.float64), affinities, n_jobs=1)
    return np.asarray(embedding.transform(others, perplexity=5))


def quality(name: str, vectors: NDArray[np.float32]) -> list[str]:
    """Return the rows of the table of quality."""
    rows = []
    half = np.random.default_rng(0).permutation(len(vectors))
    first, second = half[: len(half) // 2], half[len(half) // 2 :]
    for method in METHODS:
        started = time.process_time()
        points = kind_of(method).fit(vectors, Watch()).place(vectors)
        seconds = time.process_time() - started
        layout = kind_of(method).fit(vectors[first], Watch())
        grown = np.empty_like(points)
        grown[first], grown[second] = layout.place(vectors[first]), layout.place(vectors[second])
        row = f"| {name} | {method} | {trust(vectors, points):.3f} | {kept(vectors, points):.3f} "
        row += f"| {trust(vectors, grown):.3f} | {kept(vectors, grown):.3f} | {seconds:.1f} |"
        rows.append(row)
        if isinstance(layout, NeighbourLayout):
            grown[second] = by_transform(vectors[first], layout, vectors[second])
            rows.append(
                f"| {name} | tsne, openTSNE's `transform` | | | {trust(vectors, grown):.3f} "
                f"| {kept(vectors, grown):.3f} | |"
            )
    return rows


def clusters(name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> list[str]:
    """Return the rows of the table of clusters."""
    rows = []
    points = kind_of("tsne").fit(vectors, Watch()).place(vectors)
    for factor in (0.5, 1, 2, 4):
        count = round((factor * len(vectors)) ** 0.5)
        found, _ = nearest_centroid(vectors, spherical_centroids(vectors, count))
        score = normalized_mutual_info_score(labels, found)
        rows.append(f"| {name} | k-means, √({factor:g} n) | {count} | 0 % | {score:.3f} |")
    for what, rows_of in (("the vectors", vectors), ("t-SNE's map", points)):
        found = HDBSCAN(min_cluster_size=5, copy=True).fit_predict(rows_of)
        score = normalized_mutual_info_score(labels, found)
        alone = f"{100 * np.mean(found < 0):.0f} %"
        rows.append(f"| {name} | HDBSCAN of {what} | {found.max() + 1} | {alone} | {score:.3f} |")
    return rows


def command(*arguments: str | Path) -> tuple[float, float]:
    """Run imgsearch as a process; return its processor seconds and peak memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "imgsearch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def cost(real: NDArray[np.float32], size: int, workspace: Path) -> list[str]:
    """Return the rows of the table of cost for one size."""
    source = Grown.calibrated(real, projected=True)
    np.save(workspace / "real.npy", real)
    gallery = workspace / str(size) / "gallery"
    gallery.parent.mkdir()
    options = SimpleNamespace(embeddings=workspace / "real.npy", stretch=source.stretch, size=size)
    fill(gallery, options)  # type: ignore[arg-type]  # as argparse would make them
    rows = []
    for method in METHODS:
        seconds, memory = command("map", "--gallery", gallery, "--method", method)
        drawn, file, score = shown(gallery)
        rows.append(
            f"| {size:,} | {method} | {seconds:.1f} | {memory:.0f} | {file / 1e6:.1f} "
            f"| {score[0]:.3f} | {score[1]:.3f} | {drawn:.2f} |"
        )
    store = Store.create(gallery)
    (stored,) = store.recipes()
    (root,) = store.roots()
    add(store, stored, root.id, source.draw(size // 100, seed=99), start=2 * size)
    store.close()
    seconds, memory = command("map", "--gallery", gallery)
    rows.append(f"| {size:,} | 1 % more | {seconds:.1f} | {memory:.0f} | | | | |")
    return rows


def shown(gallery: Path) -> tuple[float, int, tuple[float, float]]:
    """Return the processor seconds of opening a kept map, its bytes, and its two scores."""
    with Gallery(gallery) as opened:
        opened.map()
        started = time.process_time()
        drawn = opened.map()
        seconds = time.process_time() - started
        _, raw = opened.embeddings()  # in the order of the map
        with opened._connections.snapshot() as store:  # noqa: SLF001 - what queries search
            space = opened._open_space(opened._embeddings_to_query(store))  # noqa: SLF001
    vectors = space.project(raw)
    points = drawn.positions.astype(np.float64)
    size = sum(path.stat().st_size for path in gallery.glob("map-*.map"))
    return seconds, size, (trust(vectors, points), kept(vectors, points))


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--quick", action="store_true", help="the sample photos, compact, small")
    parser.add_argument("--report", type=Path, help="write the tables into this file too")
    parser.add_argument("--keep", type=Path, help="keep galleries here, for the next run")
    options = parser.parse_args()
    sets = dict(one.split("=", 1) for one in options.set) or {"samples": str(SAMPLES)}
    backbones = BACKBONES[:1] if options.quick else BACKBONES
    sizes = (1_000,) if options.quick else SIZES
    quality_rows, cluster_rows, cost_rows = [], [], []
    with tempfile.TemporaryDirectory(prefix="imgsearch-map-") as place:
        workspace = Path(place)
        for backbone in backbones:
            for name, folder in sets.items():
                gallery = (options.keep or workspace) / f"{name}-{backbone}.gallery"
                vectors, labels = vectors_of(Path(folder).resolve(), backbone, gallery)
                row = f"{name}, {backbone}"
                quality_rows += quality(row, vectors)
                cluster_rows += clusters(row, vectors, labels)
        real = np.concatenate(
            [
                Gallery(
                    (options.keep or workspace) / f"{name}-{backbones[-1]}.gallery"
                ).embeddings()[1]
                for name in sets
            ]
        )
        for size in sizes:
            cost_rows += cost(real, size, workspace)
    tables = (
        (QUALITY, quality_rows),
        (CLUSTERS, cluster_rows),
        (COST, cost_rows),
    )
    lines = []
    for heading, rows in tables:
        lines += [f"| {' | '.join(heading)} |", "|---" * len(heading) + "|", *rows, ""]
    lines += facts()
    print("\n".join(lines))
    if options.report:
        options.report.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What retrieval loses where JPEGs are decoded at less than twice the network's side.

    python benchmarks/oversampling.py objects101=FOLDER products=FOLDER --markdown FILE

Each set is labelled: images in subfolders by the subfolder's name, images directly in the folder by
their file name up to the last "_". Every image is a query for the others of its label, searched as
a gallery searches: projected, exactly. Its embeddings are made at each oversampling, and the
average precision and the precision among the first five are compared with those at 2, query by
query, with a 95 % interval over labels. "Mixed" is what a gallery would answer that holds
embeddings of both rules: queries decoded at that oversampling, everything else at 2.

A JPEG is decoded at 1/1, 1/2, 1/4 or 1/8, the least that is no smaller than the oversampling says,
so a picture shows a difference only where it is more than that many times as large as the network's
input. Labelled photographs are small. So they are also asked with inputs of 96 and 64 pixels, which
has the same proportions as a large photograph at the network's own; and enlarged to 1,600 pixels,
with grain added.
"""

from __future__ import annotations

import argparse
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from run_facts import cores, facts

from imgsearch.evaluation.metrics.average_precision import average_precisions
from imgsearch.evaluation.metrics.bootstrap import estimate, paired_difference
from imgsearch.images import geometry, loading
from imgsearch.networks.backbones.resolve import resolve
from imgsearch.networks.embedder import load_embedder
from imgsearch.recipe import RecipeRequest
from imgsearch.vectors.projection_choice import DEFAULT
from imgsearch.vectors.projection_fitting import fit_choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.metrics.bootstrap import Estimate
    from imgsearch.networks.embedder import Embedder

USUAL: Final = geometry.OVERSAMPLING
TRIED: Final = (1.0, 1.25, 1.5, USUAL)
# Each oversampling stands for a version of the decoding rules that no recipe has.
VERSIONS: Final = {factor: 1000 + number for number, factor in enumerate(TRIED)}
NETWORKS: Final = (
    ("mobilenet_v2", None),
    ("mobilenet_v2", 96),
    ("mobilenet_v2", 64),
    ("compact", None),
    ("compact", 96),
    ("compact", 64),
)
LARGE: Final = 1600
FIRST: Final = 5
BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One oversampling of one network on one set; differences are to an oversampling of 2.

    Attributes:
        pictures: name of the set.
        network: name and input size.
        factor: the oversampling.
        reduced: share of the pictures that are decoded at another scale than at 2.
        precision: mAP.
        loss: of average precision.
        first: of precision among the first five.
        mixed: of average precision, where only the queries are decoded at this oversampling.
        cosine: to the embeddings at 2: the least and the median of the pictures that differ.
    """

    pictures: str
    network: str
    factor: float
    reduced: float
    precision: float
    loss: Estimate
    first: Estimate
    mixed: Estimate
    cosine: tuple[float, float]


def enlarged(data: bytes, *, seed: int) -> bytes:
    """Return a photograph as a JPEG whose longer side is 1,600 pixels, with grain to the pixel."""
    with Image.open(io.BytesIO(data)) as image:
        scale = LARGE / max(image.size)
        size = round(image.width * scale), round(image.height * scale)
        large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(seed).normal(0, 6, size=(size[1], size[0], 1))
    noisy = np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8)
    written = io.BytesIO()
    Image.fromarray(noisy).save(written, "JPEG", quality=90)
    return written.getvalue()


def squares(
    numbered: tuple[int, Path], *, sides: Sequence[int], large: bool
) -> list[NDArray[np.uint8]]:
    """Return a picture's squares, for each side at each oversampling: uint8 (side, side, 3)."""
    number, path = numbered
    data = path.read_bytes()
    if large:
        data = enlarged(data, seed=number)
    return [
        loading.load(data, size=side, resize="squash", decoder=version).pixels
        for side in sides
        for version in VERSIONS.values()
    ]


def embeddings(
    paths: Sequence[Path], networks: Sequence[Embedder], *, large: bool
) -> list[list[NDArray[np.float32]]]:
    """Return unit rows `(n, dim)` of all pictures, by network and oversampling."""
    sides = sorted({network.recipe.size for network in networks})
    found: list[list[list[NDArray[np.float32]]]] = [[[] for _ in TRIED] for _ in networks]
    with ThreadPoolExecutor(cores()) as threads:
        for start in range(0, len(paths), BATCH):
            numbered = list(enumerate(paths[start : start + BATCH], start))
            made = list(threads.map(partial(squares, sides=sides, large=large), numbered))
            for network, rows in zip(networks, found, strict=True):
                first = len(TRIED) * sides.index(network.recipe.size)
                for place, some in enumerate(rows, first):
                    some.append(network.embed(np.stack([each[place] for each in made])))
            print(f"{start + len(numbered)} of {len(paths)}", file=sys.stderr, flush=True)
    return [[np.concatenate(some) for some in rows] for rows in found]


def precisions(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], labels: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each query's average precision, and its precision among the first five."""
    ids = np.arange(len(gallery))
    whole = average_precisions(
        queries, gallery, query_ids=ids, gallery_ids=ids, query_labels=labels, gallery_labels=labels
    )
    scores = queries @ gallery.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    first = (labels[nearest] == labels[:, np.newaxis]).mean(axis=1)
    first[np.isnan(whole)] = np.nan
    return whole, first


def compare(
    pictures: str,
    network: str,
    by_factor: Sequence[NDArray[np.float32]],
    labels: NDArray[np.str_],
) -> Iterator[Row]:
    """Yield a row for each oversampling.

    Args:
        pictures: name of the set.
        network: name and input size.
        by_factor: unit rows `(n, dim)` at each oversampling, the last one at 2.
        labels: of the rows.
    """
    raw = by_factor[-1]
    fitted = [fit_choice(rows, DEFAULT) for rows in by_factor]
    usual = fitted[-1].apply(raw)
    base, base_first = precisions(usual, usual, labels)
    names = labels.tolist()
    for factor, rows, projection in zip(TRIED, by_factor, fitted, strict=True):
        own = projection.apply(rows)
        whole, first = precisions(own, own, labels)
        mixed, _ = precisions(fitted[-1].apply(rows), usual, labels)
        cosines = np.einsum("ij,ij->i", rows, raw)
        differs = np.any(rows != raw, axis=1)
        changed = cosines[differs] if differs.any() else np.ones(1)
        yield Row(
            pictures,
            network,
            factor,
            float(differs.mean()),
            estimate(whole, names).value,
            paired_difference(whole, base, names),
            paired_difference(first, base_first, names),
            paired_difference(mixed, base, names),
            (float(changed.min()), float(np.median(changed))),
        )


def label_of(path: Path, folder: Path) -> str:
    """Return the subfolder's name, or the file's name before its last "_"."""
    return path.stem.rpartition("_")[0] if path.parent == folder else path.parent.name


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as a Markdown table; precisions in points."""
    lines = [
        "| pictures | network | oversampling | decoded otherwise | mAP | mAP, difference | "
        f"P@{FIRST}, difference | mAP, mixed | cosine, least · median |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.factor == USUAL:
            shown = ["", "", "", ""]
        else:
            shown = [_points(row.loss), _points(row.first), _points(row.mixed)]
            shown += ["{:.4f} · {:.4f}".format(*row.cosine)]
        cells = [row.pictures, row.network, f"{row.factor:g}", f"{row.reduced:.0%}"]
        lines.append("| " + " | ".join([*cells, f"{100 * row.precision:.2f}", *shown]) + " |")
    return lines


def _points(found: Estimate) -> str:
    return f"{100 * found.value:+.2f} ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--most", type=int, help="take no more pictures of a set")
    parser.add_argument("--markdown", type=Path, help="write the table into this file too")
    options = parser.parse_args()
    geometry.OVERSAMPLING_OF_VERSION.update({VERSIONS[factor]: factor for factor in TRIED})
    networks = [
        load_embedder(resolve(RecipeRequest(name, size=size), offline=True))
        for name, size in NETWORKS
    ]
    rows: list[Row] = []
    for large in (False, True):
        # Enlarged pictures are asked at the networks' own sizes, for which they are large.
        asked = [
            network
            for network, (_, size) in zip(networks, NETWORKS, strict=True)
            if not (large and size)
        ]
        for text in options.sets:
            name, _, place = text.partition("=")
            folder = Path(place)
            paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})
            paths = paths[: options.most]
            labels = np.array([label_of(path, folder) for path in paths])
            found = embeddings(paths, asked, large=large)
            for network, by_factor in zip(asked, found, strict=True):
                called = f"{network.recipe.backbone}, {network.recipe.size} px"
                set_name = f"{name}, enlarged" if large else name
                rows += compare(set_name, called, by_factor, labels)
                print("\n".join(table(rows[-len(TRIED) :])), flush=True)
    page = "\n".join([*facts(), "", *table(rows), ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

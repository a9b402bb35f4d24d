"""What retrieval loses where JPEGs are decoded at less than twice the network's side.

    python benchmarks/oversampling.py objects101=FOLDER products=FOLDER --markdown FILE

Each set is labelled: images in subfolders by the subfolder's name, images directly in the folder by
their file name up to the last "_". Every image is a query for the others of its label, searched as
a gallery searches: projected, exactly. Its embeddings are made by each rule, that is at each
oversampling, and the average precision and the precision among the first five are compared with
those at 2, query by query, with a 95 % interval over labels. "Mixed" is what a gallery would answer
that holds embeddings of both rules: queries decoded by that rule, everything else at 2.

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
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from imgsearch.evaluation.results import Estimate
    from imgsearch.networks.embedder import Embedder

BICUBIC, LANCZOS = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
USUAL: Final = "2"
# Each stands for a version of the decoding rules that no recipe has.
TRIED: Final = {
    "1": geometry.DecodingRules(1.0, BICUBIC, one_scale=False),
    "1, Lanczos": geometry.DecodingRules(1.0, LANCZOS, one_scale=False),
    "1.25": geometry.DecodingRules(1.25, BICUBIC, one_scale=False),
    "1.5": geometry.DecodingRules(1.5, BICUBIC, one_scale=False),
    USUAL: geometry.DecodingRules(2.0, BICUBIC, one_scale=False),
}
VERSIONS: Final = {rule: number for number, rule in enumerate(TRIED, 1000)}
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
        rule: the oversampling, and what resizes if that is not the bicubic.
        reduced: share of the pictures that are decoded at another scale than at 2.
        precision: mAP.
        loss: of average precision.
        first: of precision among the first five.
        mixed: of average precision, where only the queries are decoded at this oversampling.
        cosine: to the embeddings at 2: the least and the median of the pictures that differ.
    """

    pictures: str
    network: str
    rule: str
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
    numbered: tuple[int, Path], *, sides: Sequence[int], rules: Sequence[str], large: bool
) -> list[NDArray[np.uint8]]:
    """Return a picture's squares, for each side by each rule: uint8 (side, side, 3)."""
    number, path = numbered
    data = path.read_bytes()
    if large:
        data = enlarged(data, seed=number)
    return [
        loading.load(data, size=side, resize="squash", decoder=VERSIONS[rule]).pixels
        for side in sides
        for rule in rules
    ]


def embeddings(
    paths: Sequence[Path], networks: Sequence[Embedder], *, rules: Sequence[str], large: bool
) -> list[list[NDArray[np.float32]]]:
    """Return unit rows `(n, dim)` of all pictures, by network and rule."""
    sides = sorted({network.recipe.size for network in networks})
    found: list[list[list[NDArray[np.float32]]]] = [[[] for _ in rules] for _ in networks]
    decode = partial(squares, sides=sides, rules=rules, large=large)
    with ThreadPoolExecutor(cores()) as threads:
        for start in range(0, len(paths), BATCH):
            numbered = list(enumerate(paths[start : start + BATCH], start))
            made = list(threads.map(decode, numbered))
            for network, rows in zip(networks, found, strict=True):
                first = len(rules) * sides.index(network.recipe.size)
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
    by_rule: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.str_],
) -> Iterator[Row]:
    """Yield a row for each rule.

    Args:
        pictures: name of the set.
        network: name and input size.
        by_rule: unit rows `(n, dim)`.
        labels: of the rows.
    """
    raw = by_rule[USUAL]
    fitted = fit_choice(raw, DEFAULT)
    usual = fitted.apply(raw)
    base, base_first = precisions(usual, usual, labels)
    names = labels.tolist()
    for rule, rows in by_rule.items():
        own = fit_choice(rows, DEFAULT).apply(rows)
        whole, first = precisions(own, own, labels)
        mixed, _ = precisions(fitted.apply(rows), usual, labels)
        cosines = np.einsum("ij,ij->i", rows, raw)
        differs = np.any(rows != raw, axis=1)
        changed = cosines[differs] if differs.any() else np.ones(1)
        yield Row(
            pictures,
            network,
            rule,
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
        (
            "| pictures | network | oversampling | decoded otherwise | mAP | mAP, difference | "
            f"P@{FIRST}, difference | mAP, mixed | cosine, least · median |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.rule == USUAL:
            shown = ["", "", "", ""]
        else:
            shown = [_points(row.loss), _points(row.first), _points(row.mixed)]
            shown += ["{:.4f} · {:.4f}".format(*row.cosine)]
        cells = [row.pictures, row.network, row.rule, f"{row.reduced:.0%}"]
        lines.append("| " + " | ".join([*cells, f"{100 * row.precision:.2f}", *shown]) + " |")
    return lines


def _points(found: Estimate) -> str:
    return f"{100 * found.value:+.2f} ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def main() -> None:
    """Run with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--rule", action="append", choices=list(TRIED), help="beside 2; all")
    parser.add_argument("--most", type=int, help="take no more pictures of a set")
    parser.add_argument("--most-enlarged", type=int, help="enlarge no more pictures of a set")
    parser.add_argument("--markdown", type=Path, help="write the table into this file too")
    options = parser.parse_args()
    rules = [*options.rule, USUAL] if options.rule else list(TRIED)
    geometry.RULES.update({VERSIONS[rule]: TRIED[rule] for rule in rules})
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
            paths = paths[: options.most_enlarged if large else options.most]
            labels = np.array([label_of(path, folder) for path in paths])
            found = embeddings(paths, asked, rules=rules, large=large)
            for network, by_rule in zip(asked, found, strict=True):
                called = f"{network.recipe.backbone}, {network.recipe.size} px"
                set_name = f"{name}, enlarged" if large else name
                rows += compare(set_name, called, dict(zip(rules, by_rule, strict=True)), labels)
                print("\n".join(table(rows[-len(rules) :])), flush=True)
    page = "\n".join([*facts(), "", *table(rows), ""])
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

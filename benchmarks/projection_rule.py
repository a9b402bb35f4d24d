"""Look for a rule that tells from a gallery alone whether the default projection costs mAP.

    python benchmarks/projection_rule.py NAME=FOLDER ... --cache FOLDER [--held-out NAME ...]

Each folder is a labelled set: pictures in subfolders are labelled by the subfolder's name,
pictures directly in the folder by their file name up to the last "_". Of each set whole galleries
are drawn: all of it, few classes with all their images, many classes with few of each. A set
called objects101 is also labelled coarsely, by nine kinds of things. Every projection that is
tried is fitted on the gallery that it serves. Whether a rule's threshold holds is told by sets
that it was not chosen on (`--held-out`) and by the other network.

Writes projection_rule.json and the tables of projection_rule.md into the results folder.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from projection_study import Fit, fit_once

from imgsearch.evaluation.embedding_cache import EmbeddingCache
from imgsearch.evaluation.embedding_plan import plan
from imgsearch.evaluation.embedding_run import Embedding, Loaded, Work
from imgsearch.evaluation.ground_truth.image_files import find_image_files
from imgsearch.evaluation.networks import CatalogueNetworks
from imgsearch.recipe import RecipeRequest
from imgsearch.vectors.projection_choice import DEFAULT, ProjectionChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

NETWORKS: Final = ("mobilenet_v2", "compact")
# What a rule may choose instead of the default, gentlest first.
ALTERNATIVES: Final = ("none", "centred", "160:0", "160:0.1", "160:0.25", "64:0.25", "32:0.25")
DRAWS: Final = 2
# No rule may cost more than this on any gallery, in points of mAP.
ALLOWED: Final = -0.5
# What the default must lose to count as a loss, likewise.
LOSS: Final = -0.5
CLOSE: Final = 10
# Images of a gallery that is drawn.
MOST: Final = 1000
MARKS: Final = ("<!-- tables -->", "<!-- end of tables -->")
KINDS: Final = {
    "animals on land": "Leopards ant cougar_body cougar_face dalmatian elephant gerenuk hedgehog "
    "kangaroo llama okapi panda platypus rhino scorpion tick wild_cat beaver",
    "animals in water": "crab crayfish crocodile crocodile_head dolphin hawksbill lobster nautilus "
    "octopus sea_horse starfish",
    "animals that fly": "butterfly dragonfly emu flamingo flamingo_head ibis mayfly pigeon rooster",
    "extinct and drawn": "brontosaurus stegosaurus trilobite garfield snoopy",
    "vehicles": "Motorbikes airplanes car_side ferry helicopter ketch schooner inline_skate "
    "wheelchair",
    "instruments": "accordion bass electric_guitar euphonium gramophone grand_piano mandolin "
    "metronome saxophone",
    "plants": "bonsai joshua_tree lotus strawberry sunflower water_lilly",
    "buildings and art": "buddha menorah minaret pagoda pyramid stop_sign yin_yang anchor",
    "things at home": "barrel binocular camera cannon ceiling_fan cellphone chair chandelier cup "
    "dollar_bill ewer headphone lamp laptop pizza revolver scissors soccer_ball stapler umbrella "
    "watch windsor_chair wrench brain",
    "people": "Faces Faces_easy",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Embeddings (n, dim) float32 of unit length, and a label (n,) for each."""

    name: str
    embeddings: NDArray[np.float32]
    labels: NDArray[np.str_]

    def take(self, name: str, rows: NDArray[np.intp]) -> Labelled:
        """Return some of the rows."""
        return Labelled(name=name, embeddings=self.embeddings[rows], labels=self.labels[rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps embeddings")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for network in NETWORKS:
        for text in options.sets:
            name, _, folder = text.partition("=")
            for gallery in galleries(read(name, Path(folder), network, options.cache)):
                held_out = name in options.held_out
                rows.append(measured(gallery, network=network, held_out=held_out))
                print(rows[-1]["gallery"], network, rows[-1]["default"], flush=True)
    options.results.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"galleries": rows}, indent=1).replace("\n   ", " ").replace("\n  }", " }")
    (options.results / "projection_rule.json").write_text(text + "\n", encoding="utf-8")
    page = options.results / "projection_rule.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page.write_text(f"{before}{MARKS[0]}\n{tables(rows)}\n{MARKS[1]}{after}", encoding="utf-8")


# Embeddings and galleries.


def read(name: str, folder: Path, network: str, cache: Path) -> Labelled:
    """Return a set's embeddings, computed where the cache lacks them."""
    source = CatalogueNetworks()
    recipe = source.resolve(RecipeRequest(backbone=network), offline=True)
    files = find_image_files(str(folder))
    embedding = Embedding(files.items, EmbeddingCache(cache), Work())
    for shared in plan([recipe]):
        embedding.compute(shared, Loaded(source), embedding.missing(shared))
    labels = [
        Path(path).stem.rpartition("_")[0] if "/" not in path else path.partition("/")[0]
        for path in files.names
    ]
    return Labelled(name=name, embeddings=embedding.read(recipe), labels=np.array(labels))


def galleries(whole: Labelled) -> Iterator[Labelled]:
    """Yield galleries of at least as many contents as are searched through a projection."""
    yield whole
    yield from few_classes(whole)
    if whole.name == "objects101":
        kind = {label: kind for kind, labels in KINDS.items() for label in labels.split()}
        coarse = np.array([kind[label] for label in whole.labels])
        coarsely = Labelled(
            name="objects101, kinds of things", embeddings=whole.embeddings, labels=coarse
        )
        yield coarsely
        yield from few_classes(coarsely)


def few_classes(whole: Labelled) -> Iterator[Labelled]:
    """Yield galleries of few classes with all their images, and of all classes with few."""
    names = np.unique(whole.labels)
    for count, draw in product((2, 4, 6, 10, 20, 50, 150, 400), range(DRAWS)):
        if count >= len(names):
            continue
        generator = np.random.default_rng([count, draw])
        chosen = generator.choice(names, count, replace=False)
        rows = np.flatnonzero(np.isin(whole.labels, chosen))
        if len(rows) >= DEFAULT.minimum_count:
            some = np.sort(generator.permutation(rows)[:MOST])
            yield whole.take(f"{whole.name}, {count} classes, draw {draw + 1}", some)
    for most in (3, 30):
        generator = np.random.default_rng(most)
        shuffled = generator.permutation(len(whole.labels))
        seen: dict[str, int] = {}
        rows_kept = []
        for row in shuffled.tolist():
            label = str(whole.labels[row])
            seen[label] = seen.get(label, 0) + 1
            if seen[label] <= most:
                rows_kept.append(row)
        if DEFAULT.minimum_count <= len(rows_kept) < len(whole.labels):
            yield whole.take(f"{whole.name}, {most} of a class", np.sort(np.array(rows_kept)))


# Measurements.


def measured(gallery: Labelled, *, network: str, held_out: bool) -> dict[str, Any]:
    """Return what raw embeddings reach, what each projection adds, and the statistics."""
    raw = quality(gallery, gallery.embeddings)
    fitted = fit_once(gallery.embeddings)
    changes = {"none": (0.0, 0.0, 0.0)}
    for text in (*ALTERNATIVES[1:], str(DEFAULT)):
        after = quality(gallery, projected(gallery.embeddings, fitted, text))
        changes[text] = (
            round(after[0] - raw[0], 2),
            round(after[1] - raw[1], 2),
            round(after[2] - raw[2], 2),
        )
    return {
        "network": network,
        "held out": held_out,
        "gallery": gallery.name,
        "images": len(gallery.labels),
        "classes": len(np.unique(gallery.labels)),
        "raw": [round(value, 2) for value in raw],
        "default": changes[str(DEFAULT)],
        "changes": changes,
        "statistics": {
            name: round(float(statistic(gallery.embeddings, fitted)), 4)
            for name, statistic in STATISTICS
        },
    }


def projected(embeddings: NDArray[np.float32], fitted: Fit, text: str) -> NDArray[np.float32]:
    """Return the embeddings as a projection named like this gives them."""
    choice = ProjectionChoice.parse(text)
    if choice.centring_only:
        return centred(embeddings)
    chosen = fitted.choose(dim=choice.dim, power=choice.power, shrinkage=choice.shrinkage)
    return chosen.apply(embeddings)


def quality(gallery: Labelled, vectors: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return mAP, hit rate@1 and hit rate@10 in percent over the queries with an answer."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
    right = gallery.labels[order] == gallery.labels[:, None]
    right = right[right.any(axis=1)]
    hits = np.cumsum(right, axis=1)
    precisions = hits / np.arange(1, right.shape[1] + 1)
    average = (precisions * right).sum(axis=1) / right.sum(axis=1)
    return (
        100 * float(average.mean()),
        100 * float(right[:, 0].mean()),
        100 * float(right[:, :10].any(axis=1).mean()),
    )


def effective_dimension(_: NDArray[np.float32], fitted: Fit) -> float:
    """Return the participation ratio of the variances: 1 / sum of squared shares."""
    return float(fitted.variances.sum() ** 2 / np.square(fitted.variances).sum())


def first_share(_: NDArray[np.float32], fitted: Fit) -> float:
    """Return the share of variance along the first ten directions."""
    return float(fitted.variances[:10].sum() / fitted.variances.sum())


def mean_score(_: NDArray[np.float32], fitted: Fit) -> float:
    """Return the mean score of two images: the squared length of the mean."""
    return float(np.square(fitted.base.mean).sum())


def hubness(embeddings: NDArray[np.float32], _: Fit) -> float:
    """Return the skewness of how often an image is among the ten nearest of others."""
    near = nearest(embeddings, CLOSE)
    often = np.bincount(near.ravel(), minlength=len(embeddings)).astype(np.float64)
    return float((((often - often.mean()) / often.std()) ** 3).mean())


def kept_neighbours(embeddings: NDArray[np.float32], fitted: Fit) -> float:
    """Return the share of the ten nearest that the default projection keeps."""
    before = nearest(embeddings, CLOSE)
    after = nearest(projected(embeddings, fitted, str(DEFAULT)), CLOSE)
    return float(
        np.mean([len(np.intersect1d(a, b)) / CLOSE for a, b in zip(before, after, strict=True)])
    )


def crowding(embeddings: NDArray[np.float32], _: Fit) -> float:
    """Return how near the hundredth neighbour is, from 0 (as any image) to 1 (as the third)."""
    scores = np.sort(centred(embeddings) @ centred(embeddings).T, axis=1)[:, ::-1]
    return float((scores[:, 100] / scores[:, 3]).mean())


def stability(embeddings: NDArray[np.float32], _: Fit) -> float:
    """Return how far the first 32 directions of two halves span the same space, 0 to 1."""
    order = np.random.default_rng(0).permutation(len(embeddings))
    spaces = [fit_once(embeddings[order[start::2]]).base.components[:, :32] for start in (0, 1)]
    return float(np.square(spaces[0].T @ spaces[1]).sum() / 32)


def centred(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the embeddings less their mean, of unit length."""
    less = embeddings - embeddings.mean(axis=0)
    unit: NDArray[np.float32] = less / np.linalg.norm(less, axis=1, keepdims=True)
    return unit


def nearest(embeddings: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return the nearest others of each image, shape (n, count), in no order."""
    scores = embeddings @ embeddings.T
    np.fill_diagonal(scores, -np.inf)
    return np.argpartition(-scores, count, axis=1)[:, :count]


STATISTICS: Final[tuple[tuple[str, Callable[[NDArray[np.float32], Fit], float]], ...]] = (
    ("effective dimension", effective_dimension),
    ("share of 10 directions", first_share),
    ("mean score", mean_score),
    ("hubness", hubness),
    ("kept neighbours", kept_neighbours),
    ("crowding", crowding),
    ("stability", stability),
)


# Rules.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Below or above a threshold of a statistic an alternative is taken, else the default."""

    statistic: str
    below: bool
    threshold: float
    alternative: str

    def change(self, row: dict[str, Any]) -> float:
        """Return what the rule does to a gallery's mAP, in points over raw embeddings."""
        value = row["statistics"][self.statistic]
        takes = value < self.threshold if self.below else value > self.threshold
        change: float = row["changes"][self.alternative if takes else str(DEFAULT)][0]
        return change


def best_rule(rows: Sequence[dict[str, Any]], statistic: str) -> Rule:
    """Return the rule on a statistic that loses no more than allowed and gains most.

    Where every rule loses more somewhere, it is the one that loses least.
    """
    values = sorted({row["statistics"][statistic] for row in rows})
    edges = [values[0] - 1, *((a + b) / 2 for a, b in pairwise(values))]
    rules = [
        Rule(statistic=statistic, below=below, threshold=edge, alternative=alternative)
        for below, edge, alternative in product((True, False), edges, ALTERNATIVES)
    ]
    return max(rules, key=partial(_merit, rows))


def _merit(rows: Sequence[dict[str, Any]], rule: Rule) -> tuple[float, float]:
    changes = [rule.change(row) for row in rows]
    return min(*changes, ALLOWED), float(np.mean(changes))


def tables(rows: list[dict[str, Any]]) -> str:
    """Return everything measured as Markdown."""
    lines = [
        "### Every gallery",
        "",
        "Raw mAP, and what each projection adds to it; the default also to hit rates.",
        "",
        _cells("gallery", "network", "images", "classes", "raw", "default", "hr@1", "hr@10",
               *ALTERNATIVES[1:]),
        "|" + " --- |" * (8 + len(ALTERNATIVES) - 1),
    ]  # fmt: skip
    for row in rows:
        default = row["default"]
        lines.append(
            _cells(
                row["gallery"] + (" (held out)" if row["held out"] else ""),
                row["network"],
                f"{row['images']:,}",
                row["classes"],
                f"{row['raw'][0]:.1f}",
                *(f"{value:+.1f}" for value in default),
                *(f"{row['changes'][name][0]:+.1f}" for name in ALTERNATIVES[1:]),
            )
        )
    lines += ["", "### One projection for all", "", *_fixed(rows)]
    lines += ["", "### What tells of a loss", "", *_tell(rows)]
    lines += ["", "### Rules", "", *_rules(rows)]
    return "\n".join(lines)


def _fixed(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        _cells("projection", "mean gain", "worst", "galleries that lose more than 0.5"),
        "| --- | --- | --- | --- |",
    ]
    for name in (str(DEFAULT), *ALTERNATIVES):
        changes = [row["changes"][name][0] for row in rows]
        lost = sum(change < LOSS for change in changes)
        lines.append(
            _cells(name, f"{np.mean(changes):+.1f}", f"{min(changes):+.1f}",
                   f"{lost} of {len(rows)}")
        )  # fmt: skip
    return lines


def _tell(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "Spearman's correlation with the default's change of mAP, and ranges where it loses > 0.5.",
        "",
        _cells("statistic", "correlation", "where it loses", "elsewhere"),
        "| --- | --- | --- | --- |",
    ]
    change: NDArray[np.float64] = np.array([row["default"][0] for row in rows])
    for name, _ in STATISTICS:
        values = np.array([row["statistics"][name] for row in rows])
        ranks = [np.argsort(np.argsort(each)) for each in (values, change)]
        correlation = float(np.asarray(np.corrcoef(np.stack(ranks)))[0, 1])
        spans = [
            f"{some.min():.2f} to {some.max():.2f}" if len(some) else "-"
            for some in (values[change < LOSS], values[change >= LOSS])
        ]
        lines.append(_cells(name, f"{correlation:+.2f}", *spans))
    return lines


def _rules(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "Of each statistic the rule that serves one part best, and what it does to the other.",
        "",
        _cells("chosen on", "rule", "mean gain there", "worst there", "tried on", "mean gain",
               "worst", "default's mean and worst"),
        "|" + " --- |" * 8,
    ]  # fmt: skip
    splits: list[tuple[str, str, Callable[[dict[str, Any]], bool]]] = [
        ("the other sets", "the sets held out", lambda row: not row["held out"]),
        (NETWORKS[0], NETWORKS[1], lambda row: row["network"] == NETWORKS[0]),
        (NETWORKS[1], NETWORKS[0], lambda row: row["network"] == NETWORKS[1]),
        ("all", "all", lambda _: True),
    ]
    for (there, here, chosen_on), (statistic, _) in product(splits, STATISTICS):
        some = [row for row in rows if chosen_on(row)]
        others = [row for row in rows if not chosen_on(row)] or some
        rule = best_rule(some, statistic)
        sign = "<" if rule.below else ">"
        figures = [[rule.change(row) for row in part] for part in (some, others)]
        plain = [row["default"][0] for row in others]
        lines.append(
            _cells(
                there,
                f"{rule.alternative} where {statistic} {sign} {rule.threshold:.3g}",
                f"{np.mean(figures[0]):+.2f}",
                f"{min(figures[0]):+.2f}",
                here,
                f"{np.mean(figures[1]):+.2f}",
                f"{min(figures[1]):+.2f}",
                f"{np.mean(plain):+.2f}, {min(plain):+.2f}",
            )
        )
    return lines


def _cells(*values: object) -> str:
    return "| " + " | ".join(map(str, values)) + " |"


if __name__ == "__main__":
    main()

"""Measure which projection serves a gallery best: dim, power, shrinkage, and how few suffice.

    python benchmarks/projection_study.py FOLDER FOLDER --cache embeddings.npz

Each folder is a labelled set. Images in subfolders are labelled by the subfolder's name, images
directly in the folder by their file name up to the last "_". Every image is a query,
itself excluded; a query with nothing to find is left out and counted. In the union of all sets a
query's relevant images are those of its own set, and the images of all sets compete.

Writes projection_study.json and the tables of projection_study.md into the results folder. The
embeddings are cached in the cache file, so that a second run needs no network.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.evaluation.metrics.average_precision import average_precisions, mean_over_queries
from imgsearch.networks.pooling import l2_normalise
from imgsearch.vectors import projection, projection_choice, projection_fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Table = list[dict[str, Any]]

BACKBONE: Final = "mobilenet_v2"
DIMS: Final = (64, 96, 128, 160, 192, 256)
POWERS: Final = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
SHRINKAGES: Final = (0.0, 1.0, 3.0, 10.0, 20.0, 30.0)
SHRUNK: Final = tuple(product((0.25, 0.4, 0.5), (128, 160, 192, 256)))
SAMPLE_COUNTS: Final = (100, 250, 500, 1000)
SAMPLE_DRAWS: Final = 3
GALLERY_COUNTS: Final = (25, 50, 100, 200, 300, 500, 1000)
GALLERY_DRAWS: Final = 6
MOST_OF_A_LABEL: Final = (2, 5, 20)
# (dim, power, shrinkage) of what is tried on samples and small galleries.
CONFIGURATIONS: Final = (
    (128, 0.25, 0.0),
    (160, 0.25, 20.0),
    (128, 0.5, 20.0),
    (160, 0.5, 10.0),
    (160, 0.5, 20.0),
    (192, 0.5, 20.0),
    (160, 0.5, 30.0),
)
UNION: Final = "union"
BATCH: Final = 32
MARKS: Final = ("<!-- tables -->", "<!-- end of tables -->")


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Embeddings with what belongs together.

    Attributes:
        embeddings: unit rows, shape (n, dim), float32.
        labels: set and label of each row, shape (n,), strings.
        sets: the set of each row, shape (n,), strings.
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.str_]
    sets: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> Labelled:
        """Return some of the rows."""
        return Labelled(
            embeddings=self.embeddings[rows], labels=self.labels[rows], sets=self.sets[rows]
        )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One fit, from which every dim, power and shrinkage can be derived."""

    base: projection.Projection
    variances: NDArray[np.float64]
    mean_variance: float

    def choose(self, *, dim: int, power: float, shrinkage: float) -> projection.Projection:
        """Return the same as `projection_fitting.fit`, without decomposing again."""
        scale = (self.variances[:dim] + shrinkage * self.mean_variance) ** -power
        return dataclasses.replace(
            self.base, components=self.base.components[:, :dim], scale=scale, power=power
        )


def fit_once(embeddings: NDArray[np.float32]) -> Fit:
    """Fit with every direction along which the embeddings vary."""
    base = projection_fitting.fit(embeddings, dim=max(embeddings.shape), power=0.5, shrinkage=0)
    variances = base.scale**-2
    return Fit(base=base, variances=variances, mean_variance=float(variances.mean()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--cache", type=Path, required=True, help="file that keeps the embeddings")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args(arguments)

    recipe, spaces = read_spaces(options.folders, options.cache)
    record = {
        "recipe": recipe,
        "machine": describe_machine(),
        "collections": {name: count_queries(space) for name, space in spaces.items()},
        "whole": [row for name, space in spaces.items() for row in study_whole(name, space)],
        "samples": [row for name, space in spaces.items() for row in study_samples(name, space)],
        "small": [row for name, space in spaces.items() for row in study_small(name, space)],
        "seconds": study_times(),
    }
    options.results.mkdir(parents=True, exist_ok=True)
    # One measurement per line, so that diffs are readable.
    text = json.dumps(record, indent=1).replace("\n   ", " ").replace("\n  }", " }")
    (options.results / "projection_study.json").write_text(text + "\n", encoding="utf-8")
    page = options.results / "projection_study.md"
    insert_tables(page, tables(record))


# Embeddings.


def read_spaces(folders: list[Path], cache: Path) -> tuple[str, dict[str, Labelled]]:
    """Return the recipe's name and every set by its name, the union last."""
    if not cache.is_file():
        save: Any = np.savez  # its stub takes every array for the option allow_pickle
        save(cache, **embed_sets(folders))
    with np.load(cache) as stored:
        spaces = {}
        for folder in folders:
            labels = stored[f"{folder.name}/labels"]
            spaces[folder.name] = Labelled(
                embeddings=stored[f"{folder.name}/embeddings"],
                labels=np.char.add(f"{folder.name}/", labels),
                sets=np.full(len(labels), folder.name),
            )
        recipe = str(stored["recipe"])
    spaces[UNION] = Labelled(
        embeddings=np.concatenate([space.embeddings for space in spaces.values()]),
        labels=np.concatenate([space.labels for space in spaces.values()]),
        sets=np.concatenate([space.sets for space in spaces.values()]),
    )
    return recipe, spaces


def embed_sets(folders: list[Path]) -> dict[str, NDArray[Any]]:
    """Return embeddings and labels of every set, as arrays for the cache."""
    from imgsearch.images import formats, loading
    from imgsearch.networks.backbones.resolve import resolve
    from imgsearch.networks.embedder import load_embedder
    from imgsearch.recipe import RecipeRequest

    recipe = resolve(RecipeRequest(backbone=BACKBONE), offline=True)
    embedder = load_embedder(recipe)
    arrays: dict[str, NDArray[Any]] = {"recipe": np.array(recipe.name)}
    suffixes = formats.suffixes()
    for folder in folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
        rows = []
        for batch in batches(paths):
            images = [
                loading.load(path.read_bytes(), size=recipe.size, resize=recipe.resize).pixels
                for path in batch
            ]
            rows.append(embedder.embed(np.stack(images)))
        arrays[f"{folder.name}/embeddings"] = np.concatenate(rows)
        arrays[f"{folder.name}/labels"] = np.array([label_of(path, folder) for path in paths])
        report(f"{folder.name}: {len(paths)} images embedded")
    return arrays


def label_of(path: Path, folder: Path) -> str:
    """Return the subfolder's name, or the file's name before its last "_"."""
    return path.stem.rpartition("_")[0] if path.parent == folder else path.parent.name


def batches(paths: list[Path]) -> Iterator[list[Path]]:
    """Yield the paths in batches."""
    for start in range(0, len(paths), BATCH):
        yield paths[start : start + BATCH]


# Measurements: each row of a table is one dictionary, as the JSON holds it.


def measure(space: Labelled, vectors: NDArray[np.float32]) -> dict[str, float]:
    """Return mAP in percent for the queries of each set."""
    ids = np.arange(len(space))
    precisions = average_precisions(
        vectors,
        vectors,
        query_ids=ids,
        gallery_ids=ids,
        query_labels=space.labels,
        gallery_labels=space.labels,
    )
    return {
        name: round(100 * mean_over_queries(precisions[space.sets == name]).value, 3)
        for name in dict.fromkeys(space.sets.tolist())
    }


def count_queries(space: Labelled) -> dict[str, int]:
    """Return the number of queries that count, and of those left out."""
    _, places, members = np.unique(space.labels, return_inverse=True, return_counts=True)
    queries = int(np.count_nonzero(members[places] > 1))
    return {"pictures": len(space), "queries": queries, "skipped": len(space) - queries}


def centre(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the embeddings less their mean, of unit length."""
    return l2_normalise(embeddings - embeddings.mean(axis=0, dtype=np.float64))


def study_whole(name: str, space: Labelled) -> Table:
    """Fit on the whole collection and search it: every dim, power and shrinkage."""
    rows: Table = [
        {"space": name, "what": "raw", **measure(space, space.embeddings)},
        {"space": name, "what": "centred", **measure(space, centre(space.embeddings))},
    ]
    fitted = fit_once(space.embeddings)
    for dim, power, shrinkage in product(DIMS, POWERS, SHRINKAGES):
        if power == 0 and shrinkage > 0:
            continue
        chosen = fitted.choose(dim=dim, power=power, shrinkage=shrinkage)
        measured = measure(space, chosen.apply(space.embeddings))
        rows.append(
            {
                "space": name,
                "what": "projected",
                "dim": dim,
                "power": power,
                "shrinkage": shrinkage,
                **measured,
            }
        )
    report(f"{name}: whole collection measured")
    return rows


def study_samples(name: str, space: Labelled) -> Table:
    """Fit on random samples and search the whole collection."""
    rows: Table = []
    for count in SAMPLE_COUNTS:
        draws: dict[str, Table] = {}
        for seed in range(SAMPLE_DRAWS):
            sample = np.random.default_rng(seed).choice(len(space), count, replace=False)
            measure_configurations(space, space.embeddings[sample], draws)
        rows += [
            {"space": name, "sample": count, "what": key, **average(measurements)}
            for key, measurements in draws.items()
        ]
    report(f"{name}: samples measured")
    return rows


def study_small(name: str, space: Labelled) -> Table:
    """Search small galleries through a projection fitted on themselves, or on half of them.

    Half is the least that a gallery's projection was fitted on: it is fitted again at double the
    size.
    """
    rows: Table = []
    for most, count in product(MOST_OF_A_LABEL, GALLERY_COUNTS):
        draws: dict[str, dict[str, Table]] = {"all": {}, "half": {}}
        for seed in range(GALLERY_DRAWS):
            gallery = space.take(draw_gallery(space, count, most=most, seed=seed))
            if len(gallery) < count:
                break
            half = np.random.default_rng(seed).permutation(count)[: count // 2]
            measure_configurations(gallery, gallery.embeddings, draws["all"])
            measure_configurations(gallery, gallery.embeddings[half], draws["half"])
        rows += [
            {
                "space": name,
                "most of a label": most,
                "count": count,
                "fitted on": fitted_on,
                "what": key,
                **average(measurements),
            }
            for fitted_on, measured in draws.items()
            for key, measurements in measured.items()
        ]
    report(f"{name}: small galleries measured")
    return rows


def measure_configurations(
    space: Labelled, fitted_on: NDArray[np.float32], draws: dict[str, Table]
) -> None:
    """Add one measurement of each configuration, of the raw and of the centred embeddings."""
    fitted = fit_once(fitted_on)
    centred = l2_normalise(space.embeddings - fitted.base.mean)
    searched = {"raw": space.embeddings, "centred": centred}
    for dim, power, shrinkage in CONFIGURATIONS:
        chosen = fitted.choose(dim=dim, power=power, shrinkage=shrinkage)
        searched[name_of(dim, power, shrinkage)] = chosen.apply(space.embeddings)
    for key, vectors in searched.items():
        draws.setdefault(key, []).append(measure(space, vectors))


def name_of(dim: int, power: float, shrinkage: float) -> str:
    """Return how the tables name a configuration."""
    return f"{dim}:{power:g}, s {shrinkage:g}"


def average(measurements: Table) -> dict[str, float]:
    """Return the mean of every figure over repeated draws."""
    return {
        name: round(float(np.mean([measured[name] for measured in measurements])), 3)
        for name in measurements[0]
    }


def draw_gallery(space: Labelled, count: int, *, most: int, seed: int) -> NDArray[np.intp]:
    """Draw whole labels, up to some images of each, in equal shares from every set."""
    generator = np.random.default_rng(seed)
    names = list(dict.fromkeys(space.sets.tolist()))
    chosen: list[int] = []
    for place, name in enumerate(names, start=1):
        wanted = count * place // len(names)
        for label in generator.permutation(np.unique(space.labels[space.sets == name])):
            members = generator.permutation(np.flatnonzero(space.labels == label))
            chosen += members[: min(most, wanted - len(chosen))].tolist()
            if len(chosen) == wanted:
                break
    return np.sort(np.array(chosen, dtype=np.intp))


def study_times(count: int = 20_000, dim: int = 1280) -> dict[str, float]:
    """Return the seconds that the default takes on embeddings of this shape, best of three."""
    rows = np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
    rows = l2_normalise(rows * np.linspace(1, 0.05, dim, dtype=np.float32))
    default = projection_choice.DEFAULT
    fitted = projection_fitting.fit(rows, dim=default.dim, power=default.power)
    return {
        "count": count,
        "dim": dim,
        "fit": best_of_three(
            lambda: projection_fitting.fit(rows, dim=default.dim, power=default.power)
        ),
        "apply": best_of_three(lambda: fitted.apply(rows)),
    }


def best_of_three(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of three runs."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return round(min(seconds), 3)


# Tables.


def tables(record: dict[str, Any]) -> str:
    """Return the record's tables as Markdown."""
    names = [name for name in record["collections"] if name != UNION]
    collections = "; ".join(
        f"{name} {count['pictures']} pictures, of which {count['queries']} have something to find"
        for name, count in record["collections"].items()
    )
    parts = [f"`{record['recipe']}`. {collections}."]
    parts.append(
        f"mAP in percent; NumPy {record['machine']['numpy']}, {record['machine']['cores']} cores. "
        f"Of two figures in a cell the first is for the queries of {names[0]}, the second for "
        f"those of {names[-1]}."
    )
    for space in [*names, UNION]:
        whole = [row for row in record["whole"] if row["space"] == space]
        shown = names if space == UNION else [space]
        parts += whole_tables(space, whole, shown)
    parts += sample_tables(record["samples"], names)
    parts += small_tables(record["small"], names)
    seconds = record["seconds"]
    parts.append(
        f"Seconds for {seconds['count']:,} x {seconds['dim']:,}: fit {seconds['fit']:.1f}, apply "
        f"{seconds['apply']:.1f} (best of three; other work shared the cores)."
    )
    return "\n\n".join(parts)


def whole_tables(space: str, whole: Table, shown: list[str]) -> list[str]:
    """Return the tables of one collection that was fitted and searched whole."""
    raw, centred = whole[0], whole[1]
    grid = {
        (row["dim"], row["power"], row["shrinkage"]): cell([row], shown)
        for row in whole
        if row["what"] == "projected"
    }
    plain = markdown(
        ["dim \\ power", *map(str, POWERS)],
        [[dim, *(grid[dim, power, 0.0] for power in POWERS)] for dim in DIMS],
    )
    shrunk = markdown(
        ["power, dim \\ shrinkage", *map(str, SHRINKAGES)],
        [
            [f"{power}, {dim}", *(grid[dim, power, shrinkage] for shrinkage in SHRINKAGES)]
            for power, dim in SHRUNK
        ],
    )
    return [
        f"### {space}, fitted on itself",
        f"Raw {cell([raw], shown)}, centred {cell([centred], shown)}. Without shrinkage:",
        plain,
        "With shrinkage:",
        shrunk,
    ]


def sample_tables(samples: Table, names: list[str]) -> list[str]:
    """Return the table of projections that were fitted on a sample."""
    heads = ["raw", "centred", *(name_of(*configuration) for configuration in CONFIGURATIONS)]
    body: list[list[object]] = []
    for space, count in product([*names, UNION], SAMPLE_COUNTS):
        of_sample = select(samples, {"space": space, "sample": count})
        shown = names if space == UNION else [space]
        cells = [cell(select(of_sample, {"what": head}), shown) for head in heads]
        body.append([f"{space}, {count}", *cells])
    title = f"### Fitted on a sample, searched whole (mean of {SAMPLE_DRAWS} samples)"
    return [title, markdown(["fitted on", *heads], body)]


def small_tables(small: Table, names: list[str]) -> list[str]:
    """Return the gain over the raw embeddings in small galleries: mean, and the worst case."""
    heads = ["centred", *(name_of(*configuration) for configuration in CONFIGURATIONS)]
    kinds = ", ".join(map(str, MOST_OF_A_LABEL))
    parts = [f"### Small galleries: gain over raw (mean of {GALLERY_DRAWS} draws)"]
    parts.append(
        "Each cell is the mean gain over both sets, their union, and galleries with at most "
        f"{kinds} pictures of a label, and after it the least gain among these."
    )
    for fitted_on in ("all", "half"):
        body = []
        for count in GALLERY_COUNTS:
            of_count = select(small, {"count": count, "fitted on": fitted_on})
            line: list[object] = [count]
            for head in heads:
                gains = gains_over_raw(of_count, head, names)
                line.append(f"{np.mean(gains):+.1f}, {min(gains):+.1f}")
            body.append(line)
        parts += [f"Fitted on {fitted_on} of the gallery:", markdown(["contents", *heads], body)]
    return parts


def gains_over_raw(rows: Table, what: str, names: list[str]) -> list[float]:
    """Return the gain in every kind of gallery, for the queries of each set."""
    gains = []
    for projected in select(rows, {"what": what}):
        kind = {key: projected[key] for key in ("space", "most of a label")}
        (raw,) = select(rows, {"what": "raw", **kind})
        gains += [projected[name] - raw[name] for name in names if name in raw]
    return gains


def select(rows: Table, wanted: dict[str, Any]) -> Table:
    """Return the rows that have these values."""
    return [row for row in rows if wanted.items() <= row.items()]


def cell(rows: Table, shown: list[str]) -> str:
    """Return the mean mAP of each shown set."""
    return " / ".join(f"{np.mean([row[name] for row in rows]):.1f}" for name in shown)


def markdown(head: list[str], body: list[list[object]]) -> str:
    """Return a Markdown table."""
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(str(value) for value in line)} |" for line in lines)


def insert_tables(page: Path, text: str) -> None:
    """Replace the text between the page's marks; the rest of the page is prose."""
    present = page.read_text(encoding="utf-8") if page.is_file() else "\n".join(MARKS)
    before, _, rest = present.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    page.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


def describe_machine() -> dict[str, Any]:
    """Return what the figures depend on besides the data."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def report(line: str) -> None:
    """Write a line to stderr."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

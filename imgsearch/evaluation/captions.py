"""Whether words find the pictures that they describe: text-to-image recall on captioned photos."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.errors import UsageError
from imgsearch.evaluation.embedding_plan import plan
from imgsearch.evaluation.embedding_run import Embedding, Loaded, Progress, Work
from imgsearch.evaluation.metrics.bootstrap import estimate, paired_difference
from imgsearch.evaluation.results import CaptionReport, CaptionResult, MetricResult
from imgsearch.networks.source import load_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth.image_files import ImageFiles
    from imgsearch.evaluation.networks import NetworkSource
    from imgsearch.evaluation.run import About
    from imgsearch.evaluation.variants import Variant
    from imgsearch.recipe import Recipe

CUTOFFS: Final = (1, 5, 10)
COLUMNS: Final = ("picture", "caption")
TEXTS_AT_ONCE: Final = 32
# As scores of queries are rounded, so that nearly equal ones are ties.
SCORE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Caption:
    """A text, and the pictures that it describes.

    Attributes:
        text: as it was written.
        pictures: their positions among the files, ascending, one at least.
    """

    text: str
    pictures: tuple[int, ...]


def read_captions(files: ImageFiles, path: Path) -> tuple[Caption, ...]:
    """Read a CSV file with the columns picture and caption.

    A picture may have several captions, a row each. A caption that several pictures have is asked
    once, and right are all of them. Paths are relative to the folder, or absolute and within it.
    Pictures without captions are searched all the same.

    Raises:
        UsageError: the file cannot be read, a line, named by its number, is not in this form or
            names a file that is not there, or there is no caption.
    """
    rows = _rows(path)
    _, header = next(rows, (1, []))
    if sorted(header) != sorted(COLUMNS):
        raise UsageError(
            f"{path}, line 1: the header is {','.join(header)!r}; expected {','.join(COLUMNS)}"
        )
    found: dict[str, set[int]] = {}
    for line, cells in rows:
        row = dict(zip(header, cells, strict=False))
        if len(cells) != len(COLUMNS) or not row["caption"]:
            raise UsageError(
                f"{path}, line {line}: expected a picture and a caption; quote captions that have "
                "commas"
            )
        try:
            position = files.locate(row["picture"])
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error
        found.setdefault(row["caption"], set()).add(position)
    if not found:
        raise UsageError(f"{path}: no caption; expected a line for each picture,caption")
    return tuple(Caption(text, tuple(sorted(pictures))) for text, pictures in found.items())


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of every row, stripped, with the number of its last line.

    Raises:
        UsageError: the file cannot be read, or is no CSV.
    """
    try:
        # File names need not be UTF-8: surrogate escapes carry them as they do in paths.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, [cell.strip() for cell in cells]
            except csv.Error as error:
                raise UsageError(f"{path}, line {reader.line_num}: not CSV ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def recalls(
    scores: NDArray[np.floating[Any]], right: Sequence[Sequence[int]], k: int
) -> NDArray[np.float64]:
    """Return recall@k of each text: the share of its right pictures among the first k.

    Scores are rounded to six decimals; equal ones are in the order of the pictures.

    Args:
        scores: of each text with each picture, shape (t, n).
        right: of each text, the columns of the pictures that it describes, one at least.
        k: at least 1.
    """
    # A stable sort of falling scores keeps the pictures' order among equals.
    order = np.argsort(-np.round(scores, SCORE_DECIMALS), axis=1, kind="stable")[:, :k]
    return np.array(
        [
            len(set(first.tolist()).intersection(wanted)) / len(wanted)
            for first, wanted in zip(order, right, strict=True)
        ]
    )


def evaluate_captions(
    files: ImageFiles,
    captions: Sequence[Caption],
    variants: Sequence[Variant],
    *,
    source: NetworkSource,
    cache: EmbeddingCache,
    work: Work,
    about: About,
) -> CaptionReport:
    """Measure for each recipe how well captions find their pictures among all of the folder's.

    Args:
        files: what is searched.
        captions: what is asked.
        variants: of one recipe each; differences are relative to the first.
        source: loads the recipes' networks and text encoders.
        cache: where the pictures' embeddings are kept.
        work: how to do it.
        about: where the report comes from.

    Raises:
        StoppedError: the caller asked to stop.
        UsageError: a variant is more than one recipe, or its recipe has no text encoder.
        ImgsearchError: a network cannot be loaded.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    recipes = [_only_recipe(variant) for variant in variants]
    texts = [caption.text for caption in captions]
    # Before anything that takes long; it says what to do where there is none.
    asked = {recipe: _embedded(source, recipe, texts, work) for recipe in dict.fromkeys(recipes)}
    embedding = Embedding(files.items, cache, work)
    for shared in plan(recipes):
        embedding.compute(shared, Loaded(source), embedding.missing(shared))
    readable = np.array([at not in embedding.unreadable for at in range(len(files.items))])
    columns = np.cumsum(readable) - 1
    kept = [
        (row, [int(columns[at]) for at in caption.pictures if readable[at]])
        for row, caption in enumerate(captions)
    ]
    kept = [(row, right) for row, right in kept if right]
    if not kept:
        raise UsageError("captions: none of the pictures that they describe can be read")
    rows, right = [row for row, _ in kept], [columns for _, columns in kept]
    # Captions of one picture are no independent witnesses.
    groups = [files.names[captions[row].pictures[0]] for row in rows]
    results: list[CaptionResult] = []
    first: Sequence[NDArray[np.float64] | None] = [None] * len(CUTOFFS)
    for done, recipe in enumerate(recipes):
        pictures = embedding.read(recipe)[readable]
        scores = asked[recipe][rows].astype(np.float64) @ pictures.T.astype(np.float64)
        values = [recalls(scores, right, k) for k in CUTOFFS]
        results.append(_result(recipe, values, first, groups))
        first = values if done == 0 else first
        work.progress(Progress("evaluate", done + 1, len(recipes)))
    return CaptionReport(
        command=about.command,
        folder=about.folder,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        captions=len(kept),
        pictures=int(readable.sum()),
        variants=tuple(results),
        unreadable=tuple(
            (str(files.items[at].path), reason)
            for at, reason in sorted(embedding.unreadable.items())
        ),
    )


def _only_recipe(variant: Variant) -> Recipe:
    recipes = variant.composition.recipes
    if len(recipes) != 1:
        raise UsageError(
            f"captions: {variant.composition.backbone} is several embeddings in one; words belong "
            "to a single network at a single size"
        )
    return recipes[0]


def _embedded(
    source: NetworkSource, recipe: Recipe, texts: Sequence[str], work: Work
) -> NDArray[np.float32]:
    tower = load_text(source, recipe)
    parts = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        work.go_on()
        parts.append(tower.embed_text(texts[start : start + TEXTS_AT_ONCE]))
    return np.concatenate(parts)


def _result(
    recipe: Recipe,
    values: Sequence[NDArray[np.float64]],
    first: Sequence[NDArray[np.float64] | None],
    groups: Sequence[str],
) -> CaptionResult:
    return CaptionResult(
        backbone=recipe.backbone,
        pooling=recipe.pooling,
        size=recipe.size,
        resize=recipe.resize,
        dim=recipe.dim,
        recipe=recipe.identifier,
        metrics=tuple(
            MetricResult(
                metric=f"recall@{k}",
                estimate=estimate(found, groups),
                difference=paired_difference(found, base, groups) if base is not None else None,
                queries=len(found),
                skipped=0,
            )
            for k, found, base in zip(CUTOFFS, values, first, strict=True)
        ),
    )

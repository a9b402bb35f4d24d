"""The results of an evaluation, from which tables, reports and JSON documents are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgsearch.evaluation.ground_truth.values import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % bootstrap interval.

    Attributes:
        value: the figure, as its metric defines it; NaN where no query counts.
        low: lower end of the interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricResult:
    """One metric of one variant over one ground truth.

    Attributes:
        metric: its name, such as "mAP" or "recall@10".
        estimate: mean over the queries that count, with its interval.
        difference: from the first variant of the run, paired by query, with its interval;
            None for the first variant itself.
        queries: number of queries that count.
        skipped: number of queries left out because they have no relevant item.
    """

    metric: str
    estimate: Estimate
    difference: Estimate | None
    queries: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a variant costs on this machine, measured in the same run as its quality.

    Attributes:
        decode_rate: images/s of reading, decoding and resizing alone, on all cores.
        network_rate: images/s of the backbone and the pooling alone, on all cores.
        query_milliseconds: median of one query over the gallery, without its embedding.
        weights_megabytes: of the backbones' weights, 10^6 bytes.
        bytes_per_image: in the search index.
        peak_megabytes: the process's largest resident memory so far, 10^6 bytes.
    """

    decode_rate: float
    network_rate: float
    query_milliseconds: float
    weights_megabytes: float
    bytes_per_image: float
    peak_megabytes: float

    @property
    def pipeline_rate(self) -> float:
        """Images/s from file to embedding, when decoding and network take turns on all cores."""
        both = self.decode_rate + self.network_rate
        return self.decode_rate * self.network_rate / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StripMatch:
    """One match in a strip of thumbnails, relevant or not."""

    item: Item
    score: float
    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A query and its first matches, to be shown as thumbnails.

    Attributes:
        query: what was searched for.
        group: its class.
        average_precision: 0 to 1.
        matches: the first ones, best first, junk left out.
    """

    query: Item
    group: str
    average_precision: float
    matches: tuple[StripMatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigure:
    """The main metric over the queries of one group.

    Attributes:
        group: the class.
        queries: number of its queries that count.
        value: mean of the main metric over them.
    """

    group: str
    queries: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantResult:
    """The figures and costs of one variant: recipe, projection and post-processing.

    Attributes:
        name: in the table, such as "mobilenet_v2 gap 224 squash · projection 160:0.5".
        backbone: name of the backbone or backbones, joined by "+".
        pooling: likewise.
        size: input side in pixels, likewise, as text.
        resize: likewise.
        dim: of the embeddings that are searched.
        projection: as on the command line, such as "160:0.5" or "none".
        post_processing: such as "expand 3:3" or "" for none.
        recipes: identifiers of the recipes whose embeddings it searches.
        metrics: in the order in which they were asked for; the first is the main one.
        cost: on this machine.
        pareto: no other variant is at least as good and as fast, and better or faster.
        groups: the main metric by class, worst first.
        best: strips of the queries that went best.
        worst: strips of those that went worst.
    """

    name: str
    backbone: str
    pooling: str
    size: str
    resize: str
    dim: int
    projection: str
    post_processing: str
    recipes: tuple[str, ...]
    metrics: tuple[MetricResult, ...]
    cost: Cost
    pareto: bool
    groups: tuple[GroupFigure, ...] = ()
    best: tuple[Strip, ...] = ()
    worst: tuple[Strip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruthResult:
    """All variants over one ground truth.

    Attributes:
        name: of the ground truth.
        queries: their number.
        gallery: number of images that are searched.
        variants: in the order of the run.
    """

    name: str
    queries: int
    gallery: int
    variants: tuple[VariantResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """The results of a whole evaluation.

    Attributes:
        command: as it was typed.
        folder: what was evaluated.
        started: time in UTC, ISO 8601.
        seconds: duration.
        versions: (package, version) of everything that affects the figures.
        machine: processor, cores, memory and operating system, in words.
        ground_truths: in the order given.
        unreadable: (path, reason) of files that were left out.
        notes: sentences that a reader of the figures must know.
    """

    command: str
    folder: str
    started: str
    seconds: float
    versions: tuple[tuple[str, str], ...]
    machine: str
    ground_truths: tuple[GroundTruthResult, ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionResult:
    """How well a recipe's words find the pictures that they describe.

    Attributes:
        backbone: the recipe's, as are the others.
        pooling: how the network pools.
        size: side of the input in pixels.
        resize: how images become squares.
        dim: length of the embeddings.
        recipe: its identifier.
        metrics: recall@1, @5 and @10, each over all captions.
    """

    backbone: str
    pooling: str
    size: int
    resize: str
    dim: int
    recipe: str
    metrics: tuple[MetricResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionReport:
    """Text-to-image recall of several recipes on one folder.

    Attributes:
        command: as it was typed.
        folder: what was searched.
        started: moment in UTC, ISO 8601.
        seconds: wall-clock time.
        captions: how many were asked.
        pictures: how many were searched.
        variants: in the order of the run.
        unreadable: path and reason of files that were left out.
    """

    command: str
    folder: str
    started: str
    seconds: float
    captions: int
    pictures: int
    variants: tuple[CaptionResult, ...]
    unreadable: tuple[tuple[str, str], ...] = ()

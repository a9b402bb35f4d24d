"""What an evaluation found, as values: the table, the report and the JSON are drawn from these."""

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
        metric: its short name, such as "mAP" or "recall@10".
        estimate: mean over the queries that count, with its interval.
        difference: to the first variant of the run, paired query by query, with its interval;
            None for the first variant itself.
        queries: how many queries count.
        skipped: how many have nothing relevant and are left out.
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
        query_milliseconds: of one query over the gallery, without its embedding: median.
        weights_megabytes: of the backbones' weights, 10^6 bytes.
        bytes_per_image: of one picture in the search index.
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
        """Images/s from file to embedding: decoding and network take turns on all cores."""
        both = self.decode_rate + self.network_rate
        return self.decode_rate * self.network_rate / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StripMatch:
    """One answer in a picture strip.

    Attributes:
        item: the picture.
        score: its score.
        relevant: whether it is a right answer.
    """

    item: Item
    score: float
    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A query and its first answers, to be looked at.

    Attributes:
        query: the picture asked about.
        group: its class.
        average_precision: 0 to 1.
        matches: the first answers, best first, junk left out.
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
        queries: how many of its queries count.
        value: mean of the main metric over them.
    """

    group: str
    queries: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantResult:
    """What one variant (recipe, projection and post-processing) reaches and costs.

    Attributes:
        name: in the table, such as "mobilenet_v2 gap 224 squash · projected 160:0.5".
        backbone: label of the backbone or backbones, joined by "+".
        pooling: likewise.
        size: input side in pixels, likewise, as text.
        resize: likewise.
        dim: length of what is searched.
        projection: as on the command line, such as "160:0.5" or "none".
        post_processing: such as "expand 3:3" or "" for none.
        recipes: identifiers of the recipes whose embeddings it searches.
        metrics: in the order in which they were asked for; the first is the main one.
        cost: what it costs.
        pareto: no other variant is at least as good and as fast, and better in one of both.
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
        queries: how many questions it asks.
        gallery: how many pictures are searched.
        variants: one result each, in the order of the run.
    """

    name: str
    queries: int
    gallery: int
    variants: tuple[VariantResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """An evaluation, whole.

    Attributes:
        command: as it was typed.
        folder: what was evaluated.
        started: moment in UTC, ISO 8601.
        seconds: how long it took.
        versions: (package, version) of all that decides a figure.
        machine: processor, cores, memory and operating system, in words.
        ground_truths: one result each.
        unreadable: (path, reason) of pictures that could not be read and were left out.
        notes: sentences that a reader must know, such as which weights were random.
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

# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch evaluate`, and those that `imgsearch recommend` shares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.errors import UsageError
from imgsearch.recipe import AUTO, PREPROCESSINGS, RecipeRequest

if TYPE_CHECKING:
    from imgsearch.evaluation.embedding_cache import EmbeddingCache
    from imgsearch.evaluation.ground_truth import GroundTruth
    from imgsearch.evaluation.variants import Grid

TRUTH_PANEL: Final = "What belongs together (default: each folder is a class)"
GRID_PANEL: Final = "What is compared (each may be repeated; all combinations are evaluated)"
NETWORK_PANEL: Final = "Networks"
WORK_PANEL: Final = "Work"
OUTPUT_PANEL: Final = "Output"
NEEDS_EDITS: Final = "--edited says how many pictures --self-supervised edits; give both"


@dataclass(frozen=True)
class TruthOptions:
    """Which pictures, and what is right."""

    truth: Annotated[
        str | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="A table of queries with their relevant and junk pictures: .csv or .jsonl "
            "(docs/ground-truth.md).",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="REGEX",
            help=r"What its first group finds in a path is the class: '(.+)_\d+\.jpg'.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    revisited: Annotated[
        str | None,
        typer.Option(
            "--revisited",
            metavar="PKL",
            help="gnd_roxford5k.pkl or gnd_rparis6k.pkl: easy, medium and hard.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    holidays: Annotated[
        bool,
        typer.Option(
            "--holidays", help="File names of INRIA Holidays.", rich_help_panel=TRUTH_PANEL
        ),
    ] = False
    ukbench: Annotated[
        bool,
        typer.Option("--ukbench", help="File names of UKBench.", rich_help_panel=TRUTH_PANEL),
    ] = False
    self_supervised: Annotated[
        bool,
        typer.Option(
            "--self-supervised",
            help="No labels: edited copies of the pictures ask for the originals.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = False
    edited: Annotated[
        int | None,
        typer.Option(
            "--edited",
            metavar="N",
            min=1,
            help="How many pictures are edited (default: 250).",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = None
    exclude: Annotated[
        list[str],
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="Leave out what matches; may be repeated.",
            rich_help_panel=TRUTH_PANEL,
        ),
    ] = field(default_factory=list)
    follow_symlinks: Annotated[
        bool,
        typer.Option(
            "--follow-symlinks", help="Follow symbolic links.", rich_help_panel=TRUTH_PANEL
        ),
    ] = False

    def check(self) -> None:
        """Refuse two kinds of ground truth at once.

        Raises:
            UsageError: names the options.
        """
        given = {
            "--truth": self.truth is not None,
            "--group": self.group is not None,
            "--revisited": self.revisited is not None,
            "--holidays": self.holidays,
            "--ukbench": self.ukbench,
            "--self-supervised": self.self_supervised,
        }
        named = [name for name, there in given.items() if there]
        if len(named) > 1:
            raise UsageError(
                f"{' and '.join(named)} each say what belongs together; give one of them"
            )
        if self.edited is not None and not self.self_supervised:
            raise UsageError(NEEDS_EDITS)

    def read(self, folder: str) -> "tuple[GroundTruth, ...]":
        """Return what belongs together among the pictures of a folder.

        Raises:
            UsageError: options or annotations that make no sense, or a folder without pictures.
            OSError: an annotation file cannot be read.
        """
        from imgsearch.evaluation.photos import find_photos

        self.check()
        photos = find_photos(
            folder, exclude=tuple(self.exclude), follow_symlinks=self.follow_symlinks
        )
        if self.truth is not None:
            from imgsearch.evaluation.tables import read_table

            return read_table(photos, Path(self.truth))
        if self.revisited is not None:
            from imgsearch.evaluation.revisited import read_revisited

            return read_revisited(photos, Path(self.revisited))
        if self.self_supervised:
            from imgsearch.evaluation.self_supervised import DEFAULT_PICTURES, ask_with_edits

            return ask_with_edits(photos, pictures=self.edited or DEFAULT_PICTURES)
        from imgsearch.evaluation import folders, naming

        if self.group is not None:
            return naming.read_groups(photos, self.group)
        if self.holidays:
            return naming.read_holidays(photos)
        return naming.read_ukbench(photos) if self.ukbench else folders.read_folders(photos)


@dataclass(frozen=True)
class GridOptions:
    """What is compared."""

    backbone: Annotated[
        list[str],
        typer.Option(
            "--backbone",
            metavar="NAME",
            help="As for 'imgsearch index'; A+B puts two side by side (default: auto).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    concatenate: Annotated[
        list[str],
        typer.Option(
            "--concatenate",
            metavar="A+B",
            help="Embeddings of several backbones side by side; the same as --backbone A+B.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    layer: Annotated[
        list[str],
        typer.Option(
            "--layer",
            metavar="NAME",
            help="A layer; A+B puts two side by side (default: auto, the last one).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    pooling: Annotated[
        list[str],
        typer.Option(
            "--pooling",
            metavar="METHOD",
            help="gap (default), gmp, gem, gem:POWER, rmac or rmac:LEVELS.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    size: Annotated[
        list[str],
        typer.Option(
            "--size",
            metavar="PX",
            help="Side of the input in pixels, or a multiple of the network's own: 1.5x.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    resize: Annotated[
        list[str],
        typer.Option(
            "--resize",
            metavar="METHOD",
            help="squash (default), pad or crop.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    scales: Annotated[
        list[str],
        typer.Option(
            "--scales",
            metavar="LIST",
            help="Embed at several sizes and sum: 1,0.7,1.4 (default: 1).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    projection: Annotated[
        list[str],
        typer.Option(
            "--projection",
            metavar="WHICH",
            help="auto (default, what a gallery does), none, centred, or "
            "DIM[:POWER[:SHRINKAGE]]; fitted on what is searched.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    augment: Annotated[
        list[str],
        typer.Option(
            "--augment",
            metavar="K[:ALPHA]",
            help="Database augmentation with K neighbours, or none (default).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    expand: Annotated[
        list[str],
        typer.Option(
            "--expand",
            metavar="K[:ALPHA]",
            help="Query expansion with the first K answers, or none (default).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    rerank: Annotated[
        list[str],
        typer.Option(
            "--rerank",
            metavar="K1:K2:LAMBDA",
            help="k-reciprocal re-ranking, such as 20:6:0.3, or none (default).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)

    def grid(self, requests: dict[str, RecipeRequest]) -> "Grid":
        """Return what was asked for, defaults filled in.

        Raises:
            UsageError: a concatenation of one network.
        """
        from imgsearch.evaluation.variants import JOIN, Grid

        for text in self.concatenate:
            if JOIN not in text:
                raise UsageError(f"--concatenate: {text!r} is one network; join several by '+'")
        none = ("none",)
        return Grid(
            backbones=(*self.backbone, *self.concatenate) or (AUTO,),
            layers=self.layer or (AUTO,),
            poolings=self.pooling or ("gap",),
            sizes=self.size or (AUTO,),
            resizes=self.resize or ("squash",),
            scales=self.scales or ("1",),
            projections=self.projection or (AUTO,),
            augmentations=self.augment or none,
            expansions=self.expand or none,
            rerankings=self.rerank or none,
            requests=requests,
        )


@dataclass(frozen=True)
class NetworkOptions:
    """What networks need besides their names."""

    weights: Annotated[
        list[str],
        typer.Option(
            "--weights",
            metavar="NAME=FILE",
            help="A local weights file for a network, or NAME=random: costs without a download.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    preprocessing: Annotated[
        list[str],
        typer.Option(
            "--preprocessing",
            metavar="FILE=MODE",
            help="What the pixels go through for your own network: raw, unit, tf, torch, caffe.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    trust_model: Annotated[
        list[str],
        typer.Option(
            "--trust-model",
            metavar="SHA256",
            help="Checksum that vouches for your own network's file.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Never download weights.", rich_help_panel=NETWORK_PANEL),
    ] = False

    def requests(self, backbones: Sequence[str]) -> dict[str, RecipeRequest]:
        """Return what the networks bring besides their names, by name.

        Args:
            backbones: as given, perhaps joined by "+".

        Raises:
            UsageError: an option that names no network of these, or makes no sense.
        """
        from imgsearch.evaluation.variants import JOIN

        names = {name: name for text in backbones for name in (text, *text.split(JOIN))}
        found: dict[str, RecipeRequest] = {}
        files = _by_name(self.weights, "--weights", names)
        modes = _by_name(self.preprocessing, "--preprocessing", names)
        for name in names:
            mode = modes.get(name)
            if mode is not None and mode not in PREPROCESSINGS:
                raise UsageError(
                    f"--preprocessing: {mode!r} is none of {', '.join(PREPROCESSINGS)}"
                )
            own = name.endswith(".keras")
            trusted = self._vouched(name) if own else None
            if name in files or mode is not None or trusted is not None:
                found[name] = RecipeRequest(
                    weights=Path(files[name]) if name in files else None,
                    preprocessing=mode,
                    trusted_sha256=trusted,
                )
        return found

    def _vouched(self, name: str) -> str | None:
        """Return the given checksum that is the file's, or else the first one given."""
        given = [text.strip().lower().removeprefix("sha256:") for text in self.trust_model]
        if len(given) > 1 and Path(name).is_file():
            from imgsearch.backbones.weights import fingerprint

            own = fingerprint(Path(name)).removeprefix("sha256:")
            return own if own in given else given[0]
        return given[0] if given else None


@dataclass(frozen=True)
class WorkOptions:
    """How the work is done."""

    cache: Annotated[
        str | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Where embeddings are kept (default: the platform's cache folder).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = None
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            help="Forget the embeddings afterwards, and take none from before.",
            rich_help_panel=WORK_PANEL,
        ),
    ] = False
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=1,
            help="Pictures that go through a network at once (default: 32).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = 32
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Decoding threads (default: one a processor).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = None

    def embedding_cache(self, temporary: Path) -> "EmbeddingCache":
        """Return where embeddings are kept.

        Args:
            temporary: a folder that goes away after the run.

        Raises:
            UsageError: a place for what is not to be kept.
        """
        from imgsearch.evaluation.embedding_cache import EmbeddingCache, default_folder

        if self.no_cache and self.cache is not None:
            raise UsageError("--cache names a place that --no-cache does not use; give one of them")
        if self.no_cache:
            return EmbeddingCache(temporary)
        return EmbeddingCache(default_folder() if self.cache is None else Path(self.cache))


@dataclass(frozen=True)
class ResultOptions:
    """What comes out."""

    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            metavar="NAME",
            help="May be repeated; the first decides (default: mAP, hit-rate@1). Also mAP@K, "
            "precision@K, recall@K, R-precision, MAP@R, nDCG@K, MRR, N-S, mP@K, micro-AP, "
            "mAP-trapezoid.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = field(default_factory=list)
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write one HTML file with plot, tables and pictures.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON document on standard output.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

    def report_path(self) -> Path | None:
        """Return where the report goes.

        Raises:
            UsageError: there is no such folder; better said now than after an hour's work.
        """
        if self.report is None:
            return None
        path = Path(self.report)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"--report: {path} cannot be a file; its folder has to exist")
        return path


def _by_name(texts: Sequence[str], option: str, names: dict[str, str]) -> dict[str, str]:
    """Return what "NAME=VALUE" says, by the name as it was given to --backbone."""
    by_spelling = {_spelling(name): name for name in names}
    found = {}
    for text in texts:
        # A path may hold a "=" on either side.
        for name, _, value in (text.partition("="), text.rpartition("=")):
            known = names.get(name) or by_spelling.get(_spelling(name))
            if known is not None and value:
                found[known] = value
                break
        else:
            raise UsageError(
                f"{option}: {text!r} is not NAME=VALUE with the NAME of a --backbone, as in "
                "--backbone resnet50 --weights resnet50=copy.h5"
            )
    return found


def _spelling(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()

# No postponed annotations here: Typer evaluates them when the commands are built.
"""How the work of an evaluation is done, and what comes out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from imgsearch.evaluation.embedding_cache import EmbeddingCache

WORK_PANEL: Final = "Work"
OUTPUT_PANEL: Final = "Output"


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

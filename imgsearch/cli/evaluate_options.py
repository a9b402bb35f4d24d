# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of an evaluation's run and of its output."""

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
    """Cache, batches and threads."""

    cache: Annotated[
        str | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Folder for cached embeddings (default: in the platform's cache folder).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = None
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            help="Neither use nor keep cached embeddings.",
            rich_help_panel=WORK_PANEL,
        ),
    ] = False
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=1,
            help="Images per batch of the network (default: 32).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = 32
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Decoding threads (default: one per processor).",
            rich_help_panel=WORK_PANEL,
        ),
    ] = None

    def embedding_cache(self, temporary: Path) -> "EmbeddingCache":
        """Return the cache of embeddings.

        Args:
            temporary: a folder that is deleted after the run, for `--no-cache`.

        Raises:
            UsageError: both `--cache` and `--no-cache` are given.
        """
        from imgsearch.evaluation.embedding_cache import EmbeddingCache, default_folder

        if self.no_cache and self.cache is not None:
            raise UsageError("--cache and --no-cache exclude each other; give one of them")
        if self.no_cache:
            return EmbeddingCache(temporary)
        return EmbeddingCache(default_folder() if self.cache is None else Path(self.cache))


@dataclass(frozen=True)
class ResultOptions:
    """Metrics, report and JSON."""

    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            metavar="NAME",
            help="May be repeated; the first one decides the order (default: mAP, hit-rate@1). "
            "Also mAP@K, precision@K, recall@K, R-precision, MAP@R, nDCG@K, MRR, N-S, mP@K, "
            "micro-AP, mAP-trapezoid.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = field(default_factory=list)
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write one HTML file with plot, tables and thumbnails.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = None
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the result as JSON on standard output.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

    def report_path(self) -> Path | None:
        """Return the report's path, checked before the evaluation starts.

        Raises:
            UsageError: its folder does not exist, or it is a folder itself.
        """
        if self.report is None:
            return None
        path = Path(self.report)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(
                f"--report: {path} cannot be written; give a file in a folder that exists"
            )
        return path

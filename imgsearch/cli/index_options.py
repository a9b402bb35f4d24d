# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch index`: which files, and how the run goes about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch import addresses
from imgsearch.cli.inputs import listed_files
from imgsearch.cli.settings import JsonOption
from imgsearch.errors import UsageError
from imgsearch.indexing.report import SECONDS_PER_FILE
from imgsearch.networks.runtimes.runtime import RuntimeChoice

if TYPE_CHECKING:
    from imgsearch.indexing.executor import Executor

FILES_PANEL: Final = "Files"


@dataclass(frozen=True)
class FileOptions:
    """Which files are indexed."""

    exclude: Annotated[
        list[str],
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="Leave out matching files and folders; may be repeated. Remembered with the "
            "folders until others are given; '' clears them.",
            rich_help_panel=FILES_PANEL,
        ),
    ] = field(default_factory=list)
    follow_symlinks: Annotated[
        bool | None,
        typer.Option(
            "--follow-symlinks/--no-follow-symlinks",
            help="Follow symbolic links; --no-follow-symlinks undoes it. Remembered with the "
            "folders.",
            rich_help_panel=FILES_PANEL,
        ),
    ] = None
    any_name: Annotated[
        bool,
        typer.Option(
            "--any-name",
            help="Look into files without a suffix, or with an unknown one, and take those that "
            "are pictures. What was taken stays in the gallery.",
            rich_help_panel=FILES_PANEL,
        ),
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="K/N",
            help="Only the K-th of N shares of the files, such as 3/16, by a hash of their paths "
            "beneath the folders named. Remembered; 'imgsearch merge' joins the galleries.",
            rich_help_panel=FILES_PANEL,
        ),
    ] = None
    files_from: Annotated[
        str | None,
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Read paths from a file, one per line ('-': standard input).",
            rich_help_panel=FILES_PANEL,
        ),
    ] = None
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="Paths in that file end with NUL, as 'find -print0' writes them.",
            rich_help_panel=FILES_PANEL,
        ),
    ] = False

    def paths(self, named: Sequence[str]) -> list[Path]:
        """Return the paths given as arguments and those in the list.

        Raises:
            UsageError: `--null` without `--files-from`.
        """
        if self.null and self.files_from is None:
            raise UsageError("--null describes the list of --files-from; give --files-from too")
        listed = [] if self.files_from is None else listed_files(self.files_from, null=self.null)
        return [*map(addresses.named, named), *listed]


@dataclass(frozen=True)
class RunOptions:
    """Batches, threads, runtime and index."""

    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=1,
            help="Images per batch of the network (default: 32).",
        ),
    ] = 32
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", min=1, help="Decoding threads (default: one per processor)."
        ),
    ] = None
    seconds_per_file: Annotated[
        float,
        typer.Option(
            "--seconds-per-file",
            metavar="SECONDS",
            min=0,
            help="Give up a file that takes longer to decode (default: 30; 0: never).",
        ),
    ] = SECONDS_PER_FILE
    runtime: Annotated[
        RuntimeChoice,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="What runs the network: auto (default: the fastest, measured once on this "
            "machine), quick (the first to start), litert, openvino or tensorflow.",
        ),
    ] = "auto"
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            help="Threads of the network (default: one per processor).",
        ),
    ] = None
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="ADDRESS",
            help="Read and embed on the machines of a Ray cluster, such as ray://head:10001, which "
            "all see the same folders; 'ray://local' is a cluster of this machine alone. --threads "
            "are then the processors of each worker (default: all of its machine's).",
        ),
    ] = None
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="KIND",
            help="Kind of index: auto (default: exact as long as that is fast), exact, or a FAISS "
            "factory string such as 'IVF4096,SQ8'. Remembered.",
        ),
    ] = None
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="Memory limit of the index, such as 300MB or 1.5GB (default: 1GiB). Remembered.",
        ),
    ] = None
    regions: Annotated[
        bool | None,
        typer.Option(
            "--regions/--no-regions",
            help="Also make parts of pictures that 'query --anywhere' searches: once, and from "
            "then on with every run; how many bytes they take is said before. --no-regions drops "
            "them.",
        ),
    ] = None
    regions_like: Annotated[
        Path | None,
        typer.Option(
            "--regions-like",
            metavar="GALLERY",
            help="Make these parts with the projection of another gallery of the same recipe, so "
            "that 'merge' can join both; it has parts of 300 pictures or more.",
        ),
    ] = None
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash",
            help="Read every file again, even where size, times and inode are as they were.",
        ),
    ] = False
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 3 as long as any file cannot be read, not only for new ones.",
        ),
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be done, and change nothing.")
    ] = False
    json: JsonOption = False

    def executor(self) -> "Executor | None":
        """Return what reads and embeds; None for this machine.

        Raises:
            UsageError: `--on` is no address of machines.
        """
        if self.on is None:
            return None
        from imgsearch.workers.choosing import executor_on

        return executor_on(self.on, processors=self.threads)

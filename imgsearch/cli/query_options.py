# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options of `imgsearch query`."""

from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from imgsearch.cli import completion
from imgsearch.errors import UsageError
from imgsearch.networks.runtimes.runtime import RuntimeChoice
from imgsearch.recipe import AUTO

SEARCH_PANEL: Final = "Search"
OUTPUT_PANEL: Final = "Output"


@dataclass(frozen=True)
class SearchOptions:
    """What is asked, and which embeddings are searched."""

    k: Annotated[
        int,
        typer.Option(
            "-k",
            metavar="K",
            min=1,
            help="How many matches (default: 10).",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = 10
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            metavar="SCORE",
            help="Leave out matches with a lower score: a cosine similarity, from -1 to 1 (the "
            "same). Scores compare within one gallery and recipe only, and fall when it reaches "
            "250 contents and is searched through a projection.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = None
    crop: Annotated[
        str | None,
        typer.Option(
            "--crop",
            metavar="X,Y,W,H",
            help="Ask about a part of the picture, in pixels or percent: 10%,20%,50%,50%.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = None
    anywhere: Annotated[
        bool,
        typer.Option(
            "--anywhere",
            help="Search parts of pictures too, and say where each match has what you ask about. "
            "Takes an 'imgsearch index --regions' once.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = False
    minus: Annotated[
        list[str],
        typer.Option(
            "--minus",
            metavar="IMAGE",
            help="Stay away from this picture; may be repeated.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = field(default_factory=list)
    expand: Annotated[
        str | None,
        typer.Option(
            "--expand",
            metavar="K[:ALPHA]",
            help="Move the query towards its first K matches in the whole gallery, weighted by "
            "score to the power ALPHA (default: 3), and search again. Better where a picture has "
            "many right answers, worse where it has none.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = None
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compare with every picture. In galleries of more than 5,000 an index finds "
            "nearly all of the nearest (`info` says how many), and far sooner.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = False
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="Answer each image on its own as soon as it is read, instead of their mean.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = False
    files_from: Annotated[
        str | None,
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Read images from a list, one per line ('-': standard input, answered as it "
            "comes); implies --each.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = None
    copies: Annotated[
        bool,
        typer.Option(
            "--copies",
            help="Only matches that are the same picture: copies, edits and other exposures of "
            "it, among the 50 nearest. Without it, each match says so.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = False
    include_self: Annotated[
        bool,
        typer.Option(
            "--include-self",
            help="Do not leave the queried files out of the answer.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = False
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="RECIPE",
            autocompletion=completion.recipes,
            help="Search another recipe's embeddings: a backbone's name, or the first digits of "
            "an identifier that 'imgsearch info' shows.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = None
    projection: Annotated[
        str,
        typer.Option(
            "--projection",
            metavar="WHICH",
            help="What is searched: auto (default), none (the embeddings themselves), centred "
            "(the same minus their mean), or a projection of DIM, DIM:POWER or "
            "DIM:POWER:SHRINKAGE.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = AUTO
    runtime: Annotated[
        RuntimeChoice,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="What runs the network: quick (default: starts soonest), auto (the fastest "
            "for many pictures), litert, openvino or tensorflow.",
            rich_help_panel=SEARCH_PANEL,
        ),
    ] = "quick"
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Never download weights.", rich_help_panel=SEARCH_PANEL),
    ] = False


@dataclass(frozen=True)
class FormOptions:
    """The form in which answers are printed."""

    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON document; with --each or --files-from, one per image, a line each.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="One JSON object per match, a line each.", rich_help_panel=OUTPUT_PANEL
        ),
    ] = False
    csv: Annotated[
        bool,
        typer.Option("--csv", help="Comma-separated values.", rich_help_panel=OUTPUT_PANEL),
    ] = False
    paths: Annotated[
        bool,
        typer.Option("--paths", help="One path per line.", rich_help_panel=OUTPUT_PANEL),
    ] = False
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="End paths with NUL, both those printed and those in a list of files.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

    def form(self) -> str:
        """Return the form that was asked for, "table" if none was.

        Raises:
            UsageError: more than one.
        """
        forms = [name for name in ("json", "jsonl", "csv", "paths") if getattr(self, name)]
        if len(forms) > 1:
            raise UsageError(f"--{' and --'.join(forms)} exclude each other; give one of them")
        return forms[0] if forms else "table"


@dataclass(frozen=True)
class OutputOptions(FormOptions):
    """How matches are printed."""

    all_files: Annotated[
        bool,
        typer.Option(
            "--all-files",
            help="List exact duplicates as matches of their own.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ] = False

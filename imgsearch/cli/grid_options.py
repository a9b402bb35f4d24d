# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options for what an evaluation compares."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import typer

from imgsearch.cli import completion
from imgsearch.errors import UsageError
from imgsearch.recipe import AUTO, RecipeRequest

if TYPE_CHECKING:
    from imgsearch.evaluation.grid import Grid

GRID_PANEL: Final = "What is compared (each may be repeated; all combinations are evaluated)"


@dataclass(frozen=True)
class GridOptions:
    """What is compared; every option may be repeated."""

    backbone: Annotated[
        list[str],
        typer.Option(
            "--backbone",
            metavar="NAME",
            autocompletion=completion.backbones,
            help="As for 'imgsearch index'; A+B concatenates two (default: auto).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    concatenate: Annotated[
        list[str],
        typer.Option(
            "--concatenate",
            metavar="A+B",
            help="Concatenate the embeddings of several backbones; the same as --backbone A+B.",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    layer: Annotated[
        list[str],
        typer.Option(
            "--layer",
            metavar="NAME",
            help="A layer; A+B concatenates two (default: auto, the last convolutional one).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    pooling: Annotated[
        list[str],
        typer.Option(
            "--pooling",
            metavar="METHOD",
            help="gap (default), gmp, gem, gem:POWER, rmac or rmac:LEVELS; cls or map, which some "
            "networks of KerasHub have (and is then the default).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    size: Annotated[
        list[str],
        typer.Option(
            "--size",
            metavar="PX",
            help="Input size in pixels, or a multiple of the network's own: 1.5x.",
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
            help="Embed at several multiples of the size and sum: 1,0.7,1.4 (default: 1).",
            rich_help_panel=GRID_PANEL,
        ),
    ] = field(default_factory=list)
    projection: Annotated[
        list[str],
        typer.Option(
            "--projection",
            metavar="WHICH",
            help="auto (default, what a gallery does), none, centred, or "
            "DIM[:POWER[:SHRINKAGE]]; fitted on the gallery's embeddings.",
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
            help="Query expansion with the first K matches, or none (default).",
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
        """Return the grid, with defaults filled in.

        Raises:
            UsageError: `--concatenate` with one network only.
        """
        from imgsearch.evaluation.grid import Grid
        from imgsearch.evaluation.variants import JOIN

        for text in self.concatenate:
            if JOIN not in text:
                raise UsageError(f"--concatenate: {text!r} is one network; join several with '+'")
        none = ("none",)
        return Grid(
            backbones=(*self.backbone, *self.concatenate) or (AUTO,),
            layers=self.layer or (AUTO,),
            poolings=self.pooling or (AUTO,),
            sizes=self.size or (AUTO,),
            resizes=self.resize or (AUTO,),
            scales=self.scales or ("1",),
            projections=self.projection or (AUTO,),
            augmentations=self.augment or none,
            expansions=self.expand or none,
            rerankings=self.rerank or none,
            requests=requests,
        )

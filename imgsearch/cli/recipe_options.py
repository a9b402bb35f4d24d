# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options that make up a recipe, and those with which a custom model is looked into."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from imgsearch.cli import completion
from imgsearch.errors import UsageError
from imgsearch.recipe import AUTO, DECODER_VERSION, Precision, Preprocessing, RecipeRequest, Resize

BACKBONE_PANEL: Final = "Embeddings"
_SHA256: Final = re.compile(r"(sha256:)?([0-9a-fA-F]{64})")

TrustModel = Annotated[
    str | None,
    typer.Option(
        "--trust-model",
        metavar="SHA256",
        help="SHA-256 of a custom model's file, if you trust it.",
        rich_help_panel=BACKBONE_PANEL,
    ),
]


@dataclass(frozen=True)
class RecipeOptions:
    """The options that make up a recipe."""

    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            metavar="NAME",
            autocompletion=completion.backbones,
            help="A name from 'imgsearch backbones', 'auto', the path of a custom model (.keras), "
            "or hub:PRESET or hub:FOLDER for a network of KerasHub.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer",
            metavar="NAME",
            help="The layer to take activations from (default: the last convolutional one).",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    pooling: Annotated[
        str | None,
        typer.Option(
            "--pooling",
            metavar="METHOD",
            help="How feature maps become one vector: gap (default), gmp, gem or rmac; also "
            "gem:POWER, such as gem:4, and rmac:LEVELS, such as rmac:2. Networks of KerasHub may "
            "have their own, cls or map, and words need that.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            metavar="PX",
            min=1,
            help="Side of the network's square input in pixels (default: its own).",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    resize: Annotated[
        Resize | None,
        typer.Option(
            "--resize",
            metavar="METHOD",
            help="How an image becomes square: squash (default; for hub: what the preset says), "
            "pad or crop.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="A local weights file for a backbone of the catalogue.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    preprocessing: Annotated[
        Preprocessing | None,
        typer.Option(
            "--preprocessing",
            metavar="MODE",
            help="Preprocessing of a custom model's input: raw, unit, tf, torch or caffe.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    trust_model: TrustModel = None
    precision: Annotated[
        Precision | None,
        typer.Option(
            "--precision",
            metavar="ARITHMETIC",
            help="float32 (default) or bfloat16: faster where the processor supports it, but its "
            "embeddings are comparable only with each other.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    decoder: Annotated[
        int | None,
        typer.Option(
            "--decoder",
            metavar="VERSION",
            min=1,
            max=DECODER_VERSION,
            help="Version of the rules by which pictures are decoded (default: the gallery's, in "
            f"a new one {DECODER_VERSION}). Another one embeds all pictures anew.",
            rich_help_panel=BACKBONE_PANEL,
        ),
    ] = None
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Never download weights.", rich_help_panel=BACKBONE_PANEL),
    ] = False

    def request(self) -> RecipeRequest | None:
        """Return the request; None leaves the choice to the gallery.

        Raises:
            UsageError: `--trust-model` is not a SHA-256.
        """
        wanted = {
            "backbone": self.backbone,
            "layer": self.layer,
            "pooling": self.pooling,
            "size": self.size,
            "resize": self.resize,
            "weights": None if self.weights is None else Path(self.weights),
            "preprocessing": self.preprocessing,
            "trusted_sha256": trusted_sha256(self.trust_model),
            "precision": self.precision,
            "decoder": self.decoder,
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        if not given or given == {"backbone": AUTO}:
            return None
        return RecipeRequest(**given)  # type: ignore[arg-type]


def trusted_sha256(given: str | None) -> str | None:
    """Return what `--trust-model` names, as 64 digits in lower case.

    Raises:
        UsageError: it is not a SHA-256.
    """
    if given is None:
        return None
    found = _SHA256.fullmatch(given)
    if not found:
        raise UsageError(f"--trust-model: {given!r} is not a SHA-256, 64 hexadecimal digits")
    return found[2].lower()

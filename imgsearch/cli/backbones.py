# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch backbones`: list the pretrained networks, or the layers of one."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli import completion
from imgsearch.cli.progress import working
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.tables import align, byte_size
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import gallery_documents
from imgsearch.errors import UsageError


def backbones(
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.backbones,
            help="Show this network's layers and their shapes.",
        ),
    ] = None,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """List the pretrained networks, or the layers of one.

    Each layer is listed with the shape of its feature maps, under the name that 'imgsearch index
    --layer' takes.
    """
    terminal = settings.terminal
    if name is None:
        _catalogue(settings, json=json)
        return
    from imgsearch.networks.backbones import catalogue, weights

    if Path(name).suffix == ".keras":
        raise UsageError(
            f"{name}: only the layers of networks of the catalogue are shown here. 'imgsearch "
            f"index FOLDER --backbone {shlex.quote(name)} --preprocessing MODE' takes a custom "
            "model, and --layer with a wrong name lists its layers"
        )
    backbone = catalogue.find(name)
    available = weights.is_available(backbone)
    from imgsearch.networks.backbones.build import layers

    with working(terminal, f"Building {backbone.name}"):
        found = layers(backbone.name)
    if json:
        content = gallery_documents.backbone_keys(backbone, available=available)
        content["layers"] = gallery_documents.layer_keys(found)
        write_data(gallery_documents.dump("backbone", content))
        return
    facts = [
        ("dim", str(backbone.dim)),
        ("input size", f"{backbone.size} px (at least {backbone.minimum_size})"),
        ("preprocessing", backbone.preprocessing),
        ("parameters", f"{backbone.parameters:,}"),
        ("weights", _weights(backbone.download_bytes, available=available)),
        ("default layer", backbone.layer),
    ]
    lines: list[Line] = [[(backbone.name, "bold")]]
    lines += align([[(key, FAINT), (value, PLAIN)] for key, value in facts], "<<", indent="  ")
    lines += [[], [(f"Layers at {backbone.size} px: height x width x channels", "bold")]]
    lines += align(
        [
            [
                ("x".join(map(str, layer.shape)), FAINT),
                (layer.name, "green" if layer.name == backbone.layer else PLAIN),
            ]
            for layer in found
        ],
        "><",
        indent="  ",
    )
    terminal.show(lines)


def _weights(download_bytes: int, *, available: bool) -> str:
    if available:
        return "on this machine" if download_bytes else "bundled with imgsearch"
    return f"not on this machine; download {byte_size(download_bytes)}"


def _catalogue(settings: Settings, *, json: bool) -> None:
    from imgsearch.networks.backbones.catalogue import CATALOGUE
    from imgsearch.networks.backbones.weights import is_available

    entries = [(backbone, is_available(backbone)) for backbone in CATALOGUE.values()]
    if json:
        listed = [
            gallery_documents.backbone_keys(entry, available=there) for entry, there in entries
        ]
        write_data(gallery_documents.dump("backbones", {"backbones": listed}))
        return
    names = ("name", "dim", "input", "parameters", "download", "weights")
    rows = [[(name, FAINT) for name in names]]
    rows += [
        [
            (backbone.name, "bold" if there else PLAIN),
            (str(backbone.dim), PLAIN),
            (f"{backbone.size} px", PLAIN),
            (f"{backbone.parameters / 1e6:.1f} M", PLAIN),
            (byte_size(backbone.download_bytes) if backbone.download_bytes else "-", PLAIN),
            ("on this machine", "green") if there else ("", PLAIN),
        ]
        for backbone, there in entries
    ]
    settings.terminal.show(align(rows, "<>>>><"))

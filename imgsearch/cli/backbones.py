# No postponed annotations here: Typer evaluates them when the commands are built.
"""`imgsearch backbones`: list the pretrained networks, or the layers of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli import completion
from imgsearch.cli.progress import working
from imgsearch.cli.recipe_options import TrustModel, trusted_sha256
from imgsearch.cli.settings import JsonOption, Settings
from imgsearch.cli.shown_paths import short_path
from imgsearch.cli.tables import align, byte_size
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import backbone_documents, gallery_documents
from imgsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgsearch.networks.backbones.layer_names import LayerInfo


def backbones(
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.backbones,
            help="Show the layers of this network, or of a custom model's file (.keras), and "
            "their shapes.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size", metavar="PX", min=1, help="Side of the input (default: the network's own)."
        ),
    ] = None,
    trust_model: TrustModel = None,
    hub: Annotated[
        bool,
        typer.Option(
            "--hub",
            help="List the image networks of KerasHub instead, which 'hub:NAME' takes: whether "
            "they understand words, and under which licence their weights are.",
        ),
    ] = False,
    json: JsonOption = False,
    settings: Settings,
) -> None:
    """List the pretrained networks, or the layers of one.

    Each layer is listed with the shape of its feature maps, under the name that 'imgsearch index
    --layer' takes.
    """
    if hub:
        if name is not None or size is not None or trust_model is not None:
            raise UsageError("--hub lists presets, which have no layers to choose; give it alone")
        from imgsearch.cli.hub_backbones import hub_backbones

        hub_backbones(settings, json=json)
    elif name is None:
        if size is not None or trust_model is not None:
            raise UsageError(
                "--size and --trust-model are for the layers of one network; name it too"
            )
        _catalogue(settings, json=json)
    elif Path(name).suffix == ".keras":
        _custom(settings, name, size=size, sha256=trusted_sha256(trust_model), json=json)
    elif trust_model is not None:
        raise UsageError(f"--trust-model is for custom models only; {name} is no .keras file")
    else:
        _one(settings, name, size=size, json=json)


def _one(settings: Settings, name: str, *, size: int | None, json: bool) -> None:
    from imgsearch.networks.backbones import catalogue, weights

    backbone = catalogue.find(name)
    available = weights.is_available(backbone)
    from imgsearch.networks.backbones.build import layers

    with working(settings.terminal, f"Building {backbone.name}"):
        found = layers(backbone.name, size=size)
    if json:
        content = backbone_documents.backbone_keys(backbone, available=available)
        content["layers"] = backbone_documents.layer_keys(found)
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
    settings.terminal.show(
        _shown(backbone.name, facts)
        + _layers(found, size=size or backbone.size, default=backbone.layer)
    )


def _custom(
    settings: Settings, name: str, *, size: int | None, sha256: str | None, json: bool
) -> None:
    from imgsearch.networks.backbones import custom

    path = Path(name).absolute()
    with working(settings.terminal, f"Loading {short_path(path)}"):
        model = custom.describe(path, sha256=sha256, size=size)
    if json:
        content = backbone_documents.custom_keys(str(path), model)
        content["layers"] = backbone_documents.layer_keys(model.layers)
        write_data(gallery_documents.dump("backbone", content))
        return
    facts = [
        ("dim", str(model.dim)),
        ("input size", f"{model.size} px"),
        ("parameters", f"{model.parameters:,}"),
        ("default layer", model.layer),
    ]
    settings.terminal.show(
        _shown(short_path(path), facts)
        + _layers(model.layers, size=model.size, default=model.layer)
    )


def _shown(name: str, facts: "Sequence[tuple[str, str]]") -> list[Line]:
    rows = [[(key, FAINT), (value, PLAIN)] for key, value in facts]
    return [[(name, "bold")], *align(rows, "<<", indent="  ")]


def _layers(layers: "Sequence[LayerInfo]", *, size: int, default: str) -> list[Line]:
    rows = [
        [
            ("x".join(map(str, layer.shape)), FAINT),
            (layer.name, "green" if layer.name == default else PLAIN),
        ]
        for layer in layers
    ]
    title = f"Layers at {size} px: height x width x channels"
    return [[], [(title, "bold")], *align(rows, "><", indent="  ")]


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
            backbone_documents.backbone_keys(entry, available=there) for entry, there in entries
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

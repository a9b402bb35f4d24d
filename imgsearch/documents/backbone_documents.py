"""What programs are told of networks: the catalogue, KerasHub's presets, custom models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.networks.backbones.hub.presets import HubPreset
    from imgsearch.networks.backbones.layer_names import CustomInfo, LayerInfo

    Json = dict[str, Any]


def backbone_keys(backbone: Backbone, *, available: bool) -> Json:
    """Return an entry of the catalogue."""
    return {
        "name": backbone.name,
        "dim": backbone.dim,
        "size": backbone.size,
        "minimum_size": backbone.minimum_size,
        "layer": backbone.layer,
        "preprocessing": backbone.preprocessing,
        "parameters": backbone.parameters,
        "download_bytes": backbone.download_bytes,
        "available": available,
    }


def hub_preset_keys(preset: HubPreset, *, available: bool) -> Json:
    """Return a preset of KerasHub."""
    return {
        "name": f"hub:{preset.name}",
        "dim": preset.dim,
        "size": preset.size,
        "parameters": preset.parameters,
        "download_bytes": preset.download_bytes,
        "poolings": list(preset.family.poolings),
        "text": preset.has_text,
        "licence": preset.family.licence,
        "gated": preset.family.gated,
        "available": available,
    }


def custom_keys(path: str, model: CustomInfo) -> Json:
    """Return a custom model's file as an entry of the catalogue."""
    return {
        "name": path,
        "dim": model.dim,
        "size": model.size,
        "minimum_size": model.size,
        "layer": model.layer,
        "preprocessing": None,
        "parameters": model.parameters,
        "download_bytes": 0,
        "available": True,
    }


def layer_keys(layers: Iterable[LayerInfo]) -> list[Json]:
    """Return the layers of a network, with the shapes of their feature maps."""
    return [{"name": layer.name, "shape": list(layer.shape)} for layer in layers]

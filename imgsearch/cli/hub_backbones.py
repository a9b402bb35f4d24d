"""`imgsearch backbones --hub`: the image networks of KerasHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsearch.cli.tables import align, byte_size
from imgsearch.cli.terminal import FAINT, PLAIN, Line, write_data
from imgsearch.documents import backbone_documents, gallery_documents

if TYPE_CHECKING:
    from imgsearch.cli.settings import Settings
    from imgsearch.networks.backbones.hub.presets import HubPreset


def hub_backbones(settings: Settings, *, json: bool) -> None:
    """List the presets, and say what has to be installed first."""
    from imgsearch.networks.backbones.hub import fetching, library
    from imgsearch.networks.backbones.hub.presets import PRESETS

    entries = [(preset, fetching.is_available(preset)) for preset in PRESETS.values()]
    if json:
        listed = [
            backbone_documents.hub_preset_keys(preset, available=there) for preset, there in entries
        ]
        write_data(gallery_documents.dump("hub_backbones", {"backbones": listed}))
        return
    settings.terminal.show(_table(entries))
    if not library.is_installed():
        settings.terminal.say(f"To download and convert one, first: {library.REMEDY}")


def _table(entries: list[tuple[HubPreset, bool]]) -> list[Line]:
    names = ("name", "dim", "input", "parameters", "download", "words", "licence", "weights")
    rows = [[(name, FAINT) for name in names]]
    rows += [
        [
            (f"hub:{preset.name}", "bold" if there else PLAIN),
            (str(preset.dim), PLAIN),
            (f"{preset.size} px", PLAIN),
            (f"{preset.parameters / 1e6:.1f} M", PLAIN),
            (byte_size(preset.download_bytes), PLAIN),
            ("words" if preset.has_text else "-", PLAIN if preset.has_text else FAINT),
            (f"{preset.family.licence}{', gated' if preset.family.gated else ''}", PLAIN),
            ("on this machine", "green") if there else ("", PLAIN),
        ]
        for preset, there in entries
    ]
    return align(rows, "<>>>><<<")

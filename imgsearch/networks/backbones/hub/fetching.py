"""Downloads presets by name into the cache that KerasHub itself uses, file by file."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.errors import MissingExtraError, WeightsUnavailableError
from imgsearch.networks.backbones.custom import in_short
from imgsearch.networks.backbones.hub import library

if TYPE_CHECKING:
    from imgsearch.networks.backbones.hub.presets import HubPreset

LOG: Final = logging.getLogger(__name__)
NEEDED: Final = ("config.json", "image_converter.json", "model.weights.h5")
# Of a preset with a text tower.
TEXT_NEEDED: Final = ("preprocessor.json", "tokenizer.json")
CACHE_VARIABLE: Final = "KAGGLEHUB_CACHE"


def cached_folder(preset: HubPreset) -> Path:
    """Return where KerasHub keeps a preset's files, once they are on this machine."""
    chosen = os.environ.get(CACHE_VARIABLE)
    base = Path(chosen) if chosen else Path(os.path.expanduser("~")) / ".cache" / "kagglehub"  # noqa: PTH111 - pathlib's raises where there is no home
    return base / "models" / preset.handle


def is_available(preset: HubPreset) -> bool:
    """Return whether all files of a preset are on this machine, each downloaded whole."""
    folder = cached_folder(preset)
    # As kagglehub marks what has arrived: the whole version, or one of its files.
    whole = folder.parent / f"{folder.name}.complete"
    if whole.is_file():
        return folder.is_dir()
    marks = folder.parent / ".complete" / folder.name
    return all(
        (folder / name).is_file() and (marks / f"{name}.complete").is_file()
        for name in _files(preset)
    )


def ensure(preset: HubPreset, *, offline: bool) -> Path:
    """Return the folder of a preset, downloading its files if necessary.

    Raises:
        WeightsUnavailableError: they are not here, and cannot or may not be downloaded.
        MissingExtraError: KerasHub is not installed.
    """
    if is_available(preset):
        return cached_folder(preset)
    if offline:
        raise _unavailable(preset, "downloads are forbidden (offline)")
    try:
        import kagglehub
    except ImportError as error:
        raise MissingExtraError(
            f"to download {preset.name}, KerasHub is needed, which is not installed: "
            f"{library.REMEDY}"
        ) from error
    LOG.info(
        "downloading %s (about %.0f MB, licence %s) to %s",
        preset.name,
        preset.download_bytes / 1e6,
        preset.family.licence,
        cached_folder(preset),
    )
    try:
        for name in _files(preset):
            kagglehub.model_download(preset.handle, path=name)
    except Exception as error:
        # What kagglehub raises depends on the step that fails; it keeps whole files only.
        raise _unavailable(preset, f"the download failed ({in_short(str(error))})") from error
    return cached_folder(preset)


def _files(preset: HubPreset) -> tuple[str, ...]:
    if not preset.family.vocabulary:
        return NEEDED
    assets = tuple(f"assets/tokenizer/{name}" for name in preset.family.vocabulary)
    return (*NEEDED, *TEXT_NEEDED, *assets)


def _unavailable(preset: HubPreset, why: str) -> WeightsUnavailableError:
    gate = (
        f" It is gated: accept its licence ({preset.family.licence}) at "
        f"https://www.kaggle.com/models/{preset.handle.rpartition('/keras/')[0]} and set "
        "KAGGLE_API_TOKEN first."
        if preset.family.gated
        else ""
    )
    return WeightsUnavailableError(
        f"backbone hub:{preset.name}: it is not on this machine and {why}.{gate} Download its "
        "files elsewhere and name their folder, as in --backbone hub:FOLDER. The backbone compact "
        "needs no download."
    )

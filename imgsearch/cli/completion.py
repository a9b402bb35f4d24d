"""Values that a shell completes: names of the catalogue, and what the gallery holds.

A shell waits for them at every press of Tab, so nothing here loads a framework, and whatever goes
wrong completes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer evaluates the annotations

from imgsearch.recipe import HUB
from imgsearch.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imgsearch.storage.suggested_values import Column


def backbones(incomplete: str) -> list[str]:
    """Return "auto" and the names of the catalogue; after a "+", the names that may follow it.

    After "hub:" they are KerasHub's.
    """
    from imgsearch.networks.backbones.catalogue import CATALOGUE
    from imgsearch.networks.backbones.hub.presets import PRESETS

    chosen, plus, part = incomplete.rpartition("+")
    if part.startswith(HUB):
        hubs = (f"{HUB}{name}" for name in PRESETS)
        return [f"{chosen}{plus}{name}" for name in _beginning(hubs, part)]
    names = CATALOGUE if plus else ("auto", *CATALOGUE)
    return [f"{chosen}{plus}{name}" for name in _beginning(names, part)]


def recipes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the identifiers of the gallery's recipes."""
    return _held(ctx, "recipe", incomplete)


def cameras(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the gallery's cameras."""
    return _held(ctx, "camera", incomplete)


def lenses(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the gallery's lenses."""
    return _held(ctx, "lens", incomplete)


def formats(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the formats of the gallery's images."""
    return _held(ctx, "format", incomplete)


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of sameness."""
    from imgsearch.duplicates.groups import Kind

    return _beginning(list(Kind), incomplete)


def galleries(incomplete: str) -> list[str]:
    """Return the folders whose path begins so; those with a gallery alone, if there are any."""
    parent, slash, name = incomplete.rpartition("/")
    try:
        here = Path(f"{parent}{slash}" or ".").expanduser()
        folders = sorted(path for path in here.iterdir() if path.is_dir())
    except (OSError, RuntimeError):
        return []
    found = [path for path in folders if path.name.startswith(name)]
    found = [path for path in found if (path / "gallery.db").is_file()] or found
    return [printable(f"{parent}{slash}{path.name}") for path in found]


def _held(ctx: typer.Context, column: Column, incomplete: str) -> list[str]:
    from imgsearch.gallery.location import default_gallery_path
    from imgsearch.storage.suggested_values import suggested_values

    named = ctx.params.get("gallery")
    try:
        folder = Path(named).expanduser() if named else default_gallery_path()
        values = suggested_values(folder, column)
    except (OSError, ValueError, RuntimeError):
        return []
    return _beginning(map(printable, values), incomplete)


def _beginning(values: Iterable[str], incomplete: str) -> list[str]:
    start = incomplete.lower()
    return [value for value in values if value.lower().startswith(start)]

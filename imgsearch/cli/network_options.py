# No postponed annotations here: Typer evaluates them when the commands are built.
"""The options that an evaluation's networks need besides their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from imgsearch.errors import UsageError
from imgsearch.recipe import PREPROCESSINGS, RecipeRequest

NETWORK_PANEL: Final = "Networks"


@dataclass(frozen=True)
class NetworkOptions:
    """Weights, preprocessing and trust."""

    weights: Annotated[
        list[str],
        typer.Option(
            "--weights",
            metavar="NAME=FILE",
            help="A local weights file, or NAME=random to measure costs without a download.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    preprocessing: Annotated[
        list[str],
        typer.Option(
            "--preprocessing",
            metavar="FILE=MODE",
            help="Preprocessing of a custom model's input: raw, unit, tf, torch or caffe.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    trust_model: Annotated[
        list[str],
        typer.Option(
            "--trust-model",
            metavar="SHA256",
            help="SHA-256 of a custom model's file, if you trust it.",
            rich_help_panel=NETWORK_PANEL,
        ),
    ] = field(default_factory=list)
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Never download weights.", rich_help_panel=NETWORK_PANEL),
    ] = False

    def requests(self, backbones: Sequence[str]) -> dict[str, RecipeRequest]:
        """Return a request for each network that has options of its own, by name.

        Args:
            backbones: the values of `--backbone`; several networks may be joined with "+".

        Raises:
            UsageError: an option names none of these networks, or makes no sense.
        """
        from imgsearch.evaluation.variants import JOIN

        names = {name: name for text in backbones for name in (text, *text.split(JOIN))}
        found: dict[str, RecipeRequest] = {}
        files = _by_name(self.weights, "--weights", names)
        modes = _by_name(self.preprocessing, "--preprocessing", names)
        for name in names:
            mode = modes.get(name)
            if mode is not None and mode not in PREPROCESSINGS:
                raise UsageError(
                    f"--preprocessing: {mode!r} is none of {', '.join(PREPROCESSINGS)}"
                )
            own = name.endswith(".keras")
            trusted = self._trusted(name) if own else None
            if name in files or mode is not None or trusted is not None:
                found[name] = RecipeRequest(
                    weights=Path(files[name]) if name in files else None,
                    preprocessing=mode,
                    trusted_sha256=trusted,
                )
        return found

    def _trusted(self, name: str) -> str | None:
        """Return the checksum among those given that is the file's, else the first one given."""
        given = [text.strip().lower().removeprefix("sha256:") for text in self.trust_model]
        if len(given) > 1 and Path(name).is_file():
            from imgsearch.networks.backbones.weights import fingerprint

            own = fingerprint(Path(name)).removeprefix("sha256:")
            return own if own in given else given[0]
        return given[0] if given else None


def _by_name(texts: Sequence[str], option: str, names: dict[str, str]) -> dict[str, str]:
    """Return the VALUE of each "NAME=VALUE", by the name as given to --backbone."""
    by_spelling = {_spelling(name): name for name in names}
    found = {}
    for text in texts:
        # A path on either side may contain "=".
        for name, _, value in (text.partition("="), text.rpartition("=")):
            known = names.get(name) or by_spelling.get(_spelling(name))
            if known is not None and value:
                found[known] = value
                break
        else:
            raise UsageError(
                f"{option}: {text!r} is not NAME=VALUE with the NAME of a --backbone, as in "
                "--backbone resnet50 --weights resnet50=copy.h5"
            )
    return found


def _spelling(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()

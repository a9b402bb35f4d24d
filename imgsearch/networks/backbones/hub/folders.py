"""A preset's folder: where it is, the fingerprints of what it holds, and that it holds no code."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imgsearch.errors import (
    UnknownBackboneError,
    UntrustedModelError,
    UsageError,
    WeightsUnavailableError,
)
from imgsearch.networks.backbones import weights
from imgsearch.networks.backbones.hub import fetching, presets
from imgsearch.recipe import HUB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imgsearch.recipe import Recipe

CONFIG: Final = "config.json"
CONVERTER: Final = "image_converter.json"
TOKENIZER: Final = "tokenizer.json"
PREPROCESSOR: Final = "preprocessor.json"
WEIGHTS: Final = "model.weights.h5"
VOCABULARIES: Final = "assets/tokenizer"
# Classes of these packages alone are made from what a preset's files say.
_TRUSTED: Final = re.compile(r"(keras|keras_hub|builtins)(\.[\w.]+)?")


def find(backbone: str, *, offline: bool) -> Path:
    """Return the folder of a preset, which is downloaded if it is known by name and not here.

    Args:
        backbone: "hub:" and the path of a folder, or a name of `presets.PRESETS`.
        offline: never download.

    Raises:
        UnknownBackboneError: neither a folder nor a known name.
        UntrustedModelError: the preset's files name code.
        UsageError: the folder is no preset.
        WeightsUnavailableError: it is not here, and cannot or may not be downloaded.
        MissingExtraError: KerasHub is needed to download, and not installed.
    """
    name = backbone.removeprefix(HUB)
    folder = Path(name).expanduser()
    if name in presets.PRESETS:
        folder = fetching.ensure(presets.PRESETS[name], offline=offline)
    elif not name or not folder.is_dir():
        near = difflib.get_close_matches(name, presets.PRESETS, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(HUB + known for known in near)}?" if near else ""
        raise UnknownBackboneError(
            f"backbone: {backbone!r} is neither a folder nor a preset{hint} "
            "(`imgsearch backbones --hub` lists the presets; a folder is what KerasHub's "
            "save_to_preset writes)"
        )
    check(folder)
    return folder.absolute()


def check(folder: Path) -> None:
    """Refuse a folder that is no preset, or whose files name anything but Keras's own classes.

    Raises:
        UntrustedModelError: they do; nothing of it has been made.
        UsageError: a file is missing or is no JSON.
    """
    for name in (CONFIG, CONVERTER, WEIGHTS):
        if not (folder / name).is_file():
            raise UsageError(
                f"{folder}: no preset of an image network, because {name} is missing; expected "
                "what KerasHub writes with backbone.save_to_preset(FOLDER) and "
                "image_converter.save_to_preset(FOLDER)"
            )
    for path in sorted(folder.glob("*.json")):
        for made in _objects(read_json(path)):
            module, name = made.get("module") or "keras", made["class_name"]
            if not _TRUSTED.fullmatch(str(module)) or name in {"Lambda", "function"}:
                raise UntrustedModelError(
                    f"{path}: the preset names {module}.{name}, which may be any code; only "
                    "presets of KerasHub's own classes are loaded"
                )


def read_json(path: Path) -> Any:  # noqa: ANN401  any document
    """Return what a preset's file says.

    Raises:
        UsageError: it is no JSON.
        WeightsUnavailableError: it cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise WeightsUnavailableError(
            f"{path}: the preset cannot be read ({error.strerror or error})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON, so not a preset of KerasHub ({error})") from error


def stored_name(backbone: str) -> str:
    """Return the name for a recipe: the preset's, or its folder's without what names cannot have.

    A hyphen would look like the version of compact.
    """
    name = backbone.removeprefix(HUB)
    if name not in presets.PRESETS:
        name = re.sub(r"[^A-Za-z0-9_.]", "_", Path(name).expanduser().absolute().name)
    return f"{HUB}{name}"


def argument(recipe: Recipe) -> str:
    """Return what `--backbone` takes for a recipe's preset: its name, or its folder."""
    name = recipe.backbone.removeprefix(HUB)
    known = name in presets.PRESETS or recipe.weights_path is None
    return recipe.backbone if known else f"{HUB}{recipe.weights_path}"


def image_fingerprint(folder: Path) -> str:
    """Return "sha256:" and the digest of what an image's embedding depends on.

    Raises:
        WeightsUnavailableError: a file cannot be read.
    """
    return _fingerprint(folder, (CONFIG, CONVERTER, WEIGHTS))


def text_fingerprint(folder: Path) -> str:
    """Return "sha256:" and the digest of what a text's embedding depends on.

    Raises:
        WeightsUnavailableError: a file cannot be read.
    """
    vocabularies = sorted((folder / VOCABULARIES).glob("*"))
    names = [path.relative_to(folder).as_posix() for path in vocabularies if path.is_file()]
    given = [name for name in (PREPROCESSOR, TOKENIZER) if (folder / name).is_file()]
    return _fingerprint(folder, (CONFIG, *given, WEIGHTS, *names))


def _fingerprint(folder: Path, names: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        status = (folder / name).stat()
        mark = _file_fingerprint(folder / name, status.st_size, status.st_mtime_ns)
        whole.update(f"{name} {mark}\n".encode())
    return f"sha256:{whole.hexdigest()}"


# The weights of two towers are one file, of a gigabyte and more.
@lru_cache(maxsize=16)
def _file_fingerprint(path: Path, size: int, changed: int) -> str:
    del size, changed
    return weights.fingerprint(path)


def _objects(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  any document
    """Yield the descriptions of objects in a document, at every depth."""
    rest = [document]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)

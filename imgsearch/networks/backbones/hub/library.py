"""Starts KerasHub, which only fetching and converting a preset needs."""

from __future__ import annotations

import importlib.util
from typing import Any, Final

from imgsearch.errors import MissingExtraError
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.framework_noise import without_greetings

REMEDY: Final = "pip install 'imgsearch-gallery[hub]'"


def is_installed() -> bool:
    """Return whether KerasHub is there, without importing it."""
    return importlib.util.find_spec("keras_hub") is not None


def load_hub() -> Any:  # noqa: ANN401  the module has no types
    """Return the module `keras_hub`; the first call takes seconds.

    Raises:
        MissingExtraError: it is not installed, or does not go with the TensorFlow that is.
    """
    load_keras()
    try:
        with without_greetings():
            import keras_hub
    except ImportError as error:
        raise MissingExtraError(
            f"KerasHub's networks need a package that is not installed ({error}): {REMEDY}"
        ) from error
    return keras_hub

"""The interface as OpenAPI."""

from __future__ import annotations

from typing import Any


def description() -> dict[str, Any]:
    """Return the description."""
    return {}

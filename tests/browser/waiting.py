"""Playwright's `expect`, which waits; where it is missing, no test comes as far as using it."""

from __future__ import annotations

try:
    from playwright.sync_api import expect
except ModuleNotFoundError:
    expect = None  # type: ignore[assignment]

__all__ = ["expect"]

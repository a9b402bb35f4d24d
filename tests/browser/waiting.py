"""Playwright's `expect`, which waits; where it is missing, no test comes as far as using it."""

from __future__ import annotations

# A busy machine takes its time.
WAIT_MS = 20_000

try:
    from playwright.sync_api import expect
except ModuleNotFoundError:
    expect = None  # type: ignore[assignment]
else:
    expect.set_options(timeout=WAIT_MS)

__all__ = ["WAIT_MS", "expect"]

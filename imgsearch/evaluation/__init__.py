"""Evaluation: how well recipes retrieve what belongs together, and what they cost."""

from __future__ import annotations

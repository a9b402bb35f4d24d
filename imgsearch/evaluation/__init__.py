"""Evaluation: how well a ranking agrees with what people say belongs together."""

from __future__ import annotations

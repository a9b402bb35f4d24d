"""Metrics: rankings, and how good they are."""

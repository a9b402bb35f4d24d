"""Retrieval as evaluations do it: neighbours, expansion, re-ranking."""

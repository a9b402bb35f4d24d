"""Vectors: from arrays to nearest neighbours."""

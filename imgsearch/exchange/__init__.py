"""Embeddings for other programs, and from them."""

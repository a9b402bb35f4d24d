"""Indexing: from folders on disk to committed embeddings."""

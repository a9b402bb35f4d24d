"""Networks: from RGB pixels to embeddings."""

"""Ground truth: queries, and which items are relevant to each."""

"""Ground truth: what is asked, and which answers are right."""

"""Which pictures are the same, by which kind of sameness, and how surely."""

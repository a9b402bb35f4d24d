"""Search as evaluations do it: exact, with composition, expansion and re-ranking."""

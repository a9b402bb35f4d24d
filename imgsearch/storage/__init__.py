"""Storage: the SQLite database, which is the truth. Only this room executes SQL."""

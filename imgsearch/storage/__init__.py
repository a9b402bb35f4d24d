"""Storage: the SQLite database, the single source of truth. Only this room executes SQL."""

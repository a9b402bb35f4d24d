"""Self-contained HTML pages of matches and groups, to look at without a server."""

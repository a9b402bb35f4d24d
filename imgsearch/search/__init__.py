"""Search: from a query to ranked matches."""

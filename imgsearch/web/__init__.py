"""A local web page on a gallery: its server, JSON interface, pages and protection."""

"""Images: from a file's bytes to RGB pixels and metadata."""

"""Where two images agree: a score, shared out among the places that make it up."""

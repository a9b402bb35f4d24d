"""The gallery: the façade, and what looks after what is stored."""

"""Runtimes: what executes a backbone. TensorFlow is the reference; exported graphs are fast."""

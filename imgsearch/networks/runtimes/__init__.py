"""Runtimes: what executes a backbone. TensorFlow is the reference, an exported graph is fast."""

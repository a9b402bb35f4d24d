"""JSON documents: what `--json` prints, built from plain values."""

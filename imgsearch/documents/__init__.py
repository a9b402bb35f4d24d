"""JSON documents: what `--json` prints, made of values alone."""

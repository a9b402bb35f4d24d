"""compact, the network inside the package: its architecture, its weights, and how it is built."""

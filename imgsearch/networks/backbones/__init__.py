"""Backbones: the catalogue of pretrained networks, their weights, and how they are built."""

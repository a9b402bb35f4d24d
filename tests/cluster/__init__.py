"""Tests that need Ray, and a cluster of this machine."""

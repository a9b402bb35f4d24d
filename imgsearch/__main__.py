"""Lets `python -m imgsearch` run the command line."""

from imgsearch.cli import main

main()

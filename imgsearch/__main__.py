"""`python -m imgsearch` is `imgsearch`."""

from imgsearch.cli import main

main()

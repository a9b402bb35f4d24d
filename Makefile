PYTHON ?= .venv/bin/python

.PHONY: test lint docs

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

docs:
	$(PYTHON) docs/generate.py

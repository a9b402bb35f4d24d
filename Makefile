PYTHON ?= .venv/bin/python

PHOTOS ?= sample_data/photos
RESULTS ?= benchmarks/results

.PHONY: test lint docs bench bench-quick

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

docs:
	$(PYTHON) docs/generate.py

# Every figure of speed again, with KERAS_HOME naming the weights and PHOTOS a folder of photographs.
bench:
	$(PYTHON) benchmarks/extraction.py --photos $(PHOTOS) --markdown $(RESULTS)/extraction.md
	$(PYTHON) benchmarks/embedding_rivals.py $(PHOTOS) --json $(RESULTS)/embedding_rivals.json
	$(PYTHON) benchmarks/runtimes.py --photos $(PHOTOS) --markdown $(RESULTS)/runtimes.md
	$(PYTHON) benchmarks/start_up.py --markdown $(RESULTS)/start_up.md
	$(PYTHON) benchmarks/evaluation_scale.py
	$(PYTHON) benchmarks/index_scale.py $(PHOTOS)

# Only that the benchmarks run.
bench-quick:
	$(PYTHON) benchmarks/extraction.py --quick
	$(PYTHON) benchmarks/start_up.py --quick
	$(PYTHON) benchmarks/evaluation_scale.py --quick
	$(PYTHON) benchmarks/index_scale.py --quick --no-rivals

PYTHON ?= .venv/bin/python

PHOTOS ?= sample_data/photos
RESULTS ?= benchmarks/results

.PHONY: test lint docs bench bench-quick plots

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

docs:
	$(PYTHON) docs/generate.py

# Every figure of speed again, with KERAS_HOME naming the weights and PHOTOS a folder of photographs.
# Rivals come with '.[bench]', torchvision and imagededup apart; those that are missing are named.
bench:
	$(PYTHON) benchmarks/extraction.py --photos $(PHOTOS) --markdown $(RESULTS)/extraction.md --json $(RESULTS)/extraction.json
	$(PYTHON) benchmarks/embedding_rivals.py $(PHOTOS) --json $(RESULTS)/embedding_rivals.json
	$(PYTHON) benchmarks/indexing_rivals.py --photos $(PHOTOS) --markdown $(RESULTS)/indexing_rivals.md
	$(PYTHON) benchmarks/runtimes.py --photos $(PHOTOS) --markdown $(RESULTS)/runtimes.md --json $(RESULTS)/runtimes.json
	$(PYTHON) benchmarks/start_up.py --markdown $(RESULTS)/start_up.md --json $(RESULTS)/start_up.json
	$(PYTHON) benchmarks/gallery_scale.py --json $(RESULTS)/gallery_scale.json
	$(PYTHON) benchmarks/evaluation_scale.py --markdown $(RESULTS)/evaluation_scale.md --json $(RESULTS)/evaluation_scale.json
	$(PYTHON) benchmarks/index_scale.py $(PHOTOS) --out $(RESULTS)/index_scale.md
	$(MAKE) plots

# Figures of the documentation, from the results that are there.
plots:
	$(PYTHON) benchmarks/plots.py --results $(RESULTS)

# Only that the benchmarks run: no weights, no network, no rivals, and nothing is written.
bench-quick:
	$(PYTHON) benchmarks/extraction.py --quick
	$(PYTHON) benchmarks/embedding_rivals.py --quick
	$(PYTHON) benchmarks/runtimes.py --quick
	$(PYTHON) benchmarks/start_up.py --quick --no-rivals
	$(PYTHON) benchmarks/gallery_scale.py --quick
	$(PYTHON) benchmarks/growth.py --quick
	$(PYTHON) benchmarks/judging.py --quick
	$(PYTHON) benchmarks/merge_rounds.py --quick
	$(PYTHON) benchmarks/services.py --quick
	$(PYTHON) benchmarks/evaluation_scale.py --quick
	$(PYTHON) benchmarks/grown_embeddings.py --quick
	$(PYTHON) benchmarks/index_scale.py --quick --no-rivals
	$(PYTHON) benchmarks/removal_rounds.py --quick
	$(PYTHON) benchmarks/crash_rounds.py --quick

# One environment, .venv, serves every target. TORCH pins the version that CI runs with;
# TORCH_INDEX may name a package index that holds CPU-only builds.
PYTHON      ?= python3
VENV        := .venv
BIN         := $(VENV)/bin
TORCH       ?= 2.13.0
TORCH_INDEX ?=
STAMP       := $(VENV)/.installed
WORKERS     ?= 2

.PHONY: help demo pictures docs test test-deep test-browser lint bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "wse-emulator needs Python 3.11 or later; name one with: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "torch==$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,hf]'
	@touch $(STAMP)

demo: $(STAMP) ## one AdamW step of GPT-2 XL on a whole WSE-2, with a report folder
	$(BIN)/python scenarios/gpt2_xl_adamw.py --out reports/gpt2-xl-adamw --force

pictures: demo ## the pictures of the README, from the demo's report
	mkdir -p docs/images
	cp reports/gpt2-xl-adamw/timeline.png reports/gpt2-xl-adamw/wafer.png reports/gpt2-xl-adamw/memory.png docs/images/

docs: $(STAMP) ## the tables in docs/ that are made from code
	$(BIN)/python -m tests.optimizers.tables
	$(BIN)/python -m tests.views.tables
	$(BIN)/python -m tests.ops.tables
	$(BIN)/python -m tests.cost.sequences.tables
	$(BIN)/python -m tests.questions.validate.tables

test: $(STAMP) ## all tests
	$(BIN)/python -m pytest -q -n $(WORKERS)

test-deep: $(STAMP) ## the long searches: both engines agree, and run, fit and preflight
	$(BIN)/python -m pytest -q -n $(WORKERS) -m deep --hypothesis-profile deep

test-browser: $(STAMP) ## the report in a headless Chromium (needs chromium and chromedriver)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/python -m pytest -q -m browser

lint: $(STAMP) ## style, spelling, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## performance ratios, measured side by side
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python -P $$b || exit 1; done

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

# Every target sets up what it needs; `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BOOK ?= params/demo.yaml
SIZE ?= small

.DEFAULT_GOAL := help
.PHONY: help setup report test exam lint types architecture check lab bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# The environment is rebuilt only when the lock or the project file changes. pip honours the
# user's own index settings, checks every hash, and writes bytecode even where Python itself may not.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: name it, as in  make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY) ## create .venv with the locked packages

report: $(READY) ## run the demo book; says which file to open
	$(BIN)/siyu run $(BOOK)

test: $(READY) ## run all tests
	$(BIN)/python -m pytest -n auto

exam: $(READY) ## the long tests in full: coverage over many seeds, the simulator's exam (tens of minutes)
	SIYU_EXAM=full $(BIN)/python -m pytest -n auto -m exam; passed=$$?; \
	  $(BIN)/python -m analysis.touch.exam && exit $$passed

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## strict type check
	$(BIN)/mypy

architecture: $(READY) ## layers and siblings, by import-linter
	$(BIN)/lint-imports

check: lint types architecture test ## everything CI runs

bench: $(READY) ## measure against peers (SIZE=small or full); benchmarks/README.md says how to read it
	$(BIN)/python benchmarks/run.py --size $(SIZE)

lab: $(READY) ## JupyterLab on the notebooks
	$(BIN)/siyu lab

clean: ## remove .venv, caches and scratch; reports stay
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

lock: $(READY) ## rewrite requirements.lock from pyproject.toml
	$(BIN)/pip install --disable-pip-version-check --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock

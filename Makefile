# make run: the embedded experiment; make test: the tests. Both make .venv where it is missing.

PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
READY := .venv/.ready
PEERS := .venv-peers/.ready

# A terminal that a person reads shows how far the run is; a log gets plain lines.
LOGGER := $(shell test -t 1 && test -z "$$CI" && echo --logger rich)

.PHONY: run test test-slurm test-faults check benchmark lint format rulegraph study help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "varbench needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Making .venv; pip now downloads torch and what else is needed, some GB: this takes minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev,slurm]'
	@touch $@

run: $(READY)  ## run the embedded experiment with all cores
	@$(BIN)/snakemake --cores all $(LOGGER) all

test: $(READY)  ## run the tests, without faults and the cluster
	@$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/test_slurm.py --ignore tests/test_faults.py

test-slurm: $(READY)  ## run the grid on a SLURM cluster started here (root, Debian)
	@$(BIN)/python -m pytest tests/test_slurm.py

test-faults: $(READY)  ## stop, kill and damage runs on this machine
	@$(BIN)/python -m pytest tests/test_faults.py

check: run  ## check the finished tables of the embedded experiment
	@$(BIN)/python workflow/scripts/check_results.py --tables results/tables

study: $(READY)  ## write the study with people, results/study/index.html
	@$(BIN)/snakemake --cores all $(LOGGER) study

rulegraph: $(READY)  ## draw the graph of rules in docs/architecture.md again
	@$(BIN)/python tools/rulegraph.py

$(PEERS): $(READY) benchmarks/peers.txt
	$(BIN)/python benchmarks/peers_environment.py .venv-peers
	@touch $@

benchmark: $(PEERS)  ## measure beside other libraries, write BENCHMARKS.md (SMALLEST=1: tiny, printed; ONLY=pgd: one)
	@.venv-peers/bin/python benchmarks/run.py $(if $(SMALLEST),--smallest,--page BENCHMARKS.md) $(if $(ONLY),--only $(ONLY))

lint: $(READY)  ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/snakefmt --check --compact-diff Snakefile rules
	@$(BIN)/snakemake --lint
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## format everything
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/snakefmt Snakefile rules

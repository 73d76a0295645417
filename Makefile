# Needs Python 3.11+ with venv, make, git and a network; `make conformance` also Node 20.
# Everything that is installed stands with its hash in requirements/*.lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXAMPLES := update_sets
DEMO := build/demo
WORKERS ?= 2
# By the lock's content, not its time: CI takes the directory from a cache.
AZURE_CLI := build/azure-cli/$(firstword $(shell cksum requirements/azure-cli.lock)).done

.PHONY: demo test lint types tests faults conformance bench docs azure-cli lock clean

# Python's venv leaves half an environment where the system lacks ensurepip.
.DELETE_ON_ERROR:

demo: $(VENV)/.demo ## Render the examples, and take one through its whole life against local stand-ins.
	scripts/demo $(BIN)/sn-smtp $(EXAMPLES) $(DEMO)

test: lint types tests ## Lint, types and all tests: what the README promises.

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

tests: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) -m "not conformance and not faults" --cov --cov-report=term

faults: $(VENV)/.dev ## Cut every call at every request, in every way: minutes; make test takes a sample.
	$(BIN)/pytest -n $(WORKERS) -m faults tests/faults tests/cli/test_cli_canaries_mail.py

conformance: $(VENV)/.dev ## Hold the output against real exports and ServiceNow's own SDK.
	$(BIN)/pytest -m conformance tests/conformance

bench: $(VENV)/.dev ## Measure; the results with their method are in docs/performance.md.
	$(BIN)/python -m bench

azure-cli: $(AZURE_CLI) ## Install the Azure CLI apart; make conformance then asks it.

docs: $(VENV)/.dev ## Write anew the documents that come from the code; the tests hold them current.
	$(BIN)/sn-smtp schema > docs/environment.schema.json
	$(BIN)/python docs/generate.py

lock: $(VENV)/.dev ## Refresh requirements/*.lock from pyproject.toml.
	$(BIN)/python requirements/lock.py

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.demo: $(VENV)/bin/python requirements/sandbox.lock requirements/build.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/sandbox.lock -r requirements/build.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.demo requirements/dev.lock
	$(PIP) install --require-hashes -r requirements/dev.lock
	touch $@

$(AZURE_CLI):
	$(PYTHON) -m venv --clear build/azure-cli
	build/azure-cli/bin/python -m pip --disable-pip-version-check --quiet install --no-compile \
		--require-hashes -r requirements/azure-cli.lock
	touch $@

clean:
	rm -rf $(VENV) build .cache .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache

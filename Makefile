# Two commands for a newcomer: `make demo` and `make test`. `make check` is the rest of what CI runs.
VENV ?= .venv
LIGHT ?= .venv-light
PYTHON ?= python3
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
test test-unit test-integration test-quality: export PATH := $(CURDIR)/$(BIN):$(PATH)  # tools that tests start

.PHONY: demo test test-light check docs install clean help
.PHONY: lint type-check security-scan test-unit test-integration test-quality test-performance

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed  ## Create .venv with everything pinned; seconds when it is there already.

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[learn,otel,perf,schedule,tools,alerts,prometheus,dask,docs,dev]'
	-$(BIN)/pip install --quiet -c constraints.txt -e '.[audio]'  # compiles; without a compiler its tests are skipped
	$(BIN)/python -m compileall -q cipredict
	@touch $@

$(LIGHT)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/pip install --quiet -c constraints.txt -e . pytest pytest-xdist hypothesis
	@touch $@

demo: $(VENV)/.installed  ## Run the main job on the bundled real history.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh

test: $(VENV)/.installed  ## Run the test suite.
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

test-light: $(LIGHT)/.installed  ## Run the suite as a CI job has it: without the learn extra.
	$(LIGHT)/bin/python -m pytest -n 2 --dist loadfile -q -m 'not learn'

check: $(VENV)/.installed  ## Lint, types, import contracts.
	$(BIN)/ruff format --check cipredict tests benchmarks
	$(BIN)/ruff check cipredict tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed  ## Build the documentation as a site, into site/.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# What the stages of the standard pipeline call (`cipredict pipeline show`).

lint: $(VENV)/.installed  ## Format and lint.
	$(BIN)/ruff format --check cipredict tests benchmarks
	$(BIN)/ruff check cipredict tests benchmarks

type-check: $(VENV)/.installed  ## Types and import contracts.
	$(BIN)/mypy
	$(BIN)/lint-imports

security-scan: $(VENV)/.installed  ## Bandit's rules over the package.
	$(BIN)/ruff check --select S cipredict  # bandit's rules, whose exceptions give their reasons in the code

test-unit: $(VENV)/.installed  ## The rooms, each on its own.
	$(BIN)/python -m pytest -n 2 --dist loadfile -q tests --ignore tests/cli --ignore tests/acceptance --ignore tests/architecture

test-integration: $(VENV)/.installed  ## Commands from end to end.
	$(BIN)/python -m pytest -n 2 --dist loadfile -q tests/cli tests/acceptance

test-quality: $(VENV)/.installed  ## The laws of the code base.
	$(BIN)/python -m pytest -q tests/architecture

test-performance: $(VENV)/.installed  ## Cold start and JUnit reading against their bounds.
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/ingest/junit.py --cases 50000 --rounds 2

clean:  ## Remove environments and the demo's files.
	rm -rf $(VENV) $(LIGHT) demo

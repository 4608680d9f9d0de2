# Two commands for a newcomer: `make demo` and `make test`. `make check` is the rest of what CI runs.
VENV ?= .venv
LIGHT ?= .venv-light
PYTHON ?= python3
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test test-light check install clean help

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed  ## Create .venv with everything pinned; seconds when it is there already.

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[learn,otel,dev]'
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

clean:  ## Remove environments and the demo's files.
	rm -rf $(VENV) $(LIGHT) demo

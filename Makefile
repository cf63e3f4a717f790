# Everything sets itself up from Python 3.11-3.13 and make.
FIT := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.12 python3.13 python3.11; do \
	$$p -c '$(FIT)' 2>/dev/null && echo $$p && break; done)
endif
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

FRAMES ?= 300000

# Numba looks only at the file a compiled kernel stands in, not at those it calls; so a change in any drops all.
KERNELS := $(VENV)/.kernels

.PHONY: demo test test-all bench fuzz lint lock docs clean

demo: $(READY) $(KERNELS)  ## run the pilot zone for ten simulated minutes and write report/
	$(BIN)/wayside run pingshan --out report --replace

test: $(READY) $(KERNELS)  ## the quick suite, as CI runs it
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: $(READY) $(KERNELS)  ## the slow tests too
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(READY) $(KERNELS)  ## print every performance bar beside its reference
	$(BIN)/python -m benchmarks

fuzz: $(READY)  ## feed FRAMES mutated frames to everything that reads from outside
	$(BIN)/python -m fuzz --frames $(FRAMES)

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(READY)  ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
		--all-extras --group dev pyproject.toml --output-file requirements.lock

docs: $(READY)  ## renew the generated reference
	$(BIN)/python -m docs.generate

clean:  ## remove what the other targets made
	rm -rf $(VENV) report runs .cache dist

$(KERNELS): $(shell grep -rl --include=*.py numba wayside) | $(READY)
	@find wayside -name "*.nb[ic]" -delete
	@touch $@

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(FIT)' || { echo "Wayside needs Python 3.11, 3.12 or 3.13;" \
		"none was found. Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

# A handful of commands; each does its own set-up in an empty clone with Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test simulate lint lock setup clean

demo: setup  ## the real job against two simulated vendors, three runs of a small story
	$(BIN)/halo-jira-sync demo

test: setup  ## everything that can be proven on one machine
	$(BIN)/pytest

simulate: setup  ## random worlds, as many as you like: make simulate SEEDS=100000 FROM=0
	$(BIN)/python -m tests.simulation.worlds --seeds $(or $(SEEDS),10000) --from $(or $(FROM),0)

lint: setup  ## style, format, strict types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "halo-jira-sync needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

lock:  ## resolve the dependencies anew (needs pip-tools, which the lock itself brings)
	$(BIN)/python .ci/lock.py

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

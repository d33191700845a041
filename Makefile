# A handful of commands; each does its own set-up in an empty clone with Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test terraform-test image-test simulate kill mutate bench lint lock setup clean

demo: setup  ## the real job against two simulated vendors, three runs of a small story
	$(BIN)/halo-jira-sync demo

test: setup  ## everything about the program that can be proven on one machine, on all its cores
	$(BIN)/pytest -n auto --dist loadgroup

terraform-test: setup  ## the deployment: the real terraform, both provider schemas, linters, gcloud
	$(BIN)/pytest -m infra tests/infra

image-test: setup  ## the container image, built and run; needs root and buildah, says so where it has neither
	$(BIN)/pytest -m image tests/image

simulate: setup  ## random worlds, as many as you like: make simulate SEEDS=100000 FROM=0
	$(BIN)/python -m tests.simulation.worlds --seeds $(or $(SEEDS),10000) --from $(or $(FROM),0)

kill: setup  ## real processes, killed at random instants, as many as you like: make kill KILLS=200 KILL_SEED=7
	KILLS=$(or $(KILLS),60) $(BIN)/pytest tests/kill/test_kill.py

mutate: setup  ## breaks the program on purpose, one place after another, to see the tests go red
	$(BIN)/pytest -m mutation tests/mutations

bench: setup  ## the job as a process against vendors with real latencies: time, calls, floor, memory
	$(BIN)/python -m tests.bench

lint: setup  ## style, format, strict types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "halo-jira-sync needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

lock:  ## resolve the dependencies anew (needs pip-tools, which the lock itself brings)
	$(BIN)/python .ci/lock.py

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

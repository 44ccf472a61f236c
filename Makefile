# The only entry, for people and for CI. Every target works from a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help setup constraints generate generate-check format lint types layers test test-clients test-parity test-crash neo4j demo \
        bench bench-lineage wheel-check check clean

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
SERVE ?= 1
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
READY := $(VENV)/.ready

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Headwater needs Python 3.11 or newer; name one, as in: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) install --requirement constraints.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) ## make the environment (.venv) from constraints.txt

# uv resolves for every platform and Python at once; --no-emit-* keep package indexes out of it.
constraints: $(READY) ## compile constraints.txt anew from pyproject.toml
	$(PIP) install uv
	$(PY) -m uv pip compile --quiet --universal --upgrade --all-extras --group dev --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml \
	  --output-file constraints.txt

generate: $(READY) ## make headwater/generated from headwater/schemas, docs/reference from the code
	$(PY) tools/generate.py
	$(PY) tools/reference.py

generate-check: $(READY) ## fail when something generated is not what schemas and code say
	$(PY) tools/generate.py --check
	$(PY) tools/reference.py --check

format: $(READY) ## format the code
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format

lint: $(READY) ## ruff: rules and format
	$(PY) -m ruff check
	$(PY) -m ruff format --check

types: $(READY) ## mypy, strict, tests too
	$(PY) -m mypy

layers: $(READY) ## import-linter: who may import whom
	$(VENV)/bin/lint-imports --no-logo

test: $(READY) ## every test, on SQLite and on Neo4j (which it installs; Java and Maven needed)
	$(PY) -m pytest --numprocesses $(WORKERS) --ignore tests/clients

test-clients: $(READY) ## what takes foreign servers and clients: PostgreSQL, MLflow, dbt (made once, cached)
	$(PY) -m pytest --numprocesses $(WORKERS) tests/clients

test-parity: $(READY) ## hold the catalog against an oracle for long: 50 × 200 steps on SQLite, 10 × 200 on Neo4j
	HEADWATER_PARITY=whole $(PY) -m pytest --numprocesses 2 tests/parity

test-crash: $(READY) ## kill writers at random instants, 50 times on each engine, and look for losses
	HEADWATER_KILLS=50 $(PY) -m pytest --numprocesses 2 tests/crash

neo4j: $(READY) ## start a Neo4j to play with
	$(PY) -m headwater.testing.neo4j

demo: $(READY) ## real data, a trained model, its lineage; then a server (SERVE=0: no server)
	SERVE=$(SERVE) $(PY) -m examples.demo.demo

bench: $(READY) ## speed: beside a bare FastAPI route, MLflow's server and ZenML's; what a step's tracking costs
	$(PY) -m benchmarks.run
	$(PY) -m benchmarks.mlflow_registry_protocol
	$(PY) -m benchmarks.zenml_server
	$(PY) -m benchmarks.tracking

bench-lineage: $(READY) ## views' column lineage, judged by changing data (TPC-H, TPC-DS, traps)
	$(PY) -m benchmarks.lineage

wheel-check: $(READY) ## build the wheel and use it in a bare environment
	$(PY) tools/wheel_check.py

check: SERVE := 0
check: lint types layers generate-check test test-clients demo wheel-check ## everything that CI runs

clean: ## remove the environment, caches and what was built
	rm -rf $(VENV) .demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

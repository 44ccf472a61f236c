"""What importing costs. Who may import whom is import-linter's, in ``pyproject.toml``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"fastapi", "jsonschema", "neo4j", "networkx", "sqlalchemy", "sqlglot", "starlette", "yaml"}
DRIVERS = {"duckdb", "neo4j", "sqlalchemy", "sqlglot"}


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after one statement."""
    code = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_importing_headwater_loads_nothing_heavy() -> None:
    assert not modules_after("import headwater") & HEAVY


@pytest.mark.parametrize("module", ["headwater.app", "headwater.cli.main"])
def test_no_driver_is_loaded_before_it_is_asked_for(module: str) -> None:
    assert not modules_after(f"import {module}") & DRIVERS

"""Adding a kind is one schema file with examples and `make generate`: done in a copy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.schemas.new_kind import NOTEBOOK, add_notebook, copy_checkout, write

pytestmark = pytest.mark.xdist_group("new_kind")  # one copy for all

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout with the kind added and its classes generated."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    add_notebook(folder)
    done = python(folder, "tools/generate.py")
    assert done.returncode == 0, done.stderr
    return folder


def python(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter in the copy, whose package comes before the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    environment.pop("PYTEST_XDIST_WORKER", None)  # the tests in the copy run on their own
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_generated_classes_are_importable_and_committed_ones_untouched(checkout: Path) -> None:
    code = """
import headwater.generated as g
n = g.CreateNotebook(name="n", service="lab", language="python", cells=[g.NotebookCell(name="a")])
assert g.ENTITIES["notebook"] is g.Notebook and n.entity_class() is g.Notebook
print(g.__file__, n.to_wire())
"""
    done = python(checkout, "-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(checkout))
    assert python(checkout, "tools/generate.py", "--check").returncode == 0


def test_new_kind_is_held_to_its_schema_and_examples(checkout: Path) -> None:
    done = python(checkout, "-m", "pytest", "tests/schemas", "-q", "-k", "notebook or Notebook")

    assert done.returncode == 0, done.stdout


def test_new_kind_is_served(checkout: Path) -> None:
    """CRUD, versions and lineage over REST: the tests of that file, run in the copy."""
    done = python(checkout, "-m", "pytest", "-q", "tests/schemas/served_notebook.py")

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_generation_refuses_a_bad_schema_with_its_place(tmp_path: Path) -> None:
    copy_checkout(tmp_path)
    schema = {**NOTEBOOK, "x-headwater": {**NOTEBOOK["x-headwater"], "parent": "cells"}}
    write(tmp_path / "headwater" / "schemas" / "notebook.json", schema)
    before = sorted((tmp_path / "headwater" / "generated").iterdir())

    done = python(tmp_path, "tools/generate.py")

    assert done.returncode == 1
    assert "headwater/schemas/notebook.json#/x-headwater/parent: 'cells'" in done.stderr
    assert sorted((tmp_path / "headwater" / "generated").iterdir()) == before


def test_check_finds_what_was_not_generated_and_what_was_edited(tmp_path: Path) -> None:
    copy_checkout(tmp_path)
    add_notebook(tmp_path)
    (tmp_path / "headwater" / "generated" / "stale.py").write_text("")

    done = python(tmp_path, "tools/generate.py", "--check")

    assert done.returncode == 1
    named = {line.split()[0].rpartition("/")[2] for line in done.stdout.splitlines()}
    assert named == {"__init__.py", "notebook.py", "stale.py"}

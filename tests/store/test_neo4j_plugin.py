"""The pytest plugin that gives tests a Neo4j: without Java, and how it marks and groups tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_on_neo4j(neo4j_url):
    assert neo4j_url.startswith("neo4j://")

def test_elsewhere():
    pass

@pytest.mark.neo4j
def test_by_hand(request):
    request.getfixturevalue("neo4j_url")
"""


def run_pytest(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "headwater.testing.neo4j.plugin", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(Path.cwd()), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_java_tests_are_skipped_loudly(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, PATH=str(tmp_path))
    assert done.returncode == 0
    assert "2 tests did NOT run: no Neo4j: 'java' is not installed" in done.stdout
    assert "1 passed, 2 skipped" in done.stdout


def test_where_neo4j_is_required_its_absence_fails(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, PATH=str(tmp_path), HEADWATER_REQUIRE_NEO4J="1")
    assert done.returncode == 1
    assert "no Neo4j: 'java' is not installed" in done.stdout
    assert "1 passed, 2 errors" in done.stdout


@pytest.mark.parametrize(("marks", "selected"), [("neo4j", 2), ("not neo4j", 1)])
def test_tests_can_be_chosen_by_mark(tmp_path: Path, marks: str, selected: int) -> None:
    done = run_pytest(tmp_path, "--collect-only", "-q", "-m", marks)
    assert f"{selected}/3 tests collected" in done.stdout


def test_tests_on_neo4j_share_one_worker_and_the_given_server(
    tmp_path: Path, neo4j_url: str
) -> None:
    given = ("-n", "2", "--dist", "loadgroup", "-v")
    done = run_pytest(tmp_path, *given, HEADWATER_TEST_NEO4J_URL=neo4j_url)
    assert "3 passed" in done.stdout
    grouped = [line for line in done.stdout.splitlines() if "PASSED" in line and "@neo4j" in line]
    assert len(grouped) == 2
    assert len({line.split()[0] for line in grouped}) == 1

"""A pytest plugin: the fixture ``neo4j_url``, one server for a whole run and all its workers.

A test that uses the fixture gets the mark ``neo4j``; one that gets it by ``getfixturevalue`` must
carry the mark by itself, say on a parameter. Marked tests start on an empty database, and
pytest-xdist (``--dist loadgroup``) runs them in one worker: a Community server has one database.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from headwater.testing.neo4j.install import locked, missing_tool

_SHARED = pytest.StashKey[Path]()
_RUNNER = pytest.StashKey[int]()
_STARTED = pytest.StashKey["subprocess.Popen[str]"]()
_SKIPPED = "no Neo4j: "


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that the workers share; the server itself starts when a test needs it."""
    config.addinivalue_line("markers", "neo4j: runs on a Neo4j server, on an empty database")
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.stash[_SHARED] = Path(tempfile.mkdtemp(prefix="headwater-tests-"))
        config.stash[_RUNNER] = os.getpid()
    else:
        config.stash[_SHARED] = Path(given["neo4j_shared"])
        config.stash[_RUNNER] = given["neo4j_runner"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the folder is (a hook of pytest-xdist)."""
    node.workerinput["neo4j_shared"] = str(node.config.stash[_SHARED])
    node.workerinput["neo4j_runner"] = node.config.stash[_RUNNER]


# First, so that the mark is there when "-m" selects and when xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the server, and keep them all in one worker."""
    for item in items:
        if "neo4j_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.neo4j)
        if item.get_closest_marker("neo4j"):
            item.add_marker(pytest.mark.xdist_group("neo4j"))


@pytest.fixture(scope="session")
def neo4j_url(pytestconfig: pytest.Config) -> str:
    """The URL of a running server: ``$HEADWATER_TEST_NEO4J_URL``, else one started for this run.

    Without Java or Maven the test is skipped; with ``HEADWATER_REQUIRE_NEO4J=1`` it fails.
    """
    if external := os.environ.get("HEADWATER_TEST_NEO4J_URL"):
        return external
    if missing := missing_tool():
        if os.environ.get("HEADWATER_REQUIRE_NEO4J") == "1":
            pytest.fail(_SKIPPED + missing)
        pytest.skip(_SKIPPED + missing)
    return _shared_url(pytestconfig)


@pytest.fixture(scope="session")
def neo4j_cleaner(neo4j_url: str) -> Iterator[Any]:
    """A driver on the server, of which ``neo4j_empty`` empties the database."""
    import neo4j

    from headwater.store.neo4j.url import parse_url

    address = parse_url(neo4j_url)
    with neo4j.GraphDatabase.driver(address.uri, auth=address.auth) as driver:
        yield driver


@pytest.fixture(autouse=True)
def neo4j_empty(request: pytest.FixtureRequest) -> None:
    """Empty the database before a test that runs on it; constraints and indexes stay."""
    if request.node.get_closest_marker("neo4j"):
        driver = request.getfixturevalue("neo4j_cleaner")
        with driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS").consume()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how many tests had no server."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = [r.longrepr[2] for r in skipped if isinstance(r.longrepr, tuple)]
    without = [reason for reason in reasons if _SKIPPED in reason]
    if without:
        message = f"{len(without)} tests did NOT run: {without[0].removeprefix('Skipped: ')}"
        terminalreporter.write_line(message, red=True, bold=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that a worker, or this process, has started."""
    if _STARTED in config.stash:
        _pipe(config.stash[_STARTED]).close()
    if hasattr(config, "workerinput") or _SHARED not in config.stash:
        return
    folder = config.stash[_SHARED]
    state = folder / "server.json"
    if state.exists():
        os.kill(json.loads(state.read_text())["pid"], signal.SIGTERM)
    if _STARTED in config.stash:
        config.stash[_STARTED].wait()
    shutil.rmtree(folder, ignore_errors=True)


def _shared_url(config: pytest.Config) -> str:
    """The URL of the run's server; whoever asks first starts it."""
    folder = config.stash[_SHARED]
    state = folder / "server.json"
    with locked(folder / "server.lock"):
        if not state.exists():
            process, url = _start(config.stash[_RUNNER])
            config.stash[_STARTED] = process
            state.write_text(json.dumps({"url": url, "pid": process.pid}))
        shared: str = json.loads(state.read_text())["url"]
        return shared


def _start(runner: int) -> tuple[subprocess.Popen[str], str]:
    """Start a server in a process that ends with the run, even when the run is killed."""
    command = [sys.executable, "-m", "headwater.testing.neo4j", "--brief"]
    process = subprocess.Popen(  # noqa: S603  # nothing in the command is a user's text
        [*command, "--while-alive", str(runner)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    for line in _pipe(process):
        if line.startswith("neo4j://"):
            return process, line.strip()
        said += line
    process.wait()
    pytest.fail(f"Neo4j did not start:\n{said}")


def _pipe(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None, "a pipe was asked for"  # noqa: S101  # for the type checker
    return process.stdout

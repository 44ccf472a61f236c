"""The catalog on either engine does what the oracle says, whatever is done to it, now and then.

``make test`` takes the same look each time, a short one on Neo4j; ``make test-parity`` others.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from headwater.store import Store, open_store
from tests.parity.machine import CatalogMachine

WHOLE = os.environ.get("HEADWATER_PARITY") == "whole"
RUNS = {"sqlite": (50, 200), "neo4j": (10, 200) if WHOLE else (2, 30)}
"""Examples, and steps of each at most."""


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_the_catalog_agrees_with_the_oracle(engine: str, request: pytest.FixtureRequest) -> None:
    examples, steps = RUNS[engine]
    run_state_machine_as_test(
        # It takes any callable that makes a machine.
        lambda: CatalogMachine(empty(engine, request)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not WHOLE,  # that of `make test` is the same every time
            # Each step asks a database, and an example has many.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def empty(engine: str, request: pytest.FixtureRequest) -> Callable[[], Store]:
    """What opens an empty store of an engine, again and again."""
    if engine == "sqlite":
        return lambda: open_store("sqlite://")
    url, driver = request.getfixturevalue("neo4j_url"), request.getfixturevalue("neo4j_cleaner")

    def open_empty() -> Store:
        with driver.session() as session:
            session.run("MATCH (n) DETACH DELETE n").consume()
        return open_store(url)

    return open_empty

"""``headwater ingest``."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from .conftest import Shell


@pytest.fixture
def config(shell: Shell) -> str:
    """A configuration of one database."""
    file = shell.folder / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "CREATE TABLE orders (id INTEGER); CREATE VIEW ids AS SELECT id FROM orders;"
        )
    return shell.file("sources.yaml", f"sources:\n- {{type: sql, url: 'sqlite:///{file}'}}\n")


def test_sources_are_previewed_and_ingested_twice(shell: Shell, config: str) -> None:
    assert "would create table sqlite.shop.main.ids" in shell.lines(
        "ingest", "-c", config, "--preview"
    )
    shell("search", "x", code=3)  # there is no store yet
    first = shell.lines("ingest", "-c", config)
    assert first[0].startswith("sqlite: 5 seen, 5 created, 0 changed")
    (again,) = shell.data("ingest", "-c", config)
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 5)
    impact = shell("impact", "sqlite.shop.main.orders.id").stdout
    assert "sqlite.shop.main.orders.id" in impact


def test_a_source_that_cannot_be_read_ends_in_1_and_holds_up_no_other(
    shell: Shell, config: str
) -> None:
    gone = "- {type: sql, service: gone, url: 'sqlite:////nowhere/gone.db'}\n"
    text = (shell.folder / "sources.yaml").read_text()
    both = shell.file("both.yaml", text.replace("sources:\n", "sources:\n" + gone))
    lines = shell.lines("ingest", "-c", both, code=1)
    assert "failed: gone: cannot read sqlite:////nowhere/gone.db: there is no such file" in lines
    assert any(line.startswith("sqlite: 5 seen, 5 created") for line in lines)


def test_a_fault_of_the_configuration_names_its_line(shell: Shell) -> None:
    text = "sources:\n- type: sql\n  url: postgresql://me:hunter2@db/shop\n"
    config = shell.file("sources.yaml", text)
    told = shell("ingest", "-c", config, code=2).output
    assert f"{config}, document 1, line 3: /sources/0/url: holds a secret" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sources:\n- type: sql\n  url: [a\n", "line 4 is not YAML: did not find expected"),
        ("sources:\n- type: sql\n  url: a: b\n", "line 3 is not YAML: mapping values are not"),
        ("sources:\n- type: sql\n  url: a\n  url: b\n", "document 1, line 4: the key 'url'"),
        ("sources::\n- type: sql\n", "document 1, line 1: a configuration has `sources:`"),
    ],
)
def test_yaml_that_is_broken_is_told_with_file_and_line(shell: Shell, text: str, told: str) -> None:
    config = shell.file("sources.yaml", text)
    assert f"headwater: {config}, {told}" in shell("ingest", "-c", config, code=2).output


def test_a_configuration_that_is_not_there_is_named(shell: Shell) -> None:
    assert "nope.yaml cannot be read" in shell("ingest", "-c", "nope.yaml", code=3).output


def test_only_one_source_needs_its_own_variables_alone(shell: Shell, config: str) -> None:
    text = (shell.folder / "sources.yaml").read_text()
    other = "- {type: sql, service: other, url: 'env:NOT_SET_HERE'}\n"
    both = shell.file("both.yaml", text.replace("sources:\n", "sources:\n" + other))
    assert "NOT_SET_HERE" in shell("ingest", "-c", both, code=2).output
    assert shell.lines("ingest", "-c", both, "--only", "sqlite")[0].startswith("sqlite: 5 seen")


def test_only_one_source_of_several(shell: Shell, config: str) -> None:
    told = shell("ingest", "-c", config, "--only", "other", code=2).output
    assert "no source of the service 'other'" in told
    assert shell.lines("ingest", "-c", config, "--only", "sqlite")[0].startswith("sqlite: 5 seen")

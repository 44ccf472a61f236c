"""An organisation's own kinds on a command line that has none of their schema files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.sdk.server import running_server
from tests.sdk.test_own_kind import NOTEBOOK


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Shell]:
    """The command line over a server that has notebooks."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "notebook.json").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    options = ("--schemas", str(tmp_path / "schemas"), "--host", "localhost")
    with running_server(f"sqlite:///{tmp_path}/headwater.db", *options) as url:
        yield Shell(["--url", url], tmp_path)


def test_own_kinds_are_applied_listed_shown_changed_and_deleted(remote: Shell) -> None:
    text = "kind: notebook\nname: explore\nlanguage: r\ntrains: headwater.churn\n"
    model = "kind: mlmodel\nname: churn\nalgorithm: A\n"
    file = remote.file("all.yaml", f"{text}---\n{model}")
    assert remote.lines("apply", "-f", file) == [
        "created   mlmodel headwater.churn 0.1",
        "created   notebook explore 0.1",
    ]
    (head, line) = remote.lines("list", "notebooks")
    assert head.split() == ["NAME", "VERSION", "UPDATED", "BY", "LANGUAGE", "DESCRIPTION"]
    assert line.split()[0] == "explore"
    shown = str(remote("get", "notebook", "explore", "-o", "yaml").stdout)
    assert "kind: notebook" in shown
    changed = shown.replace("language: r", "language: sql")
    assert remote.lines("apply", "-f", "-", stdin=changed) == ["updated   notebook explore 1.0"]
    assert remote.data("get", "notebook:explore")["language"] == "sql"
    assert len(remote.lines("versions", "notebook", "explore")) == 3
    assert remote.data("search", "explore")["data"][0]["kind"] == "notebook"
    remote("delete", "notebook", "explore")
    assert remote.lines("list", "notebooks")[1:] == []
    remote("restore", "notebook", "explore")
    failed = remote("apply", "-f", "-", stdin="kind: notebok\nname: x\n", code=1)
    assert "there is no kind 'notebok'" in failed.stderr

"""Commands that take changes back, find things, and follow what happens."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import Headwater
from tests.cli.conftest import Shell
from tests.sdk.server import clean_environ, running_server

HEADWATER = [sys.executable, "-m", "headwater"]
CHURN = ["mlmodel", "headwater.churn"]


def test_an_entity_is_renamed_and_reverted(filled: Shell) -> None:
    assert filled.lines("revert", *CHURN, "0.1") == ["reverted mlmodel headwater.churn 2.0"]
    assert filled.data("get", *CHURN)["algorithm"] == "RandomForest"
    assert filled.lines("rename", "mlmodel:headwater.churn", "leavers")[0].startswith(
        "renamed mlmodel headwater.leavers"
    )
    assert filled.data("rename", "mlmodel", "headwater.leavers", "churn")["name"] == "churn"


def test_a_field_is_released(filled: Shell) -> None:
    text = "kind: mlmodel\nname: churn\nalgorithm: A\ndescription: by hand\n"
    filled("apply", "-f", filled.file("churn.yaml", text))
    assert filled.lines("release", *CHURN, "description")[0].startswith("released mlmodel")
    assert filled("release", *CHURN, "nonsense", code=2).stdout == ""


@pytest.mark.parametrize(
    ("command", "missing"), [("rename", "new name"), ("revert", "version"), ("release", "field")]
)
def test_what_is_missing_is_asked_for(filled: Shell, command: str, missing: str) -> None:
    assert missing in filled(command, *CHURN, code=2).stderr
    assert missing in filled(command, "headwater.churn", code=2).stderr


def test_deleting_for_good_asks_first(filled: Shell) -> None:
    question = "Delete mlmodel headwater.churn for good?"
    refused = filled("delete", *CHURN, "--hard", stdin="n\n", code=1)
    assert question in refused.stderr
    assert "erased" not in refused.output
    filled("get", *CHURN)
    erased = filled("delete", *CHURN, "--hard", stdin="y\n")
    assert erased.stdout.endswith("erased mlmodel headwater.churn 1.0\n")
    filled("restore", *CHURN, code=3)


def test_deleting_for_good_does_not_ask_when_told(filled: Shell) -> None:
    filled("delete", "databaseService", "shop", "--hard", "--yes", code=4)
    words = ["delete", "databaseService", "shop", "--hard", "--force", "--recursive", "-y"]
    assert filled.lines(*words) == ["erased databaseService shop 0.1"]


def test_what_a_name_may_have_meant_is_told(filled: Shell) -> None:
    model = "did you mean mlmodel:headwater.churn?"
    for words in (["get", "churn"], ["get", "mlmodels", "CHURN"], ["delete", "mlmodel", "churn"],
                  ["list", "modelVersions", "--parent", "churn"], ["lineage", "churn"],
                  ["lineage", "mlmodel:churn"], ["impact", "churn"], ["path", "shop", "churn"],
                  ["versions", "mlmodel", "churn"], ["restore", "churn"]):  # fmt: skip
        assert model in filled(*words, code=3).stderr, words
    table = "did you mean table:shop.main.raw.customers?"
    for name in ("customers", "raw.customers"):
        assert table in filled("get", "table", name, code=3).stderr
    for words in (["tables", "churn"], ["nope"], ["table", "omers"], ["table", '"']):
        assert "did you mean" not in filled("get", *words, code=3).stderr


def test_words_find_entities(filled: Shell) -> None:
    lines = filled.lines("search", "customers", "--kind", "table")
    assert [line.split() for line in lines] == [
        ["KIND", "NAME", "DESCRIPTION"],
        ["table", "shop.main.raw.customers"],
    ]
    found = filled.data("search", "churn")
    assert (found["total"], found["approximate"]) == (1, False)
    assert found["data"][0]["fullyQualifiedName"] == "headwater.churn"
    for command in ("search", "list modelVersions"):
        told = filled(*command.split(), "--stage", "nope", code=2)
        assert "none or staging or production or archived, not 'nope'" in told.stderr
    told = filled("search", "--service", "shop", "--limit", "1")
    assert "1 of" in told.stderr
    assert "--offset 1" in told.stderr


def test_events_are_lines(filled: Shell) -> None:
    lines = filled.lines("events", "--kind", "mlmodel", "--major")
    assert len(lines) == 1
    assert re.search(r"entityUpdated mlmodel headwater.churn 1.0 major ", lines[0])
    number = lines[0].split()[0]
    assert filled.lines("events", "--after", number) == []
    told = [json.loads(line) for line in filled.lines("events", "--limit", "2", "-o", "json")]
    assert [event["number"] for event in told] == [1, 2]
    kinds = filled.lines("events", "--type", "entityCreated", "-o", "yaml")
    assert kinds.count("  type: entityCreated") == 6


def test_a_follower_sees_what_is_written_and_ends_at_an_interrupt(tmp_path: Path) -> None:
    with running_server(f"sqlite:///{tmp_path}/headwater.db") as url, Headwater(url) as hw:
        words = ["events", "--follow", "--kind", "mlmodel", "--url", url]
        with subprocess.Popen(
            [*HEADWATER, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environ(),
        ) as command:
            assert command.stdout
            for name in ("first", "second"):
                hw.create({"name": name, "algorithm": "A"}, kind="mlmodel")
                line = command.stdout.readline()
                assert f"entityCreated mlmodel headwater.{name} 0.1" in line
            command.send_signal(signal.SIGINT)
            stdout, stderr = command.communicate(timeout=20)
    assert command.returncode == 0
    assert stdout == ""
    assert stderr == f"headwater: go on with --after {line.split()[0]}\n"

"""Stages, aliases, records and followers on the command line."""

from __future__ import annotations

import pytest

from headwater import CreateUser, Headwater
from tests.cli.conftest import Shell

VERSION = "headwater.churn.1"


@pytest.fixture
def versioned(filled: Shell, hw: Headwater) -> Shell:
    """The filled store, with two versions of the model, and a user."""
    for name in ("1", "2"):
        hw.create({"name": name, "mlmodel": "headwater.churn"}, kind="modelVersion")
    hw.create(CreateUser(name="anna"))
    return filled


def test_a_version_is_moved_and_named(versioned: Shell) -> None:
    words = ["stage", VERSION, "production", "--reason", "better", "--effective-at", "2026-01-31"]
    assert versioned.lines(*words) == [f"{VERSION} production"]
    assert versioned.lines("alias", VERSION, "champion") == [f"{VERSION} production champion"]
    assert versioned.data("alias", VERSION, "champion", "--delete").get("aliases", []) == []
    refused = versioned("stage", "headwater.churn.2", "production", code=4).output
    assert "to itself: --force archives that one in the same commit, --keep leaves both" in refused
    versioned("stage", "headwater.churn.2", "production", "--keep")
    listed = versioned.lines("list", "modelVersions", "--parent", "headwater.churn")
    assert listed[0].split()[4:7] == ["STAGE", "ALIASES", "STATUS"]
    shown = [line.split() for line in listed[1:]]
    assert [line[0] for line in shown] == [VERSION, "headwater.churn.2"]
    assert ["production" in line for line in shown] == [True, True]
    versioned("stage", VERSION, "nowhere", code=2)
    versioned("stage", VERSION, "staging", "--effective-at", "soon", code=2)
    versioned("alias", "headwater.churn.9", "x", code=3)


def test_records_are_written_and_listed(versioned: Shell) -> None:
    name = f"modelVersion:{VERSION}"
    made = versioned.lines("record", name, "metric", "auc=0.93", "f1=1")
    assert [line.split()[3:6] for line in made[1:]] == [
        ["auc", "value=0.93", "local"],
        ["f1", "value=1", "local"],
    ]
    versioned("record", "modelVersion", VERSION, "metric", "auc=0.95")
    latest = versioned.data("records", name, "metric", "--latest", "--key", "auc")
    assert [each["data"]["value"] for each in latest] == [0.95]
    assert len(versioned.data("records", name, "metric", "--limit", "2")) == 2
    usage = ["record", "table:shop.main.raw.customers", "usage", "queries=12", "by=nobody"]
    (record,) = versioned.data(*usage, "--key", "daily")
    assert (record["key"], record["data"]) == ("daily", {"queries": 12, "by": "nobody"})


@pytest.mark.parametrize(
    "words", [["metric"], ["metric", "auc=high"], ["metric", "auc=NaN"], ["metric", "=1"], []]
)
def test_what_is_no_record_is_refused(versioned: Shell, words: list[str]) -> None:
    assert versioned("record", "modelVersion", VERSION, *words, code=2).stdout == ""


def test_a_user_follows(versioned: Shell, hw: Headwater) -> None:
    model = "mlmodel:headwater.churn"
    assert versioned.lines("follow", model, "anna") == [f"anna follows {model}"]
    assert [each.name for each in hw.followers(model)] == ["anna"]
    versioned("unfollow", "mlmodel", "headwater.churn", "anna")
    assert hw.followers(model) == []
    versioned("follow", model, "nobody", code=3)

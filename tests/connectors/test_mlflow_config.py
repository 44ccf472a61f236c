"""How an MLflow server is configured."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import Headwater, InvalidInputError, SourceError
from headwater.connectors.config import check_config
from headwater.connectors.mlflow import Config, ingest

URI = "https://ml.example.com/mlflow/"

PASSWORD = {"tracking_password": "env:PASSWORD"}
TOKEN = {"tracking_token": "env:TOKEN"}


def checked(**source: Any) -> Any:
    environ = {"PASSWORD": "s3cret", "TOKEN": "t0ken"}
    return check_config({"sources": [{"type": "mlflow", **source}]}, environ=environ)[0]


def refused(**source: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        checked(**source)
    return caught.value.message


def test_a_source_is_named_after_its_host() -> None:
    assert checked(tracking_uri=URI).service_name == "mlflow-ml.example.com"
    assert checked(tracking_uri=URI, service="registry").service_name == "registry"
    source = checked(tracking_uri="databricks", databricks_host="dbc.example.com/", **TOKEN)
    assert source.base_url == "https://dbc.example.com"
    assert source.service_name == "mlflow-dbc.example.com"


@pytest.mark.parametrize("uri", ["./mlruns", "file:///mlruns", "sqlite:///m.db", "http://", "uc"])
def test_files_and_databases_are_to_be_served(uri: str) -> None:
    assert "mlflow server" in refused(tracking_uri=uri)


def test_secrets_come_from_the_environment() -> None:
    source = checked(tracking_uri=URI, tracking_username="anna", **PASSWORD)
    assert (source.tracking_username, source.tracking_password) == ("anna", "s3cret")
    for name in ("tracking_password", "tracking_token"):
        assert "env:NAME" in refused(tracking_uri=URI, **{name: "open"})
    assert "env:NAME" in refused(tracking_uri="https://anna:open@ml.example.com")


def test_sign_ins_that_cannot_be_are_refused() -> None:
    assert "go together" in refused(tracking_uri=URI, tracking_username="anna")
    assert "in place of" in refused(tracking_uri=URI, tracking_username="a", **PASSWORD, **TOKEN)
    assert "databricks_host" in refused(tracking_uri="databricks", **TOKEN)
    assert "goes with" in refused(tracking_uri=URI, databricks_host="dbc.example.com")


def test_a_server_that_is_not_there_is_told_without_its_password(hw: Headwater) -> None:
    uri = "http://anna:s3cret@127.0.0.1:1"
    with pytest.raises(SourceError) as caught:
        ingest(hw, uri)
    assert "cannot reach http://127.0.0.1:1" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_tags_are_chosen_by_their_keys() -> None:
    config = Config(tracking_uri=URI, tag_keys=("team", "val*"))
    assert [key for key in ("team", "validated", "sha", "mlflow.x") if config.wants_tag(key)] == [
        "team",
        "validated",
    ]
    assert not Config(tracking_uri=URI).wants_tag("mlflow.note.content")

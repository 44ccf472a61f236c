"""The notebook as an organisation's own kind: the same tests over REST, and a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headwater.app import InProcessTransport
from headwater.errors import InvalidInputError
from headwater.schemas import kinds
from headwater.sdk.in_process import in_process_transport
from headwater.settings import Settings
from headwater.store import open_store
from tests.schemas.new_kind import NOTEBOOK, REQUEST
from tests.schemas.own import CUSTOM, make_folder, no_folder_afterwards
from tests.schemas.served_notebook import *  # noqa: F403  (its tests and fixtures, run here)
from tests.sdk.server import running_server

TEXT = {"type": "string", "description": "Text."}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the kind, which the environment names."""
    made = make_folder(tmp_path / "schemas", notebook=NOTEBOOK)
    monkeypatch.setenv("HEADWATER_SCHEMAS", str(made))
    with no_folder_afterwards():
        yield made


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_application_over_each_engine_serves_it(
    engine: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    url = "sqlite://" if engine == "sqlite" else request.getfixturevalue("neo4j_url")
    transport = InProcessTransport(open_store(url), Settings(schemas=str(folder)))
    with httpx.Client(transport=transport, base_url="http://localhost/api/v1") as client:
        client.post("/mlmodelServices", json={"name": "lab"})
        client.post("/mlmodels", json={"name": "churn", "algorithm": "GBM"})
        made = client.post("/notebooks", json=REQUEST)
        assert made.status_code == 201, made.text
        assert client.get("/notebooks/name/lab.explore churn").json() == made.json()
        assert client.get("/schemas/notebook").json()["title"] == "Notebook"
        refused = client.put("/notebooks", json={**REQUEST, "language": "cobol"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/language"


def test_real_server_serves_it(folder: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'a.db'}"
    with running_server(store, "--schemas", str(folder)) as address:
        httpx.post(f"{address}/api/v1/mlmodelServices", json={"name": "lab"}).raise_for_status()
        plain = {"name": "a", "service": "lab", "language": "r"}
        made = httpx.put(f"{address}/api/v1/notebooks", json=plain)
        assert made.status_code == 201, made.text
        listed = httpx.get(f"{address}/api/v1/schemas").json()["data"]
        assert "notebook" in [each["kind"] for each in listed]


def test_custom_properties_are_listed_with_the_kinds(folder: Path) -> None:
    make_folder(folder, ml_model_extension=CUSTOM)
    transport = in_process_transport(":memory:")
    with httpx.Client(transport=transport, base_url="http://localhost/api/v1") as client:
        listed = {each["kind"]: each for each in client.get("/schemas").json()["data"]}
        assert listed["mlmodel"]["extension"] == "MlModelExtension"
        assert "extension" not in listed["notebook"]
        schema = client.get("/schemas/MlModelExtension").json()
        assert schema["properties"]["risk"]["anyOf"][0] == {"$ref": "#/$defs/ModelRisk"}
        assert client.get("/schemas/common.json").json()["$defs"]["EntityReference"]
        assert client.get("/schemas/nothing").status_code == 404
        model = {"name": "churn", "algorithm": "GBM", "extension": {"risk": "low"}}
        assert client.post("/mlmodels", json=model).status_code == 201
        refused = client.put("/mlmodels", json={**model, "extension": {"risk": "none"}})
        assert refused.json()["errors"][0]["pointer"] == "/extension/risk"


def test_folder_that_cannot_be_used_stops_the_start(folder: Path) -> None:
    make_folder(folder, notebook={**NOTEBOOK, "title": "Book"})
    with pytest.raises(InvalidInputError, match=r"notebook\.json#/title: the title of notebook"):
        in_process_transport(":memory:")


def test_name_that_the_api_needs_stops_the_start(folder: Path) -> None:
    named = {**NOTEBOOK["$defs"], "Problem": {**TEXT, "title": "Problem", "enum": ["a"]}}
    make_folder(folder, notebook={**NOTEBOOK, "$defs": named})
    with pytest.raises(InvalidInputError, match="'Problem' is the name of one of the API's own"):
        in_process_transport(":memory:")
    assert "notebook" not in kinds()

"""The added kind over REST: `test_new_kind` runs this file in a copy that has the kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from headwater.sdk.in_process import in_process_transport
from tests.schemas.new_kind import REQUEST


class Api:
    """The REST API in process, over an empty SQLite store."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Send one request; the answer's JSON."""
        given = {} if body is None else {"json": body}
        answer = self._client.request(method, path, **given)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def api() -> Iterator[Api]:
    transport = in_process_transport(":memory:")
    with httpx.Client(transport=transport, base_url="http://localhost/api/v1") as client:
        api = Api(client)
        api.ask("POST", "/mlmodelServices", {"name": "lab"}, status=201)
        api.ask("POST", "/mlmodels", {"name": "churn", "algorithm": "GBM"}, status=201)
        yield api


@pytest.fixture
def notebook(api: Api) -> dict[str, Any]:
    made: dict[str, Any] = api.ask("POST", "/notebooks", REQUEST, status=201)
    return made


def test_created_notebook_is_found_by_id_by_name_and_in_lists(
    api: Api, notebook: dict[str, Any]
) -> None:
    assert notebook["fullyQualifiedName"] == "lab.explore churn"
    assert notebook["version"] == "0.1"
    assert notebook["service"]["type"] == "mlmodelService"
    assert notebook["trains"]["fullyQualifiedName"] == "headwater.churn"
    assert api.ask("GET", f"/notebooks/{notebook['id']}") == notebook
    assert api.ask("GET", "/notebooks/name/lab.explore churn") == notebook
    assert api.ask("GET", "/notebooks?parent=lab")["data"] == [notebook]
    api.ask("POST", "/notebooks", REQUEST, status=409)


def test_reference_that_names_nothing_is_refused(api: Api) -> None:
    body = {**REQUEST, "trains": {"fullyQualifiedName": "headwater.nothing", "type": "mlmodel"}}

    refused = api.ask("POST", "/notebooks", body, status=422)

    assert refused["errors"][0]["pointer"] == "/trains"


def test_list_of_references_is_resolved_and_changes_by_target(api: Api) -> None:
    for name in ("a.b", "c"):
        api.ask("POST", "/mlmodels", {"name": name, "algorithm": "GBM"}, status=201)
    both = ['headwater."a.b"', {"fullyQualifiedName": "headwater.c", "type": "mlmodel"}]
    made = api.ask("POST", "/notebooks", {**REQUEST, "uses": both}, status=201)
    assert [each["fullyQualifiedName"] for each in made["uses"]] == [
        'headwater."a.b"',
        "headwater.c",
    ]
    assert api.ask("PUT", "/notebooks", {**REQUEST, "uses": both})["version"] == "0.1"

    fewer = api.ask("PUT", "/notebooks", {**REQUEST, "uses": both[1:]})
    (gone,) = fewer["changeDescription"]["fieldsDeleted"]
    assert gone["name"] == 'uses."headwater.""a.b"""'
    assert [each["name"] for each in fewer["uses"]] == ["c"]
    assert "uses" not in api.ask("PUT", "/notebooks", {**REQUEST, "uses": None})

    wrong = {**REQUEST, "uses": ["headwater.c", "headwater.nothing"]}
    refused = api.ask("PUT", "/notebooks", wrong, status=422)
    assert refused["errors"][0]["pointer"] == "/uses/1"


def test_body_that_breaks_the_schema_is_refused_with_its_pointer(api: Api) -> None:
    refused = api.ask("POST", "/notebooks", {**REQUEST, "cells": [{"name": ""}]}, status=422)

    assert refused["errors"][0]["pointer"] == "/cells/0/name"


def test_changes_make_minor_and_major_versions(api: Api, notebook: dict[str, Any]) -> None:
    path = f"/notebooks/{notebook['id']}"

    described = api.ask("PATCH", path, {"description": "First look."})
    assert described["version"] == "0.2"
    ported = api.ask("PATCH", path, [{"op": "replace", "path": "/language", "value": "r"}])
    assert ported["version"] == "1.0"
    assert api.ask("PUT", "/notebooks", {**REQUEST, "language": "r"})["version"] == "1.0"

    versions = api.ask("GET", f"{path}/versions")["data"]
    assert [each["version"] for each in versions] == ["1.0", "0.2", "0.1"]
    assert api.ask("GET", f"{path}/versions/0.1")["language"] == "python"
    diff = api.ask("GET", f"{path}/versions/0.1/diff/1.0")
    assert diff["major"] is True
    assert [each["name"] for each in diff["fieldsUpdated"]] == ["language"]
    assert [each["name"] for each in diff["fieldsAdded"]] == ["description"]


def test_keyed_list_changes_by_element(api: Api, notebook: dict[str, Any]) -> None:
    path = f"/notebooks/{notebook['id']}"

    changed = api.ask("PATCH", path, [{"op": "replace", "path": "/cells/0/runs", "value": 4}])
    assert changed["version"] == "0.2"
    (update,) = changed["changeDescription"]["fieldsUpdated"]
    assert (update["name"], update["oldValue"], update["newValue"]) == ("cells.load.runs", 3, 4)

    assert api.ask("PATCH", path, [{"op": "remove", "path": "/cells/1"}])["version"] == "1.0"


def test_lineage_runs_through_the_notebook(api: Api, notebook: dict[str, Any]) -> None:
    edge = {
        "fromEntity": {"id": notebook["id"], "type": "notebook"},
        "toEntity": {"fullyQualifiedName": "headwater.churn", "type": "mlmodel"},
    }
    api.ask("PUT", "/lineage/edges", edge)

    walk = api.ask("GET", "/lineage/mlmodel/name/headwater.churn?upstream=1")
    assert {node["kind"] for node in walk["nodes"]} == {"notebook", "mlmodel"}
    assert [each["from"] for each in walk["edges"]] == [notebook["id"]]
    walk = api.ask("GET", f"/lineage/notebook/{notebook['id']}")
    assert walk["root"] == notebook["id"]

    api.ask("DELETE", "/lineage/edges", edge)
    walk = api.ask("GET", f"/lineage/notebook/{notebook['id']}")
    assert walk["edges"] == []


def test_deleted_notebook_comes_back(api: Api, notebook: dict[str, Any]) -> None:
    path = f"/notebooks/{notebook['id']}"

    api.ask("DELETE", path)
    api.ask("GET", path, status=404)
    assert api.ask("POST", f"{path}/restore")["language"] == "python"
    assert api.ask("GET", path)["cells"] == notebook["cells"]


def test_new_kind_is_in_the_description_of_the_api(api: Api) -> None:
    paths = api.ask("GET", "http://localhost/openapi.json")["paths"]

    assert any(path.endswith("/notebooks") for path in paths)

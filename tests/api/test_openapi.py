"""The description of the API: valid, typed for every kind, and true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from headwater.api.openapi import openapi_document
from headwater.schemas import kinds


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What a client reads, parsed anew."""
    found: dict[str, Any] = json.loads(json.dumps(openapi_document()))
    return found


def texts(value: Any, name: str) -> Iterator[str]:
    """Every value of a property of that name, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and isinstance(inner, str):
                yield inner
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, name)


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for target in set(texts(document, "$ref")):
        place: Any = document
        for step in target.removeprefix("#/").split("/"):
            place = place[step]


def test_operations_have_unique_names(document: dict[str, Any]) -> None:
    found = list(texts(document["paths"], "operationId"))
    assert len(found) == len(set(found))
    assert {"createMlModel", "getTableByName", "getImpact"} <= set(found)


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_has_typed_paths(document: dict[str, Any], kind: str) -> None:
    which = kinds()[kind]
    base = f"/api/v1/{which.collection}"
    create = document["paths"][base]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    made = create["responses"]["201"]["content"]["application/json"]["schema"]
    assert body == {"$ref": f"#/components/schemas/Create{which.title}"}
    assert made == {"$ref": f"#/components/schemas/{which.title}"}
    assert {"get", "patch", "delete"} == document["paths"][base + "/name/{fqn}"].keys()


def test_every_operation_describes_its_problems(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert {"400", "403", "503"} <= operation["responses"].keys(), f"{method} {path}"


def test_answers_are_what_the_description_says(
    client: httpx.Client, document: dict[str, Any], table: str, model: str
) -> None:
    def check(answer: httpx.Response, component: str) -> None:
        assert answer.is_success or component == "Problem", answer.text
        schema = {"$ref": f"#/components/schemas/{component}", "components": document["components"]}
        faults = [
            error.message for error in Draft202012Validator(schema).iter_errors(answer.json())
        ]
        assert faults == []

    found = client.get(f"/mlmodels/name/{model}")
    one = f"/mlmodels/{found.json()['id']}"
    preview = {"preview": "true"}
    edge = {"fromEntity": f"table:{table}", "toEntity": f"mlmodel:{model}"}
    check(found, "MlModel")
    check(client.get(f"/tables/name/{table}"), "Table")
    check(client.get("/tables", params={"total": "true", "limit": 1}), "TablePage")
    check(
        client.put("/mlmodels/bulk", json=[{}, {"name": "a", "algorithm": "b"}]),
        "MlModelBulkResult",
    )
    check(client.patch(one, json={"description": "new", "algorithm": "other"}), "MlModel")
    check(client.put("/mlmodels", json={"name": "a", "algorithm": "b"}, params=preview), "Preview")
    check(client.put("/mlmodels/bulk", json=[{}, {"name": "a"}], params=preview), "PreviewResult")
    check(client.get(f"{one}/provenance"), "Provenance")
    check(client.get(f"{one}/versions"), "MlModelPage")
    check(client.get(f"{one}/versions/0.1/diff/1.0"), "Diff")
    for level in ("entity", "feature", "column"):
        params = {"level": level, "upstream": 3}
        check(client.get(f"/lineage/mlmodel/name/{model}", params=params), "Lineage")
    root = client.get(f"/lineage/table/name/{table}").json()["root"]
    check(client.get(f"/lineage/table/{root}/neighbours"), "NodePage")
    check(client.get("/lineage/impact", params={"fqn": f"{table}.age"}), "Impact")
    dropped = {"fqn": table, "drop": "true"}
    check(client.get("/lineage/impact", params=dropped), "Impact")
    client.post("/classifications", json={"name": "PII"})
    tag = client.post("/tags", json={"name": "Sensitive", "classification": "PII"}).json()
    client.patch(f"/tables/name/{table}", json={"tags": [{"id": tag["id"], "type": "tag"}]})
    check(client.get("/lineage/impact", params={"tag": "PII"}), "Impact")
    asked = {"fqn": f"mlmodel:{model}", "tag": "PII"}
    check(client.get("/lineage/tagged", params=asked), "TaggedSources")
    check(client.get("/lineage/trained-on", params={"fqn": table}), "TrainedOn")
    ends = {"from": table, "to": f"mlmodel:{model}"}
    check(client.get("/lineage/path", params=ends), "LineagePath")
    ends = {"from": ends["to"], "to": ends["from"]}
    check(client.get("/lineage/path", params=ends), "LineagePath")
    asked = {"fqn": f"{table}.age", "from": "1"}
    check(client.get("/lineage/diff", params=asked), "LineageDiff")
    check(client.get("/lineage/roots", params={"fqn": root}), "LineageRoots")
    check(client.get("/lineage/cycles", params={"fqn": root}), "LineageCycles")
    check(client.put("/lineage/edges", json=edge), "LineageAnswer")
    check(client.post(f"/lineage{one}"), "Lineage")
    replaced = client.put(
        "/lineage/producers/p", json={"edges": [edge]}, headers={"X-Headwater-Producer": "p"}
    )
    check(replaced, "EdgeSetAnswer")
    check(client.post(f"{one}/records/metric", json={"data": {"value": 1}}), "Records")
    check(client.get(f"{one}/records/metric"), "RecordPage")
    said = {"entity": {"type": "mlmodel", "fullyQualifiedName": model}, "type": "usage"}
    check(client.put("/records", json=[said]), "PutRecords")
    user = client.post("/users", json={"name": "anna"}).json()["id"]
    check(client.put(f"{one}/followers/{user}"), "Record")
    check(client.get(f"{one}/followers"), "Followers")
    check(client.put(f"{one}/votes/{user}", json={"vote": "up"}), "Record")
    check(client.get(f"{one}/votes"), "Votes")
    version = client.post("/modelVersions", json={"name": "a", "mlmodel": model}).json()["id"]
    move = {"stage": "production", "reason": "better"}
    check(client.post(f"/modelVersions/{version}/stage", json=move), "ModelVersion")
    check(client.put(f"/modelVersions/{version}/aliases/best"), "ModelVersion")
    check(client.get(f"{one}/modelVersions/best"), "ModelVersion")
    check(client.get(f"{one}/lifecycle"), "RecordPage")
    check(client.get(f"{one}/lifecycle?stage=production"), "VersionPointers")
    check(client.get("/search"), "SearchPage")
    check(client.get("/resolve", params={"fqn": table}), "Node")
    check(client.get("/events"), "EventPage")
    check(client.get("/health"), "Health")
    check(client.get("/schemas"), "KindPage")
    check(client.post("/mlmodels", json={}), "Problem")
    check(client.get("/mlmodels/nobody"), "Problem")

"""Lineage over REST."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def walk(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/lineage/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(found: dict[str, Any]) -> set[str]:
    return {f"{node['kind']}:{node['fullyQualifiedName']}" for node in found["nodes"]}


def test_a_walk_by_name_and_by_id_is_the_same(client: httpx.Client, table: str, model: str) -> None:
    by_name = walk(client, f"mlmodel/name/{model}")
    assert names(by_name) == {f"mlmodel:{model}", f"table:{table}"}
    assert walk(client, f"mlmodel/{by_name['root']}") == by_name


def test_levels_steps_and_directions_are_as_asked(
    client: httpx.Client, table: str, model: str
) -> None:
    column = f"column/name/{table}.age"
    down = walk(client, column, level="column", upstream=0, downstream=2)
    assert names(down) == {f"column:{table}.age", f"mlFeature:{model}.persona", f"mlmodel:{model}"}
    assert len(walk(client, column, level="column", downstream=1)["nodes"]) == 2
    assert len(walk(client, column, level="column", downstream=0)["nodes"]) == 1
    assert f"mlFeature:{model}.persona" in names(
        walk(client, f"mlmodel/name/{model}", level="feature")
    )


def test_a_walk_as_of_the_past_shows_what_was(client: httpx.Client, table: str, model: str) -> None:
    before = client.get("/events").json()["data"][-1]["sequence"]
    client.patch(f"/mlmodels/name/{model}", json={"mlFeatures": []})
    assert names(walk(client, f"mlmodel/name/{model}")) == {f"mlmodel:{model}"}
    assert f"table:{table}" in names(walk(client, f"mlmodel/name/{model}", asOf=before))


def test_impact_of_a_column_names_the_model(client: httpx.Client, table: str, model: str) -> None:
    for params in ({"fqn": f"{table}.age"}, {"fqn": f"{table}.age", "kind": "column"}):
        found = walk(client, "impact", **params)
        assert [each["fullyQualifiedName"] for each in found["models"]] == [model]
        path = [step["kind"] for step in found["models"][0]["path"]]
        assert path == ["column", "mlFeature", "mlmodel"]
    assert walk(client, "impact", fqn=f"{table}.city")["models"] == []


def test_impact_tells_the_stage_of_versions(client: httpx.Client, table: str, model: str) -> None:
    source = {"name": "age", "dataSource": table}
    features = [{"name": "persona", "featureSources": [source]}]
    body = {"name": "a", "mlmodel": model, "mlFeatures": features}
    assert client.post("/modelVersions", json=body).status_code == 201
    asked = {"fqn": f"{table}.age", "stage": "none"}
    (found,) = walk(client, "impact", **asked)["models"]
    assert (found["fullyQualifiedName"], found["stage"]) == (f"{model}.a", "none")
    assert walk(client, "impact", **asked | {"stage": "production"})["total"] == 0


def test_a_name_of_several_things_lists_them(client: httpx.Client) -> None:
    client.post("/databaseServices", json={"name": "headwater", "serviceType": "Sqlite"})
    answer = client.get("/lineage/impact", params={"fqn": "headwater"})
    assert answer.status_code == 409
    assert sorted(answer.json()["candidates"]) == [
        "databaseService:headwater",
        "mlmodelService:headwater",
    ]


@pytest.mark.parametrize("spelled", ["text", "object"])
def test_edges_are_put_seen_and_closed(
    client: httpx.Client, table: str, model: str, spelled: str
) -> None:
    schema = table.rpartition(".")[0]
    client.post("/tables", json={"name": "raw", "databaseSchema": schema, "columns": []})
    start, end = f"table:{schema}.raw", f"table:{table}"
    if spelled == "text":
        body: dict[str, Any] = {"fromEntity": start, "toEntity": end}
    else:
        body = {
            "fromEntity": {"type": "table", "fullyQualifiedName": f"{schema}.raw"},
            "toEntity": {"type": "table", "fullyQualifiedName": table},
            "lineageDetails": {"sqlQuery": "select 1"},
        }
    for _ in range(2):
        assert client.put("/lineage/edges", json=body).status_code == 200
    found = walk(client, f"mlmodel/name/{model}", upstream=2)
    assert start in names(found)
    gone = client.request("DELETE", "/lineage/edges", json=body)
    assert gone.status_code == 200
    assert start not in names(walk(client, f"mlmodel/name/{model}", upstream=2))
    assert client.request("DELETE", "/lineage/edges", json=body).status_code == 404


def test_an_edge_to_nowhere_is_422(client: httpx.Client, table: str) -> None:
    body = {"fromEntity": f"table:{table}", "toEntity": "table:nobody"}
    answer = client.put("/lineage/edges", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/toEntity")


def test_lineage_of_a_model_is_derived_on_demand(
    client: httpx.Client, table: str, model: str
) -> None:
    edge = {"fromEntity": f"table:{table}", "toEntity": f"mlmodel:{model}"}
    client.request("DELETE", "/lineage/edges", json=edge)
    found = walk(client, f"mlmodel/name/{model}")
    assert names(found) == {f"mlmodel:{model}"}
    answer = client.post(f"/lineage/mlmodels/{found['root']}")
    assert answer.status_code == 200
    assert f"mlFeature:{model}.persona" in names(answer.json())
    assert f"table:{table}" in names(walk(client, f"mlmodel/name/{model}"))


def test_neighbours_come_in_pages(client: httpx.Client, table: str) -> None:
    source = {"name": "age", "dataSource": table}
    models = [
        {
            "name": f"m{number}",
            "algorithm": "x",
            "mlFeatures": [{"name": "f", "featureSources": [source]}],
        }
        for number in range(5)
    ]
    assert client.put("/mlmodels/bulk", json=models).json()["created"] == 5
    root = walk(client, f"table/name/{table}")["root"]
    seen: set[str] = set()
    params: dict[str, Any] = {"limit": 2}
    pages = 0
    while True:
        page = walk(client, f"table/{root}/neighbours", **params)
        seen |= {node["name"] for node in page["data"]}
        pages += 1
        if "after" not in page["paging"]:
            break
        params["after"] = page["paging"]["after"]
    assert seen == {f"m{number}" for number in range(5)}
    assert pages == 3
    upstream = walk(client, f"table/{root}/neighbours", direction="upstream")
    assert upstream == {"data": [], "paging": {}}
    neighbours = f"/lineage/table/{root}/neighbours"
    assert walk(client, neighbours.removeprefix("/lineage/"), asOf="version:0.1")["data"] == []
    assert client.get(neighbours, params={"asOf": 1}).status_code == 404
    assert "%2B" not in client.get(neighbours, params={"asOf": "x"}).json()["message"]
    bare = client.get(f"{neighbours}?asOf=2026-05-03T12:00:00+02:00")  # a blank, in an address
    assert (bare.status_code, "%2B" in bare.json()["message"]) == (400, True)


def test_a_path_leads_from_a_table_s_column_to_the_model(
    client: httpx.Client, table: str, model: str
) -> None:
    found = walk(client, "path", **{"from": table, "to": f"mlmodel:{model}"})
    assert [node["kind"] for node in found["nodes"]] == ["column", "mlFeature", "mlmodel"]
    assert (found["found"], found["level"], len(found["edges"])) == (True, "column", 2)
    ids = {"from": found["from"]["id"], "to": found["to"]["id"]}
    assert walk(client, "path", **ids) == found
    coarse = walk(client, "path", **ids, level="entity")
    assert [node["kind"] for node in coarse["nodes"]] == ["table", "mlmodel"]
    back = walk(client, "path", **{"from": ids["to"], "to": ids["from"]})
    assert (back["found"], back["nodes"]) == (False, [])
    before = client.get("/events").json()["data"][-1]["sequence"]
    client.patch(f"/mlmodels/name/{model}", json={"mlFeatures": []})
    assert walk(client, "path", **ids)["found"] is False
    assert walk(client, "path", **ids, asOf=before) == found
    assert client.get("/lineage/path", params={**ids, "asOf": 1}).status_code == 404


def test_a_diff_tells_what_changed_between_moments(
    client: httpx.Client, table: str, model: str
) -> None:
    before = client.get("/events").json()["data"][-1]["sequence"]
    client.patch(f"/mlmodels/name/{model}", json={"mlFeatures": []})
    asked: dict[str, Any] = {"fqn": f"mlmodel:{model}", "from": before}
    for since in (before, "version:0.1"):
        found = walk(client, "diff", **{**asked, "from": since})
        changes = {node["fullyQualifiedName"]: node["change"] for node in found["nodes"]}
        assert changes == {table: "removed", model: "same"}
        assert [edge["change"] for edge in found["edges"]] == ["removed"]
        assert (found["from"], found["level"]) == (before, "entity")
    assert walk(client, "diff", **asked, to=before)["edges"] == []
    assert walk(client, "diff", **asked, to="version:0.1")["nodes"] == []
    part = {"fqn": f"{table}.age", "from": "version:0.1"}
    assert walk(client, "diff", **part)["level"] == "column"


def test_an_entity_s_version_is_a_moment(client: httpx.Client, table: str, model: str) -> None:
    client.patch(f"/mlmodels/name/{model}", json={"mlFeatures": []})
    first = {"asOf": "version:0.1"}
    assert client.get(f"/mlmodels/name/{model}", params=first).json()["version"] == "0.1"
    assert f"table:{table}" in names(walk(client, f"mlmodel/name/{model}", **first))
    root = walk(client, f"mlmodel/name/{model}")["root"]
    assert walk(client, "roots", fqn=root, **first)["total"] == 1
    assert walk(client, "impact", fqn=f"{table}.age", **first)["total"] == 0  # the table's version
    for path in (f"/mlmodels/{root}", f"/lineage/mlmodel/{root}"):
        assert client.get(path, params={"asOf": "version:0.9"}).status_code == 404
        for wrong in ("version:", "version:x", "version:1", "version:01.0"):
            assert client.get(path, params={"asOf": wrong}).status_code == 400
    refused = client.get("/lineage/path", params={"from": root, "to": table, **first})
    assert (refused.status_code, "more than one entity" in refused.json()["message"]) == (400, True)


def test_roots_and_cycles(client: httpx.Client, table: str, model: str) -> None:
    found = walk(client, "roots", fqn=f"mlmodel:{model}", level="column")
    assert [node["fullyQualifiedName"] for node in found["roots"]] == [f"{table}.age"]
    edge = {"fromEntity": f"mlmodel:{model}", "toEntity": f"table:{table}"}
    assert client.put("/lineage/edges", json=edge).status_code == 200
    (cycle,) = walk(client, "cycles", fqn=table)["cycles"]
    assert [node["fullyQualifiedName"] for node in cycle] == [model, table]
    circular = walk(client, "roots", fqn=table)
    assert (circular["roots"], circular["total"], len(circular["cycles"])) == ([], 0, 1)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("path", {"from": "a"}),
        ("path", {"to": "a"}),
        ("path", {"from": "a", "to": "b", "level": "feature"}),
        ("diff", {"from": "1"}),
        ("diff", {"fqn": "headwater"}),
        ("diff", {"fqn": "headwater", "from": "then"}),
        ("diff", {"fqn": "headwater", "from": "1", "upstream": "101"}),
        ("roots", {}),
        ("roots", {"fqn": "headwater", "level": "feature"}),
        ("cycles", {"fqn": "headwater", "limit": "0"}),
        ("impact", {"fqn": "headwater", "stage": "live"}),
        ("cycles", {"fqn": "headwater", "kind": "nosuch"}),
    ],
)
def test_questions_that_cannot_be_understood(
    client: httpx.Client, path: str, params: dict[str, str]
) -> None:
    answer = client.get(f"/lineage/{path}", params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-input")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("path", {"from": "nobody", "to": "headwater"}),
        ("diff", {"fqn": "nobody", "from": "1"}),
        ("roots", {"fqn": "nobody"}),
        ("cycles", {"fqn": "nobody"}),
    ],
)
def test_questions_about_what_is_not_there(
    client: httpx.Client, path: str, params: dict[str, str]
) -> None:
    assert client.get(f"/lineage/{path}", params=params).status_code == 404


def test_a_producer_replaces_its_own_edges(client: httpx.Client, table: str, model: str) -> None:
    edge = {"fromEntity": f"mlmodel:{model}", "toEntity": f"table:{table}"}
    path, mine = "/lineage/producers/dbt", {"X-Headwater-Producer": "dbt"}
    answer = client.put(path, json={"edges": [edge]}, headers=mine)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"producer": "dbt", "opened": 1, "closed": 0, "unchanged": 0}
    (cycle,) = walk(client, "cycles", fqn=table)["cycles"]
    assert len(cycle) == 2
    assert client.put(path, json={"edges": []}, headers=mine).json()["closed"] == 1
    assert walk(client, "cycles", fqn=table)["cycles"] == []
    for headers in ({}, {"X-Headwater-Producer": "other"}):
        refused = client.put(path, json={"edges": []}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "access-denied")
    faulty = client.put(path, json={"edges": [edge, {**edge, "toEntity": "x"}]}, headers=mine)
    assert faulty.status_code == 422
    assert [each["pointer"] for each in faulty.json()["errors"]] == ["/edges/1/toEntity"]


def test_a_producer_may_have_any_name(client: httpx.Client, table: str) -> None:
    headers = {"X-Headwater-Producer": "sql:a/b c"}
    answer = client.put("/lineage/producers/sql%3Aa%2Fb%20c", json={"edges": []}, headers=headers)
    assert (answer.status_code, answer.json().get("producer")) == (200, "sql:a/b c")

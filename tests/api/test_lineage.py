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

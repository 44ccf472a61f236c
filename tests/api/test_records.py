"""Records, followers and votes over REST."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.fixture
def path(client: httpx.Client, model: str) -> str:
    """The path of a model."""
    return f"/mlmodels/{client.get(f'/mlmodels/name/{model}').json()['id']}"


@pytest.fixture
def anna(client: httpx.Client) -> str:
    """The id of a user with a name that needs care in a path."""
    answer = client.post("/users", json={"name": "anna/münchen"})
    found: str = answer.json()["id"]
    return found


def record(client: httpx.Client, path: str, body: Any, type_: str = "metric") -> Any:
    answer = client.post(f"{path}/records/{type_}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def values(found: httpx.Response) -> list[float]:
    assert found.status_code == 200, found.text
    return [each["data"]["value"] for each in found.json()["data"]]


def test_records_are_appended_and_listed_newest_first(client: httpx.Client, path: str) -> None:
    before = client.get(path)
    auc = [{"key": "auc", "at": 5.0, "data": {"value": n / 10}} for n in range(3)]
    assert [each["at"] for each in record(client, path, auc)] == [5, 5, 5]
    (made,) = record(client, path, {"key": "f1", "data": {"value": 0.5}})
    assert made.keys() == {"number", "type", "key", "at", "recordedAt", "recordedBy", "data"}
    records = f"{path}/records/metric"
    assert values(client.get(records)) == [0.5, 0.2, 0.1, 0.0]
    assert values(client.get(records, params={"key": "auc"})) == [0.2, 0.1, 0.0]
    assert values(client.get(records, params={"latest": "true"})) == [0.5, 0.2]
    assert client.get(path).content == before.content


def test_records_come_in_pages(client: httpx.Client, path: str) -> None:
    record(client, path, [{"data": {"value": n}} for n in range(5)])
    seen: list[float] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        answer = client.get(f"{path}/records/metric", params=params)
        seen += values(answer)
        if "after" not in answer.json()["paging"]:
            break
        params["after"] = answer.json()["paging"]["after"]
    assert seen == [4, 3, 2, 1, 0]


def test_records_of_the_past(client: httpx.Client, path: str) -> None:
    record(client, path, {"data": {"value": 1}}, "usage")
    client.patch(path, json={"description": "new"})
    sequence = client.get("/events").json()["data"][-1]["sequence"]
    record(client, path, {"data": {"value": 2}}, "usage")
    found = f"{path}/records/usage"
    assert values(client.get(found)) == [2, 1]
    for moment in (str(sequence), "version:0.2"):
        assert values(client.get(found, params={"asOf": moment})) == [1]
    assert client.get(found, params={"asOf": "version:0.1"}).json()["data"] == []
    assert client.get(found, params={"asOf": "version:7.0"}).status_code == 404
    assert client.get(found, params={"asOf": "version:x"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data": {"value": "x"}}, "/data/value"),
        ([{"data": {"value": 1}}, {"data": {}}], "/1/data/value"),
        ({"at": "now"}, "/at"),
        ({"at": 2**60}, "/at"),
        ({"key": 7}, "/key"),
        ({"more": 1}, "/more"),
        ("text", ""),
    ],
)
def test_what_is_no_record_is_refused(
    client: httpx.Client, path: str, body: Any, pointer: str
) -> None:
    answer = client.post(f"{path}/records/metric", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_types_that_are_written_by_other_means(client: httpx.Client, path: str) -> None:
    for type_ in ("lifecycle", "token", "Metric", "a-b"):
        assert client.post(f"{path}/records/{type_}", json={}).status_code == 422
    assert client.get(f"{path}/records/lifecycle").json()["data"] == []
    for type_ in ("token", "signIn", "Metric"):
        assert client.get(f"{path}/records/{type_}").status_code == 400
    assert client.post(f"{path}/records/usage", json=[]).status_code == 422


@pytest.mark.parametrize("query", ["limit=0", "after=x", "after=0", "latest=1", "key=a&key=b"])
def test_pages_that_cannot_be_asked_for(client: httpx.Client, path: str, query: str) -> None:
    assert client.get(f"{path}/records/metric?{query}").status_code == 400


def test_records_of_many_entities_are_put(client: httpx.Client, path: str, model: str) -> None:
    entity = {"type": "mlmodel", "fullyQualifiedName": model}
    said = [{"entity": entity, "type": "metric", "key": "auc", "data": {"value": 1}}]
    first, second = (client.put("/records", json=said) for _ in range(2))
    assert first.json() == {"appended": 1, "unchanged": 0}
    assert second.json() == {"appended": 0, "unchanged": 1}
    assert values(client.get(f"{path}/records/metric")) == [1]
    answer = client.put("/records", json=[{**said[0], "data": {}}])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/0/data/value")


# Followers and votes


def test_a_user_follows_and_no_longer(client: httpx.Client, path: str, anna: str) -> None:
    client.post("/users", json={"name": "bob"})
    followed = client.put(f"{path}/followers/{anna}")
    assert (followed.status_code, followed.json()["data"]) == (200, {"following": True})
    assert client.put(f"{path}/followers/anna%2Fm%C3%BCnchen").json() == followed.json()
    client.put(f"{path}/followers/bob")
    found = client.get(f"{path}/followers").json()
    assert [each["name"] for each in found["data"]] == ["anna/münchen", "bob"]
    assert found["data"][0]["id"] == anna
    assert found["paging"] == {"total": 2}
    assert client.delete(f"{path}/followers/bob").json()["data"] == {"following": False}
    found = client.get(f"{path}/followers").json()
    assert [each["name"] for each in found["data"]] == ["anna/münchen"]


def test_a_user_votes_and_takes_it_back(client: httpx.Client, path: str, anna: str) -> None:
    assert client.get(f"{path}/votes").json() == {"up": 0, "down": 0}
    assert client.put(f"{path}/votes/{anna}", json={"vote": "up"}).json()["key"] == anna
    assert client.get(f"{path}/votes").json() == {"up": 1, "down": 0}
    client.put(f"{path}/votes/{anna}", json={"vote": "down"})
    assert client.get(f"{path}/votes").json() == {"up": 0, "down": 1}
    client.put(f"{path}/votes/{anna}", json={"vote": "none"})
    assert client.get(f"{path}/votes").json() == {"up": 0, "down": 0}


def test_nobody_follows_or_votes(client: httpx.Client, path: str, anna: str) -> None:
    for user in ("nobody", "", "a/b"):
        assert client.put(f"{path}/followers/{user}").status_code == 404
        assert client.put(f"{path}/votes/{user}", json={"vote": "up"}).status_code == 404
    bodies: list[Any] = [{"vote": "maybe"}, {}, {"vote": None}, {"vote": "up", "more": 1}]
    for body in bodies:
        answer = client.put(f"{path}/votes/{anna}", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] in ("/vote", "/more")

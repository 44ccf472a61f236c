"""Where model versions stand, over REST. What a move does is the services'."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from headwater.store.draft import now_ms

MODEL = "headwater.churn"


@pytest.fixture
def ids(client: httpx.Client, model: str) -> dict[str, str]:
    """Ids of the model ``churn`` and of its versions ``a``, ``b`` and ``c/d``."""
    assert model == MODEL
    found = {"churn": client.get(f"/mlmodels/name/{model}").json()["id"]}
    for name in ("a", "b", "c/d"):
        body = {"name": name, "mlmodel": model, "algorithm": f"Forest {name}"}
        answer = client.post("/modelVersions", json=body)
        assert answer.status_code == 201, answer.text
        found[name] = answer.json()["id"]
    return found


def move(client: httpx.Client, version: str, stage: str, **how: Any) -> httpx.Response:
    body = {"stage": stage, "force": True, **how}
    return client.post(f"/modelVersions/{version}/stage", json=body)


def test_a_promotion_moves_the_version_and_the_model_follows(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    answer = move(client, ids["a"], "production", reason="better")
    assert (answer.status_code, answer.json()["stage"]) == (200, "production")
    assert answer.headers["etag"] == '"2"'
    model = client.get(f"/mlmodels/{ids['churn']}").json()
    assert (model["algorithm"], model["lifecycle"]["serving"]["name"]) == ("Forest a", "a")
    assert move(client, ids["b"], "production", exclusive=False).status_code == 200
    assert client.get(f"/modelVersions/{ids['a']}").json()["stage"] == "production"
    assert move(client, ids["b"], "production").status_code == 200
    assert client.get(f"/modelVersions/{ids['a']}").json()["stage"] == "archived"


def test_a_stage_is_moved_to_in_any_case(client: httpx.Client, ids: dict[str, str]) -> None:
    answer = move(client, ids["a"], "Production")
    assert (answer.status_code, answer.json()["stage"]) == (200, "production")


def test_a_direct_write_of_what_is_served_names_the_route(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    move(client, ids["a"], "production")
    answer = client.patch(f"/mlmodels/{ids['churn']}", json={"algorithm": "other"})
    assert (answer.status_code, answer.json()["fields"]) == (409, ["algorithm"])
    assert "/api/v1/modelVersions/{id}/stage" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/stage"),
        ({"stage": "in production"}, "/stage"),
        ({"stage": None}, "/stage"),
        ({"stage": "none", "reason": 1}, "/reason"),
        ({"stage": "none", "effectiveAt": "yesterday"}, "/effectiveAt"),
        ({"stage": "none", "effectiveAt": 2**53}, "/effectiveAt"),
        ({"stage": "none", "effectiveAt": 1.5}, "/effectiveAt"),
        ({"stage": "none", "exclusive": 1}, "/exclusive"),
        ({"stage": "none", "effective_at": 1}, "/effective_at"),
        ("production", ""),
    ],
)
def test_a_move_that_cannot_be_is_refused(
    client: httpx.Client, ids: dict[str, str], body: Any, pointer: str
) -> None:
    answer = client.post(f"/modelVersions/{ids['a']}/stage", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_alias_goes_from_version_to_version(client: httpx.Client, ids: dict[str, str]) -> None:
    first = client.put(f"/modelVersions/{ids['a']}/aliases/champion/eu")
    assert (first.status_code, first.json()["aliases"]) == (200, ["champion/eu"])
    assert client.put(f"/modelVersions/{ids['b']}/aliases/champion/eu").status_code == 200
    assert client.get(f"/modelVersions/{ids['a']}").json()["aliases"] == []
    path = f"/modelVersions/{ids['b']}/aliases/champion/eu"
    assert client.delete(path).json()["aliases"] == []
    assert client.delete(path).status_code == 404
    for word in ("latest", "Production", "12", ""):
        answer = client.put(f"/modelVersions/{ids['a']}/aliases/{word}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/alias")


@pytest.mark.parametrize(
    ("selector", "name"),
    [("latest", "c/d"), ("staging", "a"), ("best", "b"), ("c/d", "c/d"), ("2", "b"), ("a", "a")],
)
def test_a_version_is_found_by_any_word_that_means_it(
    client: httpx.Client, ids: dict[str, str], selector: str, name: str
) -> None:
    move(client, ids["a"], "staging")
    client.put(f"/modelVersions/{ids['b']}/aliases/best")
    found = client.get(f"/mlmodels/{ids['churn']}/modelVersions/{selector}")
    assert (found.status_code, found.json()["id"]) == (200, ids[name])
    for model in (MODEL, ids["churn"], ids["churn"].upper()):
        params = {"model": model, "selector": selector}
        assert client.get("/modelVersions/select", params=params).json() == found.json()
    held = {"If-None-Match": found.headers["etag"]}
    path = f"/mlmodels/{ids['churn']}/modelVersions/{selector}"
    assert client.get(path, headers=held).status_code == 304


def test_a_word_may_be_asked_of_the_past(client: httpx.Client, ids: dict[str, str]) -> None:
    move(client, ids["a"], "production")
    sequence = client.get("/events").json()["data"][-1]["sequence"]
    version = client.get(f"/mlmodels/{ids['churn']}").json()["version"]
    move(client, ids["b"], "production")
    path = f"/mlmodels/{ids['churn']}/modelVersions/production"
    assert client.get(path).json()["name"] == "b"
    for moment in (sequence, f"version:{version}"):
        assert client.get(path, params={"asOf": moment}).json()["name"] == "a"
    assert client.get(path, params={"asOf": sequence - 1}).status_code == 404


@pytest.mark.parametrize("selector", ["production", "7", "nosuch", "none of them", "a/b"])
def test_a_word_that_means_nothing_is_not_found(
    client: httpx.Client, ids: dict[str, str], selector: str
) -> None:
    path = f"/mlmodels/{ids['churn']}/modelVersions/{selector}"
    assert client.get(path).status_code == 404
    params = {"model": MODEL, "selector": selector}
    assert client.get("/modelVersions/select", params=params).status_code == 404
    assert client.get("/modelVersions/select", params={"model": MODEL}).status_code == 400
    nobody = {"model": "headwater.nobody", "selector": "latest"}
    assert client.get("/modelVersions/select", params=nobody).status_code == 404


def test_the_lifecycle_tells_who_was_where_when(client: httpx.Client, ids: dict[str, str]) -> None:
    move(client, ids["a"], "production", effectiveAt=1_000, reason="first")
    move(client, ids["b"], "production", effectiveAt=2_000.0)
    client.put(f"/modelVersions/{ids['b']}/aliases/best")
    path = f"/mlmodels/{ids['churn']}/lifecycle"
    moves = client.get(path).json()["data"]
    assert [(each["key"], each["data"].get("to")) for each in moves] == [
        (ids["b"], "best"),
        (ids["b"], "production"),
        (ids["a"], "archived"),
        (ids["a"], "production"),
    ]
    assert moves[-1]["data"]["reason"] == "first"
    first = client.get(path, params={"limit": 1}).json()
    rest = client.get(path, params={"after": first["paging"]["after"], "limit": 3}).json()
    assert first["data"] + rest["data"] == moves
    assert rest["paging"] == {}

    def held(stage: str, **params: Any) -> list[str]:
        answer = client.get(path, params={"stage": stage, **params})
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["data"]]

    assert held("production") == held("production", at=now_ms()) == ["b"]
    assert held("production", at=1_500) == ["a"]
    assert held("production", at="1970-01-01T00:00:01.500Z") == ["a"]
    assert held("production", at="1970-01-01") == []
    assert held("archived") == ["a"]


@pytest.mark.parametrize(
    "query",
    ["stage=none", "stage=x", "stage=production&at=x", "stage=production&at=", "at=5",
     "stage=production&limit=5", "limit=0", "after=x", "stage=production&at=-1"],
)  # fmt: skip
def test_a_lifecycle_that_cannot_be_asked_for(
    client: httpx.Client, ids: dict[str, str], query: str
) -> None:
    assert client.get(f"/mlmodels/{ids['churn']}/lifecycle?{query}").status_code == 400


def test_only_models_have_versions_and_only_versions_stages(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    version, model = ids["a"], ids["churn"]
    assert client.post(f"/mlmodels/{model}/stage", json={"stage": "none"}).status_code == 404
    assert move(client, model, "none").status_code == 404
    assert client.put(f"/tables/{version}/aliases/x").status_code == 404
    assert client.get(f"/modelVersions/{version}/lifecycle").status_code == 404
    assert client.get(f"/mlmodels/{version}/lifecycle").status_code == 404
    assert client.get(f"/modelVersions/{version}/modelVersions/latest").status_code == 404


def test_a_name_that_looks_like_a_path_is_a_name(client: httpx.Client) -> None:
    for name in ("lifecycle", "modelVersions/latest", "stage", "records/metric"):
        service = client.post("/mlmodelServices", json={"name": name, "serviceType": "Mlflow"})
        assert service.status_code == 201, service.text
        assert client.get(f"/mlmodelServices/name/{name}").json()["name"] == name


def test_a_version_is_added_by_its_model_and_named_by_its_number(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    path = f"/mlmodels/{ids['churn']}/modelVersions"
    made = client.post(path, json={"algorithm": "Boost"})
    number = made.json()["number"]
    assert (made.status_code, made.json()["name"]) == (201, str(number))
    assert made.headers["location"] == f"/api/v1/modelVersions/{made.json()['id']}"
    assert client.post(path, json={"name": "a"}).status_code == 409
    wrong = client.post(path, json={"mlmodel": "headwater.churn"})
    assert wrong.json()["errors"][0]["pointer"] == "/mlmodel"
    assert client.post(path, json=[]).status_code == 422


def test_a_stage_that_is_held_is_a_conflict_that_names_the_holder(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    move(client, ids["a"], "production")
    refused = move(client, ids["b"], "production", force=False)
    assert refused.status_code == 409
    assert [each["name"] for each in refused.json()["holders"]] == ["a"]
    gone = client.delete(f"/modelVersions/{ids['a']}")
    assert (gone.status_code, "in production" in gone.text) == (409, True)
    assert client.delete(f"/modelVersions/{ids['a']}", params={"force": "true"}).is_success


def test_an_alias_that_is_protected_moves_by_force(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    a, b = (f"/modelVersions/{ids[each]}/aliases/champion" for each in "ab")
    assert client.put(a, params={"protected": "true"}).is_success
    assert client.put(b).status_code == client.delete(a).status_code == 409
    assert client.put(b, params={"force": "true"}).json()["aliases"] == ["champion"]
    assert client.delete(b, params={"force": "true"}).json()["aliases"] == []


@pytest.mark.parametrize(
    ("method", "path", "takes"),
    [
        ("PUT", "/modelVersions/{a}/aliases/keep", "it has query parameters: protected, force"),
        ("DELETE", "/modelVersions/{a}/aliases/keep", "it has query parameters: force"),
        ("DELETE", "/modelVersions/{a}", "it has query parameters: recursive, hard, force"),
        ("POST", "/modelVersions/{a}/restore", "this operation takes no body"),
        ("POST", "/modelVersions/{a}/versions/0.1/revert", "this operation takes no body"),
        ("PUT", "/modelVersions/{a}/followers/ada", "this operation takes no body"),
        ("DELETE", "/modelVersions/{a}/followers/ada", "this operation takes no body"),
        ("POST", "/lineage/mlmodels/{churn}", "this operation takes no body"),
        ("DELETE", "/tokens/none", "this operation takes no body"),
    ],
)
def test_a_body_that_says_something_is_refused_where_none_is_taken(
    client: httpx.Client, ids: dict[str, str], method: str, path: str, takes: str
) -> None:
    path = path.format(**ids)
    answer = client.request(method, path, json={"protected": True})
    assert (answer.status_code, takes in answer.json()["detail"]) == (400, True), answer.text
    assert client.get(f"/modelVersions/{ids['a']}").json().get("deleted") is None
    assert "no body" not in client.request(method, path, json={}).text


def test_versions_tell_runs_artifacts_and_what_changed_and_are_compared(
    client: httpx.Client, ids: dict[str, str]
) -> None:
    for what in ("runs", "artifacts"):
        assert client.get(f"/modelVersions/{ids['a']}/{what}").json() == {"data": [], "paging": {}}
    assert client.get(f"/modelVersions/{ids['a']}/artifacts?type=x").status_code == 400
    assert client.get(f"/modelVersions/{ids['a']}/sourceChanges").json()["outdated"] is False
    compared = client.get(f"/mlmodels/{ids['churn']}/compare?version=a&version=b").json()
    assert [each["name"] for each in compared["versions"]] == ["a", "b"]
    assert client.get(f"/mlmodels/{ids['churn']}/compare?version=a").status_code == 400

"""Rename, revert, release, preview and erase over REST, and who set what."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

MODEL = {"name": "churn", "algorithm": "RandomForest"}
BOT = {"X-Headwater-Producer": "airflow"}


def made(
    client: httpx.Client, headers: dict[str, str] | None = None, **fields: Any
) -> dict[str, Any]:
    answer = client.put("/mlmodels", json={**MODEL, **fields}, headers=headers)
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


def path_of(document: dict[str, Any]) -> str:
    return f"/mlmodels/{document['id']}"


# Rename


def test_rename_changes_the_fqn_and_keeps_the_id(client: httpx.Client) -> None:
    model = made(client)
    answer = client.post(path_of(model) + "/rename", json={"name": "Churn/2"})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    renamed = answer.json()
    assert (renamed["id"], renamed["fullyQualifiedName"]) == (model["id"], "headwater.Churn/2")
    assert client.get("/mlmodels/name/headwater.churn").status_code == 404
    assert client.get("/mlmodels/name/headwater.Churn/2").json() == renamed


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 257}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": None}, "/name"),
        ({"name": 1}, "/name"),
        ({"name": "a", "a~/b": 1}, "/a~0~1b"),
        (["name"], ""),
    ],
)
def test_a_rename_to_no_name_is_refused(client: httpx.Client, body: Any, pointer: str) -> None:
    answer = client.post(path_of(made(client)) + "/rename", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_rename_to_a_taken_name_or_of_another_state_is_refused(client: httpx.Client) -> None:
    made(client, name="other")
    path = path_of(made(client)) + "/rename"
    assert client.post(path, json={"name": "other"}).status_code == 409
    answer = client.post(path, json={"name": "new"}, headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.json()["rev"]) == (412, 1)
    merge = {"Content-Type": "application/merge-patch+json"}
    assert client.post(path, json={"name": "new"}, headers=merge).status_code == 415


# Revert


def test_revert_writes_the_earlier_values_as_a_new_version(client: httpx.Client) -> None:
    model = made(client)
    made(client, description="later", algorithm="XGBoost")
    path = path_of(model) + "/versions/0.1/revert"
    assert client.post(path, headers={"If-Match": '"1"'}).status_code == 412
    answer = client.post(path, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["version"]) == (200, "2.0")
    assert answer.json()["algorithm"] == "RandomForest"
    assert "description" not in answer.json()


@pytest.mark.parametrize("version", ["0.7", "one", "1", "9999999999999999999999.0"])
def test_a_revert_to_no_version_is_not_found(client: httpx.Client, version: str) -> None:
    path = path_of(made(client)) + f"/versions/{version}/revert"
    assert client.post(path).status_code == 404


# Provenance and release


def origins(client: httpx.Client, document: dict[str, Any], **params: Any) -> dict[str, Any]:
    answer = client.get(path_of(document) + "/provenance", params=params)
    assert answer.status_code == 200, answer.text
    return {each.pop("field"): each for each in answer.json()["origins"]}


def test_provenance_tells_who_set_what_now_and_then(client: httpx.Client) -> None:
    model = made(client, BOT)
    then = client.get("/events").json()["data"][-1]["sequence"]
    made(client, description="by hand")
    found = origins(client, model)
    bot = {"by": "local", "kind": "bot", "writer": "airflow", "producer": "airflow"}
    assert found == {
        "": bot,
        "description": {"by": "local", "kind": "person", "writer": "person"},
    }
    assert origins(client, model, asOf=then) == {"": bot}


def test_release_hands_a_field_back(client: httpx.Client) -> None:
    model = made(client, description="by hand")
    assert made(client, BOT, description="by machine")["description"] == "by hand"
    answer = client.post(path_of(model) + "/release", json={"field": "description"})
    assert answer.json()["description"] == "by hand"
    assert origins(client, model)["description"]["kind"] == "released"
    assert made(client, BOT, description="by machine")["description"] == "by machine"


def test_only_people_release_and_only_fields(client: httpx.Client) -> None:
    path = path_of(made(client)) + "/release"
    assert client.post(path, json={"field": "description"}, headers=BOT).status_code == 422
    answer = client.post(path, json={"field": "nosuch"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/field")
    assert client.post(path, json={"field": 7}).json()["errors"][0]["pointer"] == "/field"


# Preview


def test_a_preview_tells_what_a_put_would_do_and_writes_nothing(client: httpx.Client) -> None:
    def preview(**fields: Any) -> dict[str, Any]:
        answer = client.put("/mlmodels", json={**MODEL, **fields}, params={"preview": "true"})
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    created = {"action": "create", "fullyQualifiedName": "headwater.churn", "version": "0.1"}
    assert preview() == created
    assert client.get("/mlmodels").json()["data"] == []
    made(client)
    assert preview()["action"] == "none"
    changed = preview(algorithm="XGBoost")
    assert (changed["action"], changed["version"]) == ("update", "1.0")
    assert changed["fieldsUpdated"][0]["name"] == "algorithm"
    assert client.get("/mlmodels/name/headwater.churn").json()["version"] == "0.1"


def test_a_preview_of_what_would_fail_fails(client: httpx.Client) -> None:
    preview = {"preview": "true"}
    assert client.put("/mlmodels", json={}, params=preview).status_code == 422
    put = client.put("/mlmodels", json=MODEL, params=preview, headers={"If-Match": '"1"'})
    assert put.status_code == 412
    assert client.put("/mlmodels", json=MODEL, params={"preview": "maybe"}).status_code == 400


def test_a_preview_of_many_judges_each_by_itself(client: httpx.Client) -> None:
    made(client, name="old")
    items = [{**MODEL, "name": "new"}, {"name": "bad"}, {**MODEL, "name": "old"}, 7]
    answer = client.put("/mlmodels/bulk", json=items, params={"preview": "true"}).json()
    assert [each["action"] for each in answer["data"]] == ["create", "fail", "none", "fail"]
    assert [each["index"] for each in answer["data"]] == [0, 1, 2, 3]
    assert answer["data"][1]["errors"][0]["pointer"] == "/algorithm"
    counts = {name: answer[name] for name in ("created", "updated", "unchanged", "failed")}
    assert counts == {"created": 1, "updated": 0, "unchanged": 1, "failed": 2}
    assert [each["name"] for each in client.get("/mlmodels").json()["data"]] == ["old"]


# Erase


def test_a_hard_delete_answers_the_last_state_and_leaves_nothing(client: httpx.Client) -> None:
    model = made(client)
    path = path_of(model)
    client.delete(path)
    answer = client.delete(path, params={"hard": "true"})
    assert (answer.status_code, answer.json()) == (200, {**model, **answer.json()})
    assert answer.json()["deleted"] is True
    assert client.get(path, params={"include": "all"}).status_code == 404
    assert client.delete(path, params={"hard": "true"}).status_code == 404
    assert client.get(path + "/versions").status_code == 404


def test_a_hard_delete_is_refused_while_others_refer_to_it(
    client: httpx.Client, table: str, model: str
) -> None:
    path = f"/tables/name/{table}"
    answer = client.delete(path, params={"hard": "true"})
    assert answer.status_code == 409
    assert [each["fullyQualifiedName"] for each in answer.json()["referrers"]] == [model]
    forced = client.delete(path, params={"hard": "true", "force": "true"})
    assert forced.status_code == 200
    changed = client.get(f"/mlmodels/name/{model}").json()
    assert "dataSource" not in changed["mlFeatures"][0]["featureSources"][0]


def test_a_hard_delete_of_a_parent_needs_recursive(client: httpx.Client, table: str) -> None:
    path = "/databaseServices/name/warehouse"
    assert client.delete(path, params={"hard": "true"}).status_code == 409
    assert client.delete(path, params={"hard": "true", "recursive": "true"}).status_code == 200
    found = client.get("/tables", params={"include": "all"}).json()
    assert found["data"] == []


def test_a_hard_deletion_that_cannot_be_is_refused(client: httpx.Client) -> None:
    path = path_of(made(client))
    assert client.delete(path, params={"hard": "yes"}).status_code == 400
    assert client.delete(path, params={"hard": "true"}, headers={"If-Match": '"3"'}).is_error
    assert client.get(path).status_code == 200

"""Entities over REST: create, read, change, delete, browse."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from headwater import names
from headwater.store import Store

MODEL = {"name": "churn", "algorithm": "RandomForest"}
PERSON: dict[str, str] = {}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def made(client: httpx.Client, collection: str = "mlmodels", **fields: Any) -> dict[str, Any]:
    answer = client.put(f"/{collection}", json={**MODEL, **fields})
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


# Creating


def test_create_answers_201_with_location_and_etag(client: httpx.Client) -> None:
    answer = client.post("/mlmodels", json=MODEL)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert client.get("http://localhost" + answer.headers["location"]).json() == answer.json()


def test_create_of_a_taken_name_answers_409(client: httpx.Client) -> None:
    made(client)
    answer = client.post("/mlmodels", json=MODEL)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


def test_put_creates_then_updates_then_leaves_alone(client: httpx.Client) -> None:
    first = client.put("/mlmodels", json=MODEL)
    second = client.put("/mlmodels", json={**MODEL, "description": "new"})
    third = client.put("/mlmodels", json={**MODEL, "description": "new"})
    assert [each.status_code for each in (first, second, third)] == [201, 200, 200]
    assert [each.headers["etag"] for each in (first, second, third)] == ['"1"', '"2"', '"2"']
    assert third.content == second.content
    assert "location" not in second.headers


def test_faults_of_a_body_have_pointers(client: httpx.Client) -> None:
    body = {"name": "a", "mlFeatures": [{"name": "f", "dataType": "wrong"}], "extra": 1}
    answer = client.post("/mlmodels", json=body)
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert answer.status_code == 422
    assert pointers == {"/algorithm", "/mlFeatures/0/dataType", "/extra"}


def test_a_reference_that_leads_nowhere_is_422(client: httpx.Client) -> None:
    answer = client.post("/mlmodels", json={**MODEL, "service": "nobody"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/service")


def test_bulk_writes_what_is_valid_and_reports_the_rest(client: httpx.Client) -> None:
    made(client, name="old")
    made(client, name="same")
    items = [
        {**MODEL, "name": "new"},
        {"name": "bad"},
        {**MODEL, "name": "old", "description": "changed"},
        "text",
        {**MODEL, "name": "same"},
        {**MODEL, "name": 7},
    ]
    answer = client.put("/mlmodels/bulk", json=items).json()
    assert [entity["name"] for entity in answer["data"]] == ["new", "old", "same"]
    assert (answer["created"], answer["updated"], answer["unchanged"]) == (1, 1, 1)
    assert sorted(answer["actions"]) == ["created", "unchanged", "updated"]
    assert [(f["index"], f["name"], f["code"]) for f in answer["failed"]] == [
        (1, "bad", "invalid-input"),
        (3, None, "invalid-input"),
        (5, None, "invalid-input"),
    ]
    assert answer["failed"][0]["errors"][0]["pointer"] == "/algorithm"


def test_an_empty_bulk_write_does_nothing(client: httpx.Client) -> None:
    answer = client.put("/mlmodels/bulk", json=[])
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    assert answer.json() == {"data": [], "actions": [], "failed": [], **counts}


# Reading


def test_by_id_and_by_name_answer_the_stored_bytes(client: httpx.Client, store: Store) -> None:
    model = made(client, description="Ünïcödé 🌊")
    record = store.find(("mlmodel", "headwater.churn"))
    assert record is not None
    for path in (f"/mlmodels/{model['id']}", "/mlmodels/name/headwater.churn"):
        assert client.get(path).content == record.document.encode()
    assert client.get(f"/mlmodels/{model['id'].upper()}").status_code == 200


def test_an_id_of_another_kind_is_not_found(client: httpx.Client) -> None:
    model = made(client)
    assert client.get(f"/tables/{model['id']}").status_code == 404


@pytest.mark.parametrize(
    ("held", "status"),
    [('"1"', 304), ('W/"1"', 304), ('"7", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200)],
)
def test_what_the_client_holds_is_not_sent_again(
    client: httpx.Client, held: str, status: int
) -> None:
    made(client)
    answer = client.get("/mlmodels/name/headwater.churn", headers={"If-None-Match": held})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')
    assert bool(answer.content) == (status == 200)


NAMES = [
    "plain", "with space", "a.b", 'say "hi"', "a/b", "/", "a//b/", "..", "../..", ".", "50%",
    "%2F", "a?b#c", "a&b=c;d+e", "ünï", "日本", "🌊🌊", "a\u202eb", "name", "bulk",
    "versions", "\ufffd", "a\\b", "'", "~", "x" * 256,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_found_again(client: httpx.Client, name: str) -> None:
    fqn = made(client, name=name)["fullyQualifiedName"]
    assert fqn == names.join("headwater", name)
    answer = client.get(f"/mlmodels/name/{quote(fqn, safe='')}")
    assert (answer.status_code, answer.json().get("name")) == (200, name)
    walk = client.get(f"/lineage/mlmodel/name/{quote(fqn, safe='')}")
    assert walk.json()["nodes"][0]["name"] == name
    page = client.get("/mlmodels", params={"parent": "headwater"}).json()
    assert [each["name"] for each in page["data"]] == [name]


@pytest.mark.parametrize("name", ["a/b", "a//b/", "name", "versions"])
def test_slashes_of_a_name_may_stand_as_they_are(client: httpx.Client, name: str) -> None:
    made(client, name=name)
    answer = client.get(f"/mlmodels/name/headwater.{name}")
    assert answer.json().get("name") == name


def test_a_name_of_a_root_that_looks_like_a_path_is_found(client: httpx.Client) -> None:
    for name in ("bulk", "name", "a/versions", "/"):
        answer = client.post("/databaseServices", json={"name": name, "serviceType": "Sqlite"})
        assert answer.status_code == 201, answer.text
        path = f"/databaseServices/name/{quote(name, safe='')}"
        assert client.get(path).json()["name"] == name
        assert client.delete(path).status_code == 200


def test_as_of_a_sequence_or_a_time_shows_the_past(client: httpx.Client) -> None:
    first = made(client)
    sequence = client.get("/events").json()["data"][-1]["sequence"]
    made(client, description="later")
    path = "/mlmodels/name/headwater.churn"
    assert client.get(path, params={"asOf": sequence}).json() == first
    assert client.get(path, params={"asOf": "2999-01-01"}).json()["description"] == "later"
    assert client.get(path, params={"asOf": sequence - 1}).status_code == 404
    for time in ("1999-05-03T12:00:00Z", "1999-05-03T12:00:00+02:00", "1999-05-03", "0"):
        assert client.get(path, params={"asOf": time}).status_code == 404


# Listing


def test_pages_follow_each_other_until_the_last(client: httpx.Client) -> None:
    client.put("/mlmodels/bulk", json=[{**MODEL, "name": f"m{n:02}"} for n in range(25)])
    seen: list[str] = []
    params: dict[str, Any] = {}
    sizes = []
    while True:
        page = client.get("/mlmodels", params=params).json()
        seen += [each["name"] for each in page["data"]]
        sizes.append(len(page["data"]))
        assert page["paging"].get("total") == (25 if not params else None)
        if "after" not in page["paging"]:
            break
        params = {"after": page["paging"]["after"]}
    assert seen == [f"m{n:02}" for n in range(25)]
    assert sizes == [10, 10, 5]
    assert client.get("/mlmodels", params={"total": "false"}).json()["paging"].keys() == {"after"}
    later = {"after": params["after"], "total": "true"}
    assert client.get("/mlmodels", params=later).json()["paging"] == {"total": 25}


def test_a_list_shows_deleted_entities_when_asked(client: httpx.Client) -> None:
    made(client, name="gone")
    made(client, name="here")
    client.delete("/mlmodels/name/headwater.gone")

    def shown(include: str) -> list[str]:
        page = client.get("/mlmodels", params={"include": include}).json()
        return [each["name"] for each in page["data"]]

    assert shown("non-deleted") == ["here"]
    assert shown("all") == ["gone", "here"]
    assert shown("deleted") == ["gone"]


def test_a_list_of_a_parent_shows_its_children(client: httpx.Client, table: str) -> None:
    parent = table.rpartition(".")[0]
    page = client.get("/tables", params={"parent": parent}).json()
    assert [each["fullyQualifiedName"] for each in page["data"]] == [table]
    assert client.get("/tables", params={"parent": "nobody"}).status_code == 404


# Changing


def test_only_the_fields_that_are_asked_for_are_answered(client: httpx.Client, model: str) -> None:
    path = f"/mlmodels/name/{model}"
    whole = client.get(path)
    always = ["id", "name", "fullyQualifiedName", "version"]
    some = client.get(path, params={"fields": "algorithm, mlFeatures"})
    assert some.json() == {n: v for n, v in whole.json().items() if n in some.json()}
    assert some.json().keys() - set(always) == {"algorithm", "mlFeatures"}
    assert some.headers["etag"] == whole.headers["etag"]
    held = {"If-None-Match": whole.headers["etag"]}
    assert client.get(path, params={"fields": "algorithm"}, headers=held).status_code == 304
    listed = client.get("/mlmodels", params={"fields": "algorithm"}).json()
    assert listed["data"] == [{n: v for n, v in some.json().items() if n != "mlFeatures"}]
    assert listed["paging"] == {"total": 1}
    client.patch(path, json={"algorithm": "other"})
    past = client.get(path, params={"fields": "algorithm", "asOf": "version:0.1"}).json()
    assert past["algorithm"] == whole.json()["algorithm"]
    assert client.get(path, params={"fields": "displayName"}).json().keys() == set(always)
    client.delete(path)
    deleted = client.get("/mlmodels", params={"fields": "algorithm", "include": "all"}).json()
    assert deleted["data"][0]["deleted"] is True
    for fields in ("", "nope", "algorithm,", "columns", "algorithm&fields=name"):
        for each in (path, "/mlmodels"):
            assert client.get(f"{each}?fields={fields}").status_code == 400


@pytest.fixture
def owned(client: httpx.Client, table: str) -> list[str]:
    """Tables beside the one there is: t0 to t4, of which some are owned and tagged."""
    client.post("/users", json={"name": "anna"})
    client.post("/teams", json={"name": "data"})
    client.post("/classifications", json={"name": "PII"})
    client.post("/tags", json={"name": "Name", "classification": "PII"})
    schema = table.rpartition(".")[0]
    anna = {"type": "user", "fullyQualifiedName": "anna"}
    data = {"type": "team", "fullyQualifiedName": "data"}
    for number in range(5):
        column = {"name": "x", "dataType": "INT", "tags": ["PII.Name"] if number % 2 else []}
        body = {"name": f"t{number}", "databaseSchema": schema, "columns": [column],
                "owners": [anna] if number < 3 else [data] if number == 3 else []}  # fmt: skip
        assert client.post("/tables", json=body).status_code == 201
    return [table, *(f"{schema}.t{number}" for number in range(5))]


def test_lists_are_filtered_by_facets(client: httpx.Client, owned: list[str]) -> None:
    def tables(query: str) -> list[str]:
        answer = client.get(f"/tables?{query}")
        assert answer.status_code == 200, answer.text
        found = [each["fullyQualifiedName"].rpartition(".")[2] for each in answer.json()["data"]]
        assert answer.json()["paging"]["total"] == len(found)
        return found

    service, schema = owned[0].split(".")[0], owned[0].rpartition(".")[0]
    assert tables("owner=anna") == ["t0", "t1", "t2"]
    assert tables("owner=anna&owner=data&tag=PII.Name") == ["t1", "t3"]
    assert tables(f"owner=anna&tag=PII.Name&service={service}&parent={schema}") == ["t1"]
    assert tables("owner=nobody") == tables("service=other") == []
    assert len(tables(f"service={service}")) == len(owned)
    first = client.get("/tables?owner=anna&limit=2&fields=owners").json()
    assert [each["owners"][0]["name"] for each in first["data"]] == ["anna", "anna"]
    after = {"owner": "anna", "limit": 2, "after": first["paging"]["after"]}
    last = client.get("/tables", params=after).json()
    assert ([each["name"] for each in last["data"]], last["paging"]) == (["t2"], {})
    client.patch(f"/tables/name/{owned[1]}", json={"owners": []})
    client.delete(f"/tables/name/{owned[2]}")
    assert tables("owner=anna") == ["t2"]


def test_versions_and_models_are_filtered_by_stage(client: httpx.Client, model: str) -> None:
    for name in ("a", "b"):
        made = client.post("/modelVersions", json={"mlmodel": model, "name": name})
    client.post(f"/modelVersions/{made.json()['id']}/stage", json={"stage": "production"})
    client.post("/mlmodels", json={"name": "other", "algorithm": "x"})

    def names(collection: str, stage: str) -> list[str]:
        found = client.get(f"/{collection}", params={"stage": stage}).json()["data"]
        return [each["fullyQualifiedName"] for each in found]

    assert names("modelVersions", "production") == [f"{model}.b"]
    assert names("modelVersions", "none") == [f"{model}.a"]
    assert names("mlmodels", "production") == [model]
    assert names("mlmodels", "archived") == []
    answer = client.get("/mlmodels", params={"stage": "nope"})
    assert (answer.status_code, "not 'nope'" in answer.json()["message"]) == (400, True)


def test_filters_that_a_kind_has_not_are_refused(client: httpx.Client) -> None:
    for path in ("/tables?stage=none", "/users?service=x", "/tables?kind=table", "/tables?q=x"):
        answer = client.get(path)
        assert (answer.status_code, "it takes" in answer.json()["message"]) == (400, True)
    for include in ("all", "deleted"):
        answer = client.get(f"/tables?owner=anna&include={include}")
        assert (answer.status_code, "deleted" in answer.json()["message"]) == (400, True)


def test_both_kinds_of_patch_change_the_entity(client: httpx.Client) -> None:
    path = f"/mlmodels/{made(client)['id']}"
    operations = [{"op": "add", "path": "/description", "value": "one"}]
    for body, headers, description in (
        (operations, JSON_PATCH, "one"),
        ({"description": "two"}, MERGE_PATCH, "two"),
        (operations, PERSON, "one"),
        ({"description": None}, PERSON, None),
    ):
        answer = client.patch(path, json=body, headers=headers)
        assert (answer.status_code, answer.json().get("description")) == (200, description)
    assert client.get(path).json()["version"] == "0.5"


def test_a_patch_by_name_changes_the_same_entity(client: httpx.Client) -> None:
    made(client)
    client.patch("/mlmodels/name/headwater.churn", json={"algorithm": "XGBoost"})
    assert client.get("/mlmodels/name/headwater.churn").json()["version"] == "1.0"


@pytest.mark.parametrize(("body", "headers"), [([], MERGE_PATCH), ({}, JSON_PATCH), ("x", PERSON)])
def test_a_patch_of_another_shape_than_announced_is_422(
    client: httpx.Client, body: Any, headers: dict[str, str]
) -> None:
    answer = client.patch(f"/mlmodels/{made(client)['id']}", json=body, headers=headers)
    assert answer.status_code == 422


def test_a_patch_that_does_not_apply_says_where(client: httpx.Client) -> None:
    operations = [{"op": "replace", "path": "/nowhere", "value": 1}]
    answer = client.patch(f"/mlmodels/{made(client)['id']}", json=operations)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/0")


def test_a_patch_format_is_not_a_document(client: httpx.Client) -> None:
    for method, path in (("POST", "/mlmodels"), ("PUT", "/mlmodels"), ("PUT", "/mlmodels/bulk")):
        answer = client.request(method, path, json=MODEL, headers=MERGE_PATCH)
        assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_to_another_state_is_refused_with_the_present_one(
    client: httpx.Client, method: str
) -> None:
    made(client)
    present = made(client, description="meanwhile")
    path = "/mlmodels" if method == "PUT" else "/mlmodels/name/headwater.churn"
    body: dict[str, Any] = {} if method == "DELETE" else {"json": {**MODEL, "description": "mine"}}
    answer = client.request(method, path, headers={"If-Match": '"1"'}, **body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (412, "precondition-failed")
    assert (problem["current"], problem["rev"]) == (present, 2)
    assert client.get("/mlmodels/name/headwater.churn").json() == present
    assert client.request(method, path, headers={"If-Match": '"2"'}, **body).status_code == 200


def test_a_put_that_must_match_does_not_create(client: httpx.Client) -> None:
    answer = client.put("/mlmodels", json=MODEL, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    assert client.get("/mlmodels").json()["data"] == []


def test_patches_at_the_same_time_all_hold(client: httpx.Client) -> None:
    path = f"/mlmodels/{made(client, mlHyperParameters=[])['id']}"

    def add(number: int) -> int:
        value = {"name": f"p{number}", "value": number}
        operations = [{"op": "add", "path": "/mlHyperParameters/-", "value": value}]
        return client.patch(path, json=operations).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(40))) == {200}
    found = client.get(path)
    parameters = {each["name"] for each in found.json()["mlHyperParameters"]}
    assert parameters == {f"p{number}" for number in range(40)}
    assert (found.headers["etag"], found.json()["version"]) == ('"41"', "0.41")


def test_of_writers_that_must_match_one_wins(client: httpx.Client) -> None:
    path = f"/mlmodels/{made(client)['id']}"

    def describe(number: int) -> int:
        body = {"description": str(number)}
        return client.patch(path, json=body, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(describe, range(8))) == [200] + [412] * 7


# Deleting


def test_delete_hides_and_restore_brings_back(client: httpx.Client) -> None:
    model = made(client)
    path = f"/mlmodels/{model['id']}"
    assert client.delete(path).json()["deleted"] is True
    gone = client.get(path)
    assert (gone.status_code, gone.json()["deleted"]) == (404, True)
    assert client.get(path, params={"include": "all"}).json()["deleted"] is True
    assert client.delete(path).status_code == 404
    answer = client.post(f"{path}/restore")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert "deleted" not in client.get(path).json()
    assert client.post(f"{path}/restore").status_code == 409


def test_delete_of_a_parent_needs_recursive(client: httpx.Client, table: str) -> None:
    service = "/databaseServices/name/warehouse"
    assert client.delete(service).status_code == 409
    assert client.delete(service, params={"recursive": "false"}).status_code == 409
    assert client.delete(service, params={"recursive": "true"}).status_code == 200
    assert client.get(f"/tables/name/{table}").status_code == 404


# Versions


def test_versions_are_listed_read_and_compared(client: httpx.Client) -> None:
    model = made(client)
    made(client, description="more")
    made(client, algorithm="XGBoost", description="more")
    base = f"/mlmodels/{model['id']}/versions"
    listed = client.get(base).json()
    assert [each["version"] for each in listed["data"]] == ["1.0", "0.2", "0.1"]
    assert listed["paging"] == {}
    first = client.get(f"{base}/0.1")
    assert (first.json(), first.headers["etag"]) == (model, '"1"')
    diff = client.get(f"{base}/0.1/diff/1.0").json()
    assert (diff["major"], [change["name"] for change in diff["fieldsUpdated"]]) == (
        True,
        ["algorithm"],
    )
    assert client.get(f"{base}/7.0").status_code == 404
    assert client.get(f"{base}/0.1/diff/7.0").status_code == 404


def test_versions_come_in_pages(client: httpx.Client) -> None:
    for number in range(5):
        model = made(client, description=str(number))
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = client.get(f"/mlmodels/{model['id']}/versions", params=params).json()
        seen += [each["version"] for each in page["data"]]
        if "after" not in page["paging"]:
            break
        params["after"] = page["paging"]["after"]
    assert seen == ["0.5", "0.4", "0.3", "0.2", "0.1"]


# Beside entities


def test_events_tell_everything_in_order_and_go_on_later(client: httpx.Client) -> None:
    made(client)
    client.delete("/mlmodels/name/headwater.churn")
    page = client.get("/events", params={"limit": 2}).json()
    rest = client.get("/events", params={"after": page["paging"]["after"]}).json()
    events = page["data"] + rest["data"]
    assert [event["number"] for event in events] == [1, 2, 3]
    assert [event["type"] for event in events][1:] == ["entityCreated", "entitySoftDeleted"]
    assert events[1]["entity"]["fullyQualifiedName"] == "headwater.churn"
    end = client.get("/events", params={"after": 3}).json()
    assert end == {"data": [], "paging": {"after": "3", "more": False}}


def test_schemas_are_listed_and_read_by_kind_and_collection(client: httpx.Client) -> None:
    listed = client.get("/schemas").json()["data"]
    assert {"kind": "table", "collection": "tables", "parent": "databaseSchema"}.items() <= next(
        each for each in listed if each["kind"] == "table"
    ).items()
    schema = client.get("/schemas/mlmodel").json()
    assert schema["$defs"]["CreateMlModel"]["required"] == ["name", "algorithm"]
    assert client.get("/schemas/mlmodels").json() == schema


def test_health_names_version_and_store(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok", "version": "0.1.0", "store": "sqlite"}


def test_the_root_leads_to_the_documentation(client: httpx.Client) -> None:
    root = client.get("http://localhost/").json()
    docs = client.get("http://localhost" + root["docs"])
    assert "/openapi.json" in docs.text
    assert "://" not in docs.text, "nothing is loaded from elsewhere"
    assert json.loads(client.get("http://localhost/openapi.json").content)["openapi"] == "3.1.0"

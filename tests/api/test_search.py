"""Search and resolve over REST. What is found is the services' (``tests/services/test_search``)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def search(client: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = client.get("/search", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(found: dict[str, Any]) -> set[str]:
    return {each["fullyQualifiedName"] for each in found["data"]}


def test_words_find_entities_of_every_kind(client: httpx.Client, table: str, model: str) -> None:
    assert names(search(client, q="churn")) == {model}
    found = search(client, q="age orders")
    assert (found["data"][0]["kind"], found["data"][0]["fullyQualifiedName"]) == ("table", table)
    assert found["facets"]["kind"] == {"table": 1}
    assert (found["total"], found["approximate"]) == (1, False)


def test_filters_may_repeat_and_narrow_together(client: httpx.Client, table: str) -> None:
    every = search(client, limit=100)
    some = search(client, kind=["table", "database"], limit=100)
    assert {each["kind"] for each in some["data"]} == {"table", "database"}
    assert len(every["data"]) > len(some["data"])
    assert names(search(client, kind=["table", "database"], service="warehouse", q="orders")) == {
        table
    }
    assert search(client, kind="table", service="nosuch")["total"] == 0


def test_hits_come_in_pages(client: httpx.Client, table: str) -> None:
    seen = []
    offset: int | None = 0
    while offset is not None:
        page = search(client, limit=2, offset=offset)
        seen += [each["id"] for each in page["data"]]
        offset = page["paging"].get("next")
    assert len(seen) == len(set(seen)) == page["total"]
    assert search(client, limit=0)["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=1001", "limit=x", "offset=-1", "offset=2000", "kind=nosuch", "kind=", "stage=nope",
        "q=a&q=b",
        "limit=1&limit=2", "facet=kind", "q=" + "+".join("abcdefghijklmnopqrstuvwxyzABCDEFG"),
        "&".join(f"tag={n}" for n in range(101)), "q=%FF",
    ],
)  # fmt: skip
def test_what_cannot_be_searched_for_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/search?{query}").status_code == 400


@pytest.mark.parametrize("q", ['"', "*", "a* OR b", "NEAR(a b)", "title:x", "-", "\\", "'); --"])
def test_what_people_type_is_never_syntax(client: httpx.Client, q: str) -> None:
    assert search(client, q=q)["approximate"] is False


# Resolve


def test_a_name_resolves_to_an_entity_or_a_part(
    client: httpx.Client, table: str, model: str
) -> None:
    def resolve(**params: Any) -> tuple[str, str]:
        answer = client.get("/resolve", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["kind"], answer.json()["fullyQualifiedName"]

    assert resolve(fqn=table) == ("table", table)
    assert resolve(fqn=f"{table}.age") == ("column", f"{table}.age")
    assert resolve(fqn=f"mlmodel:{model}") == ("mlmodel", model)
    assert resolve(fqn=f"{model}.persona", kind="mlFeature") == ("mlFeature", f"{model}.persona")


def test_a_name_of_several_things_answers_the_candidates(client: httpx.Client) -> None:
    client.post("/teams", json={"name": "core"})
    client.post("/domains", json={"name": "core"})
    answer = client.get("/resolve", params={"fqn": "core"})
    assert answer.status_code == 409
    assert answer.json()["candidates"] == ["domain:core", "team:core"]
    one = client.get("/resolve", params={"fqn": "core", "kind": "team"})
    assert one.json()["kind"] == "team"


@pytest.mark.parametrize(
    ("query", "status"),
    [("fqn=nobody", 404), ("fqn=table:nobody", 404), ("", 400), ("fqn=", 400),
     ("fqn=headwater&kind=nosuch", 400), ("fqn=headwater&kind=table", 404)],
)  # fmt: skip
def test_a_name_of_nothing_is_refused(client: httpx.Client, query: str, status: int) -> None:
    assert client.get(f"/resolve?{query}").status_code == status

"""Impact of tags, tagged sources and trainings over REST."""

from __future__ import annotations

import httpx
import pytest

from tests.api.test_lineage import walk


@pytest.fixture
def pii(client: httpx.Client, table: str, model: str) -> str:
    """The table's column ``age`` has the tag ``PII.Sensitive``."""
    client.post("/classifications", json={"name": "PII"})
    client.post("/tags", json={"name": "Sensitive", "classification": "PII"})
    columns = [{"name": "age", "dataType": "INTEGER", "tags": ["PII.Sensitive"]}]
    schema, _, name = table.rpartition(".")
    body = {"name": name, "databaseSchema": schema, "columns": columns}
    answer = client.put("/tables", json=body)
    assert answer.status_code == 200, answer.text
    return "PII.Sensitive"


def test_a_tag_is_asked_about_by_name(
    client: httpx.Client, table: str, model: str, pii: str
) -> None:
    found = walk(client, "impact", tag=pii)
    assert [each["fullyQualifiedName"] for each in found["models"]] == [model]
    assert [each["fullyQualifiedName"] for each in found["tagged"]] == [f"{table}.age"]
    for asked in ({"tag": "PII"}, {"fqn": f"tag:{pii}"}, {"fqn": pii, "kind": "tag"}):
        assert walk(client, "impact", **asked)["models"] == found["models"]
    assert walk(client, "impact", tag=pii, stage="production")["total"] == 0


def test_a_model_is_asked_for_tagged_sources(
    client: httpx.Client, table: str, model: str, pii: str
) -> None:
    found = walk(client, "tagged", fqn=f"mlmodel:{model}", tag="PII")
    (source,) = found["sources"]
    assert (source["fullyQualifiedName"], source["tags"]) == (f"{table}.age", [pii])
    assert [step["kind"] for step in source["path"]] == ["column", "mlFeature", "mlmodel"]
    assert walk(client, "tagged", fqn=model, tag="PII", depth=1)["total"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("impact?tag=PII&fqn=x", 400),
        ("impact?tag=PII&drop=true", 400),
        ("impact?tag=PII&asOf=1", 400),
        ("impact?tag=nobody", 404),
        ("impact?fqn=x&drop=perhaps", 400),
        ("tagged?fqn=x", 400),
        ("tagged?tag=PII", 400),
        ("tagged?fqn=nobody&tag=PII", 404),
        ("trained-on", 400),
        ("trained-on?fqn=nobody", 404),
        ("trained-on?fqn=x&from=yesterday", 400),
        ("trained-on?fqn=x&stage=live", 400),
    ],
)
def test_questions_that_cannot_be(client: httpx.Client, pii: str, path: str, status: int) -> None:
    assert client.get(f"/lineage/{path}").status_code == status


def test_a_drop_tells_what_else_breaks(client: httpx.Client, table: str, model: str) -> None:
    client.post("/dashboardServices", json={"name": "bi"})
    client.post("/dashboards", json={"name": "ages", "service": "bi"})
    edge = {"fromEntity": f"column:{table}.age", "toEntity": "dashboard:bi.ages"}
    client.put("/lineage/edges", json=edge)
    found = walk(client, "impact", fqn=f"{table}.age", drop="true")
    assert [(e["kind"], e["certain"], e["direct"]) for e in found["entities"]] == [
        ("dashboard", True, True)
    ]
    assert found["models"][0]["direct"] is True
    assert found["brokenTotal"] == 0


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ({}, ["a", "b"]),
        ({"from": "2026-01-31"}, ["a", "b"]),
        ({"from": "2026-01-31", "to": "2026-01-31"}, ["a"]),
        ({"to": "2026-01-31"}, ["a"]),
        ({"to": "2026-01-31T00:00:00Z"}, []),
        ({"from": "2026-02-01T01:00:00+01:00"}, ["b"]),
        ({"from": "1769904000000"}, ["b"]),
        ({"from": "2026-02-02"}, []),
    ],
)
def test_trainings_are_asked_for_by_when_they_ended(
    client: httpx.Client, table: str, model: str, bounds: dict[str, str], names: list[str]
) -> None:
    source = {"name": "age", "dataSource": table}
    features = [{"name": "persona", "featureSources": [source]}]
    end_of_january = 1_769_904_000_000
    for name, at in (("a", end_of_january - 1), ("b", end_of_january)):
        body = {"name": name, "mlmodel": model, "mlFeatures": features, "trainedAt": at}
        assert client.post("/modelVersions", json=body).status_code == 201
    found = walk(client, "trained-on", fqn=table, **bounds)
    assert [each["name"] for each in found["versions"]] == names

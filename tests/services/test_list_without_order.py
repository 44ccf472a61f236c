"""Lists whose order means nothing: owners and tags, say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.store.base import Store
from tests.services.shop import ME

BOT = Actor("a", "bot", "A")


@pytest.fixture
def owners(catalog: CatalogService) -> list[dict[str, str]]:
    """Two teams, and a person who has the name of one of them."""
    for name in ("ops", "web"):
        catalog.put("team", {"name": name}, actor=ME)
    catalog.put("user", {"name": "ops"}, actor=ME)
    return [
        {"type": kind, "fullyQualifiedName": name}
        for kind, name in (("team", "ops"), ("team", "web"), ("user", "ops"))
    ]


def held(catalog: CatalogService, key: Any) -> list[tuple[str, str]]:
    owners = json.loads(catalog.get("table", key).document).get("owners", ())
    return [(each["type"], each["name"]) for each in owners]


@pytest.mark.parametrize("actor", [ME, BOT], ids=["person", "bot"])
@pytest.mark.parametrize("how", ["put", "patch"])
def test_a_write_that_only_reorders_changes_nothing(
    store: Store, catalog: CatalogService, schema: str, owners: list[Any], actor: Actor, how: str
) -> None:
    fields = [{"name": n, "dataType": "INT", "tags": ["C.a", "C.b"]} for n in ("id", "at")]
    catalog.put("classification", {"name": "C"}, actor=ME)
    for name in ("a", "b"):
        catalog.put("tag", {"name": name, "classification": "C"}, actor=ME)
    body = {"name": "t", "databaseSchema": schema, "owners": owners, "columns": fields}
    before = catalog.put("table", body, actor=ME)
    last = store.sequence()

    if how == "put":
        turned = [{**each, "tags": ["C.b", "C.a"]} for each in fields]
        body |= {"owners": owners[::-1], "columns": turned}
        catalog.put("table", body, actor=actor)
    else:
        document = json.loads(before.document)
        for column in document["columns"]:
            column["tags"].reverse()
        patch = {"owners": document["owners"][::-1], "columns": document["columns"]}
        catalog.patch("table", before.id, patch, actor=actor)

    after = catalog.get("table", before.id)
    assert (after.version, after.document) == ("0.1", before.document)
    if actor is ME:  # a bot's write notes that it put the elements, too
        assert (after.rev, store.sequence()) == (before.rev, last)


def test_two_of_one_name_and_of_different_kinds_are_two(
    catalog: CatalogService, schema: str, owners: list[Any]
) -> None:
    body = {"name": "t", "databaseSchema": schema, "owners": [owners[0], owners[2]]}
    table = catalog.put("table", body, actor=ME)
    both = [("team", "ops"), ("user", "ops")]
    assert held(catalog, table.id) == both
    assert not catalog.put("table", body, actor=ME).changed

    catalog.put("table", {**body, "owners": [owners[2]]}, actor=ME)
    assert held(catalog, table.id) == both[1:]
    assert catalog.get("table", table.id).version == "0.2"

    catalog.put("table", body, actor=ME)
    assert sorted(held(catalog, table.id)) == both
    catalog.patch("table", table.id, {"owners": [owners[0]]}, actor=ME)
    assert held(catalog, table.id) == both[:1]
    assert not catalog.put("table", body, actor=BOT).changed, "what a person removed stays away"


def test_one_of_another_kind_in_the_place_of_its_namesake_is_a_change(
    catalog: CatalogService, schema: str, owners: list[Any]
) -> None:
    body = {"name": "t", "databaseSchema": schema}
    team, user = owners[0], owners[2]
    table = catalog.put("table", {**body, "owners": [user]}, actor=BOT)
    both = catalog.put("table", {**body, "owners": [team]}, actor=Actor("b", "bot", "B"))
    assert sorted(held(catalog, table.id)) == [("team", "ops"), ("user", "ops")], "others' stay"
    assert both.version == "0.2"

    left = catalog.put("table", {**body, "owners": []}, actor=BOT)
    assert (held(catalog, table.id), left.version) == ([("team", "ops")], "0.3")
    patched = catalog.patch("table", table.id, {"owners": [user]}, actor=ME)
    assert (held(catalog, table.id), patched.version) == ([("user", "ops")], "0.4")
    told = json.loads(patched.document)["changeDescription"]
    assert [each["name"] for each in told["fieldsAdded"]] == ["owners.ops@user"]
    assert [each["name"] for each in told["fieldsDeleted"]] == ["owners.ops@team"]
    origins = catalog.provenance("table", table.id)["origins"]
    told = {o["field"]: o.get("removed", False) for o in origins if o["field"] != ""}
    assert told == {"owners.ops@user": False, "owners.ops": True}
    again = catalog.put("table", {**body, "owners": [team]}, actor=BOT)
    assert held(catalog, table.id) == [("user", "ops")], "a person chose, and took the team away"
    assert again.version == "0.4"


@pytest.mark.parametrize("how", ["put", "patch"])
def test_no_list_in_the_place_of_an_empty_one_changes_nothing(
    store: Store, catalog: CatalogService, schema: str, how: str
) -> None:
    columns = [{"name": "id", "dataType": "INT", "tags": []}]
    body = {"name": "t", "databaseSchema": schema, "tags": [], "columns": columns}
    before = catalog.put("table", body, actor=ME)
    last = store.sequence()
    if how == "put":
        change = {"tags": None, "owners": [], "columns": [{**columns[0], "tags": None}]}
        after = catalog.put("table", {**body, **change}, actor=ME)
    else:
        patch = [{"op": "remove", "path": path} for path in ("/tags", "/columns/0/tags")]
        after = catalog.patch("table", before.id, patch, actor=ME)
    assert not after.changed
    assert (after.document, store.sequence()) == (before.document, last)

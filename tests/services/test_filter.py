"""Filters whose values say the kind of what they name, of lists and of searches."""

from __future__ import annotations

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.search import SearchService
from headwater.store import Store
from tests.services.shop import ME, Shop


@pytest.fixture
def owned(shop: Shop, catalog: CatalogService) -> None:
    """Tables of a user, of a team of the same name, of both, of another team, of nobody."""
    for kind, name in (("user", "amb"), ("team", "amb"), ("team", "a.b"), ("user", "ana")):
        catalog.put(kind, {"name": name}, actor=ME)
    owners = {
        "t1": ["user:amb"],
        "t2": ["team:amb"],
        "t3": ["user:amb", "team:amb"],
        "t4": ['team:"a.b"'],
        "t5": [],
    }
    for name, owner in owners.items():
        body = {"name": name, "databaseSchema": shop.schema, "owners": owner, "columns": []}
        catalog.put("table", body, actor=ME)


CASES: list[tuple[list[str], set[str]]] = [
    (["team:amb"], {"t2", "t3"}),
    (["user:amb"], {"t1", "t3"}),
    (["amb"], {"t1", "t2", "t3"}),
    (["user:amb", "team:amb"], {"t1", "t2", "t3"}),
    (["team:amb", 'team:"a.b"'], {"t2", "t3", "t4"}),
    (["team:amb", '"a.b"'], {"t2", "t3", "t4"}),
    (['team:"a.b"'], {"t4"}),
    (["team:ana"], set()),
    (["team:nobody"], set()),
    (["team:"], set()),
]


@pytest.mark.parametrize(("owner", "names"), CASES)
def test_owners_are_named_by_kind(
    store: Store, catalog: CatalogService, owned: None, owner: list[str], names: set[str]
) -> None:
    page = catalog.list("table", filters={"owner": owner}, total=True, limit=100)
    assert ({each.name for each in page.records}, page.total) == (names, len(names))
    found = SearchService(store).search("", filters={"owner": owner})
    assert {each["name"] for each in found["data"]} == names
    assert (found["total"], found["facets"]["kind"].get("table", 0)) == (len(names), len(names))


def test_pages_of_what_is_named_by_kind_go_on_where_they_ended(
    store: Store, catalog: CatalogService, owned: None
) -> None:
    filters = {"owner": ["team:amb"]}
    first = catalog.list("table", filters=filters, limit=1)
    second = catalog.list("table", filters=filters, limit=1, after=first.after)
    assert [each.name for each in (*first.records, *second.records)] == ["t2", "t3"]
    assert second.after is None
    found = SearchService(store).search("", filters=filters, limit=1)
    rest = SearchService(store).search("", filters=filters, limit=1, offset=found["paging"]["next"])
    assert {each["name"] for each in (*found["data"], *rest["data"])} == {"t2", "t3"}
    assert "next" not in rest["paging"]


def test_services_and_tags_are_named_by_kind(
    store: Store, catalog: CatalogService, shop: Shop
) -> None:
    catalog.put("classification", {"name": "PII"}, actor=ME)
    catalog.put("tag", {"name": "email", "classification": "PII"}, actor=ME)
    table = {"name": "orders", "databaseSchema": shop.schema, "tags": ["PII.email"], "columns": []}
    catalog.put("table", table, actor=ME)
    catalog.put("mlmodelService", {"name": "wh"}, actor=ME)
    catalog.put("mlmodel", {"name": "m", "algorithm": "a", "service": "wh"}, actor=ME)
    search = SearchService(store)

    def found(**filters: list[str]) -> set[str]:
        return {each["name"] for each in search.search("", filters=filters)["data"]}

    assert found(tag=["tag:PII.email"]) == found(tag=["PII.email"]) == {"orders"}
    assert found(service=["mlmodelService:wh"]) == {"m"}
    assert found(service=["databaseService:wh"]) == {"main", "shop", "orders"}
    assert found(service=["wh"]) == {"main", "shop", "orders", "m"}
    listed = catalog.list("table", filters={"service": ["databaseService:wh"]}).records
    assert [each.name for each in listed] == ["orders"]
    assert not catalog.list("table", filters={"service": ["mlmodelService:wh"]}).records

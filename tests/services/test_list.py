"""Lists by facets, through the service: what is filtered, and that it is the list's order."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.catalog import CatalogService, SearchService
from headwater.errors import InvalidInputError
from headwater.store import Store
from tests.services.shop import ME, Shop

S = "wh.main.shop"


def listed(catalog: CatalogService, kind: str, **options: Any) -> list[str]:
    """The names on all pages of two."""
    found: list[str] = []
    after = None
    while True:
        page = catalog.list(kind, limit=2, after=after, total=True, **options)
        found += [record.fqn.removeprefix(f"{S}.") for record in page.records]
        after = page.after
        if after is None:
            assert page.total == len(found)
            return found


def test_filters_hold_together_page_by_page(catalog: CatalogService, shop: Shop) -> None:
    catalog.put("user", {"name": "anna"}, actor=ME)
    catalog.put("classification", {"name": "PII"}, actor=ME)
    catalog.put("tag", {"name": "Name", "classification": "PII"}, actor=ME)
    owner = {"type": "user", "fullyQualifiedName": "anna"}
    for number in range(9):
        shop.table(f"t{number}", "x")
        change = {"owners": [owner], "tags": ["PII.Name"] if number % 2 else []}
        catalog.patch("table", ("table", f"{S}.t{number}"), change, actor=ME)
    shop.table("other", "x")
    of_anna = [f"t{number}" for number in range(9)]
    assert listed(catalog, "table", filters={"owner": ["anna"]}) == of_anna
    both = {"owner": ["anna", "nobody"], "tag": ["PII.Name"], "service": ["wh"]}
    for parent in (None, S):
        assert listed(catalog, "table", filters=both, parent=parent) == ["t1", "t3", "t5", "t7"]
    assert listed(catalog, "table", filters={"service": ["headwater"]}) == []
    assert listed(catalog, "table", filters={"owner": []}) == ["other", *of_anna]
    assert listed(catalog, "databaseSchema", filters={"service": ["wh"]}) == [S]
    catalog.delete("table", ("table", f"{S}.t3"), actor=ME)
    catalog.rename("table", ("table", f"{S}.t5"), "z", actor=ME)
    assert listed(catalog, "table", filters=both) == ["t1", "t7", "z"]
    catalog.rename("user", ("user", "anna"), "anne", actor=ME)
    assert listed(catalog, "table", filters=both) == []
    assert listed(catalog, "table", filters={**both, "owner": ["anne"]}) == ["t1", "t7", "z"]


def test_a_stage_in_any_case_lists_versions_and_models(
    catalog: CatalogService, shop: Shop, store: Store
) -> None:
    shop.model()
    for name in ("a", "b"):
        body = {"name": name, "mlmodel": "headwater.churn"}
        made = catalog.create("modelVersion", body, actor=ME)
    production = {"stage": ["production"]}
    assert listed(catalog, "mlmodel", filters=production) == []
    catalog.model_versions.set_stage(made.id, "production", actor=ME)
    for spelled in (production, {"stage": ["Production", "PRODUCTION"]}):
        assert listed(catalog, "modelVersion", filters=spelled) == ["headwater.churn.b"]
        assert listed(catalog, "mlmodel", filters=spelled) == ["headwater.churn"]
        assert SearchService(store).search("", filters=spelled)["total"] == 2
    at = catalog.model_versions.held_at(("mlmodel", "headwater.churn"), "Production", 2**52)
    assert [each["name"] for each in at] == ["b"]


def test_a_stage_that_there_is_not_is_refused_and_the_others_named(
    catalog: CatalogService, store: Store
) -> None:
    made = catalog.put("modelStage", {"name": "shadow"}, actor=ME)
    for kind in ("modelVersion", "mlmodel"):
        assert listed(catalog, kind, filters={"stage": ["shadow", "none"]}) == []
        with pytest.raises(InvalidInputError, match="archived or shadow, not 'nope'"):
            catalog.list(kind, filters={"stage": ["production", "nope"]})
    search = SearchService(store)
    assert search.search("", filters={"stage": "shadow"})["total"] == 0
    catalog.delete("modelStage", made.id, actor=ME)
    for stage in ("shadow", "Shadow", "", "no pe"):
        with pytest.raises(InvalidInputError, match="a stage is none or staging or production"):
            search.search("", filters={"stage": [stage]})


def test_what_cannot_be_filtered_is_refused(catalog: CatalogService) -> None:
    for kind, facet in (("table", "stage"), ("user", "service"), ("table", "kind")):
        with pytest.raises(InvalidInputError, match="are filtered by"):
            catalog.list(kind, filters={facet: ["x"]})
    with pytest.raises(InvalidInputError, match="what is deleted has no owner"):
        catalog.list("table", filters={"owner": ["x"]}, deleted="include")

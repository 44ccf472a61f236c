"""Columns that are made from others of their own table: on both engines."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.archive import export_catalog, import_catalog
from headwater.errors import InvalidInputError
from headwater.lineage import LineageService
from headwater.store import Store, open_store
from tests.services.shop import BOT, ME, Shop, drawn, names, view

P = "wh.main.shop.p"


@pytest.fixture
def people(lineage: LineageService, shop: Shop) -> Shop:
    """``p`` makes ``low`` from ``email``, and ``churn`` reads that."""
    shop.table("p", "email", "low", "other")
    shop.model("churn", features={"f": ["p.low"]})
    view(lineage, "p", "p", ("email", "low"))
    return shop


def test_a_column_feeds_another_of_its_table(lineage: LineageService, people: Shop) -> None:
    walk = lineage.walk(("table", P), level="column", upstream=1)
    assert drawn(walk, levels=("fine",)) >= {"p.email -> p.low"}
    assert "p -> p" not in drawn(lineage.walk(("table", P)))
    found = lineage.impact(f"{P}.email")
    assert names(found["models"]) == ["headwater.churn"]
    assert lineage.impact(f"{P}.other")["models"] == []


def test_a_path_leads_within_a_table(lineage: LineageService, people: Shop) -> None:
    path = lineage.path(f"{P}.email", f"{P}.low")
    assert (path["found"], path["level"]) == (True, "column")
    assert not lineage.path(f"{P}.low", f"{P}.email")["found"]


def test_a_dropped_column_breaks_its_own_table(lineage: LineageService, people: Shop) -> None:
    found = lineage.impact(f"{P}.email", drop=True)
    (entity,) = found["entities"]
    assert (entity["fullyQualifiedName"], entity["certain"]) == (P, True)
    assert names(entity["path"]) == [f"{P}.email", f"{P}.low"]
    assert lineage.impact(P, drop=True)["entities"] == []


def test_what_fed_a_column_of_its_table_is_told_as_of_then(
    lineage: LineageService, people: Shop, store: Store
) -> None:
    then = store.sequence()
    edge = {"fromEntity": f"table:{P}", "toEntity": f"table:{P}"}
    lineage.delete_edge(edge, actor=BOT)
    assert lineage.impact(f"{P}.email")["models"] == []
    assert names(lineage.impact(f"{P}.email", as_of=then)["models"]) == ["headwater.churn"]


def test_a_catalog_as_a_file_has_what_feeds_within_a_table(
    lineage: LineageService, people: Shop, store: Store, tmp_path: Path
) -> None:
    export_catalog(store, tmp_path / "catalog.ndjson")
    with closing(open_store("sqlite://")) as other:
        import_catalog(other, tmp_path / "catalog.ndjson")
        found = LineageService(other).impact(f"{P}.email")
    assert names(found["models"]) == ["headwater.churn"]


def test_a_tag_is_followed_within_a_table(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    catalog.put("classification", {"name": "PII"}, actor=ME)
    catalog.put("tag", {"name": "Sensitive", "classification": "PII"}, actor=ME)
    columns = [
        {"name": "email", "dataType": "INT", "tags": ["PII.Sensitive"]},
        {"name": "low", "dataType": "INT"},
    ]
    body = {"name": "p", "databaseSchema": people.schema, "columns": columns}
    catalog.put("table", body, actor=ME)
    assert names(lineage.tag_impact("PII")["models"]) == ["headwater.churn"]


def test_any_column_of_a_table_may_feed_one_of_its_own(lineage: LineageService, shop: Shop) -> None:
    shop.table("p", "email", "low")
    shop.model("churn", features={"f": ["p.low"]})
    pair = {"fromColumns": [P], "toColumn": f"{P}.low"}
    edge = {
        "fromEntity": f"table:{P}",
        "toEntity": f"table:{P}",
        "lineageDetails": {"columnsLineage": [pair]},
    }
    lineage.put_edge(edge, actor=ME)
    found = lineage.impact(f"{P}.email")
    assert (found["models"], names(found["tableLevelModels"])) == ([], ["headwater.churn"])


def test_a_person_may_take_away_what_feeds_within_a_table(
    lineage: LineageService, people: Shop
) -> None:
    edge = {"fromEntity": f"{P}.email", "toEntity": f"{P}.low"}
    lineage.delete_edge(edge, actor=ME)
    view(lineage, "p", "p", ("email", "low"))
    assert lineage.impact(f"{P}.email")["models"] == []
    lineage.put_edge(edge, actor=ME)
    assert names(lineage.impact(f"{P}.email")["models"]) == ["headwater.churn"]


@pytest.mark.parametrize("end", ["table:" + P, f"{P}.email"])
def test_nothing_feeds_itself(lineage: LineageService, people: Shop, end: str) -> None:
    pair = {"fromColumns": [f"{P}.email"], "toColumn": f"{P}.email"}
    edge = {"fromEntity": end, "toEntity": end, "lineageDetails": {"columnsLineage": [pair]}}
    with pytest.raises(InvalidInputError, match="cannot feed itself"):
        lineage.put_edge(edge, actor=ME)
    with pytest.raises(InvalidInputError, match="cannot feed itself"):
        lineage.put_edge({"fromEntity": end, "toEntity": end}, actor=ME)

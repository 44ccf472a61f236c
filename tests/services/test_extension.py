"""Custom properties: what a registered schema describes is checked, merged, compared and found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.catalog.search import SearchService
from headwater.errors import InvalidInputError
from headwater.schemas import use_folder
from headwater.store import open_store
from tests.schemas.new_kind import NOTEBOOK, REQUEST
from tests.schemas.own import CUSTOM, make_folder, no_folder_afterwards
from tests.services.shop import BOT, ME

MODEL = {"name": "churn", "algorithm": "GBM"}
CHECKS = [{"name": "bias", "passed": True}, {"name": "drift"}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder with the schema of a model's custom properties."""
    with no_folder_afterwards():
        use_folder(make_folder(tmp_path, ml_model_extension=CUSTOM))
        yield tmp_path


def doc(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.document)
    return document


def put(catalog: CatalogService, extension: Any, actor: Any = ME) -> Written:
    return catalog.put("mlmodel", {**MODEL, "extension": extension}, actor=actor)


def test_each_property_is_merged_by_itself(catalog: CatalogService) -> None:
    put(catalog, {"costCenter": "4711", "risk": "low"})
    assert doc(put(catalog, {"risk": "low", "checks": CHECKS}, BOT))["extension"] == {
        "costCenter": "4711",
        "risk": "low",
        "checks": CHECKS,
    }
    assert not put(catalog, {"costCenter": "4711"}).changed
    assert doc(put(catalog, {"costCenter": None}))["extension"] == {"risk": "low", "checks": CHECKS}
    fewer = doc(put(catalog, {"checks": CHECKS[:1]}, BOT))
    assert fewer["extension"]["checks"] == CHECKS[:1]
    kept = doc(catalog.put("mlmodel", {**MODEL, "description": "d"}, actor=ME))
    assert kept["extension"] == fewer["extension"]
    assert "extension" not in doc(put(catalog, None))


def test_changes_are_told_property_by_property(catalog: CatalogService) -> None:
    put(catalog, {"costCenter": "4711", "risk": "low", "checks": CHECKS})
    changed = put(catalog, {"costCenter": "0815", "checks": [{"name": "bias", "passed": False}]})
    described = doc(changed)["changeDescription"]

    assert changed.version == "0.2"
    assert [(each["name"], each["newValue"]) for each in described["fieldsUpdated"]] == [
        ("extension.costCenter", "0815"),
        ("extension.checks.bias.passed", False),
    ]
    assert [each["name"] for each in described["fieldsDeleted"]] == ["extension.checks.drift"]
    assert put(catalog, {"risk": "high"}).version == "1.0"


def test_references_are_resolved(catalog: CatalogService) -> None:
    catalog.put("user", {"name": "ada"}, actor=ME)
    model = doc(put(catalog, {"reviewer": "ada"}))
    assert model["extension"]["reviewer"]["type"] == "user"
    with pytest.raises(InvalidInputError, match="/extension/reviewer: there is no user 'bob'"):
        put(catalog, {"reviewer": "bob"})


def test_what_the_schema_refuses_is_refused_with_pointers(catalog: CatalogService) -> None:
    wrong = {"costCenter": "4711-4711", "risk": "none", "owner": "ada", "checks": [{"passed": 1}]}
    with pytest.raises(InvalidInputError) as refused:
        catalog.put("mlmodel", {"name": "churn", "extension": wrong}, actor=ME)

    assert {fault["pointer"]: fault["message"] for fault in refused.value.errors} == {
        "/algorithm": "is required",
        "/extension/costCenter": "should have at most 8 characters",
        "/extension/risk": "should be one of 'low', 'high'",
        "/extension/owner": "is not a property of this type",
        "/extension/checks/0/name": "is required",
        "/extension/checks/0/passed": "should be true or false",
    }
    put(catalog, {"risk": "low"})
    with pytest.raises(InvalidInputError, match="/extension/risk: should be one of"):
        catalog.patch(
            "mlmodel",
            ("mlmodel", "headwater.churn"),
            [{"op": "replace", "path": "/extension/risk", "value": "none"}],
            actor=ME,
        )
    put(catalog, {"checks": CHECKS[:1]})
    with pytest.raises(InvalidInputError, match="stands at /extension/checks/0 already"):
        put(catalog, {"checks": [*CHECKS[:1], *CHECKS[:1]]})


def test_kind_without_registered_schema_says_how_to_register_one(catalog: CatalogService) -> None:
    with pytest.raises(InvalidInputError) as refused:
        catalog.put("user", {"name": "ada", "extension": {"desk": 7}}, actor=ME)

    (fault,) = refused.value.errors
    assert fault["pointer"] == "/extension"
    assert fault["message"] == (
        'user has no custom properties; a schema file with "x-headwater": {"extends": "user"}'
        " in the folder of HEADWATER_SCHEMAS describes some"
    )
    assert catalog.put("user", {"name": "ada", "extension": None}, actor=ME).created


def test_own_kind_has_custom_properties_too(catalog: CatalogService, folder: Path) -> None:
    described = {**CUSTOM, "title": "NotebookExtension", "x-headwater": {"extends": "notebook"}}
    described |= {"properties": {"pages": {"type": "integer", "description": "x"}}, "$defs": {}}
    use_folder(make_folder(folder, notebook=NOTEBOOK, notebook_extension=described))
    catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
    request = {**REQUEST, "trains": None}

    with pytest.raises(InvalidInputError) as refused:
        catalog.put("notebook", {**request, "extension": {"pages": "x"}}, actor=ME)
    assert refused.value.errors == [
        {"pointer": "/extension/pages", "message": "should be an integer"}
    ]
    made = catalog.put("notebook", {**request, "extension": {"pages": 3}}, actor=ME)
    assert doc(made)["extension"] == {"pages": 3}


def test_search_finds_what_is_marked_searchable() -> None:
    with closing(open_store("sqlite://")) as store:
        catalog = CatalogService(store)
        catalog.ensure_built_in()
        put(catalog, {"costCenter": "K4711", "risk": "high"})
        search = SearchService(store)
        assert search.search("k4711")["total"] == 1
        assert search.search("high")["total"] == 0

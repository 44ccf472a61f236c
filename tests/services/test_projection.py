"""What a promotion leaves of what people added to a model, and what it takes no notice of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService, Written
from headwater.errors import ConflictError
from headwater.lineage import LineageService
from headwater.store import Store
from tests.services.shop import BOT, ME, Shop

MODEL = ("mlmodel", "headwater.churn")
AGE = {"name": "age"}


class Registry:
    """Short forms for one model that a connector registered, and its versions."""

    def __init__(self, catalog: CatalogService, shop: Shop) -> None:
        self.catalog, self.shop = catalog, shop

    def promoted(self, name: str, *features: dict[str, Any], actor: Actor = BOT) -> Written:
        """Put a version with these features and promote it."""
        version = self.version(name, *features)
        self.catalog.model_versions.set_stage(version.id, "production", actor=actor, force=True)
        return version

    def version(self, name: str, *features: dict[str, Any]) -> Written:
        body = {"name": name, "mlmodel": MODEL[1], "mlFeatures": list(features)}
        return self.catalog.put("modelVersion", body, actor=BOT)

    def move(self, version: Written, stage: str) -> None:
        self.catalog.model_versions.set_stage(version.id, stage, actor=ME, force=True)

    def feature(self, name: str, *sources: str, **fields: Any) -> dict[str, Any]:
        return {
            "name": name,
            "featureSources": [self.shop.source(text) for text in sources],
            **fields,
        }

    def put(self, *features: dict[str, Any], actor: Actor = ME) -> Written:
        body = {"name": "churn", "algorithm": "RandomForest", "mlFeatures": list(features)}
        return self.catalog.put("mlmodel", body, actor=actor)

    def patch(self, **fields: Any) -> None:
        """Change the first feature as a person."""
        first, *others = self.model["mlFeatures"]
        changed = {name: value for name, value in (first | fields).items() if value is not None}
        self.catalog.patch("mlmodel", MODEL, {"mlFeatures": [changed, *others]}, actor=ME)

    @property
    def model(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.catalog.get("mlmodel", MODEL).document)
        return document

    @property
    def age(self) -> dict[str, Any]:
        return next(each for each in self.model["mlFeatures"] if each["name"] == "age")

    def sources(self) -> list[str]:
        """The sources of ``age`` as ``table.column``."""
        return [
            ".".join([each["dataSource"]["name"], each["name"]])
            for each in self.age["featureSources"]
        ]

    def tags(self) -> list[str]:
        return sorted(each["name"] for each in self.age.get("tags", ()))


@pytest.fixture
def registry(catalog: CatalogService, shop: Shop) -> Registry:
    for table in ("orders", "customers", "payments"):
        shop.table(table, "id", "age")
    shop.model("churn", actor=BOT)
    catalog.put("classification", {"name": "Color"}, actor=ME)
    for name in ("red", "blue", "green"):
        catalog.put("tag", {"name": name, "classification": "Color"}, actor=ME)
    return Registry(catalog, shop)


def test_peoples_tags_stay_beside_those_of_the_version(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", tags=["Color.red"]))
    registry.put({"name": "age", "tags": ["Color.blue"]})
    assert registry.tags() == ["blue", "red"]
    registry.promoted("b", registry.feature("age", tags=["Color.green"]))
    assert registry.tags() == ["blue", "green"]
    registry.promoted("c", registry.feature("age"))
    assert "blue" in registry.tags()


def test_a_tag_that_a_person_removed_does_not_come_back_with_a_promotion(
    registry: Registry,
) -> None:
    registry.promoted("a", registry.feature("age", tags=["Color.red"]))
    registry.patch(tags=[])
    registry.promoted("b", registry.feature("age", tags=["Color.red"]))
    assert registry.tags() == []


def test_a_description_that_a_person_removed_does_not_come_back(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", description="years"))
    registry.patch(description=None)
    registry.promoted("b", registry.feature("age", description="years"))
    assert "description" not in registry.age


def test_descriptions_survive_demotion_and_promotion(registry: Registry) -> None:
    first = registry.promoted("a", registry.feature("age", "orders.age", description="a"))
    registry.put({"name": "age", "description": "people's"})
    registry.move(first, "archived")
    registry.put({"name": "age", "description": "machine's"}, actor=BOT)
    registry.promoted("b", registry.feature("age", "orders.age", description="b"))
    assert registry.age["description"] == "people's"


def test_a_person_adds_a_source_that_shares_its_name(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", "orders.id"))
    registry.put(registry.feature("age", "orders.id", "customers.id"))
    assert registry.sources() == ["orders.id", "customers.id"]
    registry.promoted("b", registry.feature("age", "payments.id"))
    assert registry.sources() == ["payments.id", "customers.id"]


def test_a_persons_source_that_is_left_alone_is_still_the_persons(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", "orders.id"))
    registry.put(registry.feature("age", "orders.id", "customers.id"))
    registry.promoted("b", registry.feature("age"))
    assert registry.sources() == ["customers.id"]
    registry.promoted("c", registry.feature("age", "payments.id"))
    assert registry.sources() == ["payments.id", "customers.id"]


def test_names_with_dots_and_quotes_change_nothing_of_that(registry: Registry) -> None:
    name = 'a."b".c@d'
    registry.promoted("a", registry.feature(name, "orders.age"))
    registry.put(registry.feature(name, "orders.age", "customers.age", description="people's"))
    registry.put(registry.feature(name, "orders.age"))
    registry.put(registry.feature(name, "orders.age", "customers.id"))
    registry.promoted("b", registry.feature(name, "payments.age", description="b"))
    [feature] = registry.model["mlFeatures"]
    assert feature["description"] == "people's"
    assert [each["name"] for each in feature["featureSources"]] == ["age", "id"]


def test_a_person_takes_only_an_own_source_away(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", "orders.age"))
    registry.put(registry.feature("age", "orders.age", "customers.id"))
    both = registry.age["featureSources"]
    with pytest.raises(ConflictError, match="promote"):
        registry.patch(featureSources=both[1:])
    registry.patch(featureSources=both[:1])
    assert registry.sources() == ["orders.age"]


def test_an_experiment_does_not_reset_the_model(store: Store, registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", description="a"))
    registry.put({"name": "age", "description": "crawled"}, actor=BOT)
    before = registry.catalog.get("mlmodel", MODEL)
    registry.version("b", AGE)
    after = registry.catalog.get("mlmodel", MODEL)
    assert (after.version, registry.age["description"]) == (before.version, "crawled")


def test_after_demotion_a_connector_writes_the_fields_again(
    registry: Registry, lineage: LineageService
) -> None:
    version = registry.promoted("a", registry.feature("age", "orders.age"), AGE | {"name": "sex"})
    registry.move(version, "archived")
    registry.put(registry.feature("age", "customers.age"), actor=BOT)
    assert registry.sources() == ["customers.age"]
    assert [each["name"] for each in registry.model["mlFeatures"]] == ["age"]
    found = lineage.impact(f"column:{registry.shop.schema}.orders.age")["models"]
    assert [each["kind"] for each in found] == ["modelVersion"]


def test_a_table_that_a_version_in_production_was_trained_on_can_be_erased(
    registry: Registry,
) -> None:
    version = registry.promoted("a", registry.feature("age", "orders.age"))
    registry.put(registry.feature("age", "orders.age", "customers.age"))
    table = ("table", f"{registry.shop.schema}.orders")
    with pytest.raises(ConflictError) as caught:
        registry.catalog.erase("table", table, actor=ME)
    assert caught.value.details["total"] == 2
    registry.catalog.erase("table", table, actor=ME, force=True)
    found = registry.catalog.get("modelVersion", version.id).document
    assert "orders" not in json.dumps(
        {k: v for k, v in json.loads(found).items() if k != "changeDescription"}
    )
    mine, theirs = registry.age["featureSources"]
    assert ("dataSource" in mine, theirs["dataSource"]["name"]) == (False, "customers")
    registry.promoted("b", registry.feature("age", "payments.age"))
    assert registry.sources() == ["payments.age", "customers.age"]


def test_a_model_in_production_is_reverted_but_for_what_is_projected(registry: Registry) -> None:
    registry.promoted("a", registry.feature("age", "orders.age"))
    registry.catalog.patch("mlmodel", MODEL, {"description": "one"}, actor=ME)
    version = registry.model["version"]
    registry.put(registry.feature("age", "orders.age", "customers.age", description="p"))
    registry.catalog.patch("mlmodel", MODEL, {"description": "two"}, actor=BOT)
    registry.catalog.revert("mlmodel", MODEL, version, actor=ME)
    assert registry.model["description"] == "one"
    registry.promoted("b", registry.feature("age", "payments.age", description="b"))
    assert registry.sources() == ["payments.age", "customers.age"]
    assert registry.age["description"] == "p"

"""What breaks, who reads personal data, what was trained on a table: on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from tests.services.shop import ME, Shop, mask, names, view

CHURN = "headwater.churn"
DAY = 86_400_000


def short(found: list[dict[str, Any]]) -> list[str]:
    """The FQNs of nodes, without what all share."""
    return [name.removeprefix("wh.main.shop.") for name in names(found)]


@pytest.fixture
def pii(catalog: CatalogService) -> str:
    """The classification ``PII`` with two tags."""
    catalog.put("classification", {"name": "PII"}, actor=ME)
    for name in ("Sensitive", "Indirect"):
        catalog.put("tag", {"name": name, "classification": "PII"}, actor=ME)
    return "PII"


@pytest.fixture
def people(catalog: CatalogService, lineage: LineageService, shop: Shop, pii: str) -> Shop:
    """``raw`` has a tagged e-mail address, which ``clear`` copies and ``hashed`` hashes."""
    body = {
        "name": "raw",
        "databaseSchema": shop.schema,
        "columns": [
            {"name": "email", "dataType": "VARCHAR", "tags": ["PII.Sensitive"]},
            {"name": "city", "dataType": "VARCHAR", "tags": ["PII.Indirect"]},
            {"name": "amount", "dataType": "INT"},
        ],
    }
    catalog.put("table", body, actor=ME)
    shop.table("clear", "email", "amount")
    shop.table("hashed", "email", "city")
    view(lineage, "raw", "clear", ("email", "email"), ("amount", "amount"))
    mask(lineage, "raw", "hashed", ("email", "email"))
    return shop


def train(catalog: CatalogService, name: str, source: str, *, stage: str = "", **more: Any) -> None:
    """Put a version of ``churn`` that was trained on ``table.column``."""
    table, _, column = source.partition(".")
    wanted = {"name": column, "dataSource": f"wh.main.shop.{table}"}
    body: dict[str, Any] = {
        "name": name,
        "mlmodel": CHURN,
        "mlFeatures": [{"name": "f", "featureSources": [wanted]}],
    }
    made = catalog.put("modelVersion", body | more, actor=ME)
    if stage:
        catalog.model_versions.set_stage(made.id, stage, actor=ME)


def test_a_dropped_table_breaks_what_lies_between_and_the_models_behind(
    lineage: LineageService, shop: Shop
) -> None:
    for table, columns in {"raw": "xy", "middle": "x", "last": "x", "other": "x"}.items():
        shop.table(table, *columns)
    view(lineage, "raw", "middle", ("x", "x"))
    view(lineage, "middle", "last", ("x", "x"))
    lineage.put_edge(
        {"fromEntity": "table:wh.main.shop.raw", "toEntity": "table:wh.main.shop.other"}, actor=ME
    )
    shop.model("near", features={"f": ["raw.x"]})
    shop.model("far", features={"f": ["last.x"]})
    found = lineage.impact("wh.main.shop.raw.x", drop=True)
    assert {m["name"]: m["direct"] for m in found["models"]} == {"near": True, "far": False}
    entities = {e["name"]: (e["certain"], e["direct"]) for e in found["entities"]}
    assert entities == {
        "middle": (True, True), "last": (True, False), "other": (False, True)
    }  # fmt: skip
    assert found["entitiesTotal"] == 3
    whole = lineage.impact("wh.main.shop.raw", drop=True)
    assert all(each["certain"] for each in whole["entities"])
    assert lineage.impact("wh.main.shop.raw.y", drop=True)["entitiesTotal"] == 1
    few = lineage.impact("wh.main.shop.raw", drop=True, limit=1)
    assert (len(few["entities"]), few["entitiesTotal"], few["truncated"]) == (1, 3, True)
    assert "entities" not in lineage.impact("wh.main.shop.raw.x")


def test_edges_of_a_dropped_column_are_broken(lineage: LineageService, shop: Shop) -> None:
    shop.table("raw", "x", "y")
    shop.model(features={"f": ["raw.x"], "g": ["raw.y"]})
    shop.table("raw", "y")
    found = lineage.impact("wh.main.shop.raw", drop=True)
    assert [(e["from"]["name"], e["to"]["name"]) for e in found["broken"]] == [("x", "f")]
    assert found["brokenTotal"] == 1
    assert lineage.impact("wh.main.shop.raw.x")["models"][0]["broken"] is True
    assert "broken" not in lineage.impact("wh.main.shop.raw.y")["models"][0]
    walk = lineage.walk("wh.main.shop.raw", downstream=1, level="column")
    drawn = {n["id"]: n["name"] for n in walk["nodes"]}
    broken = {drawn[e["from"]]: e.get("broken", False) for e in walk["edges"]}
    assert broken == {"x": True, "y": False}


def test_of_ways_of_one_length_an_intact_one_is_told_and_the_first_by_name(
    lineage: LineageService, shop: Shop
) -> None:
    for n in range(6):  # ids are random: one of them would not tell
        shop.table(f"t{n}", "a", "b", "c")
        features = {each: [f"t{n}.{each}"] for each in "acb"}
        shop.model(f"m{n}", features=features)
        shop.table(f"t{n}", "c", "b")
        (model,) = lineage.impact(f"wh.main.shop.t{n}")["models"]
        assert "broken" not in model
        assert [step["name"] for step in model["path"]] == ["b", "b", f"m{n}"]


def test_what_a_model_writes_as_a_whole_is_perhaps_hit_too(
    lineage: LineageService, shop: Shop
) -> None:
    shop.table("raw", "x")
    shop.table("scores", "score")
    shop.model("churn", features={"f": ["raw.x"]})
    lineage.put_edge(
        {"fromEntity": f"mlmodel:{CHURN}", "toEntity": "table:wh.main.shop.scores"}, actor=ME
    )
    shop.model("next", features={"f": ["scores.score"]})
    found = lineage.impact("wh.main.shop.raw.x")
    assert names(found["models"]) == [CHURN]
    assert names(found["tableLevelModels"]) == ["headwater.next"]


def test_a_tag_is_followed_to_models_and_stopped_by_masking(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    people.model("churn", features={"mail": ["clear.email"], "spent": ["clear.amount"]})
    people.model("safe", features={"mail": ["hashed.email"]})
    found = lineage.impact("tag:PII.Sensitive")
    assert found["root"]["fullyQualifiedName"] == "PII.Sensitive"
    assert short(found["tagged"]) == ["raw.email"]
    assert names(found["models"]) == [CHURN]
    assert [step["name"] for step in found["models"][0]["path"]] == [
        "email", "email", "mail", "churn"
    ]  # fmt: skip
    assert names(found["features"]) == [f"{CHURN}.mail"]
    (masked,) = found["masked"]
    assert short([masked["from"], masked["to"]]) == ["raw.email", "hashed.email"]
    assert (found["tableLevelTotal"], found["maskedTotal"], found["truncated"]) == (0, 1, False)
    assert lineage.tag_impact("PII.Sensitive")["models"] == found["models"]
    assert lineage.tag_impact("PII.Indirect")["total"] == 0
    # Dropping a masked column breaks what is made from it all the same.
    assert lineage.impact("wh.main.shop.raw.email")["total"] == 2


def test_any_tag_of_a_classification_counts(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    people.model("churn", features={"mail": ["clear.email"]})
    people.model("places", features={"city": ["raw.city"]})
    found = lineage.tag_impact("PII")
    assert short(found["tagged"]) == ["raw.city", "raw.email"]
    assert names(found["models"]) == [CHURN, "headwater.places"]
    assert names(lineage.tag_impact("tag:PII.Indirect")["models"]) == ["headwater.places"]
    with pytest.raises(NotFoundError):
        lineage.tag_impact("PII.Nothing")
    with pytest.raises(NotFoundError):
        lineage.tag_impact("table:wh.main.shop.raw")
    with pytest.raises(InvalidInputError, match="now"):
        lineage.impact("classification:PII", as_of=1)
    with pytest.raises(InvalidInputError, match="drop"):
        lineage.impact("classification:PII", drop=True)


def test_one_assertion_that_does_not_mask_lets_the_tag_through(
    lineage: LineageService, people: Shop
) -> None:
    people.model("safe", features={"mail": ["hashed.email"]})
    assert lineage.tag_impact("PII.Sensitive")["total"] == 0
    view(lineage, "raw", "hashed", ("email", "email"))
    found = lineage.tag_impact("PII.Sensitive")
    assert names(found["models"]) == ["headwater.safe"]
    assert found["maskedTotal"] == 0


def test_the_tag_of_a_table_is_on_all_its_columns(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    body = {"name": "clear", "databaseSchema": people.schema, "tags": ["PII.Indirect"]}
    catalog.put("table", body, actor=ME)
    people.model("churn", features={"spent": ["clear.amount"]})
    people.model("whole", features={"unknown": ["clear.nothing"]})
    found = lineage.tag_impact("PII.Indirect")
    assert names(found["models"]) == [CHURN, "headwater.whole"]
    assert short(found["tagged"]) == ["clear", "raw.city"]


def test_a_tag_inside_a_struct_is_read_with_the_struct_and_not_with_its_neighbours(
    catalog: CatalogService, lineage: LineageService, shop: Shop, pii: str
) -> None:
    street = {"name": "street", "dataType": "VARCHAR", "tags": ["PII.Sensitive"]}
    zip_ = {"name": "zip", "dataType": "VARCHAR"}
    address = {"name": "address", "dataType": "STRUCT", "children": [street, zip_]}
    body = {"name": "raw", "databaseSchema": shop.schema, "columns": [address]}
    catalog.put("table", body, actor=ME)
    shop.model("whole", features={"f": ["raw.address"]})
    shop.model("inner", features={"f": ["raw.address.street"]})
    shop.model("beside", features={"f": ["raw.address.zip"]})
    found = lineage.tag_impact("PII.Sensitive")
    assert names(found["models"]) == ["headwater.inner", "headwater.whole"]
    assert short(found["tagged"]) == ["raw.address.street"]


def test_tags_on_features_and_models_count(
    catalog: CatalogService, lineage: LineageService, shop: Shop, pii: str
) -> None:
    shop.table("raw", "x")
    shop.model("own", tags=["PII.Sensitive"])
    feature = {"name": "f", "tags": ["PII.Sensitive"], "featureSources": [shop.source("raw.x")]}
    shop.model("churn", mlFeatures=[feature])
    catalog.put("modelVersion", {"name": "a", "mlmodel": CHURN, "mlFeatures": [feature]}, actor=ME)
    found = lineage.tag_impact("PII")
    assert names(found["models"]) == [CHURN, f"{CHURN}.a", "headwater.own"]
    assert names(found["features"]) == [f"{CHURN}.f"]
    asked = lineage.tagged_sources(CHURN, "PII", kind="mlmodel")
    assert names(asked["sources"]) == [f"{CHURN}.a", f"{CHURN}.f"]


def test_a_table_that_is_read_in_no_known_column_is_shown_apart(
    lineage: LineageService, people: Shop
) -> None:
    people.table("loose", "x")
    raw, loose = f"table:{people.schema}.raw", f"table:{people.schema}.loose"
    lineage.put_edge({"fromEntity": raw, "toEntity": loose}, actor=ME)
    people.model("churn", features={"f": ["loose.x"]})
    found = lineage.tag_impact("PII.Sensitive")
    assert names(found["models"]) == []
    assert names(found["tableLevelModels"]) == [CHURN]
    asked = lineage.tagged_sources(CHURN, "PII.Sensitive", kind="mlmodel")
    assert (asked["total"], asked["maskedTotal"]) == (0, 0)
    assert short(asked["tableLevelSources"]) == ["raw.email"]
    assert short(asked["tableLevelSources"][0]["path"]) == [
        "raw.email", "loose", "loose.x", f"{CHURN}.f", CHURN
    ]  # fmt: skip
    assert short(found["tableLevelModels"][0]["path"]) == ["raw.email", "raw", "loose", CHURN]


@pytest.fixture
def guessed(lineage: LineageService, people: Shop) -> Shop:
    """``wide`` has two columns of ``clear``, of which only one is known."""
    people.table("wide", "amount", "guess")
    people.table("after", "guess")
    clear, wide = f"{people.schema}.clear", f"{people.schema}.wide"
    pairs = [
        {"fromColumns": [f"{clear}.amount"], "toColumn": f"{wide}.amount"},
        {"fromColumns": [clear], "toColumn": f"{wide}.guess"},
    ]
    body = {"fromEntity": f"table:{clear}", "toEntity": f"table:{wide}"}
    lineage.put_edge(body | {"lineageDetails": {"columnsLineage": pairs}}, actor=ME)
    view(lineage, "wide", "after", ("guess", "guess"))
    people.model("churn", features={"f": ["after.guess"]})
    people.model("calm", features={"f": ["wide.amount"]})
    return people


def test_what_an_open_column_reaches_is_perhaps_reached_beside_columns_that_are_tied(
    lineage: LineageService, guessed: Shop
) -> None:
    found = lineage.impact(f"{guessed.schema}.raw.email")
    assert names(found["models"]) == []
    assert short(found["tableLevelModels"][0]["path"]) == [
        "raw.email", "clear.email", "clear", "wide.guess", "after.guess", f"{CHURN}.f", CHURN
    ]  # fmt: skip
    assert found["tableLevelTotal"] == 1
    known = lineage.impact(f"{guessed.schema}.raw.amount", drop=True)
    assert names(known["models"]) == ["headwater.calm"]
    assert names(known["tableLevelModels"]) == [CHURN]
    assert {each["name"]: each["certain"] for each in known["entities"]} == {
        "after": False, "clear": True, "wide": True
    }  # fmt: skip
    assert names(lineage.impact(f"{guessed.schema}.clear")["models"]) == ["headwater.calm", CHURN]
    assert names(lineage.tag_impact("PII.Sensitive")["tableLevelModels"]) == [CHURN]


def test_a_model_perhaps_reads_what_may_be_behind_an_open_column(
    lineage: LineageService, guessed: Shop
) -> None:
    asked = lineage.tagged_sources(CHURN, "PII.Sensitive", kind="mlmodel")
    assert (asked["total"], asked["maskedTotal"]) == (0, 0)
    assert short(asked["tableLevelSources"]) == ["raw.email"]
    assert short(asked["tableLevelSources"][0]["path"]) == [
        "raw.email", "clear.email", "clear", "wide.guess", "after.guess", f"{CHURN}.f", CHURN
    ]  # fmt: skip
    calm = lineage.tagged_sources("headwater.calm", "PII.Sensitive", kind="mlmodel")
    assert (calm["total"], calm["tableLevelTotal"]) == (0, 0)


def test_what_is_masked_on_one_way_and_perhaps_clear_on_another_is_no_masked_source(
    lineage: LineageService, people: Shop
) -> None:
    people.table("mixed", "x")
    raw, mixed = f"{people.schema}.raw", f"{people.schema}.mixed"
    pairs = [
        {"fromColumns": [f"{raw}.email"], "toColumn": f"{mixed}.x", "masking": True},
        {"fromColumns": [raw], "toColumn": f"{mixed}.x"},
    ]
    body = {"fromEntity": f"table:{raw}", "toEntity": f"table:{mixed}"}
    lineage.put_edge(body | {"lineageDetails": {"columnsLineage": pairs}}, actor=ME)
    people.model("churn", features={"f": ["mixed.x"]})
    assert names(lineage.tag_impact("PII.Sensitive")["tableLevelModels"]) == [CHURN]
    asked = lineage.tagged_sources(CHURN, "PII.Sensitive", kind="mlmodel")
    assert short(asked["tableLevelSources"]) == ["raw.email"]
    assert (asked["total"], asked["maskedTotal"]) == (0, 0)


def test_a_tag_is_asked_about_by_stage(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    people.model("churn")
    train(catalog, "clear", "clear.email")
    train(catalog, "masked", "hashed.email", stage="production")
    assert lineage.tag_impact("PII", stage="production")["total"] == 0
    assert names(lineage.tag_impact("PII", stage="None")["models"]) == [f"{CHURN}.clear"]
    sources = lineage.tagged_sources(CHURN, "PII", kind="mlmodel", stage="PRODUCTION")
    assert (sources["total"], short(sources["maskedSources"])) == (0, ["raw.email"])
    all_ = lineage.tagged_sources(CHURN, "PII", kind="mlmodel")
    assert short(all_["sources"]) == ["raw.email"]
    with pytest.raises(InvalidInputError, match="stage"):
        lineage.tagged_sources(CHURN, "PII", kind="mlmodel", stage="live")


def test_a_model_lists_the_sensitive_columns_it_reads_and_those_that_were_masked(
    lineage: LineageService, people: Shop
) -> None:
    people.model(
        "churn", features={"mail": ["hashed.email"], "city": ["raw.city"], "n": ["raw.amount"]}
    )
    found = lineage.tagged_sources(CHURN, "PII", kind="mlmodel")
    (city,) = found["sources"]
    assert city["tags"] == ["PII.Indirect"]
    assert [step["name"] for step in city["path"]] == ["city", "city", "churn"]
    (email,) = found["maskedSources"]
    assert [step["name"] for step in email["path"]] == ["email", "email", "mail", "churn"]
    assert (found["total"], found["maskedTotal"], found["tableLevelTotal"]) == (1, 1, 0)
    feature = lineage.tagged_sources(f"mlFeature:{CHURN}.city", "PII")
    assert short(feature["sources"]) == ["raw.city"]


def test_masked_edges_are_marked(lineage: LineageService, people: Shop) -> None:
    down = lineage.walk("wh.main.shop.raw.email", level="column")
    to = {node["id"]: node["fullyQualifiedName"] for node in down["nodes"]}
    masked = {to[e["to"]].split(".")[3]: e.get("masking", False) for e in down["edges"]}
    assert masked == {"clear": False, "hashed": True}
    path = lineage.path("wh.main.shop.raw.email", "wh.main.shop.hashed.email")
    assert path["edges"][0]["masking"] is True


def test_versions_are_found_by_what_they_were_trained_on_and_when(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    people.model("churn", features={"mail": ["clear.email"]})
    train(catalog, "first", "clear.email", trainedAt=1 * DAY)
    train(catalog, "second", "raw.email", trainedAt=2 * DAY, stage="production")
    train(catalog, "other", "raw.amount", trainedAt=2 * DAY)
    train(catalog, "unknown", "raw.email")
    raw, email = "wh.main.shop.raw", "wh.main.shop.raw.email"

    def versions(name: str, **asked: Any) -> list[str]:
        return [each["name"] for each in lineage.trained_on(name, **asked)["versions"]]

    assert versions(email) == ["first", "second", "unknown"]
    assert versions(raw) == ["first", "other", "second", "unknown"]
    assert versions(email, depth=1) == ["second", "unknown"]
    assert versions(email, since=DAY, until=DAY) == ["first"]
    assert versions(raw, since=DAY + 1) == ["other", "second"]
    assert versions(raw, stage="Production") == ["second"]
    found = lineage.trained_on(email, until=2 * DAY)
    assert (found["total"], found["undated"]) == (2, 1)
    assert found["versions"][0]["trainedAt"] == DAY
    assert [step["name"] for step in found["versions"][0]["path"]] == ["email", "email", "first"]
    assert lineage.trained_on(raw, limit=1)["total"] == 4


def test_lists_are_cut_and_counted(
    catalog: CatalogService, lineage: LineageService, people: Shop
) -> None:
    for at in range(3):
        people.model(f"m{at}", features={"mail": ["clear.email"], "city": ["raw.city"]})
    found = lineage.tag_impact("PII", limit=1)
    assert (len(found["models"]), found["total"]) == (1, 3)
    assert (len(found["features"]), found["featuresTotal"]) == (1, 6)
    assert (len(found["tagged"]), found["taggedTotal"]) == (1, 2)
    assert found["truncated"]
    sources = lineage.tagged_sources("mlmodel:headwater.m0", "PII", limit=1)
    assert (len(sources["sources"]), sources["total"], sources["truncated"]) == (1, 2, True)


def test_an_impact_goes_as_far_as_the_data_does(shop: Shop, lineage: LineageService) -> None:
    for step in range(12):
        shop.table(f"t{step}", "x")
        if step:
            view(lineage, f"t{step - 1}", f"t{step}", ("x", "x"))
    shop.model("far", features={"f": ["t11.x"]})
    found = lineage.impact(f"{shop.schema}.t0.x", kind="column")
    assert names([each.get("node", each) for each in found["models"]]) == ["headwater.far"]


@pytest.mark.parametrize("kind", ["databaseSchema", "database", "databaseService"])
def test_an_impact_of_what_only_holds_data_is_refused(
    shop: Shop, lineage: LineageService, kind: str
) -> None:
    fqn = {"databaseSchema": "wh.main.shop", "database": "wh.main", "databaseService": "wh"}[kind]
    with pytest.raises(InvalidInputError, match="ask about its tables"):
        lineage.impact(fqn, kind=kind)

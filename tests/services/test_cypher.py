"""What people ask Neo4j themselves gives what Headwater answers."""

from __future__ import annotations

import random
from itertools import pairwise

import neo4j

from headwater.catalog import CatalogService
from headwater.lineage import LineageService, derive
from headwater.store import open_store
from headwater.store.neo4j.url import parse_url
from tests.services.shop import ME, Shop, mask, view

DOWNSTREAM = """
MATCH (c:Column {fqn: $fqn})-[:FEEDS*1..8]->(m) WHERE m:MlModel OR m:ModelVersion
RETURN DISTINCT m.fqn AS fqn, m.deleted AS deleted
"""
UNMASKED = """
MATCH (c:Column {fqn: $fqn})-[steps:FEEDS*1..8]->(m:MlModel)
WHERE none(step IN steps WHERE step.masking)
RETURN DISTINCT m.fqn AS fqn ORDER BY fqn
"""


def connected(url: str) -> neo4j.Driver:
    """A driver of the store's database, as people have one."""
    address = parse_url(url)
    return neo4j.GraphDatabase.driver(address.uri, auth=address.auth)


def warehouse(catalog: CatalogService, lineage: LineageService, shop: Shop) -> list[str]:
    """Four layers of tables tied column by column at random, models on them; column FQNs."""
    chance = random.Random(11)  # noqa: S311  (the same warehouse every time)
    layers = [[f"t{layer}{n}" for n in range(3)] for layer in range(4)]
    columns = ("x", "y", "z")
    for layer in layers:
        for table in layer:
            shop.table(table, *columns)
    for above, below in pairwise(layers):
        for table in below:
            source = chance.choice(above)
            pairs = [
                {
                    "fromColumns": [f"{shop.schema}.{source}.{chance.choice(columns)}"],
                    "toColumn": f"{shop.schema}.{table}.{column}",
                }
                for column in columns[:2]
            ]
            body = {
                "fromEntity": f"table:{shop.schema}.{source}",
                "toEntity": f"table:{shop.schema}.{table}",
                "lineageDetails": {"columnsLineage": pairs},
            }
            lineage.put_edge(body, actor=ME)
    for n in range(6):
        table = chance.choice(layers[chance.randrange(4)])
        made = shop.model(f"m{n}", features={"f": [f"{table}.{chance.choice(columns)}"]})
        if n % 3 == 0:
            catalog.delete("mlmodel", made.id, actor=ME)
    # Lineage does not end at a table that is soft-deleted: what lies behind it is hit all the more.
    for table in layers[1]:
        catalog.delete("table", ("table", f"{shop.schema}.{table}"), actor=ME)
    return [f"{shop.schema}.{t}.{c}" for layer in layers for t in layer for c in columns]


def test_raw_cypher_names_the_models_that_impact_names(neo4j_url: str) -> None:
    store = open_store(neo4j_url)
    catalog, lineage = CatalogService(store, derive=derive), LineageService(store)
    catalog.ensure_built_in()
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    schema = catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME)
    columns = warehouse(catalog, lineage, Shop(catalog, schema.fqn))
    answers = 0
    with connected(neo4j_url) as driver:
        for fqn in columns:
            rows, _, _ = driver.execute_query(DOWNSTREAM, fqn=fqn)
            asked = sorted(row["fqn"] for row in rows if not row["deleted"])
            models = lineage.impact(fqn, kind="column", depth=8)["models"]
            assert [m["fullyQualifiedName"] for m in models] == asked, fqn
            answers += len(asked)
    store.close()
    assert answers >= 4, "the warehouse is too sparse for the comparison to mean something"


def test_the_neo4j_browser_shows_typed_containment(neo4j_url: str) -> None:
    store = open_store(neo4j_url)
    catalog = CatalogService(store, derive=derive)
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    schema = catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME)
    Shop(catalog, schema.fqn).table("t", "a", "b")
    query = "MATCH p = (:DatabaseService)-[*3]->(t:Table)-->(c:Column) RETURN c.name AS name"
    with connected(neo4j_url) as driver:
        rows, _, _ = driver.execute_query(query)
    store.close()
    assert sorted(row["name"] for row in rows) == ["a", "b"]


def test_raw_cypher_ends_where_a_tag_does(neo4j_url: str) -> None:
    store = open_store(neo4j_url)
    catalog, lineage = CatalogService(store, derive=derive), LineageService(store)
    catalog.ensure_built_in()
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    schema = catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME).fqn
    shop = Shop(catalog, schema)
    for table in ("raw", "copied", "hashed"):
        shop.table(table, "email")
    view(lineage, "raw", "copied", ("email", "email"))
    mask(lineage, "raw", "hashed", ("email", "email"))
    shop.model("open", features={"f": ["copied.email"]})
    shop.model("safe", features={"f": ["hashed.email"]})

    with connected(neo4j_url) as driver:
        for expected in (["headwater.open"], ["headwater.open", "headwater.safe"]):
            rows, _, _ = driver.execute_query(UNMASKED, fqn=f"{schema}.raw.email")
            assert [row["fqn"] for row in rows] == expected
            view(lineage, "raw", "hashed", ("email", "email"))  # another says that it does not mask
    store.close()

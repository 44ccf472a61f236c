"""A small catalog that has been through everything that an archive must keep."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from headwater.catalog import CatalogService, TokenService
from headwater.lineage import LineageService, derive
from headwater.store import Store
from headwater.store.base import EntryWrite, WriteSet
from tests.services.shop import BOT, ME, Shop

TABLES = [f"t{number}" for number in range(6)]


def catalog_over(store: Store) -> CatalogService:
    """The catalog over a store, wired as the application wires it."""
    service = CatalogService(store, derive=derive)
    service.ensure_built_in()
    return service


def shop_over(catalog: CatalogService) -> Shop:
    """A database schema to put tables in."""
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    schema = catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME)
    return Shop(catalog, schema.fqn)


def live(store: Store) -> Shop:
    """Fill an empty store, over many commits."""
    catalog, lineage = catalog_over(store), LineageService(store)
    shop = shop_over(catalog)
    catalog.put("user", {"name": "ada"}, actor=ME)
    catalog.put("team", {"name": "Zürich 🌊"}, actor=ME)
    catalog.put("classification", {"name": "PII"}, actor=ME)
    catalog.put("tag", {"name": "Sensitive", "classification": "PII"}, actor=ME)
    for name in TABLES:
        shop.table(name, "id", "age", actor=BOT)
    for near, far in pairwise(TABLES):
        lineage.put_edge(_edge(shop, near, far, sql="SELECT 1"), actor=BOT)
    shop.model(features={"age": ["t5.age", "t5.later"], "city": ["t1.id", "nowhere"]}, actor=BOT)
    owners = [{"type": "team", "fullyQualifiedName": "Zürich 🌊"}]
    about = {"description": "What a person wrote.", "owners": owners}
    catalog.patch("mlmodel", ("mlmodel", "headwater.churn"), about, actor=ME)
    shop.table("t5", "id", "age", "later", actor=BOT)  # resolves a source that waited
    shop.table("t1", "age", actor=BOT)  # drops a column that a feature reads
    lineage.delete_edge(_edge(shop, "t2", "t3"), actor=ME)  # a suppression
    lineage.put_edge(_edge(shop, "t0", "t1", sql="SELECT 2"), actor=BOT)  # other details
    catalog.rename("table", ("table", f"{shop.schema}.t4"), "t4 (old)", actor=ME)
    catalog.delete("table", ("table", f"{shop.schema}.t3"), actor=ME)
    restored = catalog.delete("table", ("table", f"{shop.schema}.t2"), actor=ME)
    catalog.restore("table", restored.id, actor=ME)
    _train(catalog)
    gone = shop.table("gone", "id")
    catalog.erase("table", gone.id, actor=ME)
    _follow(store, catalog)
    return shop


def _edge(shop: Shop, near: str, far: str, *, sql: str = "") -> dict[str, Any]:
    ends = {
        "fromEntity": {"type": "table", "fullyQualifiedName": f"{shop.schema}.{near}"},
        "toEntity": {"type": "table", "fullyQualifiedName": f"{shop.schema}.{far}"},
    }
    return ends | ({"lineageDetails": {"sqlQuery": sql}} if sql else {})


def _train(catalog: CatalogService) -> None:
    """Two versions of a model, the second in production."""
    for number in ("first", "second"):
        body = {"name": number, "mlmodel": "headwater.churn", "algorithm": f"Forest {number}"}
        written = catalog.put("modelVersion", body, actor=BOT)
        catalog.model_versions.set_stage(written.id, "production", actor=ME, force=True)


def _follow(store: Store, catalog: CatalogService) -> None:
    """Records, and a token, with which sign-in is on."""
    model = catalog.get("mlmodel", ("mlmodel", "headwater.churn"))
    user = catalog.get("user", ("user", "ada"))
    entries = (
        EntryWrite(model.id, "follower", user.id, 1, '{"following":true}'),
        EntryWrite(model.id, "metric", "auc", 2, '{"value":0.5}'),
    )
    store.commit(WriteSet("ada", "person", None, 0, entries=entries))
    TokenService(store, catalog).create("ada", role="admin", actor=ME)

"""Short forms for what the tests of services write again and again."""

from __future__ import annotations

from typing import Any

from headwater.catalog import Actor, CatalogService, Written
from headwater.lineage import LineageService
from headwater.store.draft import now_ms

ME = Actor()
BOT = Actor("crawler", "bot", "sql:warehouse")


class Shop:
    """Short forms for what these tests write again and again."""

    def __init__(self, catalog: CatalogService, schema: str) -> None:
        self.catalog, self.schema = catalog, schema

    def table(self, name: str, *columns: str, actor: Actor = ME) -> Written:
        """Put a table with integer columns."""
        body = {
            "name": name,
            "databaseSchema": self.schema,
            "columns": [{"name": column, "dataType": "INT"} for column in columns],
        }
        return self.catalog.put("table", body, actor=actor)

    def model(self, name: str = "churn", actor: Actor = ME, **fields: Any) -> Written:
        """Put a model; ``features={"age": ["table.column", …]}`` are its features and sources."""
        features = fields.pop("features", None)
        body: dict[str, Any] = {"name": name, "algorithm": "RandomForest", **fields}
        if features is not None:
            body["mlFeatures"] = [
                {"name": feature, "featureSources": [self.source(text) for text in sources]}
                for feature, sources in features.items()
            ]
        return self.catalog.put("mlmodel", body, actor=actor)

    def source(self, text: str) -> dict[str, Any]:
        """``table.column`` as a feature source; a column alone has no table."""
        table, dot, column = text.partition(".")
        if not dot:
            return {"name": text}
        return {"name": column, "dataSource": f"{self.schema}.{table}"}


def tick() -> None:
    """Wait until the clock, which states are told apart by, shows another millisecond."""
    start = now_ms()
    while now_ms() == start:
        pass


def drawn(walk: dict[str, Any], *, levels: tuple[str, ...] = ("fine", "coarse")) -> set[str]:
    """The edges of an answer as ``a -> b``, by FQN without what all share."""
    names = {n["id"]: n["fullyQualifiedName"].removeprefix("wh.main.shop.") for n in walk["nodes"]}
    return {
        f"{names[e['from']]} -> {names[e['to']]}" for e in walk["edges"] if e["level"] in levels
    }


def names(found: list[dict[str, Any]]) -> list[str]:
    """The FQNs of nodes."""
    return [each["fullyQualifiedName"] for each in found]


def view(lineage: LineageService, start: str, end: str, *columns: tuple[str, str]) -> None:
    """Say that a table makes another, column by column."""
    schema = "wh.main.shop"
    pairs = [
        {"fromColumns": [f"{schema}.{start}.{a}"], "toColumn": f"{schema}.{end}.{b}"}
        for a, b in columns
    ]
    body = {
        "fromEntity": {"type": "table", "fullyQualifiedName": f"{schema}.{start}"},
        "toEntity": f"table:{schema}.{end}",
        "lineageDetails": {"source": "view", "columnsLineage": pairs},
    }
    lineage.put_edge(body, actor=BOT)


def mask(lineage: LineageService, start: str, end: str, *columns: tuple[str, str]) -> None:
    """Say that a table's columns are those of another, hashed."""
    schema = "wh.main.shop"
    pairs = [
        {"fromColumns": [f"{schema}.{start}.{a}"], "toColumn": f"{schema}.{end}.{b}"}
        | {"function": "SHA256", "masking": True}
        for a, b in columns
    ]
    body = {
        "fromEntity": f"table:{schema}.{start}",
        "toEntity": f"table:{schema}.{end}",
        "lineageDetails": {"source": "hash", "columnsLineage": pairs},
    }
    lineage.put_edge(body, actor=BOT)

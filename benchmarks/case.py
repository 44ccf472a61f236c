"""What is asked, case by case."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.client import RawClient
from benchmarks.data import LAST, MODELS, NODES, PLAIN, SCHEMA, model, plain

Sends = Callable[[RawClient, int], list[bytes]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing measured.

    Attributes:
        sends: The requests of a round.
        aim: What is aimed at.
        beside: What another release is asked for, where that is not the same.
    """

    name: str
    sends: Sends
    aim: str = ""
    status: int = 200
    beside: Sends | None = None


def get(client: RawClient, round_: int) -> list[bytes]:
    """Models by name, another one every time."""
    names = [f"headwater.model_{(round_ * 977 + n * 131) % MODELS:05}" for n in range(400)]
    return [client.request("GET", f"/api/v1/mlmodels/name/{name}") for name in names]


def create(client: RawClient, round_: int) -> list[bytes]:
    """New models."""
    bodies = [json.dumps(model(f"new_{round_}_{n}")).encode() for n in range(100)]
    return [client.request("POST", "/api/v1/mlmodels", body) for body in bodies]


def page(client: RawClient, round_: int) -> list[bytes]:
    """The first page of 100 models."""
    del round_
    return [client.request("GET", "/api/v1/mlmodels?limit=100")] * 60


def walk(client: RawClient, round_: int) -> list[bytes]:
    """Three hops both ways from another table every time."""
    tables = [(round_ * 613 + n * 977) % (NODES // 2) + NODES // 4 for n in range(40)]
    query = "upstream=3&downstream=3"
    path = f"/api/v1/lineage/table/name/{SCHEMA}.node_"
    return [client.request("GET", f"{path}{table:05}?{query}") for table in tables]


def get_plain(collection: str) -> Sends:
    """Entities with a name and a text alone, by name."""

    def sends(client: RawClient, round_: int) -> list[bytes]:
        names = [f"plain_{(round_ * 977 + n * 131) % MODELS:05}" for n in range(400)]
        return [client.request("GET", f"/api/v1/{collection}/name/{name}") for name in names]

    return sends


def create_plain(collection: str) -> Sends:
    """New entities with a name and a text alone."""

    def sends(client: RawClient, round_: int) -> list[bytes]:
        bodies = [json.dumps(plain(f"new_{round_}_{n}")).encode() for n in range(100)]
        return [client.request("POST", f"/api/v1/{collection}", body) for body in bodies]

    return sends


CASES = [
    Case("get by name", get, "50 % of bare"),
    Case("create (2 KB, 3 features, 6 sources)", create, "15 % of bare", status=201),
    Case("page of 100", page, "15 % of bare"),
    Case("3 hops both ways, 100,000 edges", walk, "p95 12 ms"),
    # The last of all kinds costs what any of its size does. A release that has no such kind is
    # asked for one that it has, with the same content.
    Case(f"get of the last kind ({LAST.name})", get_plain(LAST.collection),
         beside=get_plain(PLAIN.collection)),
    Case(f"create of the last kind ({LAST.name})", create_plain(LAST.collection), status=201,
         beside=create_plain(PLAIN.collection)),
]  # fmt: skip

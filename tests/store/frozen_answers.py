"""What a store answers to everything that was asked of it before its layout was another."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headwater.store.base import Deleted, Direction, Level, PageQuery, Store

FROZEN = Path(__file__).with_name("frozen")
ALL = 10**6
DELETED: tuple[Deleted, ...] = ("exclude", "include", "only")
DIRECTIONS: tuple[Direction, ...] = ("upstream", "downstream")
LEVELS: tuple[Level, ...] = ("fine", "coarse", "suppressed")


def frozen(name: str) -> Any:
    """A frozen JSON file."""
    return json.loads(gzip.decompress((FROZEN / f"{name}.json.gz").read_bytes()))


def answers(store: Store, expected: Any) -> Any:
    """What the store answers to everything that was asked before."""
    ids = list(expected["versions"])
    nodes = [node[0] for node in expected["nodes"]]
    seq = store.sequence()
    found = {
        "sequence": seq,
        "events": store.events(limit=ALL),
        "versions": {each: store.versions(each) for each in ids},
        "asOf": [
            [record and record.rev for record in (store.find(each, as_of=at) for each in ids)]
            for at in range(1, seq + 1)
        ],
        "pages": {
            kind: {
                deleted: [r.fqn for r in store.page(PageQuery(kind, ALL, deleted=deleted))]
                for deleted in DELETED
            }
            for kind in expected["pages"]
        },
        "referrers": {each: [found[1:] for found in store.referrers([each])] for each in ids},
        "nodes": store.nodes(ids=nodes),
        "edges": store.edges(from_ids=nodes, include_closed=True),
        "hops": {
            f"{direction} {level} {as_of}": [
                hop.edge for hop in store.expand(nodes, direction, level, limit=ALL, as_of=as_of)
            ]
            for direction in DIRECTIONS
            for level in LEVELS
            for as_of in (None, seq // 2, seq - 1)
        },
        "times": [store.sequence(each.at) for each in store.events(limit=ALL)],
    }
    return json.loads(json.dumps(found, default=asdict))

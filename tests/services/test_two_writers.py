"""A person and a bot write one table in turns: whatever they write, each keeps what is its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.catalog import Actor, CatalogService
from headwater.names import new_id
from tests.services.shop import BOT, ME

Columns = list[dict[str, Any]]
Path = tuple[str, ...]
"""Names of columns, from the outermost; ``.description`` or ``.`` and a tag's FQN may end it."""
TAGS = ("Color.red", "Color.blue")


@st.composite
def columns(draw: st.DrawFn, names: str = "abs") -> Columns:
    """Some columns in some order; ``s`` has columns of its own."""
    chosen = draw(st.permutations(names))[: draw(st.integers(1, len(names)))]
    return [draw(column(name)) for name in chosen]


@st.composite
def column(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A column that may leave open what people fill in."""
    out: dict[str, Any] = {"name": name, "dataType": "STRUCT" if name == "s" else "INT"}
    if draw(st.booleans()):
        out["description"] = draw(st.sampled_from([None, "p", "q"]))
    if draw(st.booleans()):
        out["tags"] = draw(st.lists(st.sampled_from(TAGS), unique=True))
    if name == "s":
        out["children"] = draw(columns("xyz"))
    return out


WRITES = st.lists(
    st.tuples(
        st.sampled_from([ME, BOT]), st.sampled_from(["put", "bulk", "patch", "release"]), columns()
    ),
    min_size=3,
    max_size=8,
)


def test_each_keeps_its_own_and_the_same_write_again_changes_nothing(
    catalog: CatalogService, schema: str, request: pytest.FixtureRequest
) -> None:
    catalog.put("classification", {"name": "Color"}, actor=ME)
    for tag in TAGS:
        catalog.put("tag", {"name": tag.partition(".")[2], "classification": "Color"}, actor=ME)

    @settings(
        max_examples=15 if "neo4j" in request.node.name else 150,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(WRITES)
    def check(writes: list[tuple[Actor, str, Columns]]) -> None:
        table = Table(catalog, schema)
        table.write(*writes[0][::2], how="put")
        for actor, how, asked in writes[1:]:
            table.write(actor, asked, how=how)

    check()


class Table:
    """A table, and what people wrote of it last as far as that can be seen.

    ``by_people`` has that by path: a description, whether there is a tag or a column; None for
    what they took away of what people fill in.
    """

    def __init__(self, catalog: CatalogService, schema: str) -> None:
        self._catalog = catalog
        self._body = {"name": new_id(), "databaseSchema": schema}
        self._key = ("table", f"{schema}.{self._body['name']}")
        self._seen: dict[Path, Any] = {}
        self._by_people: dict[Path, Any] = {}

    def write(self, actor: Actor, asked: Columns, *, how: str) -> None:
        """Write, see that each has its own, and that the same again changes nothing."""
        if how == "release":
            self._catalog.release("table", self._key, "columns", actor=ME)
            self._by_people = {}
            return
        if how == "patch" and actor is BOT:  # it takes away what it leaves out, whoever's it is
            stored = json.loads(self._catalog.get("table", self._key).document)
            asked = with_others(asked, stored["columns"])
        self._write(actor, asked, how)
        before, self._seen = self._seen, seen(self._columns())
        if actor is ME:
            self._note(before, seen(asked) if how != "patch" else {})
        else:
            self._check(before)
        for path in [*self._by_people]:  # what a column had goes with it, but for what was emptied
            if self._by_people[path] and path not in self._seen:
                del self._by_people[path]
        version = self._version()
        self._write(actor, asked, how)
        assert self._version() == version

    def _write(self, actor: Actor, asked: Columns, how: str) -> None:
        body = {**self._body, "columns": asked}
        if how == "put":
            self._catalog.put("table", body, actor=actor)
        elif how == "bulk":
            assert not self._catalog.put_bulk("table", [body], actor=actor).failed
        else:
            self._catalog.patch("table", self._key, {"columns": asked}, actor=actor)

    def _columns(self) -> Columns:
        found: Columns = json.loads(self._catalog.get("table", self._key).document)["columns"]
        return found

    def _version(self) -> tuple[str, int]:
        found = self._catalog.get("table", self._key)
        return found.version, found.rev

    def _note(self, before: dict[Path, Any], asked: dict[Path, Any]) -> None:
        for path in (before.keys() | self._seen.keys()) - {()}:
            now = self._seen.get(path)
            is_column = not path[-1].startswith(".")
            if path[:-1] not in self._seen or (is_column and not now):
                continue
            if before.get(path) != now:
                self._by_people[path] = now
            elif path[-1][1:] in TAGS and path[:-1] in asked and path not in asked:
                self._by_people.pop(path, None)  # a put without it leaves it to who put it, too

    def _check(self, before: dict[Path, Any]) -> None:
        for path, value in self._by_people.items():
            if path[:-1] in self._seen and (path[:-1] in before or value is None):
                assert self._seen.get(path) == value, path


def seen(found: Columns, above: Path = ()) -> dict[Path, Any]:
    """Every column, description and tag of some columns."""
    out: dict[Path, Any] = {above: True}
    for each in found:
        path = (*above, each["name"])
        out |= seen(each.get("children") or [], path)
        if each.get("description"):
            out[*path, ".description"] = each["description"]
        for tag in each.get("tags") or ():
            fqn = tag if isinstance(tag, str) else tag["fullyQualifiedName"]
            out[*path, f".{fqn}"] = True
    return out


def with_others(asked: Columns, stored: Columns) -> Columns:
    """What is asked for, and after it what else is stored."""
    there = {each["name"]: each for each in stored}
    out = [
        {**each, "children": with_others(each["children"], there[each["name"]]["children"])}
        if "children" in there.get(each["name"], {})
        else each
        for each in asked
    ]
    names = {each["name"] for each in asked}
    return [*out, *(each for each in stored if each["name"] not in names)]

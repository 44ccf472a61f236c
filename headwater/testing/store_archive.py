"""Conformance of archives: every row of a store comes out in order and goes into an empty one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

import pytest

from headwater.errors import AlreadyExistsError, ConflictError, StaleWriteError
from headwater.store.base import (
    Commit,
    Direction,
    Edge,
    EntityWrite,
    Level,
    Node,
    Record,
    Recorded,
    Reference,
    Row,
    SearchQuery,
    Section,
    StateRow,
    Store,
    Term,
)
from headwater.testing.store_build import (
    NOON,
    edge,
    entity,
    entry,
    event,
    following,
    found_by,
    key,
    part,
    writes,
)

SECTIONS: tuple[Section, ...] = get_args(Section)
LEVELS: tuple[Level, ...] = ("fine", "coarse")
DIRECTIONS: tuple[Direction, ...] = ("upstream", "downstream")
IDS = ["table-a", "table-b", "table-gone", "databaseSchema-s", "table-\U0001f30a", "table-\uff5e"]
PARTS = ["column-a.x", "column-a.y", "column-b.x"]
MANY = 2_500


class ArchiveConformance:
    """``dump``, ``load``, and ``migrate`` without effect."""

    def emptied(self, store: Store) -> Store:
        """Return an empty, migrated store of the same sort; the given one is not used again.

        The test closes it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method 'emptied'")

    def test_commits_are_dumped_in_order(self, store: Store) -> None:
        store.commit(writes(entity("a"), at=NOON))
        store.commit(writes(at=NOON - 5, actor="bob", actor_kind="bot", producer="dbt"))
        assert list(store.dump("commits")) == [
            Commit(1, NOON, "ada", "person", None),
            Commit(2, NOON, "bob", "bot", "dbt"),
        ]

    def test_states_are_dumped_by_seq_and_id(self, store: Store) -> None:
        b = entity("b", references=(Reference("z", "table-a"), Reference("a", "table-b")))
        a = entity("a", document='{"\u00fc":  1}', origins="[1]")
        store.commit(writes(b, a))
        store.commit(writes(following(b, fqn="b2", version="0.2", references=None)))
        states = list(store.dump("states"))
        assert [(row.record.id, row.record.rev) for row in states if isinstance(row, StateRow)] == [
            ("table-a", 1),
            ("table-b", 1),
            ("table-b", 2),
        ]
        past = Record("table-b", "table", "b", "b", None, "0.1", 1, 1, False, b.document, "{}")
        present = store.find("table-b")
        unchanged = store.find("table-a")
        assert present is not None
        assert unchanged is not None
        assert states == [
            StateRow(unchanged, ()),
            StateRow(past, None),
            StateRow(present, (Reference("a", "table-b"), Reference("z", "table-a"))),
        ]

    def test_parts_are_dumped_by_id_and_entities_are_not(self, store: Store) -> None:
        write = entity("b", parts=(part("b", "x"), part("b", "w")))
        store.commit(writes(write, entity("a", parts=(part("a", "x"),), deleted=True)))
        store.commit(writes(following(write, dropped_parts=("column-b.w",))))
        assert list(store.dump("parts")) == [
            Node("column-a.x", "column", "a.x", "x", "table-a", False, True),
            Node("column-b.w", "column", "b.w", "w", "table-b", True, False),
            Node("column-b.x", "column", "b.x", "x", "table-b", False, False),
        ]

    def test_edges_are_dumped_by_key_and_time(self, store: Store) -> None:
        fine = edge("table-b", "table-a", level="fine")
        puts = (edge("table-b", "table-a", details="[1]"), edge("table-a", "table-b"))
        hidden = edge("table-a", "table-b", level="suppressed")
        store.commit(writes(entity("a"), entity("b"), edges=(fine, *puts, hidden)))
        store.commit(
            writes(
                edges=(edge("table-b", "table-a", details="[2]"),),
                closed_edges=(fine.key, hidden.key),
            )
        )
        store.commit(writes(edges=(fine,)))
        assert list(store.dump("edges")) == [
            Edge(key("table-a", "table-b"), "{}", 1, None),
            Edge(key("table-a", "table-b", level="suppressed"), "{}", 1, 2),
            Edge(key("table-b", "table-a"), "[1]", 1, 2),
            Edge(key("table-b", "table-a"), "[2]", 2, None),
            Edge(key("table-b", "table-a", level="fine"), "{}", 1, 2),
            Edge(key("table-b", "table-a", level="fine"), "{}", 3, None),
        ]

    def test_entries_and_events_are_dumped_by_number(self, store: Store) -> None:
        store.commit(writes(entity("a"), events=tuple(event(f"table-{n}") for n in range(12))))
        store.commit(writes(entries=tuple(entry("table-a", key=str(n)) for n in range(12))))
        assert list(store.dump("events")) == store.events()
        assert list(store.dump("entries")) == store.entries(entity_ids=["table-a"])[::-1]

    def test_entry_from_another_store_keeps_who_recorded_it(self, store: Store) -> None:
        others = [Recorded(NOON - 5, "bob", "dbt"), Recorded(NOON + 5, "bob", None), None]
        entries = [entry("table-a", data=f"{n}", recorded=each) for n, each in enumerate(others)]
        store.commit(writes(entity("a"), entries=tuple(entries), producer="x"))
        found = store.entries(entity_ids=["table-a"])
        assert [(each.seq, *each[2:5]) for each in reversed(found)] == [
            (1, NOON - 5, "bob", "dbt"),
            (1, NOON + 5, "bob", None),
            (1, NOON, "ada", "x"),
        ]
        rows = [row for section in SECTIONS for row in store.dump(section)]
        loaded = self.emptied(store)
        loaded.load(rows)
        assert loaded.entries(entity_ids=["table-a"]) == found
        loaded.commit(writes(erased=("table-a",), entries=(entry("table-a"),)))
        assert [each.actor for each in loaded.entries(entity_ids=["table-a"])] == ["ada"]
        loaded.close()

    def test_empty_store_has_no_rows(self, store: Store) -> None:
        assert all_rows(store) == {section: [] for section in SECTIONS}

    def test_loaded_store_is_equal_now_and_then(self, store: Store) -> None:
        rows, seen = a_catalog(store), everything(store)
        again = self.emptied(store)
        try:
            again.load(row for section in SECTIONS for row in rows[section])
            assert all_rows(again) == rows
            assert everything(again) == seen
        finally:
            again.close()

    def test_loaded_store_goes_on_where_the_other_was(self, store: Store) -> None:
        rows = a_catalog(store)
        newest, events = store.sequence(), store.events()[-1].number
        again = self.emptied(store)
        try:
            again.load(row for section in SECTIONS for row in rows[section])
            with pytest.raises(AlreadyExistsError):
                again.commit(writes(entity("other", fqn="a2")))
            with pytest.raises(StaleWriteError):
                again.commit(writes(erased=("table-a",)))
            found = again.find("table-a")
            assert found is not None
            changed = table("a", "a2", expected_rev=found.rev, references=None, parent_id=None)
            closed = key("table-b", "table-a", source="view")
            more = writes(
                changed,
                at=NOON - 99,
                events=(event("table-a"),),
                entries=(entry("table-a"),),
                closed_edges=(closed,),
            )
            assert again.commit(more) == newest + 1
            assert again.events(after=events)[0].number == events + 1
            entries = again.entries(entity_ids=["table-a", "table-erased"], limit=2)
            assert entries[0].number == entries[1].number + 1
            assert again.find("table-a", as_of=newest) == found
            assert closed not in [each.key for each in again.edges(to_ids=["table-a"])]
            assert again.events(after=events)[0].at == again.events()[-2].at
            assert [each.deleted for each in again.nodes(ids=["column-a.x"])] == [False]
        finally:
            again.close()

    def test_loaded_store_is_searched_by_what_its_documents_say(self, store: Store) -> None:
        store.commit(writes(table("orders", search=found_by("something", text="else"))))
        store.commit(writes(table("gone", deleted=True), table("customerId", search=None)))
        rows = all_rows(store)
        again = self.emptied(store)
        try:
            again.load(row for section in SECTIONS for row in rows[section])

            def hits(*words: str) -> list[str]:
                query = SearchQuery((Term(words),), {"kind": ("table",)})
                return [hit.name for hit in again.search(query).records]

            assert (hits("orders"), hits("something"), hits("gone")) == (["orders"], [], [])
            assert hits("customer", "id") == ["customerId"]
            assert again.search(SearchQuery()).total == 2
        finally:
            again.close()

    def test_filled_store_refuses_a_load(self, store: Store) -> None:
        a_catalog(store)
        before = everything(store)
        with pytest.raises(ConflictError):
            store.load([])
        with pytest.raises(ConflictError):
            store.load(iter([Commit(1, NOON, "ada", "person", None)]))
        assert everything(store) == before

    def test_store_with_a_bare_commit_is_not_empty(self, store: Store) -> None:
        store.commit(writes())
        with pytest.raises(ConflictError):
            store.load(iter([Commit(1, NOON, "ada", "person", None)]))
        assert store.sequence() == 1

    @pytest.mark.parametrize("section", SECTIONS)
    def test_load_that_fails_leaves_an_empty_store(self, store: Store, section: Section) -> None:
        rows = a_catalog(store)
        again = self.emptied(store)

        def breaking() -> Iterator[Row]:
            for each in SECTIONS:
                yield from rows[each]
                if each == section:
                    raise ZeroDivisionError

        try:
            with pytest.raises(ZeroDivisionError):
                again.load(breaking())
            assert again.sequence() == 0
            assert all_rows(again) == {each: [] for each in SECTIONS}
            assert again.find_many(IDS) == {}
            assert again.search(SearchQuery()).total == 0
            again.load(row for each in SECTIONS for row in rows[each])
            assert all_rows(again) == rows
        finally:
            again.close()

    def test_loading_nothing_is_allowed(self, store: Store) -> None:
        store.load([])
        assert store.commit(writes(entity("a"))) == 1

    def test_rows_come_and_go_in_any_number(self, store: Store) -> None:
        tables = [table(f"t{n:05}", parts=(part(f"t{n:05}", "x"),)) for n in range(MANY)]
        puts = tuple(edge("table-t00000", f"table-t{n:05}") for n in range(1, MANY))
        entries = tuple(entry("table-t00000", key=str(n)) for n in range(MANY))
        events = tuple(event(f"table-t{n:05}") for n in range(MANY))
        store.commit(writes(*tables, edges=puts, entries=entries, events=events))
        rows = all_rows(store)
        assert [len(rows[each]) for each in SECTIONS] == [1, MANY, MANY, MANY - 1, MANY, MANY]
        again = self.emptied(store)
        try:
            again.load(row for section in SECTIONS for row in rows[section])
            assert all_rows(again) == rows
        finally:
            again.close()

    @pytest.mark.parametrize("section", SECTIONS)
    def test_one_dump_sees_one_state_of_its_section(self, store: Store, section: Section) -> None:
        first = a_catalog(store)[section]
        rows = store.dump(section)
        seen = [next(rows)]
        found = store.find("table-a")
        assert found is not None
        new = table("0", parts=(part("0", "x"),))
        store.commit(
            writes(
                table("a", "a2", expected_rev=found.rev, references=None, parent_id=None),
                new,
                edges=(edge("table-0", "table-a"),),
                closed_edges=(key("table-b", "table-a", source="view"),),
                entries=(entry("table-0"),),
                events=(event("table-0"),),
            )
        )
        seen += rows
        assert seen == first

    def test_abandoned_dump_is_in_nobodys_way(self, store: Store) -> None:
        a_catalog(store)
        rows = store.dump("states")
        next(rows)
        newest = store.commit(writes(entity("later")))
        del rows
        assert store.commit(writes(entity("latest"))) == newest + 1

    def test_present_layout_has_no_steps_to_take(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        assert store.migrate(dry_run=True) == []
        assert store.migrate() == []
        assert store.sequence() == 1


def table(name: str, fqn: str | None = None, /, **fields: Any) -> EntityWrite:
    """A table whose document says what search text is made of."""
    fqn = fqn or name
    document: dict[str, Any] = {"name": fqn, "fullyQualifiedName": fqn}
    if fields.get("deleted"):
        document["deleted"] = True
    plain: dict[str, Any] = {"fqn": fqn, "document": json.dumps(document), "search": found_by(name)}
    return entity(name, **{**plain, **fields})


def a_catalog(store: Store) -> dict[Section, list[Row]]:
    """Commit a bit of everything and return what it comes out as."""
    schema = '{"name": "s", "fullyQualifiedName": "s"}'
    parent = entity("s", kind="databaseSchema", document=schema)
    a = table("a", parts=(part("a", "x"), part("a", "y")), parent_id="databaseSchema-s")
    b = table(
        "b",
        references=(Reference("q", "table-a"), Reference("p", "databaseSchema-s")),
        parts=(part("b", "x"),),
        origins='{"name": "\u00fc"}',
    )
    odd = [table(name) for name in ("\U0001f30a", "\uff5e")]
    view = edge("table-b", "table-a", source="view")
    fine = edge("column-b.x", "column-a.x", level="fine")
    hidden = edge("column-b.x", "column-a.y", level="suppressed")
    store.commit(
        writes(
            *(parent, a, b, *odd, table("gone")),
            edges=(view, fine, hidden, *(edge(each.id, "table-a") for each in odd)),
            events=(event("table-a", '["\u00fc"]'), event("table-b")),
            entries=(entry("table-a", key="k", at=-3, data='{"v":  1.0}'), entry("table-gone")),
        )
    )
    a = following(a, fqn="a2", document=table("a", "a2").document, dropped_parts=("column-a.y",))
    gone = following(table("gone"), deleted=True, document=table("gone", deleted=True).document)
    store.commit(
        writes(
            *(a, following(b, references=None), gone),  # b refers to a by name
            at=NOON + 60_000,
            actor="bob",
            actor_kind="bot",
            producer="dbt",
            closed_edges=(fine.key,),
            edges=(edge("table-b", "table-a", details='["changed"]'),),
            events=(event("table-a"),),
        )
    )
    store.commit(writes(table("erased"), edges=(fine,), entries=(entry("table-a", "status"),)))
    tombstone = entry("table-erased", "tombstone")
    store.commit(writes(erased=("table-erased",), entries=(tombstone,), events_before=2))
    return all_rows(store)


def all_rows(store: Store) -> dict[Section, list[Row]]:
    """Everything that a store dumps."""
    return {section: list(store.dump(section)) for section in SECTIONS}


def everything(store: Store) -> list[object]:
    """What can be read, now and as of every commit."""
    ends = [*IDS, *PARTS]
    out: list[object] = [
        store.events(),
        store.entries(entity_ids=[*IDS, "table-erased"]),
        store.nodes(ids=ends),
        store.nodes(owner_ids=IDS),
        store.edges(from_ids=ends, include_closed=True),
        store.edges(producer="ada", source="view"),
        [store.versions(each) for each in IDS],
        store.referrers(IDS),
        store.descendants("databaseSchema-s"),
        [store.sequence(at) for at in (NOON - 1, NOON, NOON + 60_000)],
        store.find("table-a", version="0.1"),
    ]
    for seq in (None, *range(store.sequence() + 2)):
        out.append(store.find_many([*IDS, ("table", "a2")], as_of=seq))
        for level, direction in product(LEVELS, DIRECTIONS):
            out.append(store.expand(ends, direction, level, limit=99, as_of=seq))
            degrees = store.degrees(ends, direction, level, as_of=seq)
            out.append({node: count for node, count in degrees.items() if count})
    return out

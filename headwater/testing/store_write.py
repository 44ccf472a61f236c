"""Conformance of the one write: what it refuses, what it keeps, that it is all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from headwater.errors import (
    AlreadyExistsError,
    ConflictError,
    HeadwaterError,
    StaleWriteError,
    StoreError,
)
from headwater.store.base import Record, Reference, Store, WriteSet
from headwater.testing.store_build import NOON, edge, entity, event, following, part, writes

ODD_TEXTS = [
    '{"text": "\u00fc\u4e2d\U0001f30a \' \\" \\\\ ; -- $x {y} :z %s"}',
    '{  "spaces" :\t[ 1.0 , 1e3 ]\n}',
    '{"escaped": "\\u0000 \\ud83c\\udf0a"}',
    json.dumps({"large": "x" * 1_000_000}),
]

WITNESS = entity("witness", parts=(part("witness", "id"),))
BAD_ADDITIONS = {
    "stale entity": writes(entity("bad", expected_rev=3)),
    "new entity that is there": writes(entity("there")),
    "name taken": writes(entity("bad", fqn="there")),
    "name given twice": writes(entity("bad", fqn="new")),
    "dangling reference": writes(entity("bad", references=(Reference("owner", "nobody"),))),
    "edge from nowhere": writes(edges=(edge("nowhere", "table-there"),)),
    "edge to nowhere": writes(edges=(edge("table-there", "nowhere"),)),
    "other rev expected": writes(expects={"table-there": 9}),
    "absent entity expected": writes(expects={"nobody": 0}),
}


class WriteConformance:
    """``commit``: entities, references, expectations, events and time."""

    def test_commits_are_counted_from_one(self, store: Store) -> None:
        assert store.sequence() == 0
        assert [store.commit(writes(entity(name))) for name in "abc"] == [1, 2, 3]
        assert store.sequence() == 3

    def test_new_entity_reads_as_it_was_committed(self, store: Store) -> None:
        write = entity(
            "a",
            name="A",
            version="0.1",
            origins='{"name": "ada"}',
            deleted=True,
            parent_id="databaseSchema-p",
        )
        seq = store.commit(writes(entity("p", kind="databaseSchema"), write))
        assert store.find("table-a") == Record(
            id="table-a",
            kind="table",
            fqn="a",
            name="A",
            parent_id="databaseSchema-p",
            version="0.1",
            rev=1,
            seq=seq,
            deleted=True,
            document=write.document,
            origins='{"name": "ada"}',
        )

    def test_nothing_live_comes_below_what_is_not(self, store: Store) -> None:
        top = entity("p", kind="databaseSchema")
        below = entity("a", parent_id="databaseSchema-p")
        with pytest.raises(StaleWriteError):
            store.commit(writes(below))
        store.commit(writes(top))
        store.commit(writes(following(top, deleted=True)))
        with pytest.raises(StaleWriteError):
            store.commit(writes(below))
        store.commit(writes(replace(below, deleted=True)))
        revived = following(following(top), deleted=False)
        store.commit(writes(following(below), revived))
        assert [record.deleted for record in store.descendants("databaseSchema-p")] == [False]

    def test_what_has_live_children_is_deleted_with_them_only(self, store: Store) -> None:
        top = entity("p", kind="databaseSchema")
        below = [entity(name, parent_id="databaseSchema-p") for name in "ab"]
        store.commit(writes(top, *below))
        gone = [following(write, deleted=True) for write in (top, *below)]
        with pytest.raises(StaleWriteError):
            store.commit(writes(*gone[:2]))
        with pytest.raises(StaleWriteError):
            store.commit(writes(*gone[:2], following(below[1], document="[2]")))
        store.commit(writes(*gone))
        assert all(record.deleted for record in store.descendants("databaseSchema-p"))

    def test_update_replaces_the_state(self, store: Store) -> None:
        old = entity("a")
        new = following(
            old, fqn="b", name="B", version="1.0", document="[2]", origins="[3]", deleted=True
        )
        store.commit(writes(old))
        seq = store.commit(writes(new))
        assert store.find("table-a") == Record(
            "table-a", "table", "b", "B", None, "1.0", 2, seq, True, "[2]", "[3]"
        )

    @pytest.mark.parametrize("text", ODD_TEXTS, ids=["unicode", "spacing", "escapes", "megabyte"])
    def test_document_is_kept_byte_for_byte(self, store: Store, text: str) -> None:
        write = entity("a", document=text, origins=text)
        store.commit(writes(write, events=(event("table-a", text),)))
        store.commit(writes(following(write, document="{}", origins="{}")))
        (was,) = store.versions("table-a", before_rev=2)
        assert (was.document == text, was.origins == text) == (True, True)
        assert store.events()[0].event.payload == text

    @pytest.mark.parametrize(
        "name", ["\u00fc", "a'b", 'a"b', "a\\b", "\U0001f30a", "%_*", "$a {b}"]
    )
    def test_names_are_only_text(self, store: Store, name: str) -> None:
        write = entity(name, parts=(part(name, name),))
        store.commit(writes(write, events=(event(write.id),)))
        found = store.find(("table", name))
        assert found is not None
        assert (found.id, found.fqn, found.name) == (write.id, name, name)
        assert [node.name for node in store.nodes(owner_ids=[write.id])] == [name]
        assert store.events()[0].event == event(write.id)

    @pytest.mark.parametrize("rev", [0, 1, 3])
    def test_update_of_another_rev_is_stale(self, store: Store, rev: int) -> None:
        first = entity("a")
        store.commit(writes(first))
        store.commit(writes(following(first)))
        with pytest.raises(StaleWriteError):
            store.commit(writes(entity("a", expected_rev=rev)))
        found = store.find("table-a")
        assert found is not None
        assert found.rev == 2

    def test_update_of_what_is_not_there_is_stale(self, store: Store) -> None:
        with pytest.raises(StaleWriteError):
            store.commit(writes(entity("a", expected_rev=1)))

    def test_name_is_held_by_one_entity_of_a_kind(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        with pytest.raises(AlreadyExistsError):
            store.commit(writes(entity("other", fqn="a")))
        store.commit(writes(entity("other", kind="mlmodel", fqn="a")))
        found = store.find(("mlmodel", "a"))
        assert found is not None
        assert found.id == "mlmodel-other"

    def test_names_differ_by_case(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("A")))
        found = store.find(("table", "A"))
        assert found is not None
        assert found.id == "table-A"

    def test_soft_deleted_entity_holds_its_name(self, store: Store) -> None:
        store.commit(writes(entity("a", deleted=True)))
        with pytest.raises(AlreadyExistsError):
            store.commit(writes(entity("other", fqn="a")))

    def test_rename_to_a_taken_name_is_refused(self, store: Store) -> None:
        write = entity("b")
        store.commit(writes(entity("a"), write))
        with pytest.raises(AlreadyExistsError):
            store.commit(writes(following(write, fqn="a")))
        found = store.find(("table", "b"))
        assert found is not None
        assert found.rev == 1

    def test_rename_frees_the_name(self, store: Store) -> None:
        write = entity("a")
        store.commit(writes(write))
        store.commit(writes(following(write, fqn="b")))
        assert store.find(("table", "a")) is None
        store.commit(writes(entity("other", fqn="a")))
        found = store.find(("table", "a"))
        assert found is not None
        assert found.id == "table-other"

    def test_rename_is_stale_without_what_spells_the_name(self, store: Store) -> None:
        top = entity("s", kind="databaseSchema")
        below = entity("s.t", parent_id=top.id)
        refers = entity("r", references=(Reference("x", top.id), Reference("x", "table-r")))
        store.commit(writes(top, below, refers))
        renamed = following(top, fqn="z")
        for together in ((), (following(below, fqn="z.t"),), (following(refers),)):
            with pytest.raises(StaleWriteError):
                store.commit(writes(renamed, *together))
        store.commit(writes(renamed, following(below, fqn="z.t"), following(refers)))
        assert store.find(("databaseSchema", "z")) is not None

    def test_rename_needs_not_what_no_longer_spells_the_name(self, store: Store) -> None:
        target, refers = entity("a"), entity("r", references=(Reference("x", "table-a"),))
        store.commit(writes(target, refers))
        store.commit(writes(following(refers, references=())))
        store.commit(writes(following(target, fqn="b")))
        assert store.find(("table", "b")) is not None

    def test_update_may_leave_references_as_they_are(self, store: Store) -> None:
        write = entity("a", references=(Reference("x", "table-b"),))
        store.commit(writes(entity("b"), write, entity("c", references=None)))
        store.commit(writes(following(write, references=None)))
        assert store.referrers(["table-b"]) == [("table-b", "table-a", "x")]

    def test_reference_needs_its_target(self, store: Store) -> None:
        with pytest.raises(StaleWriteError):
            store.commit(writes(entity("a", references=(Reference("service", "nobody"),))))
        assert store.find("table-a") is None

    def test_reference_may_point_within_the_commit(self, store: Store) -> None:
        there = entity("a", references=(Reference("next", "table-b"),))
        back = entity("b", references=(Reference("next", "table-a"), Reference("self", "table-b")))
        store.commit(writes(there, back))
        assert store.referrers(["table-a"]) == [("table-a", "table-b", "next")]
        assert store.referrers(["table-b"]) == [
            ("table-b", "table-a", "next"),
            ("table-b", "table-b", "self"),
        ]

    def test_reference_may_point_to_a_soft_deleted_entity(self, store: Store) -> None:
        store.commit(writes(entity("gone", deleted=True)))
        store.commit(writes(entity("a", references=(Reference("next", "table-gone"),))))
        assert store.referrers(["table-gone"]) == [("table-gone", "table-a", "next")]

    def test_update_replaces_references(self, store: Store) -> None:
        write = entity("a", references=(Reference("x", "table-b"), Reference("y", "table-b")))
        store.commit(writes(entity("b"), entity("c"), write))
        store.commit(writes(following(write, references=(Reference("x", "table-c"),))))
        assert store.referrers(["table-b"]) == []
        assert store.referrers(["table-c"]) == [("table-c", "table-a", "x")]

    @pytest.mark.parametrize("bad_first", [False, True], ids=["last", "first"])
    @pytest.mark.parametrize("bad", BAD_ADDITIONS.values(), ids=BAD_ADDITIONS.keys())
    def test_refused_commit_writes_nothing(
        self, store: Store, bad: WriteSet, bad_first: bool
    ) -> None:
        kept = edge("table-witness", "table-there", details='{"kept": 1}')
        store.commit(writes(WITNESS, entity("there"), edges=(kept,)))
        before = snapshot(store)
        good = writes(
            following(
                WITNESS,
                fqn="moved",
                document="[]",
                references=(Reference("next", "table-there"),),
                parts=(part("witness", "more"),),
                dropped_parts=("column-witness.id",),
            ),
            entity("new", parts=(part("new", "id"),)),
            edges=(edge("table-there", "table-new"),),
            closed_edges=(kept.key,),
            events=(event("table-new"),),
        )
        with pytest.raises(ConflictError):
            store.commit(joined(bad, good) if bad_first else joined(good, bad))
        assert snapshot(store) == before
        assert store.commit(good) == 2
        assert [each.number for each in store.events()] == [1]

    def test_edge_ends_may_be_entities_and_parts_of_the_commit(self, store: Store) -> None:
        between = edge("column-a.id", "column-b.id", level="fine")
        over = edge("table-a", "table-b")
        store.commit(
            writes(
                entity("a", parts=(part("a", "id"),)),
                entity("b", parts=(part("b", "id"),)),
                edges=(between, over),
            )
        )
        assert [each.key for each in store.edges(producer="ada")] == [between.key, over.key]

    def test_edge_ends_may_be_dropped_and_deleted(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "id"),))
        store.commit(writes(write, entity("b", deleted=True)))
        store.commit(writes(following(write, dropped_parts=("column-a.id",))))
        store.commit(writes(edges=(edge("column-a.id", "table-b", level="fine"),)))
        assert len(store.edges(producer="ada")) == 1

    def test_edge_with_an_unknown_end_is_stale(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        for bad in (edge("table-a", "column-a.id"), edge("column-a.id", "table-a")):
            with pytest.raises(StaleWriteError):
                store.commit(writes(edges=(bad,)))

    def test_expected_revs_are_compared(self, store: Store) -> None:
        write = entity("a")
        store.commit(writes(write, entity("gone", deleted=True)))
        store.commit(writes(following(write)))
        for expects in ({"table-a": 2}, {"table-a": 0}, {"table-gone": 0}):
            store.commit(writes(expects=expects))
        for expects in ({"table-a": 1}, {"table-a": 3}, {"nobody": 0}, {"nobody": 1}):
            with pytest.raises(StaleWriteError):
                store.commit(writes(expects={"table-gone": 1, **expects}))
        assert store.sequence() == 5

    def test_events_are_numbered_in_order_without_a_gap(self, store: Store) -> None:
        first, second, third = (event(f"table-{name}", f'"{name}"') for name in "abc")
        store.commit(writes(events=(first, second)))
        store.commit(writes(entity("silent")))
        store.commit(writes(events=(third,), producer="dbt", actor="bob", actor_kind="bot"))
        records = store.events()
        assert [each.number for each in records] == [1, 2, 3]
        assert [each.seq for each in records] == [1, 1, 3]
        assert [each.event for each in records] == [first, second, third]
        assert [(each.actor, each.producer) for each in records] == [
            ("ada", None),
            ("ada", None),
            ("bob", "dbt"),
        ]
        assert {each.at for each in records} == {NOON}

    def test_events_continue_behind_a_number(self, store: Store) -> None:
        store.commit(writes(events=tuple(event(f"table-{n}") for n in range(5))))
        assert [each.number for each in store.events(after=1, limit=3)] == [2, 3, 4]
        assert [each.number for each in store.events(after=4)] == [5]
        assert store.events(after=5) == []

    def test_recorded_time_never_goes_back(self, store: Store) -> None:
        for at in (NOON, NOON - 60_000, NOON + 5):
            store.commit(writes(at=at, events=(event("x"),)))
        assert [each.at for each in store.events()] == [NOON, NOON, NOON + 5]

    def test_sequence_at_a_time(self, store: Store) -> None:
        for at in (NOON, NOON + 10, NOON - 60_000, NOON + 20):
            store.commit(writes(at=at))
        asked = (NOON - 1, NOON, NOON + 9, NOON + 10, NOON + 19, NOON + 20, NOON + 10**9)
        assert [store.sequence(at) for at in asked] == [0, 1, 1, 3, 3, 4, 4]
        assert store.sequence() == 4

    def test_migrating_again_changes_nothing(self, store: Store) -> None:
        store.commit(writes(entity("a"), events=(event("table-a"),)))
        before = snapshot(store, "table-a")
        store.migrate()
        store.migrate()
        assert snapshot(store, "table-a") == before

    def test_no_error_of_a_driver_passes(self, store: Store) -> None:
        """Whether such a value is refused or found nowhere is the adapter's choice."""
        store.commit(writes(entity("a")))
        half = "\ud83c"  # of a surrogate pair: no text encoding has it
        calls: list[Callable[[], object]] = [
            lambda: store.find(half),
            lambda: store.find(("table", half)),
            lambda: store.find("table-a", as_of=2**70),
            lambda: store.find_many([half]),
            lambda: store.nodes(fqns=[half]),
            lambda: store.expand(["table-a", half], "upstream", "fine", limit=10),
            lambda: store.edges(producer=half),
            lambda: store.events(after=2**70),
            lambda: store.sequence(2**70),
        ]
        for call in calls:
            with suppress(HeadwaterError):
                call()
        with pytest.raises(HeadwaterError):
            store.commit(writes(entity("b"), entity("c", document=half)))
        assert store.sequence() == 1
        assert store.find("table-b") is None

    def test_closed_store_is_refused(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        store.close()
        with pytest.raises(StoreError):
            store.find("table-a")
        with pytest.raises(StoreError):
            store.commit(writes(entity("b")))

    def test_closing_twice_is_allowed(self, store: Store) -> None:
        store.close()
        store.close()


def joined(first: WriteSet, second: WriteSet) -> WriteSet:
    """One write set with what both hold, in that order."""
    return replace(
        first,
        entities=first.entities + second.entities,
        edges=first.edges + second.edges,
        closed_edges=first.closed_edges + second.closed_edges,
        events=first.events + second.events,
        expects={**first.expects, **second.expects},
    )


def snapshot(store: Store, *ids: str) -> list[object]:
    """All that can be read about the ids, or else about the witness and what a refused set adds."""
    ids = ids or ("table-witness", "table-there", "table-new", "table-bad")
    return [
        store.sequence(),
        store.events(),
        store.find_many(ids),
        store.find_many([("table", name) for name in ("witness", "moved", "new", "there")]),
        [store.versions(each) for each in ids],
        store.referrers(ids),
        store.nodes(ids=ids),
        store.nodes(owner_ids=ids),
        store.edges(from_ids=ids, include_closed=True),
        store.expand(ids, "downstream", "coarse", limit=100),
        store.degrees(ids, "upstream", "coarse"),
    ]

"""Conformance of what goes for good, and of past that comes along: erasure, old events, history."""

from __future__ import annotations

from itertools import product

import pytest

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import (
    Direction,
    EventRecord,
    Level,
    Record,
    Reference,
    SearchQuery,
    Store,
    Term,
    WriteSet,
)
from headwater.testing.store_build import (
    edge,
    entity,
    entry,
    event,
    following,
    found_by,
    part,
    writes,
)

LEVELS: tuple[Level, ...] = ("fine", "coarse")
DIRECTIONS: tuple[Direction, ...] = ("upstream", "downstream")

REFUSED = {
    "referred to": writes(erased=("table-target",)),
    "parent": writes(erased=("databaseSchema-p",)),
    "parent of what is deleted": writes(erased=("databaseSchema-q",)),
    "other rev": writes(erased=("table-a",), expects={"table-a": 1}),
    "edge to it": writes(erased=("table-a",), edges=(edge("table-target", "table-a"),)),
    "edge to its part": writes(
        erased=("table-a",), edges=(edge("table-target", "column-a.x", level="fine"),)
    ),
    "new reference to it": writes(
        entity("new", references=(Reference("r", "table-a"),)), erased=("table-a",)
    ),
    "new child": writes(entity("new", parent_id="table-a"), erased=("table-a",)),
    "something else": writes(entity("refers"), erased=("table-a",)),
}


class EraseConformance:
    """``WriteSet.erased``, ``WriteSet.events_before`` and ``EntityWrite.history``."""

    def test_nothing_is_left_of_what_is_erased(self, store: Store) -> None:
        a_full_life(store)
        store.commit(writes(erased=("table-a",)))
        assert store.find("table-a") is None
        assert store.find(("table", "a2")) is None
        assert store.find(("table", "a")) is None
        for seq in range(store.sequence() + 1):
            assert store.find("table-a", as_of=seq) is None
            assert store.find_many(["table-a", ("table", "a2")], as_of=seq) == {}
            near = ["table-target", "column-b.y", "table-a", "column-a.x"]
            for level, direction in product(LEVELS, DIRECTIONS):
                assert store.expand(near, direction, level, limit=9, as_of=seq) == []
                degrees = store.degrees(near, direction, level, as_of=seq)
                assert set(degrees.values()) <= {0}
        assert store.find("table-a", version="0.1") is None
        assert store.versions("table-a") == []
        assert store.nodes(ids=["table-a", "column-a.x", "column-a.gone"]) == []
        assert store.nodes(owner_ids=["table-a"]) == []
        assert store.nodes(fqns=["a", "a2", "a.x"]) == []
        assert store.edges(producer="ada", include_closed=True) == []
        assert store.edges(from_ids=["table-target", "column-b.y"], include_closed=True) == []
        assert store.entries(entity_ids=["table-a"]) == []
        assert store.referrers(["table-target"]) == [("table-target", "table-refers", "r")]
        assert store.search(SearchQuery((Term(("findable",)),))).total == 0
        assert store.search(SearchQuery()).total == 0

    def test_what_is_around_the_erased_stays(self, store: Store) -> None:
        a_full_life(store)
        near = ["table-b", "table-target", "table-refers", "databaseSchema-p"]
        before = [store.find_many(near), store.nodes(owner_ids=["table-b"])]
        store.commit(writes(erased=("table-a",)))
        assert [store.find_many(near), store.nodes(owner_ids=["table-b"])] == before
        store.commit(writes(edges=(edge("table-b", "table-target"),)))
        assert len(store.edges(producer="ada", include_closed=True)) == 1

    def test_events_of_the_erased_lose_their_payload_alone(self, store: Store) -> None:
        a_full_life(store)
        before = store.events()
        assert len(before) == 3
        said = event("table-a", '"erased"')
        store.commit(writes(erased=("table-a",), events=(said,)))
        *old, new = store.events()
        assert old == [without_payload(e) if e.event.entity_id == "table-a" else e for e in before]
        assert new.event == said  # what the commit itself says comes after

    def test_a_tombstone_is_an_entry_of_the_same_commit(self, store: Store) -> None:
        a_full_life(store)
        tombstone = entry("table-a", "tombstone", data='{"kind": "table"}')
        seq = store.commit(writes(erased=("table-a",), entries=(tombstone,)))
        (left,) = store.entries(entity_ids=["table-a"])
        assert (left.type, left.data, left.seq) == ("tombstone", '{"kind": "table"}', seq)
        assert store.entries(keys=["k"], types=["metric"]) == []
        with pytest.raises(StaleWriteError):
            store.commit(writes(entries=(entry("table-a"),)))
        assert store.entries(entity_ids=["table-a"], types=["tombstone"], latest=True) == [left]

    def test_entries_go_on_counting_after_the_newest_was_erased(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("b"), entries=(entry("table-a"),)))
        store.commit(writes(entries=(entry("table-a"), entry("table-a"))))
        store.commit(writes(erased=("table-a",)))
        store.commit(writes(entries=(entry("table-b"),)))
        assert [each.number for each in store.entries(entity_ids=["table-b"])] == [4]

    def test_the_name_is_free_again_even_in_the_same_commit(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        store.commit(writes(entity("other", fqn="a"), erased=("table-a",)))
        found = store.find(("table", "a"))
        assert found is not None
        assert (found.id, found.rev) == ("table-other", 1)
        store.commit(writes(erased=("table-other",)))
        store.commit(writes(entity("third", fqn="a")))
        with pytest.raises(AlreadyExistsError):
            store.commit(writes(entity("fourth", fqn="a")))

    def test_an_erased_id_may_come_back_as_new(self, store: Store) -> None:
        a_full_life(store)
        store.commit(writes(erased=("table-a",)))
        seq = store.commit(writes(entity("a", parts=(part("a", "x"),))))
        found = store.find("table-a")
        assert found is not None
        assert (found.rev, found.seq) == (1, seq)
        assert store.versions("table-a") == [found]
        assert store.find("table-a", as_of=seq - 1) is None
        assert store.edges(to_ids=["table-a", "column-a.x"], include_closed=True) == []

    @pytest.mark.parametrize("bad", REFUSED.values(), ids=REFUSED.keys())
    def test_refused_erasure_changes_nothing(self, store: Store, bad: WriteSet) -> None:
        a_full_life(store)
        deleted = entity("q", kind="databaseSchema", deleted=True)
        below = entity("q.t", parent_id="databaseSchema-q", deleted=True)
        store.commit(writes(deleted, below))
        before = everything(store)
        with pytest.raises(StaleWriteError):
            store.commit(bad)
        assert everything(store) == before

    def test_expected_revs_are_compared_before_erasing(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("b")))
        store.commit(writes(erased=("table-a",), expects={"table-a": 1, "table-b": 0}))
        assert store.find("table-a") is None
        with pytest.raises(StaleWriteError):
            store.commit(writes(erased=("table-a",), expects={"table-a": 1}))

    def test_erasing_is_allowed_when_its_commit_takes_the_references_away(
        self, store: Store
    ) -> None:
        refers = entity("refers", references=(Reference("r", "table-a"),))
        own = Reference("self", "table-a")
        store.commit(writes(entity("a", references=(own,)), refers))
        store.commit(writes(following(refers, references=()), erased=("table-a",)))
        assert store.find("table-a") is None
        assert store.referrers(["table-a"]) == []

    def test_a_family_and_its_referrers_are_erased_together(self, store: Store) -> None:
        child = entity("d.t", parent_id="database-d", references=(Reference("x", "table-e"),))
        other = entity("e", references=(Reference("x", "table-d.t"),))
        store.commit(writes(entity("d", kind="database"), other, child))
        store.commit(writes(erased=("database-d", "table-e", "table-d.t")))
        assert store.find_many(["database-d", "table-e", "table-d.t"]) == {}
        assert store.descendants("database-d") == []

    def test_old_events_are_dropped_and_numbers_go_on(self, store: Store) -> None:
        store.commit(writes(events=tuple(event(f"table-{n}") for n in range(5))))
        store.commit(writes(events_before=0))
        assert [each.number for each in store.events()] == [1, 2, 3, 4, 5]
        store.commit(writes(events_before=4, events=(event("table-x"),)))
        assert [each.number for each in store.events()] == [4, 5, 6]
        store.commit(writes(events_before=3))
        assert [each.number for each in store.events(after=4)] == [5, 6]
        store.commit(writes(events_before=7))
        assert store.events() == []
        store.commit(writes(events=(event("table-y"),)))
        assert [each.number for each in store.events()] == [7]

    def test_refused_commit_drops_no_events(self, store: Store) -> None:
        store.commit(writes(events=(event("table-x"),)))
        with pytest.raises(StaleWriteError):
            store.commit(writes(events_before=2, expects={"nobody": 1}))
        assert [each.number for each in store.events()] == [1]

    def test_history_comes_along_with_a_new_entity(self, store: Store) -> None:
        store.commit(writes(entity("p", kind="databaseSchema")))
        past = (
            Record("table-a", "table", "old", "old", None, "0.1", 1, 90, False, "[1]", "[11]"),
            Record("table-a", "table", "a", "a", None, "0.1", 2, 91, True, '{"\u00fc":  2}', "{}"),
            Record("table-a", "table", "a", "a", "x", "1.0", 5, 99, False, "[5]", "{}"),
        )
        write = entity("a", version="1.1", parent_id="databaseSchema-p", history=past)
        seq = store.commit(writes(write))
        found = store.find("table-a")
        assert found is not None
        assert (found.rev, found.seq, found.version) == (6, seq, "1.1")
        kept = [each._replace(seq=seq) for each in past]
        assert store.versions("table-a") == [found, *reversed(kept)]
        assert store.versions("table-a", before_rev=5, limit=1) == [kept[1]]
        assert store.find("table-a", version="0.1") == kept[1]
        assert store.find("table-a", version="1.0") == kept[2]
        assert store.find("table-a", as_of=seq - 1) is None
        assert store.find("table-a", as_of=seq) == found
        assert store.find(("table", "old")) is None
        with pytest.raises(StaleWriteError):
            store.commit(writes(following(write)))
        store.commit(writes(following(write, expected_rev=6, document="[7]", history=())))
        assert store.find("table-a", as_of=seq) == found
        assert [each.rev for each in store.versions("table-a")] == [7, 6, 5, 2, 1]

    def test_part_that_is_gone_comes_along_with_a_new_entity(self, store: Store) -> None:
        parts = (part("a", "x"), part("a", "gone"))
        write = entity("a", parts=parts, dropped_parts=("column-a.gone",))
        kept = edge("column-a.gone", "column-a.x", level="fine")
        store.commit(writes(write, edges=(kept,)))
        assert [(node.name, node.dropped) for node in store.nodes(owner_ids=["table-a"])] == [
            ("gone", True),
            ("x", False),
        ]
        assert [
            hop.edge.key for hop in store.expand(["column-a.x"], "upstream", "fine", limit=9)
        ] == [kept.key]
        store.commit(writes(following(write, parts=(part("a", "gone"),))))
        assert [node.dropped for node in store.nodes(owner_ids=["table-a"])] == [False, False]

    def test_history_is_erased_with_its_entity(self, store: Store) -> None:
        past = (Record("table-a", "table", "a", "a", None, "0.1", 1, 1, False, "[1]", "{}"),)
        store.commit(writes(entity("a", history=past)))
        store.commit(writes(erased=("table-a",)))
        assert store.versions("table-a") == []
        assert store.find("table-a", version="0.1") is None


def a_full_life(store: Store) -> None:
    """Table ``a``, then ``a2``, with everything that an entity can have, and what is around it."""
    parts = (part("a", "x"), part("a", "gone"))
    first = entity(
        "a",
        parent_id="databaseSchema-p",
        parts=parts,
        references=(Reference("r", "table-target"),),
        search=found_by("findable", owner="ada"),
    )
    around = (
        entity("p", kind="databaseSchema"),
        entity("target"),
        entity("b", parts=(part("b", "y"),)),
        entity("refers", references=(Reference("r", "table-target"),)),
    )
    fine = edge("column-b.y", "column-a.x", level="fine")
    closed = edge("table-target", "table-a")
    store.commit(
        writes(
            *around,
            first,
            edges=(
                fine,
                closed,
                edge("table-a", "table-target", details="[1]"),
                edge("table-b", "table-a", level="suppressed"),
                edge("column-a.gone", "column-a.x", level="fine"),
            ),
            events=(event("table-a", "[1]"), event("table-b", "[2]")),
            entries=(entry("table-a", key="k"),),
        )
    )
    second = following(first, fqn="a2", name="a2", version="0.2", dropped_parts=("column-a.gone",))
    store.commit(
        writes(
            second,
            closed_edges=(closed.key,),
            edges=(edge("table-a", "table-target", details="[2]"),),
            events=(event("table-a", "[3]"),),
            entries=(entry("table-a", key="k"), entry("table-a", "status")),
        )
    )


def everything(store: Store) -> list[object]:
    """What a refused erasure of what ``a_full_life`` wrote must leave alone."""
    ids = ["table-a", "table-new", "table-refers", "table-target", "table-q.t", "databaseSchema-q"]
    parts = ["column-a.x", "column-a.gone"]
    return [
        store.sequence(),
        store.events(),
        store.find_many(ids),
        [store.versions(each) for each in ids],
        store.referrers(ids),
        store.nodes(ids=[*ids, *parts]),
        store.edges(from_ids=[*ids, *parts, "table-b", "column-b.y"], include_closed=True),
        store.entries(entity_ids=ids),
        store.search(SearchQuery((Term(("findable",)),))),
    ]


def without_payload(record: EventRecord) -> EventRecord:
    """The event as it is after what it is about was erased."""
    event = record.event
    bare = type(event)(event.type, event.entity_id, event.kind, event.fqn, event.version)
    return record._replace(event=bare)

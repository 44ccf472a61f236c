"""Conformance of records: entries are appended with a commit, kept in order, and read back."""

from __future__ import annotations

import pytest

from headwater.errors import StaleWriteError
from headwater.store.base import Entry, EntryWrite, Store
from headwater.testing.store_build import NOON, entity, entry, event, following, part, writes

LARGE = 40_000
"""More values than databases commonly let one statement bind."""


class EntryConformance:
    """``WriteSet.entries`` and ``Store.entries``."""

    def test_entry_reads_as_it_was_written(self, store: Store) -> None:
        data = '{"value":  1.50, "text": "\\u0000 \u00fc \U0001f30a"}'
        store.commit(writes(entity("a")))
        write = EntryWrite("table-a", "metric", "\u00e9 'k\"", -5, data)
        store.commit(
            writes(entries=(write,), at=NOON + 7, actor="bob", actor_kind="bot", producer="dbt")
        )
        assert store.entries(entity_ids=["table-a"]) == [
            Entry(1, 2, NOON + 7, "bob", "dbt", "table-a", "metric", "\u00e9 'k\"", -5, data)
        ]

    def test_entries_make_no_state_of_their_entity(self, store: Store) -> None:
        write = entity("a")
        store.commit(writes(write))
        before = store.find("table-a")
        store.commit(writes(entries=(entry("table-a"),)))
        assert store.find("table-a") == before
        assert len(store.versions("table-a")) == 1
        store.commit(writes(following(write), entries=(entry("table-a"),)))
        assert len(store.versions("table-a")) == 2
        assert store.sequence() == 3

    def test_entries_are_counted_in_the_order_of_their_commit(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("b"), entries=(entry("table-b", key="1"),)))
        same = entry("table-a", key="same")
        store.commit(writes(entries=(same, entry("table-b", key="2"), same)))
        found = store.entries(entity_ids=["table-a", "table-b"])
        assert [(each.number, each.seq, each.key) for each in found] == [
            (4, 2, "same"),
            (3, 2, "2"),
            (2, 2, "same"),
            (1, 1, "1"),
        ]

    def test_entries_match_every_filter(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("b")))
        puts = [
            entry(f"table-{name}", type_, key)
            for name in "ab"
            for type_ in ("follower", "vote")
            for key in ("u1", "u2")
        ]
        store.commit(writes(entries=tuple(puts)))
        assert numbers(store, entity_ids=["table-b"]) == [8, 7, 6, 5]
        assert numbers(store, entity_ids=["table-a", "table-b", "nobody"], limit=99) == [
            *range(8, 0, -1)
        ]
        assert numbers(store, entity_ids=["table-b"], types=["vote"]) == [8, 7]
        assert numbers(store, entity_ids=["table-b"], types=["vote", "follower", "x"]) == [
            *range(8, 4, -1)
        ]
        assert numbers(store, entity_ids=["table-a"], types=["vote"], keys=["u1"]) == [3]
        assert numbers(store, types=["follower"], keys=["u2"]) == [6, 2]
        assert numbers(store, types=["follower", "vote"], keys=["u2", "u1"]) == [*range(8, 0, -1)]
        assert numbers(store, entity_ids=["table-c"]) == []
        assert numbers(store, entity_ids=["table-a"], types=["x"]) == []
        assert numbers(store, types=["follower"], keys=["U2"]) == []

    def test_an_empty_filter_of_entries_matches_nothing(self, store: Store) -> None:
        store.commit(writes(entity("a"), entries=(entry("table-a", key="k"),)))
        assert store.entries(entity_ids=[]) == []
        assert store.entries(entity_ids=["table-a"], types=[]) == []
        assert store.entries(types=["metric"], keys=[]) == []
        assert store.entries(entity_ids=["table-a"], latest=True, types=[]) == []

    def test_entries_are_paged_by_number(self, store: Store) -> None:
        puts = tuple(entry("table-a", key=str(number % 3)) for number in range(7))
        other = tuple(entry("table-b") for _ in range(3))
        store.commit(writes(entity("a"), entity("b"), entries=puts[:4] + other + puts[4:]))
        assert numbers(store, entity_ids=["table-a"], limit=3) == [10, 9, 8]
        assert numbers(store, entity_ids=["table-a"], limit=3, before=8) == [4, 3, 2]
        assert numbers(store, entity_ids=["table-a"], limit=3, before=2) == [1]
        assert numbers(store, entity_ids=["table-a"], before=1) == []
        assert numbers(store, types=["metric"], keys=["0"], before=10, limit=2) == [4, 1]

    def test_entries_as_of_a_commit(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        for key in "xyx":
            store.commit(writes(entries=(entry("table-a", key=key),)))
        seen = [numbers(store, entity_ids=["table-a"], as_of=seq) for seq in range(6)]
        assert seen == [[], [], [1], [2, 1], [3, 2, 1], [3, 2, 1]]
        assert numbers(store, entity_ids=["table-a"], as_of=4, before=3, limit=1) == [2]
        assert numbers(store, types=["metric"], keys=["x"], as_of=3) == [1]

    def test_latest_entry_of_each_entity_type_and_key(self, store: Store) -> None:
        """Numbers: 1 to 4 of ``a``, then 5 of ``b``, then 6 replaces 1, then 7 replaces 5."""
        first = [entry("table-a", type_, key) for type_ in ("vote", "follower") for key in "xy"]
        store.commit(writes(entity("a"), entity("b"), entries=tuple(first)))
        store.commit(writes(entries=(entry("table-b", "vote", "x"),)))
        store.commit(writes(entries=(entry("table-a", "vote", "x", at=-1),)))
        store.commit(writes(entries=(entry("table-b", "vote", "x"),)))
        both = ["table-a", "table-b"]
        assert numbers(store, entity_ids=both, latest=True) == [7, 6, 4, 3, 2]
        assert numbers(store, entity_ids=both, types=["vote"], latest=True) == [7, 6, 2]
        assert numbers(store, types=["vote"], keys=["x"], latest=True) == [7, 6]
        seen = [numbers(store, entity_ids=both, as_of=seq, latest=True) for seq in range(5)]
        assert seen == [[], [4, 3, 2, 1], [5, 4, 3, 2, 1], [6, 5, 4, 3, 2], [7, 6, 4, 3, 2]]

    def test_pages_of_the_latest_bring_nothing_that_is_over(self, store: Store) -> None:
        keys = "abcabd"
        store.commit(writes(entity("a"), entries=tuple(entry("table-a", key=k) for k in keys)))
        of = {"entity_ids": ["table-a"], "latest": True}
        assert numbers(store, **of, limit=2) == [6, 5]
        assert numbers(store, **of, limit=2, before=5) == [4, 3]
        assert numbers(store, **of, limit=2, before=3) == []
        assert numbers(store, **of, limit=1, before=4) == [3]

    def test_entry_of_an_unknown_entity_is_stale(self, store: Store) -> None:
        store.commit(writes(entity("a", parts=(part("a", "x"),))))
        for bad in ("nobody", "column-a.x", ""):
            with pytest.raises(StaleWriteError):
                store.commit(writes(entity("b"), entries=(entry("table-a"), entry(bad))))
        assert store.find("table-b") is None
        assert store.entries(entity_ids=["table-a"]) == []
        assert store.sequence() == 1

    def test_entries_may_be_of_what_the_commit_writes_and_of_what_is_deleted(
        self, store: Store
    ) -> None:
        store.commit(writes(entity("gone", deleted=True)))
        puts = (entry("table-new"), entry("table-gone"))
        store.commit(writes(entity("new"), entries=puts, events=(event("table-new"),)))
        assert numbers(store, entity_ids=["table-new", "table-gone"]) == [2, 1]

    def test_refused_commit_appends_no_entry(self, store: Store) -> None:
        store.commit(writes(entity("a")))
        with pytest.raises(StaleWriteError):
            store.commit(writes(entity("a", expected_rev=9), entries=(entry("table-a"),)))
        with pytest.raises(StaleWriteError):
            store.commit(writes(entries=(entry("table-a"),), expects={"table-a": 9}))
        assert store.entries(entity_ids=["table-a"]) == []
        store.commit(writes(entries=(entry("table-a"),)))
        assert numbers(store, entity_ids=["table-a"]) == [1]

    def test_recorded_time_of_entries_never_goes_back(self, store: Store) -> None:
        store.commit(writes(entity("a"), at=NOON))
        for at in (NOON - 60_000, NOON + 5):
            store.commit(writes(at=at, entries=(entry("table-a", at=at),)))
        found = store.entries(entity_ids=["table-a"])
        assert [(each.recorded_at, each.at) for each in found] == [
            (NOON + 5, NOON + 5),
            (NOON, NOON - 60_000),
        ]

    def test_entries_of_many_entities_at_once(self, store: Store) -> None:
        store.commit(writes(entity("a"), entries=(entry("table-a", key="k"),)))
        many = [f"nobody-{number}" for number in range(LARGE)]
        assert numbers(store, entity_ids=[*many, "table-a"]) == [1]
        assert numbers(store, types=["metric"], keys=[*many, "k"]) == [1]


def numbers(store: Store, **filters: object) -> list[int]:
    """The numbers of the entries that match."""
    return [each.number for each in store.entries(**filters)]  # type: ignore[arg-type]  # as given

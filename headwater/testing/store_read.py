"""Conformance of reads: by key, by version, as of a commit, in pages, along references."""

from __future__ import annotations

import pytest

from headwater.store.base import Deleted, EntityWrite, PageQuery, Record, Reference, Store
from headwater.testing.store_build import entity, following, part, writes

MANY = 40_000
"""More keys than databases commonly let one statement bind."""


class ReadConformance:
    """``find``, ``find_many``, ``versions``, ``page``, ``count``, ``descendants`` and ``nodes``."""

    def test_find_by_id_and_by_name(self, store: Store) -> None:
        store.commit(writes(entity("a"), entity("a", kind="mlmodel")))
        by_id, by_name = store.find("mlmodel-a"), store.find(("mlmodel", "a"))
        assert by_id is not None
        assert by_id == by_name
        assert (by_id.id, by_id.kind) == ("mlmodel-a", "mlmodel")

    def test_find_returns_none_for_what_is_not_there(self, store: Store) -> None:
        store.commit(writes(entity("a", parts=(part("a", "id"),))))
        for absent in ("nobody", ("table", "b"), ("mlmodel", "a"), "a", "column-a.id"):
            assert store.find(absent) is None
            assert store.find(absent, as_of=1) is None
            assert store.find(absent, version="0.1") is None

    def test_find_as_of_a_commit(self, store: Store) -> None:
        history(store, "first", "second", None, "third")
        for by in ("table-a", ("table", "a")):
            seen = [store.find(by, as_of=seq) for seq in range(7)]
            assert [record and record.document for record in seen] == [
                None,
                None,
                "first",
                "second",
                "second",
                "third",
                "third",
            ]

    def test_past_state_is_whole(self, store: Store) -> None:
        old = entity("a", document="[1]", origins="[2]", deleted=True)
        store.commit(writes(old))
        store.commit(
            writes(following(old, fqn="b", name="b", version="1.0", document="{}", deleted=False))
        )
        record = Record("table-a", "table", "a", "a", None, "0.1", 1, 1, True, "[1]", "[2]")
        assert store.find("table-a", as_of=1) == record
        assert store.find("table-a", version="0.1") == record
        assert store.find_many(["table-a"], as_of=1) == {"table-a": record}
        assert store.versions("table-a")[1] == record

    def test_past_is_asked_by_the_present_name(self, store: Store) -> None:
        old = entity("a")
        store.commit(writes(old))
        store.commit(writes(following(old, fqn="b")))
        was = store.find(("table", "b"), as_of=1)
        assert was is not None
        assert was.fqn == "a"
        assert store.find(("table", "a"), as_of=1) is None
        assert store.find(("table", "b"), version="0.1") == store.find(("table", "b"))

    def test_find_a_version_gives_its_last_state(self, store: Store) -> None:
        write = entity("a")
        store.commit(writes(write))
        for version, document in (("0.1", "[1]"), ("0.10", "[2]"), ("0.10", "[3]"), ("1.0", "[4]")):
            write = following(write, version=version, document=document)
            store.commit(writes(write))
        found = [store.find("table-a", version=v) for v in ("0.1", "0.10", "1.0", "0.2")]
        assert [record and record.document for record in found] == ["[1]", "[3]", "[4]", None]
        assert store.find(("table", "a"), version="0.10") == found[1]

    def test_find_many_answers_by_the_key_that_was_asked(self, store: Store) -> None:
        store.commit(writes(*(entity(name) for name in "abc")))
        keys = ("table-a", ("table", "b"), ("table", "a"), "nobody", ("table", "x"))
        found = store.find_many(keys)
        assert found == {each: store.find(each) for each in keys[:3]}
        assert store.find_many(set(keys)) == found
        assert store.find_many([]) == {}

    def test_find_many_as_of_a_commit(self, store: Store) -> None:
        history(store, "first", "second")
        keys = ("table-a", ("table", "a"), "table-other", ("table", "other"))
        for seq in range(5):
            expected = {each: store.find(each, as_of=seq) for each in keys}
            assert store.find_many(keys, as_of=seq) == {k: v for k, v in expected.items() if v}

    def test_collections_of_keys_may_be_large(self, store: Store) -> None:
        store.commit(writes(entity("a", parts=(part("a", "id"),))))
        ids = [f"nobody-{n}" for n in range(MANY)] + ["table-a"]
        names = [("table", name) for name in ids] + [("table", "a")]
        assert list(store.find_many(ids)) == ["table-a"]
        assert list(store.find_many(names)) == [("table", "a")]
        assert list(store.find_many(ids, as_of=1)) == ["table-a"]
        assert [node.id for node in store.nodes(ids=ids)] == ["table-a"]
        assert [node.id for node in store.nodes(owner_ids=ids)] == ["column-a.id"]
        assert [node.id for node in store.nodes(fqns=[*ids, "a"])] == ["table-a"]
        assert store.expand(ids, "downstream", "coarse", limit=10) == []
        assert store.degrees(ids, "downstream", "coarse") in ({}, {"table-a": 0})
        assert store.edges(from_ids=ids, to_ids=ids) == []

    def test_versions_are_newest_first(self, store: Store) -> None:
        history(store, "first", "second", "third")
        revs = [(record.rev, record.document) for record in store.versions("table-a")]
        assert revs == [(3, "third"), (2, "second"), (1, "first")]
        assert store.versions("table-a")[0] == store.find("table-a")
        assert store.versions("nobody") == []

    def test_versions_are_paged_by_rev(self, store: Store) -> None:
        history(store, *(str(n) for n in range(1, 8)))

        def revs(before: int | None, limit: int) -> list[int]:
            return [r.rev for r in store.versions("table-a", before_rev=before, limit=limit)]

        assert revs(None, 3) == [7, 6, 5]
        assert revs(7, 3) == [6, 5, 4]
        assert revs(5, 3) == [4, 3, 2]
        assert revs(2, 3) == [1]
        assert revs(1, 3) == []

    def test_page_is_ordered_by_code_point(self, store: Store) -> None:
        names = ["a", "B", "a.b", "aa", "a-b", "\u00e9", "\uff5e", "\U0001f30a", "Z", "10", "9"]
        store.commit(writes(*(entity(name) for name in names), entity("a", kind="mlmodel")))
        assert page_names(store) == sorted(names)
        for at, name in enumerate(sorted(names), start=1):
            assert page_names(store, after=name) == sorted(names)[at:]

    def test_page_has_records_without_origins(self, store: Store) -> None:
        store.commit(writes(entity("a", origins="[1]")))
        found = store.find("table-a")
        assert found is not None
        assert store.page(PageQuery("table", 10)) == [found._replace(origins="")]

    def test_pages_follow_one_another(self, store: Store) -> None:
        store.commit(writes(*(entity(f"t{n}") for n in range(7))))
        assert page_names(store, limit=3) == ["t0", "t1", "t2"]
        assert page_names(store, limit=3, after="t2") == ["t3", "t4", "t5"]
        assert page_names(store, limit=3, after="t5") == ["t6"]
        assert page_names(store, limit=3, after="t6") == []
        assert page_names(store, limit=1, after="t3\u0001 not there") == ["t4"]

    @pytest.mark.parametrize(
        ("deleted", "names"),
        [("exclude", ["a", "c"]), ("include", ["a", "b", "c", "d"]), ("only", ["b", "d"])],
    )
    def test_page_and_count_by_deleted(
        self, store: Store, deleted: Deleted, names: list[str]
    ) -> None:
        store.commit(writes(*(entity(name, deleted=name in "bd") for name in "abcd")))
        query = PageQuery("table", 10, deleted=deleted)
        assert [record.fqn for record in store.page(query)] == names
        assert store.count(query) == len(names)

    def test_page_and_count_by_parent(self, store: Store) -> None:
        tree(store)
        query = PageQuery("table", 10, parent_id="databaseSchema-d.s")
        assert [record.fqn for record in store.page(query)] == ["d.s.t", "d.s.u"]
        assert store.count(query) == 2
        after = PageQuery("table", 10, after="d.s.t", parent_id="databaseSchema-d.s")
        assert [record.fqn for record in store.page(after)] == ["d.s.u"]
        assert store.page(PageQuery("table", 10, parent_id="nobody")) == []

    def test_count_does_not_depend_on_limit_and_after(self, store: Store) -> None:
        store.commit(writes(*(entity(name) for name in "abc"), entity("a", kind="mlmodel")))
        assert store.count(PageQuery("table", 1, after="b")) == 3
        assert store.count(PageQuery("database", 10)) == 0

    def test_page_follows_renames_and_deletions(self, store: Store) -> None:
        a, b = entity("a"), entity("b")
        store.commit(writes(a, b))
        store.commit(writes(following(a, fqn="z"), following(b, deleted=True)))
        assert page_names(store) == ["z"]

    def test_descendants_come_parents_first(self, store: Store) -> None:
        tree(store)
        records = store.descendants("database-d")
        assert {record.fqn for record in records} == {"d.r", "d.s", "d.s.t", "d.s.u"}
        seen = {"database-d"}
        for record in records:
            assert record.parent_id in seen
            seen.add(record.id)
        assert store.find("table-d.s.u") in records
        assert store.descendants("table-d.s.t") == []
        assert store.descendants("nobody") == []

    def test_referrers_are_ordered(self, store: Store) -> None:
        fields = ("z.0", "a.1", "a.0")
        references = tuple(Reference(name, "table-t") for name in fields)
        store.commit(writes(entity("t")))
        store.commit(writes(entity("b", references=references, deleted=True)))
        store.commit(writes(entity("a", references=references[:1])))
        store.commit(writes(entity("c", references=(Reference("n", "table-a"),))))
        expected = [
            ("table-a", "table-c", "n"),
            ("table-t", "table-a", "z.0"),
            ("table-t", "table-b", "a.0"),
            ("table-t", "table-b", "a.1"),
            ("table-t", "table-b", "z.0"),
        ]
        assert store.referrers({"table-t", "table-a", "table-c", "nobody"}) == expected
        assert store.referrers(["table-t"]) == expected[1:]
        assert store.referrers([]) == []


def history(store: Store, *documents: str | None) -> EntityWrite:
    """Commit the documents of table ``a`` in turn, from seq 2; for None, another table."""
    store.commit(writes(entity("other")))
    write, other = None, entity("other")
    for document in documents:
        if document is None:
            other = following(other)
            store.commit(writes(other))
            continue
        write = following(write, document=document) if write else entity("a", document=document)
        store.commit(writes(write))
    assert write is not None
    return write


def tree(store: Store) -> None:
    """Commit database ``d`` with schemas ``d.r`` and ``d.s`` with tables ``t``, ``u``."""
    schemas = [entity(f"d.{n}", kind="databaseSchema", parent_id="database-d") for n in "rs"]
    parent = "databaseSchema-d.s"
    store.commit(writes(entity("d", kind="database"), *schemas))
    store.commit(writes(*(entity(f"d.s.{n}", parent_id=parent) for n in "ut"), entity("d.s.x")))
    gone = entity("d.s.u", parent_id=parent)
    store.commit(writes(following(gone, document="[1]")))


def page_names(store: Store, *, limit: int = 100, after: str | None = None) -> list[str]:
    """FQNs of a page of tables."""
    return [record.fqn for record in store.page(PageQuery("table", limit, after=after))]

"""Conformance of the lineage graph: parts, assertions over time, hops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.errors import StaleWriteError
from headwater.store.base import Direction, Edge, EdgeKey, Hop, Level, Node, OpenEdges, Store
from headwater.testing.store_build import edge, entity, following, key, part, writes

HUB = 1_000


class GraphConformance:
    """Parts, ``nodes``, ``edges``, ``expand`` and ``degrees``."""

    def test_nodes_are_entities_and_parts(self, store: Store) -> None:
        store.commit(writes(entity("a", name="A", parts=(part("a", "id"),))))
        table = Node("table-a", "table", "a", "A", None, False, False)
        column = Node("column-a.id", "column", "a.id", "id", "table-a", False, False)
        assert store.nodes(ids=["column-a.id", "table-a", "nobody"]) == [table, column]
        assert store.nodes(owner_ids=["table-a"]) == [column]

    def test_nodes_match_every_filter(self, store: Store) -> None:
        store.commit(
            writes(
                entity("a", parts=(part("a", "x"), part("a", "x", kind="mlFeature"))),
                entity("b", parts=(part("b", "x"),)),
            )
        )

        def ids(**filters: list[str]) -> list[str]:
            return [node.id for node in store.nodes(**filters)]

        assert ids(fqns=["a.x", "b"]) == ["column-a.x", "mlFeature-a.x", "table-b"]
        assert ids(fqns=["a.x", "b"], kinds=["column"]) == ["column-a.x"]
        assert ids(fqns=["a.x", "b.x"], owner_ids=["table-b"]) == ["column-b.x"]
        assert ids(owner_ids=["table-a", "table-b"], kinds=["column"]) == [
            "column-a.x",
            "column-b.x",
        ]
        assert ids(ids=["table-a", "column-a.x"], owner_ids=["table-a"]) == ["column-a.x"]
        assert ids(ids=["table-a", "table-b"], kinds=["table", "column"], fqns=["b"]) == ["table-b"]

    def test_a_producers_open_edges_are_compared(self, store: Store) -> None:
        fine = edge("column-a.x", "table-b", level="fine")
        coarse, other = edge("table-a", "table-b"), edge("table-a", "table-b", producer="bob")
        store.commit(
            writes(
                entity("a", parts=(part("a", "x"),)),
                entity("b"),
                edges=(fine, other),
                expects_open=OpenEdges("ada", 0, 0),
            )
        )
        store.commit(writes(edges=(coarse,), expects_open=OpenEdges("ada", 1, 1)))
        for count, newest in ((0, 0), (1, 2), (2, 1), (2, 3), (3, 2)):
            with pytest.raises(StaleWriteError):
                store.commit(writes(expects_open=OpenEdges("ada", count, newest)))
        expected = OpenEdges("ada", 2, 2)
        hidden = edge("table-b", "table-a", level="suppressed")
        store.commit(writes(closed_edges=(coarse.key,), edges=(hidden,), expects_open=expected))
        store.commit(writes(closed_edges=(hidden.key,), expects_open=OpenEdges("ada", 2, 3)))
        assert store.commit(writes(expects_open=OpenEdges("ada", 1, 1))) == 5

    def test_an_empty_filter_matches_nothing(self, store: Store) -> None:
        store.commit(
            writes(entity("a", parts=(part("a", "x"),)), edges=(edge("table-a", "table-a"),))
        )
        assert store.nodes(ids=[]) == []
        assert store.nodes(fqns=[]) == []
        assert store.nodes(owner_ids=[]) == []
        assert store.nodes(ids=["table-a"], kinds=[]) == []
        assert store.edges(from_ids=[]) == []
        assert store.edges(producer="ada", to_ids=[]) == []
        assert store.expand([], "downstream", "coarse", limit=10) == []
        assert store.degrees([], "downstream", "coarse") == {}

    def test_nodes_are_ordered_by_name_and_id(self, store: Store) -> None:
        same = [replace(part("a", "x"), id=name) for name in ("p2", "p10", "P3")]
        store.commit(writes(entity("b"), entity("a", parts=(*same, part("a", "\u00e9")))))
        found = store.nodes(ids=["table-b", "p2", "p10", "P3", "column-a.\u00e9", "table-a"])
        expected = ["table-a", "P3", "p10", "p2", "column-a.\u00e9", "table-b"]
        assert [node.id for node in found] == expected

    def test_put_part_replaces_it(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "x"), part("a", "y")))
        store.commit(writes(write))
        renamed = replace(part("a", "x"), fqn="a.z", name="z")
        store.commit(writes(following(write, parts=(renamed,))))
        assert [(node.id, node.fqn, node.name) for node in store.nodes(owner_ids=["table-a"])] == [
            ("column-a.y", "a.y", "y"),
            ("column-a.x", "a.z", "z"),
        ]
        assert store.nodes(fqns=["a.x"]) == []

    def test_dropped_part_stays_and_may_live_again(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "x"), part("a", "y")))
        store.commit(writes(write, edges=(edge("column-a.x", "table-a", level="fine"),)))

        def dropped() -> list[bool]:
            return [node.dropped for node in store.nodes(owner_ids=["table-a"])]

        assert dropped() == [False, False]
        write = following(write, dropped_parts=("column-a.x",))
        store.commit(writes(write))
        assert dropped() == [True, False]
        (hop,) = store.expand(["table-a"], "upstream", "fine", limit=9)
        assert hop.node == Node("column-a.x", "column", "a.x", "x", "table-a", True, False)
        write = following(write)
        store.commit(writes(write))
        assert dropped() == [True, False]
        store.commit(writes(following(write, parts=(part("a", "x"),))))
        assert dropped() == [False, False]

    def test_dropped_part_may_get_another_name_and_stay_dropped(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "x"), part("a", "y")))
        store.commit(writes(write))
        write = following(write, dropped_parts=("column-a.x",))
        store.commit(writes(write))
        moved = replace(part("a", "x"), fqn="b.x")
        store.commit(writes(following(write, parts=(moved,), dropped_parts=("column-a.x",))))
        (node,) = store.nodes(fqns=["b.x"])
        assert (node.id, node.dropped) == ("column-a.x", True)
        assert store.nodes(fqns=["a.x"]) == []

    def test_nodes_follow_their_entity(self, store: Store) -> None:
        write = entity("a", parts=(part("a", "x"),))
        store.commit(writes(write, edges=(edge("column-a.x", "table-a", level="fine"),)))
        for rename, deleted in (("b", True), ("c", False)):
            write = following(write, fqn=rename, name=rename, deleted=deleted)
            store.commit(writes(write))
            (owner,), (column,) = store.nodes(ids=["table-a"]), store.nodes(ids=["column-a.x"])
            assert owner == Node("table-a", "table", rename, rename, None, False, deleted)
            assert (column.fqn, column.deleted, column.dropped) == ("a.x", deleted, False)
            assert store.expand(["table-a"], "upstream", "fine", limit=9)[0].node == column
            assert store.expand(["column-a.x"], "downstream", "fine", limit=9)[0].node == owner

    def test_edge_reads_as_it_was_put(self, store: Store) -> None:
        details = '{"sql":  "select \'\u00fc\'"}'
        store.commit(writes(entity("a"), entity("b")))
        store.commit(writes(edges=(edge("table-a", "table-b", details=details, source="view"),)))
        expected = Edge(key("table-a", "table-b", source="view"), details, 2, None)
        assert store.edges(from_ids=["table-a"]) == [expected]
        (hop,) = store.expand(["table-a"], "downstream", "coarse", limit=9)
        assert hop == Hop(expected, Node("table-b", "table", "b", "b", None, False, False))

    def test_putting_an_edge_again_keeps_it(self, store: Store) -> None:
        put = edge("table-a", "table-b", details="[1]")
        store.commit(writes(entity("a"), entity("b"), edges=(put,)))
        store.commit(writes(edges=(put,)))
        assert store.edges(producer="ada", include_closed=True) == [Edge(put.key, "[1]", 1, None)]

    def test_other_details_close_and_open_anew(self, store: Store) -> None:
        put = edge("table-a", "table-b", details="[1]")
        store.commit(writes(entity("a"), entity("b"), edges=(put,)))
        store.commit(writes(edges=(replace(put, details="[2]"),)))
        was, now = Edge(put.key, "[1]", 1, 2), Edge(put.key, "[2]", 2, None)
        assert store.edges(producer="ada") == [now]
        assert store.edges(producer="ada", include_closed=True) == [was, now]
        assert [hop.edge for hop in hops(store, ["table-a"], as_of=1)] == [was]
        assert [hop.edge for hop in hops(store, ["table-a"], as_of=2)] == [now]

    def test_closed_edge_is_kept_and_may_be_opened_again(self, store: Store) -> None:
        put = edge("table-a", "table-b")
        store.commit(writes(entity("a"), entity("b"), edges=(put,)))
        store.commit(writes(closed_edges=(put.key,)))
        assert store.edges(producer="ada") == []
        store.commit(writes(closed_edges=(put.key,)))
        assert store.edges(producer="ada", include_closed=True) == [Edge(put.key, "{}", 1, 2)]
        store.commit(writes(edges=(put,)))
        assert store.edges(producer="ada") == [Edge(put.key, "{}", 4, None)]
        assert len(store.edges(producer="ada", include_closed=True)) == 2
        seen = [len(hops(store, ["table-a"], as_of=seq)) for seq in range(6)]
        assert seen == [0, 1, 0, 0, 1, 1]

    def test_closing_what_was_never_open_is_allowed(self, store: Store) -> None:
        put = edge("table-a", "table-b")
        store.commit(writes(entity("a"), entity("b"), edges=(put,)))
        store.commit(writes(closed_edges=(put.key._replace(source="view"), key("x", "y"))))
        assert store.edges(producer="ada", include_closed=True) == [Edge(put.key, "{}", 1, None)]

    def test_assertions_of_a_pair_are_told_apart(self, store: Store) -> None:
        fields = [
            {"level": level, "source": source, "producer": producer}
            for level in ("coarse", "fine", "suppressed")
            for source in ("manual", "view")
            for producer in ("ada", "dbt")
        ]
        puts = tuple(edge("table-a", "table-b", **each) for each in fields)
        store.commit(writes(entity("a"), entity("b"), edges=puts[::-1]))
        assert [each.key for each in store.edges(to_ids=["table-b"])] == [p.key for p in puts]
        store.commit(writes(closed_edges=(puts[0].key,)))
        assert [each.key for each in store.edges(to_ids=["table-b"])] == [p.key for p in puts[1:]]

    def test_edges_match_every_filter(self, store: Store) -> None:
        mine = edge("table-a", "table-b")
        view = edge("table-a", "table-c", source="view")
        other = edge("table-b", "table-c", producer="dbt")
        store.commit(writes(*(entity(n) for n in "abc")))
        for put in (other, view, mine):
            store.commit(writes(edges=(put,)))
        assert [e.key for e in store.edges(producer="ada")] == [mine.key, view.key]
        assert [e.key for e in store.edges(producer="ada", source="view")] == [view.key]
        assert [e.key for e in store.edges(from_ids=["table-a", "table-b"])] == [
            mine.key,
            view.key,
            other.key,
        ]
        assert [e.key for e in store.edges(to_ids=["table-c"])] == [view.key, other.key]
        assert [e.key for e in store.edges(to_ids=["table-c"], producer="dbt")] == [other.key]
        assert [e.key for e in store.edges(from_ids=["table-a"], to_ids=["table-b"])] == [mine.key]
        assert store.edges(producer="nobody") == []

    @pytest.mark.parametrize("direction", ["upstream", "downstream"])
    @pytest.mark.parametrize("level", ["fine", "coarse"])
    def test_expand_follows_one_level_in_one_direction(
        self, store: Store, direction: Direction, level: Level
    ) -> None:
        levels: tuple[Level, ...] = ("fine", "coarse", "suppressed")
        puts = [
            edge(f"table-{n}{near}", f"table-{n}{far}", level=n)
            for n in levels
            for near, far in ("ab", "bc")
        ]
        names = [n + letter for n in levels for letter in "abc"]
        everywhere = [f"table-{n}b" for n in levels]
        store.commit(writes(*(entity(name) for name in names), edges=tuple(puts)))
        found = store.expand(everywhere, direction, level, limit=9)
        far = "a" if direction == "upstream" else "c"
        assert [hop.node.id for hop in found] == [f"table-{level}{far}"]
        assert store.degrees(everywhere, direction, level)[f"table-{level}b"] == 1

    @pytest.mark.parametrize("direction", ["upstream", "downstream"])
    def test_expand_is_ordered_and_goes_on_behind_a_pair(
        self, store: Store, direction: Direction
    ) -> None:
        pairs = [(near, far) for near in "abc" for far in "vwxyz"]
        puts = [
            edge(*(reversed(ends) if direction == "upstream" else ends), source=source)
            for near, far in pairs
            for ends in [(f"table-{near}", f"table-{far}")]
            for source in ("manual", "view")
        ]
        store.commit(writes(*(entity(n) for n in "abcvwxyz"), edges=tuple(puts[::-1])))
        ids = ["table-c", "table-a", "table-b", "table-a"]
        whole = store.expand(ids, direction, "coarse", limit=1000)
        assert [hop.edge.key for hop in whole] == [put.key for put in puts]
        assert store.expand(ids, direction, "coarse", limit=7) == whole[:7]
        walked: list[Hop] = []
        after = None
        while step := store.expand(ids, direction, "coarse", limit=4, after=after):
            assert len(step) <= 4
            assert not set(step) & set(walked)
            walked += step
            near, far = step[-1].edge.key.from_id, step[-1].edge.key.to_id
            after = (far, near) if direction == "upstream" else (near, far)
        assert walked == whole

    def test_expand_goes_on_behind_a_pair_that_is_not_there(self, store: Store) -> None:
        puts = tuple(edge(f"table-{near}", "table-m") for near in "abc")
        store.commit(writes(*(entity(n) for n in "abcm"), edges=puts))
        ids = ["table-a", "table-c"]
        nears = {
            ("", ""): "ac",
            ("table-a", "table-l"): "ac",
            ("table-a", "table-n"): "c",
            ("table-b", "table-l"): "c",
            ("table-c", "table-l"): "c",
            ("table-d", ""): "",
        }
        for after, expected in nears.items():
            found = store.expand(ids, "downstream", "coarse", limit=9, after=after)
            assert [hop.edge.key.from_id for hop in found] == [f"table-{n}" for n in expected]

    @pytest.mark.parametrize("direction", ["upstream", "downstream"])
    def test_hub_is_read_in_pages(self, store: Store, direction: Direction) -> None:
        names = [f"n{number:05}" for number in range(HUB)]
        ends = [("table-hub", f"table-{name}") for name in names]
        if direction == "upstream":
            ends = [(far, near) for near, far in ends]
        store.commit(
            writes(entity("hub"), *(entity(n) for n in names), edges=tuple(edge(*e) for e in ends))
        )
        assert store.degrees(["table-hub"], direction, "coarse") == {"table-hub": HUB}
        seen: list[str] = []
        after = None
        while step := store.expand(["table-hub"], direction, "coarse", limit=300, after=after):
            assert len(step) == min(300, HUB - len(seen)) > 0
            seen += [hop.node.fqn for hop in step]
            after = ("table-hub", step[-1].node.id)
        assert seen == names

    @pytest.mark.parametrize("direction", ["upstream", "downstream"])
    @pytest.mark.parametrize("level", ["fine", "coarse"])
    def test_graph_as_of_every_commit(
        self, store: Store, direction: Direction, level: Level
    ) -> None:
        """Edges open at 2 and 3, the first closes at 4 and opens at 5, the second changes at 6."""
        first, second = (
            edge("table-b", "table-a", level=level),
            edge("table-c", "table-a", level=level),
        )
        if direction == "downstream":
            first, second = (
                edge("table-a", "table-b", level=level),
                edge("table-a", "table-c", level=level),
            )
        store.commit(writes(*(entity(n) for n in "abc")))
        store.commit(writes(edges=(first,)))
        store.commit(writes(edges=(second,)))
        store.commit(writes(closed_edges=(first.key,)))
        store.commit(writes(edges=(first,)))
        store.commit(writes(edges=(replace(second, details="[6]"),)))
        expected = ["", "", "b", "bc", "c", "bc", "bc", "bc"]
        for seq, far in enumerate(expected):
            found = store.expand(["table-a"], direction, level, limit=9, as_of=seq)
            assert "".join(hop.node.fqn for hop in found) == far
            degrees = store.degrees(["table-a"], direction, level, as_of=seq)
            assert degrees.get("table-a", 0) == len(far)
        details = [
            store.expand(["table-a"], direction, level, limit=9, as_of=seq)[-1].edge.details
            for seq in (5, 6)
        ]
        assert details == ["{}", "[6]"]

    @pytest.mark.parametrize("direction", ["upstream", "downstream"])
    def test_past_hops_are_ordered_and_paged_alike(
        self, store: Store, direction: Direction
    ) -> None:
        """Of the edges that a past walk meets, some are still open and some are not."""
        pairs = [(near, far) for near in "xy" for far in "abcdef"]
        turned = [pair[::-1] if direction == "upstream" else pair for pair in pairs]
        puts = tuple(edge(f"table-{from_}", f"table-{to}") for from_, to in turned)
        store.commit(writes(*(entity(n) for n in "abcdefxy"), edges=puts))
        store.commit(writes(closed_edges=tuple(put.key for put in puts[::2])))
        ids = ["table-y", "table-x"]

        def met(as_of: int | None, after: tuple[str, str] | None = None) -> list[EdgeKey]:
            found = store.expand(ids, direction, "coarse", limit=9, as_of=as_of, after=after)
            return [hop.edge.key for hop in found]

        keys = [put.key for put in puts]
        assert met(1) == keys[:9]
        assert met(1, ("table-x", "table-a")) == keys[1:10]
        assert met(1, ("table-y", "table-b")) == keys[8:]
        assert met(None, ("table-x", "table-c")) == keys[3::2]

    def test_degrees_count_neighbours_not_assertions(self, store: Store) -> None:
        puts = (
            edge("table-a", "table-b"),
            edge("table-a", "table-b", source="view"),
            edge("table-a", "table-c"),
            edge("table-b", "table-c"),
            edge("table-a", "table-d", level="suppressed"),
        )
        store.commit(writes(*(entity(n) for n in "abcd"), edges=puts))
        ids = [f"table-{n}" for n in "abcd"]
        down = store.degrees(ids, "downstream", "coarse")
        assert {k: v for k, v in down.items() if v} == {"table-a": 2, "table-b": 1}
        up = store.degrees(ids, "upstream", "coarse")
        assert {k: v for k, v in up.items() if v} == {"table-b": 1, "table-c": 2}


def hops(
    store: Store,
    ids: list[str],
    *,
    as_of: int | None = None,
    limit: int = 100,
    after: tuple[str, str] | None = None,
) -> list[Hop]:
    """Coarse hops downstream."""
    return store.expand(ids, "downstream", "coarse", limit=limit, as_of=as_of, after=after)

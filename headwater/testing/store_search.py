"""Conformance of search: what matches, what is counted, and that text is only text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.errors import StaleWriteError
from headwater.store.base import (
    MAX_HITS,
    PageQuery,
    SearchQuery,
    SearchResult,
    SearchText,
    Store,
    Term,
)
from headwater.store.text import joined, terms
from headwater.testing.store_build import edge, entity, entry, following, found_by, writes

# Words that query languages, tokenizers and schemas are known to treat in a way of their own.
ODD_WORDS = [
    "and", "or", "not", "near", "to", "the", "a", "is", "match", "null", "rowid", "rank",
    "name", "path", "text", "kind", "1", "007", "1e5", "x" * 64,
    "strasse", "\u00e6\u00f8\u0142", "\u0131", "\u0430\u0431\u0432", "\u03c3\u03bf\u03c3",
    "\u0663\u0664", "\u05e9\u05dc\u05d5\u05dd", "\u0939\u093f\u0928\u0926\u0940", "\u0e31\u0e29",
    "\u4e2d", "\u1112\u1161\u11ab", "\U0001e922\U0001e923", "\U00020000", "\U0001f30a",
]  # fmt: skip

NASTY = [
    '"', "'", '""', '"open', '"a" OR "b"', "a AND b", "a NOT b", "NEAR(a b, 2)", "name:a",
    "name : a", "{name path} : a", "- a", "-a", "+a", "!a", "a^2", "^a", "a~2", "a~", "[a TO b]",
    "{a TO b}", "(a", "a)", "((a))", "a/b/c", "/a.*/", "a\\", "\\", "a*b*", "*a", "**", "*", "?a",
    "a?", "a && b", "a || b", "%a_", "a;--", "'; DROP TABLE entity; --", "$a", "{a}", ":a", "?1",
    "a\x00b", "a\tb\nc", "\u00a0a\u2028b", "a\u200bb", "\u202ea", "\ufeffa", "<b>a</b>", "a=b",
    "`a`", "@a", "#a", "a,b", "Stra\u00dfe", "\u0130stanbul", "\ufb01le", "\u2460", "\u00bd",
    "\u4e2d\u6587*", "\u00dcber*", "e\u0301te\u0301", "\U0001f468\u200d\U0001f469", "\u2764\ufe0f",
    "\u0939\u093f\u0928\u094d\u0926\u0940*", "x" * 500, "a." * 20, "fooBarBAZQux1",
]  # fmt: skip


class SearchConformance:
    """``EntityWrite.search`` and ``Store.search``."""

    def test_a_word_is_found_in_any_field(self, store: Store) -> None:
        fill(
            store,
            n=found_by(name="x orders y"),
            p=found_by(path="orders"),
            t=found_by(text="all orders"),
        )
        assert found(store, "orders") == {"n", "p", "t"}
        assert found(store, "order") == set()
        assert found(store, "ordersx") == set()

    def test_every_term_must_be_found_be_it_in_different_fields(self, store: Store) -> None:
        fill(
            store,
            a=found_by("orders", text="daily"),
            b=found_by("orders"),
            c=found_by(path="daily"),
        )
        assert found(store, "orders", "daily") == {"a"}
        assert found(store, "daily", "daily") == {"a", "c"}
        assert found(store, "orders", "monthly") == set()

    def test_words_of_a_term_stand_side_by_side_in_one_field(self, store: Store) -> None:
        fill(
            store,
            yes=found_by(path="shop customer id x"),
            apart=found_by("customer the id"),
            turned=found_by(text="id customer"),
            split=found_by("customer", "id"),
            twice=found_by(text="customer customer id"),
        )
        assert found(store, "customer id") == {"yes", "twice"}
        assert found(store, "shop customer id x") == {"yes"}
        assert found(store, "shop id") == set()
        assert found(store, "customer customer") == {"twice"}

    def test_a_prefix_finds_what_begins_so(self, store: Store) -> None:
        fill(
            store,
            a=found_by("orders"),
            b=found_by(text="big order"),
            c=found_by("reorder"),
            d=found_by("o"),
        )
        assert found(store, "order*") == {"a", "b"}
        assert found(store, "orders*") == {"a"}
        assert found(store, "o*") == {"a", "b", "d"}
        assert found(store, "orderss*") == set()

    def test_words_before_a_prefix_stand_by_themselves(self, store: Store) -> None:
        fill(
            store,
            near=found_by(path="shop orders customer"),
            far=found_by(text="orders of a customer"),
            apart=found_by("orders", "customs"),
            half=found_by("customer"),
            phrase=found_by("customs", text="the shop orders"),
        )
        assert found(store, "orders cust*") == {"near", "far", "apart", "phrase"}
        assert found(store, "shop orders cust*") == {"near", "phrase"}

    def test_a_query_of_nothing_finds_everything_that_can_be_found(self, store: Store) -> None:
        fill(store, a=found_by("a"), b=found_by(), c=None)
        assert store.search(SearchQuery()).total == 2
        assert found(store) == {"a", "b"}

    def test_filters_are_met_by_one_value_of_every_facet(self, store: Store) -> None:
        fill(
            store,
            a=found_by("x", owner="ada", stage="production"),
            b=found_by("x", owner="bob", stage="production"),
            c=found_by("x", owner="ada"),
            d=found_by("y", owner="ada", stage="staging"),
        )
        assert found(store, owner=("ada",)) == {"a", "c", "d"}
        assert found(store, owner=("ada", "bob"), stage=("production",)) == {"a", "b"}
        assert found(store, "x", owner=("ada",)) == {"a", "c"}
        assert found(store, "x", stage=("staging",)) == set()
        for none in ({"owner": ("nobody",)}, {"owner": ()}, {"domain": ("ada",)}, {"name": ("x",)}):
            assert found(store, **none) == set()
        assert found(store, owner=("production",)) == set()

    def test_an_entity_may_have_several_values_of_a_facet(self, store: Store) -> None:
        several = entity("a", search=SearchText("x", facets={"tag": ("p.a", "p.b")}))
        store.commit(writes(several))
        fill(store, b=found_by("x", tag="p.b"))
        assert found(store, tag=("p.a",)) == {"a"}
        assert found(store, tag=("p.b",)) == {"a", "b"}
        assert found(store, tag=("p.a", "p.b")) == {"a", "b"}
        assert counts(look(store)) == {"tag": {"p.a": 1, "p.b": 2}}

    @pytest.mark.parametrize(
        "value",
        ["A b", "a b", 'svc."a.b"', "\u00dcber", "uber", "x:y", "a,b", "\U0001f30a", "%", "'", "*"],
    )
    def test_values_of_facets_are_only_text(self, store: Store, value: str) -> None:
        others = ["A b", "a b", "b", "\u00dcber", "uber", "x", "y", "x:y:z", "a", "a,b,c", "%%"]
        fill(store, it=found_by("x", owner=value))
        fill(store, **{f"n{n}": found_by(owner=o) for n, o in enumerate(others) if o != value})
        assert found(store, owner=(value,)) == {"it"}
        assert look(store, "x").facets["owner"] == {value: 1}

    def test_facets_count_all_hits_and_no_others(self, store: Store) -> None:
        fill(store, **{f"x{n}": found_by("x", kind="table", owner="ada") for n in range(5)})
        fill(store, y=found_by("x", kind="mlmodel"), z=found_by("z", kind="mlmodel", owner="bob"))
        expected = {"kind": {"table": 5, "mlmodel": 1}, "owner": {"ada": 5}}
        assert counts(look(store, "x")) == expected
        assert counts(look(store, "x", limit=1, offset=2)) == expected
        assert counts(look(store, "x", kind=("mlmodel",))) == {"kind": {"mlmodel": 1}}
        assert counts(look(store, "nothing")) == {}

    def test_hits_are_records_without_origins(self, store: Store) -> None:
        store.commit(writes(entity("a", origins="[1]", search=found_by("x"))))
        stored = store.find("table-a")
        assert stored is not None
        assert look(store, "x") == SearchResult([stored._replace(origins="")], 1, False, {})

    def test_a_match_in_the_name_comes_first_then_in_the_path(self, store: Store) -> None:
        fill(
            store,
            t=found_by("p", "p", "orders"),
            n=found_by("orders", "q", "q"),
            p=found_by("r", "orders", "r"),
            o=found_by("s", "s", "s"),
        )
        assert [hit.name for hit in look(store, "orders").records] == ["n", "p", "t"]

    def test_hits_are_paged_without_repeats(self, store: Store) -> None:
        fill(store, **{f"n{n}": found_by("same", text="x " * (n % 3)) for n in range(23)})
        seen: list[str] = []
        for offset in range(0, 30, 5):
            page = look(store, "same", limit=5, offset=offset)
            assert (page.total, page.approximate) == (23, False)
            seen += [hit.name for hit in page.records]
        assert len(seen) == 23
        assert set(seen) == {f"n{n}" for n in range(23)}
        assert look(store, "same", limit=0)._replace(facets={}) == SearchResult([], 23, False, {})

    def test_more_hits_than_are_ranked_are_counted_approximately(self, store: Store) -> None:
        store.commit(writes(entity("rare", search=found_by("same", kind="rare"))))
        many = [entity(f"n{n:04}", search=found_by("same", kind="n")) for n in range(MAX_HITS - 1)]
        store.commit(writes(*many))
        whole = look(store, "same")
        assert (whole.total, whole.approximate) == (MAX_HITS, False)
        assert whole.facets == {"kind": {"rare": 1, "n": MAX_HITS - 1}}
        store.commit(writes(entity("more", search=found_by("same", kind="n"))))
        for result in (look(store, "same"), look(store), look(store, "sa*")):
            assert (result.total, result.approximate, len(result.records)) == (MAX_HITS, True, 10)
            assert sum(result.facets["kind"].values()) == MAX_HITS
        last = look(store, "same", limit=10, offset=MAX_HITS - 3)
        assert (len(last.records), last.total) == (3, MAX_HITS)
        assert look(store, "same", offset=MAX_HITS).records == []
        # Filters come before the bound, however rare what they let through.
        rare = look(store, "same", kind=("rare",))
        assert ([hit.name for hit in rare.records], rare.approximate) == (["rare"], False)
        assert look(store, kind=("rare",)).total == 1

    def test_search_follows_every_write(self, store: Store) -> None:
        write = entity("a", search=found_by("first", tag="t"))
        store.commit(writes(write))
        write = following(write, search=found_by("second"))
        store.commit(writes(write))
        assert (found(store, "first"), found(store, "second")) == (set(), {"a"})
        assert found(store, tag=("t",)) == set()
        write = following(write, search=None)
        store.commit(writes(write))
        assert found(store) == set()
        store.commit(writes(following(write, search=found_by("third"))))
        assert found(store, "third") == {"a"}

    def test_words_are_made_of_documents_where_the_write_has_none(self, store: Store) -> None:
        write = entity("a", search="document", document=document("a", "first"))
        wordless = entity("b", search="document", document="{}")
        gone = entity("c", search="document", document=document("c", "first"), deleted=True)
        store.commit(writes(write, wordless, gone))
        assert found(store, "first", kind=("table",)) == {"a"}
        changed = following(write, document=document("a", "second"))
        store.commit(writes(changed))
        assert (found(store, "first"), found(store, "second")) == (set(), {"a"})
        worded = following(changed, search=found_by("third"))
        store.commit(writes(worded))
        assert (found(store, "second"), found(store, "third")) == (set(), {"a"})
        store.commit(writes(following(worded, search="document", deleted=True)))
        assert found(store) == set()

    def test_what_is_new_and_changed_before_anyone_asks_is_found_as_it_is(
        self, store: Store
    ) -> None:
        first = {n: entity(n, search="document", document=document(n, "old")) for n in "abcd"}
        store.commit(writes(*first.values()))
        later = following(first["a"], document=document("a", "new"))
        store.commit(writes(later, following(first["b"], search=found_by("own"))))
        store.commit(writes(following(first["c"], deleted=True), erased=("table-d",)))
        assert found(store, "old") == set()
        assert (found(store, "new"), found(store, "own"), found(store)) == (
            {"a"},
            {"b"},
            {"a", "b"},
        )

    def test_what_is_deleted_is_not_found_until_it_is_restored(self, store: Store) -> None:
        write = entity("a", search=found_by("x", kind="table"))
        store.commit(writes(write, entity("b", search=found_by("x"), deleted=True)))
        assert found(store, "x") == {"a"}
        write = following(write, search=None, deleted=True)
        store.commit(writes(write))
        assert found(store) == set()
        assert counts(look(store)) == {}
        store.commit(writes(following(write, search=found_by("x", kind="table"), deleted=False)))
        assert found(store, "x", kind=("table",)) == {"a"}

    def test_renamed_entity_is_found_as_it_is_now(self, store: Store) -> None:
        write = entity("a", search=found_by("old"))
        store.commit(writes(write))
        store.commit(writes(following(write, fqn="b", name="b", search=found_by("new"))))
        (hit,) = look(store, "new").records
        assert (hit.id, hit.fqn, hit.rev) == ("table-a", "b", 2)

    def test_refused_commit_leaves_search_as_it_was(self, store: Store) -> None:
        write = entity("a", search=found_by("old", tag="t"))
        store.commit(writes(write))
        changed = following(write, search=found_by("new"))
        with pytest.raises(StaleWriteError):
            store.commit(
                writes(changed, entity("b", search=found_by("new")), entity("c", expected_rev=4))
            )
        with pytest.raises(StaleWriteError):
            store.commit(writes(changed, edges=(edge("nowhere", "table-a"),)))
        with pytest.raises(StaleWriteError):
            store.commit(writes(changed, entries=(entry("nobody"),)))
        assert (found(store, "new"), found(store, "old", tag=("t",))) == (set(), {"a"})

    def test_a_page_with_filters_is_of_its_kind_in_order(self, store: Store) -> None:
        store.commit(
            writes(
                *(entity(n, search=found_by(owner="o", tag=f"t{i % 2}"))
                  for i, n in enumerate("dBaec")),
                entity("b", search=found_by(owner="p", tag="t0")),
                entity("a", kind="mlmodel", search=found_by(owner="o", tag="t0")),
                entity("f"),
            )
        )  # fmt: skip
        assert filtered(store, owner=("o",)) == ["B", "a", "c", "d", "e"]
        assert filtered(store, owner=("o", "p"), tag=("t0",)) == ["a", "b", "c", "d"]
        assert filtered(store, owner=("o",), tag=("t1", "t9")) == ["B", "e"]
        assert filtered(store, owner=("nobody",)) == filtered(store, owner=()) == []
        assert filtered(store, owner=("o",), limit=2) == ["B", "a"]
        assert filtered(store, owner=("o",), limit=2, after="a") == ["c", "d"]
        assert filtered(store, owner=("o",), after="d ") == ["e"]
        query = PageQuery("table", 1, after="d", filters={"owner": ("o",)})
        assert store.count(query) == 5
        assert store.count(PageQuery("table", 1, filters={"owner": ()})) == 0
        shown = store.page(PageQuery("table", 1, filters={"tag": ("t1",)}))
        assert shown == store.page(PageQuery("table", 1))

    def test_filters_and_a_parent_are_both_met(self, store: Store) -> None:
        tables = [entity(f"{p}.t{n}", parent_id=f"table-{p}",
                         search=found_by(tag="even" if n % 2 else "odd"))
                  for p in "pq" for n in range(4)]  # fmt: skip
        store.commit(writes(entity("p"), entity("q"), *tables))
        query = PageQuery("table", 9, parent_id="table-q", filters={"tag": ("even",)})
        assert [record.fqn for record in store.page(query)] == ["q.t1", "q.t3"]
        assert store.count(query) == 2

    def test_a_page_with_filters_follows_every_write(self, store: Store) -> None:
        first = entity("a", search=found_by(tag="x"))
        store.commit(writes(first, entity("b", search=found_by(tag="y"))))
        assert filtered(store, tag=("x",)) == ["a"]
        second = following(first, search=found_by(tag="y"))
        store.commit(writes(second))
        assert (filtered(store, tag=("x",)), filtered(store, tag=("y",))) == ([], ["a", "b"])
        third = following(second, deleted=True, search=None)
        store.commit(writes(third))
        query = PageQuery("table", 9, filters={"tag": ("y",)})
        assert ([r.fqn for r in store.page(query)], store.count(query)) == (["b"], 1)
        store.commit(writes(following(third, deleted=False, search=found_by(tag="y"))))
        assert filtered(store, tag=("y",)) == ["a", "b"]

    def test_a_page_with_filters_lists_more_than_a_search_ranks(self, store: Store) -> None:
        tables = (entity(f"t{n:04}", search=found_by(tag="x")) for n in range(MAX_HITS + 9))
        store.commit(writes(*tables))
        query = PageQuery("table", 10, after=f"t{MAX_HITS - 1:04}", filters={"tag": ("x",)})
        assert [r.fqn for r in store.page(query)] == [f"t{MAX_HITS + n:04}" for n in range(9)]
        assert store.count(query) == MAX_HITS + 9

    @pytest.mark.parametrize("value", NASTY)
    def test_values_that_a_page_is_filtered_by_are_only_text(
        self, store: Store, value: str
    ) -> None:
        fill(store, a=found_by(tag=value), b=found_by(tag=f"{value}x"))
        assert filtered(store, tag=(value,)) == ["a"]

    @pytest.mark.parametrize("word", ODD_WORDS)
    def test_a_word_is_one_whatever_it_means_elsewhere(self, store: Store, word: str) -> None:
        fill(store, it=found_by(f"x {word} y"), other=found_by("x y"), longer=found_by(f"{word}z"))
        assert found(store, Term((word,))) == {"it"}
        assert found(store, Term(("x", word, "y"))) == {"it"}
        assert found(store, Term((word,), prefix=True)) == {"it", "longer"}

    @pytest.mark.parametrize("text", NASTY)
    def test_text_of_people_is_no_query_syntax(self, store: Store, text: str) -> None:
        fill(store, it=found_by(text=joined(text)), other=found_by("zzz"))
        asked = terms(text)
        expected = {"it"} if asked else {"it", "other"}
        assert found(store, *asked) == expected


def fill(store: Store, **searched: Any) -> None:
    """Commit a table for each name, found by the words."""
    store.commit(writes(*(entity(name, search=search) for name, search in searched.items())))


def document(name: str, description: str) -> str:
    """The document of a table."""
    named = {"name": name, "fullyQualifiedName": name, "description": description}
    return json.dumps(named)


def look(
    store: Store,
    *asked: str | Term,
    limit: int = 10,
    offset: int = 0,
    **filters: tuple[str, ...],
) -> SearchResult:
    """Search for terms; ``"a b"`` is a phrase, and one that ends in a star a prefix."""
    each = tuple(_term(one) if isinstance(one, str) else one for one in asked)
    return store.search(SearchQuery(each, filters, limit, offset))


def found(store: Store, *asked: str | Term, **filters: tuple[str, ...]) -> set[str]:
    """The names of all that a search finds."""
    result = look(store, *asked, limit=100, offset=0, **filters)
    assert len(result.records) == result.total
    return {hit.name for hit in result.records}


def filtered(
    store: Store, *, limit: int = 99, after: str | None = None, **filters: tuple[str, ...]
) -> list[str]:
    """The names of the tables that a page with filters shows."""
    query = PageQuery("table", limit, after=after, filters=filters)
    return [record.fqn for record in store.page(query)]


def counts(result: SearchResult) -> dict[str, dict[str, int]]:
    """The facets that have a value."""
    return {facet: values for facet, values in result.facets.items() if values}


def _term(text: str) -> Term:
    return Term(tuple(text.removesuffix("*").split()), prefix=text.endswith("*"))

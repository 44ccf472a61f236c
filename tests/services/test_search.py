"""Search through the service: what point 5 of the design's search promises, on both engines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.catalog import CatalogService
from headwater.catalog.search import SearchService
from headwater.errors import InvalidInputError
from headwater.names import quote
from headwater.schemas import kind
from headwater.store import Store
from headwater.store.base import MAX_HITS, SearchText, Term
from headwater.store.draft import load
from headwater.store.text import search_text, terms
from headwater.testing.store_build import entity, found_by, writes
from headwater.testing.store_search import NASTY
from tests.services.shop import BOT, ME, Shop


@pytest.fixture
def search(store: Store) -> SearchService:
    return SearchService(store)


def names(answer: dict[str, Any]) -> set[str]:
    """The names of all hits of an answer that shows them all."""
    assert len(answer["data"]) == answer["total"]
    return {hit["name"] for hit in answer["data"]}


# Headwater's own tokens


@pytest.mark.parametrize(
    "text",
    ["orders", "customer", "customer_id", "orders.customer_id", "wh.main.shop.orders.customer_id",
     "CUSTOMER_ID", "customerId", "cust*", '"customer id"', "customer orders"],
)  # fmt: skip
def test_a_table_is_found_by_its_name_its_columns_and_their_words(
    shop: Shop, search: SearchService, text: str
) -> None:
    shop.table("orders", "id", "customer_id")
    shop.table("unrelated", "x")
    assert names(search.search(text)) == {"orders"}


@pytest.mark.parametrize(
    "text", ["\u00dcber", "uber", "U\u0308BER", "\u00fcber*", "ub*", "\u00dcb*"]
)
def test_accents_and_case_tell_nothing_apart(shop: Shop, search: SearchService, text: str) -> None:
    shop.model("\u00dcber")
    shop.model("other")
    assert names(search.search(text)) == {"\u00dcber"}


def test_names_of_one_word_are_found_however_their_capitals_stand(
    shop: Shop, search: SearchService
) -> None:
    shop.table("t", "customerId")
    shop.model("CustomerChurn")
    assert names(search.search("customerid")) == {"t"}
    assert names(search.search("customerchurn")) == {"CustomerChurn"}
    assert names(search.search("customer")) == {"t", "CustomerChurn"}


def test_descriptions_display_names_and_kinds_are_found(shop: Shop, search: SearchService) -> None:
    shop.model("m", displayName="Will they leave?", description="Who *cancels* soon")
    shop.table("t", "c")
    for text in ("leave", "cancels", "cancels leave m", "random forest", "leave model"):
        assert names(search.search(text)) == {"m"}
    assert search.search("table")["facets"]["kind"] == {"table": 1}


def test_a_phrase_stands_side_by_side(shop: Shop, search: SearchService) -> None:
    shop.model("a", description="daily orders of customers")
    shop.model("b", description="orders, daily")
    assert names(search.search("daily orders")) == {"a", "b"}
    assert names(search.search('"daily orders"')) == {"a"}
    assert names(search.search('"daily orders" customers')) == {"a"}
    assert names(search.search('"orders of cust"*')) == {"a"}


# Facets, filters, rank, bounds


@pytest.fixture
def tagged(catalog: CatalogService, shop: Shop) -> None:
    """A table and a model with owners, tags and services."""
    catalog.put("user", {"name": "ada"}, actor=ME)
    catalog.put("classification", {"name": "pii"}, actor=ME)
    catalog.put("tag", {"name": "email", "classification": "pii"}, actor=ME)
    shop.table("orders", "id")
    column = {"name": "mail", "dataType": "STRING", "tags": ["pii.email"]}
    body = {"name": "people", "databaseSchema": shop.schema, "columns": [column]}
    catalog.put("table", body, actor=ME)
    shop.model("orders", owners=[{"type": "user", "fullyQualifiedName": "ada"}])


@pytest.mark.usefixtures("tagged")
def test_facets_count_kinds_services_owners_and_tags(search: SearchService) -> None:
    answer = search.search("", filters={"kind": ["table", "mlmodel"]})
    assert answer["facets"] == {
        "kind": {"table": 2, "mlmodel": 1},
        "service": {"wh": 2, "headwater": 1},
        "owner": {"ada": 1},
        "tag": {"pii.email": 1},
        "stage": {},
    }
    assert list(answer["facets"]["kind"]) == ["table", "mlmodel"]


@pytest.mark.usefixtures("tagged")
def test_filters_narrow_a_search(search: SearchService) -> None:
    assert search.search("orders")["total"] == 2
    only = search.search("orders", filters={"kind": ["mlmodel"]})
    assert [(hit["kind"], hit["name"]) for hit in only["data"]] == [("mlmodel", "orders")]
    assert names(search.search("", filters={"tag": ["pii.email"]})) == {"people"}
    assert names(search.search("", filters={"owner": ["ada", "bob"]})) == {"orders"}
    assert search.search("", filters={"owner": ["bob"]})["total"] == 0
    assert search.search("people", filters={"service": "wh", "kind": []})["total"] == 1


def test_a_model_is_found_by_the_stages_of_its_versions(
    catalog: CatalogService, shop: Shop, search: SearchService
) -> None:
    model = shop.model()
    made = catalog.put("modelVersion", {"name": "v1", "mlmodel": model.fqn}, actor=ME)
    assert search.search("", filters={"stage": ["production"]})["total"] == 0
    catalog.model_versions.set_stage(made.id, "production", actor=ME)
    answer = search.search("", filters={"stage": ["production"]})
    assert names(answer) == {"churn", "v1"}
    assert answer["facets"]["stage"] == {"production": 2}


def test_a_hit_is_the_entity_as_reads_answer_it(
    catalog: CatalogService, shop: Shop, search: SearchService
) -> None:
    made = shop.model()
    (hit,) = search.search("churn")["data"]
    assert hit == {"kind": "mlmodel", **load(catalog.get("mlmodel", made.id))}


def test_a_match_in_the_name_comes_before_one_in_a_description(
    shop: Shop, search: SearchService
) -> None:
    shop.model("a", description="about churn")
    shop.model("churn")
    shop.model("z", description="more about churn")
    assert search.search("churn")["data"][0]["name"] == "churn"


def test_pages_follow_one_another(shop: Shop, search: SearchService) -> None:
    for number in range(7):
        shop.model(f"m{number}")
    seen, offset = list[str](), 0
    filters = {"kind": ["mlmodel"]}
    while True:
        answer = search.search("", filters=filters, limit=3, offset=offset)
        assert answer["total"] == 7
        seen += [hit["name"] for hit in answer["data"]]
        if "next" not in answer["paging"]:
            break
        offset = answer["paging"]["next"]
    assert sorted(seen) == [f"m{number}" for number in range(7)]
    assert search.search("", filters=filters, limit=0)["data"] == []


def test_beyond_2000_hits_a_search_is_approximate(store: Store, search: SearchService) -> None:
    many = [
        entity(f"t{n}", search=found_by("same", kind="table"), document="{}")
        for n in range(MAX_HITS + 1)
    ]
    store.commit(writes(*many))
    answer = search.search("same", limit=7, offset=MAX_HITS - 5)
    assert (answer["total"], answer["approximate"], len(answer["data"])) == (MAX_HITS, True, 5)
    assert answer["paging"] == {"limit": 7, "offset": MAX_HITS - 5}
    assert answer["facets"]["kind"] == {"table": MAX_HITS}


def test_what_is_deleted_is_found_again_when_it_is_restored(
    catalog: CatalogService, shop: Shop, search: SearchService
) -> None:
    made = shop.model("gone")
    catalog.delete("mlmodel", made.id, actor=ME)
    assert search.search("gone")["total"] == 0
    catalog.restore("mlmodel", made.id, actor=ME)
    assert names(search.search("gone")) == {"gone"}


def test_a_renamed_entity_and_what_lies_below_it_are_found_by_the_new_name(
    catalog: CatalogService, shop: Shop, search: SearchService
) -> None:
    shop.table("orders", "id")
    catalog.rename("databaseSchema", ("databaseSchema", shop.schema), "warehouse", actor=ME)
    assert names(search.search("warehouse")) == {"warehouse", "orders"}
    assert search.search("shop")["total"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": -1}, "limit is 0 to 1000"),
        ({"limit": 1001}, "limit is 0 to 1000"),
        ({"offset": -1}, "offset is 0 to 1999"),
        ({"offset": 2000}, "the first 2000 hits can be read"),
        ({"filters": {"color": ["red"]}}, "the facets are kind, service, owner, tag, stage"),
        ({"filters": {"kind": ["mlmodels"]}}, "there is no kind 'mlmodels'; the kinds are "),
        ({"filters": {"tag": [str(n) for n in range(101)]}}, "at most 100 values, not 101"),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_the_reason(
    search: SearchService, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        search.search("x", **options)


def test_too_many_words_are_refused(search: SearchService) -> None:
    with pytest.raises(InvalidInputError, match="at most 32 terms, not 40"):
        search.search("x " * 40)


# Text of people is never query syntax


@pytest.mark.parametrize("text", ["*", '"', "?!", "--", "\u2026", '"" ()'])
def test_signs_alone_find_nothing(shop: Shop, search: SearchService, text: str) -> None:
    shop.model(description=text)
    assert search.search(text)["total"] == 0


def oracle(corpus: dict[str, SearchText], asked: tuple[Term, ...]) -> set[str]:
    """The ids of what a query must find, by the port's own words."""
    return {id_ for id_, text in corpus.items() if all(_holds(text, term) for term in asked)}


def _holds(text: SearchText, term: Term) -> bool:
    fields = [f" {field} " for field in (text.name, text.path, text.text)]
    if not term.prefix:
        return any(f" {' '.join(term.words)} " in field for field in fields)
    *before, last = term.words
    begun = any(f" {last}" in field for field in fields)
    return begun and (not before or _holds(text, Term(tuple(before))))


DESCRIPTIONS = [
    *NASTY,
    "orders of customers", "customers of orders", "daily AND weekly", "daily weekly",
    "NOT daily", "name path text kind", "order orders ordered", "a b a b c", "b a",
]  # fmt: skip
FRAGMENTS = st.sampled_from(
    [word for text in DESCRIPTIONS for word in (text, *text.split()[:3])]
    + ["AND", "OR", "NOT", "NEAR(", "name:", "kind:mlmodel", "*", '"', "ord*", "^", "m1", "churn"]
)
QUERIES = st.lists(FRAGMENTS | st.text(max_size=8), min_size=1, max_size=5).map(" ".join)


def test_any_text_finds_what_its_words_say_and_nothing_else(
    store: Store, catalog: CatalogService, shop: Shop, search: SearchService
) -> None:
    """Every engine finds what the words say, so that all find the same."""
    shop.table("orders", "id", "customer_id")
    for number, text in enumerate(DESCRIPTIONS):
        name = f"m{number}" if number % 2 else (text.strip("\0\t\n")[:20].strip() or "x")
        if all(sign.isprintable() for sign in name):
            shop.model(name, description=text, actor=BOT)
    corpus = {}
    for which in ("mlmodelService", "databaseService", "database", "databaseSchema", "table",
                  "mlmodel"):  # fmt: skip
        for record in catalog.list(which, limit=1000).records:
            made = search_text(kind(which), load(record))
            assert made is not None
            corpus[record.id] = made

    # The store is only read, so that examples may share it.
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(QUERIES)
    def check(query: str) -> None:
        try:
            asked = terms(query)
        except InvalidInputError:
            with pytest.raises(InvalidInputError):
                search.search(query)
            return
        answer = search.search(query, limit=1000)
        found = {hit["id"] for hit in answer["data"]}
        assert found == (oracle(corpus, asked) if asked or not query.strip() else set())
        assert answer["total"] == len(found)

    check()


@pytest.mark.parametrize("value", ["a'b", 'a"b', "a*", "%", "a b", "*", "\u00fc", "x:y", "-"])
def test_filters_are_only_text(catalog: CatalogService, search: SearchService, value: str) -> None:
    made = catalog.put("mlmodelService", {"name": value, "serviceType": "Mlflow"}, actor=ME)
    body = {"name": "m", "algorithm": "x", "service": made.fqn}
    catalog.put("mlmodel", body, actor=ME)
    catalog.put("mlmodel", {"name": "other", "algorithm": "x"}, actor=ME)
    assert names(search.search("", filters={"service": [value]})) == {"m"}
    assert names(search.search("m", filters={"service": [value]})) == {"m"}
    assert search.search("", filters={"service": [quote(value) + "x"]})["total"] == 0

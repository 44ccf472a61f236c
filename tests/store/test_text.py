"""Words and terms: what is stored and what is asked are cut alike, whatever people write."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidInputError
from headwater.schemas import kind
from headwater.store.base import Term
from headwater.store.text import MAX_TERMS, MAX_WORD, MAX_WORDS, joined, search_text, terms, words
from headwater.testing.store_search import NASTY, ODD_WORDS

TEXT = st.text(max_size=60) | st.text('aB1_.*":- \u00fc\u00df\u4e2d\u0301\U0001f30a', max_size=30)


def asked(query: str) -> list[str]:
    """The terms of a query: words of a phrase joined by spaces, a star behind a prefix."""
    return [" ".join(term.words) + "*" * term.prefix for term in terms(query)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders.customer_id", "orders customer id"),
        ("customerId", "customer id"),
        ("HTTPServer2xx", "http server2xx"),
        ("aB2C", "a b2 c"),
        ("ID", "id"),
        ("a-b/c\\d:e|f g\th\nj", "a b c d e f g h j"),
        ("__x__", "x"),
        ("", ""),
        ("?!", ""),
        ("\u00dcber", "uber"),
        ("U\u0308ber", "uber"),
        ("\u00dcberMensch", "uber mensch"),
        ("Stra\u00dfe", "strasse"),
        ("\u0141\u00f3d\u017a \u00d8rsted \u00c6ther", "lodz orsted aether"),
        ("\u0130stanbul", "istanbul"),
        ("\ufb01le \u2460 \u00bd", "file 1 1 2"),
        ("\u0418\u0432\u0430\u043d", "\u0438\u0432\u0430\u043d"),
        ("\u4e2d\u6587abc", "\u4e2d \u6587 abc"),
        ("\u30c6\u30b9\u30c8", "\u30c6 \u30b9 \u30c8"),
        ("\u0939\u093f\u0928\u0926\u0940", "\u0939\u093f\u0928\u0926\u0940"),
        ("a\U0001f30ab", "a \U0001f30a b"),
        ("\u2764\ufe0f", "\u2764"),
        ("a\u200bb\u2028c\u00a0d", "a b c d"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert joined(text) == expected
    assert words(text) == expected.split()


@given(TEXT)
def test_words_are_plain_and_stay_what_they_are(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found
    assert words(text + " \u00fc")[:-1] == found  # ASCII is only a shortcut
    for word in found:
        assert 1 <= len(word) <= MAX_WORD
        assert not any(unicodedata.combining(sign) for sign in word)
        assert '"' not in word
        assert "_" not in word
        assert word.split() == [word]


@given(TEXT)
def test_terms_hold_the_words_of_the_text_in_order(text: str) -> None:
    found = [word for term in terms(text) for word in term.words]
    assert found == words(text)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_is_only_words(text: str) -> None:
    assert [word for term in terms(text) for word in term.words] == words(text)


@pytest.mark.parametrize("word", ODD_WORDS)
def test_words_of_the_suite_are_words(word: str) -> None:
    """But for letters that stand for others here: a store need not know which those are."""
    assert len(words(word)) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("orders customer", ["orders", "customer"]),
        ("customer_id customerId", ["customer id", "customer id"]),
        ("orders.customer_id", ["orders", "customer id"]),
        ("table:wh/main", ["table", "wh", "main"]),
        ('"orders customer"', ["orders customer"]),
        ('"orders.customer id"', ["orders customer id"]),
        ('"big orders"*', ["big orders*"]),
        ("\u00fcber*", ["uber*"]),
        ("big.ord*", ["big", "ord*"]),
        ("customer_i*", ["customer i*"]),
        ("ord*ers", ["ord ers"]),
        ("*orders", ["orders"]),
        ('"open and', ["open", "and"]),
        ('a"b c"d', ["a", "b c", "d"]),
        ("NOT a OR b", ["not", "a", "or", "b"]),
        ("* \" ' ( ) - + : ^ ~", []),
        ("", []),
    ],
)
def test_terms(query: str, expected: list[str]) -> None:
    assert asked(query) == expected


def test_a_prefix_belongs_to_the_last_word() -> None:
    assert terms("shop_ord*") == (Term(("shop", "ord"), prefix=True),)


def test_too_many_terms_are_refused() -> None:
    assert len(terms("x " * MAX_TERMS)) == MAX_TERMS
    with pytest.raises(InvalidInputError, match="at most 32 terms, not 33"):
        terms("x " * (MAX_TERMS + 1))


def test_long_texts_and_words_are_cut() -> None:
    assert joined("x" * 1000) == "x" * MAX_WORD
    assert terms("X" * 1000) == terms("x" * 2000)
    assert joined("word " * (MAX_WORDS + 5)).count("word") == MAX_WORDS


def model(**fields: Any) -> dict[str, Any]:
    """The document of a model as it is stored."""
    plain = {"name": "customerChurn", "fullyQualifiedName": "headwater.customerChurn"}
    return {**plain, "algorithm": "RandomForest", **fields}


def test_search_text_has_names_paths_texts_and_facets() -> None:
    feature = {
        "name": "orders_per_day",
        "description": "Mean of 30 days",
        "featureSources": [{"name": "orderId"}],
    }
    made = search_text(
        kind("mlmodel"),
        model(displayName="Will they leave?", description="**Daily**", mlFeatures=[feature]),
    )
    assert made is not None
    assert made.name == "customer churn will they leave customerchurn"
    assert made.path == (
        "headwater customer churn orders per day order id headwater customerchurn orderid"
    )
    assert made.text == "ml model mlmodel daily random forest mean of 30 days"
    assert made.facets == {"kind": ("mlmodel",), "service": ("headwater",)}


def test_search_text_has_columns_at_every_depth() -> None:
    inner = {"name": "zip", "dataType": "STRING", "description": "of the address"}
    columns = [
        {"name": "id", "dataType": "INT"},
        {"name": "address", "dataType": "STRUCT", "children": [inner]},
    ]
    document = {"name": "orders", "fullyQualifiedName": 'wh."a.b".orders', "columns": columns}
    made = search_text(kind("table"), document)
    assert made is not None
    assert made.path == "wh a b orders id address zip"
    assert made.text == "table table of the address"
    assert made.facets == {"kind": ("table",), "service": ("wh",)}


def test_facets_come_from_owners_tags_and_stages() -> None:
    names = ("pii.email", "pii.email", "tier.gold")
    tagged = [{"id": name, "type": "tag", "fullyQualifiedName": name} for name in names]
    stages = {"stages": [{"stage": "staging"}, {"stage": "production"}]}
    owners = [
        {"id": "1", "type": "user", "fullyQualifiedName": "ada"},
        {"id": "2", "type": "team", "fullyQualifiedName": "ops"},
    ]
    made = search_text(kind("mlmodel"), model(owners=owners, tags=tagged, lifecycle=stages))
    assert made is not None
    assert made.facets["tag"] == ("pii.email", "tier.gold")
    assert made.facets["owner"] == ("ada", "ops")
    assert made.facets["stage"] == ("staging", "production")


def test_what_is_deleted_has_no_search_text() -> None:
    assert search_text(kind("mlmodel"), model(deleted=True)) is None
